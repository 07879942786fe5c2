"""What the system catalogs say, read once: tables, keys, operators, sequences; and a table as SQL."""
