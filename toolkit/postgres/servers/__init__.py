"""Private PostgreSQL servers and scratch databases: made, started, stopped."""
