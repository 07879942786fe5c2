"""Rows of JSON backups, put into a database with the application's schema."""
