"""Rows that are to be in a table, found again by a natural key: staged, compared, inserted and updated."""
