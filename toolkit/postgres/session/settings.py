"""The settings under which the text of every value is the same everywhere, and nothing ends a transaction early."""

from __future__ import annotations

SETTINGS = {
    # what pg_dump sets, so that output is the same on every server (src/bin/pg_dump/pg_dump.c, setup_connection)
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
    "lc_monetary": "C",
    # what a database or role may be set to that changes how text is read
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "synchronize_seqscans": "off",
    "row_security": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",  # 17 and later
    # a transaction that may only read can make no temporary table, and restores nothing
    "default_transaction_read_only": "off",
    "default_table_access_method": "heap",
    "quote_all_identifiers": "off",
    # who is gone holds no locks for long
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
    "jit": "off",
    "work_mem": "64MB",
    # of temporary tables, which are read a few times: how many rows fit a value is known well enough by a few thousand
    "default_statistics_target": "10",
    "client_min_messages": "warning",
}
"""By name: what a session is set to, or, behind a pooler, every transaction."""

TIMEOUTS = tuple(name for name in SETTINGS if name.endswith("_timeout"))
"""Those that end what takes long."""
