"""Forms in which rows leave a backup for other programs: one file per form, none of which asks a database."""
