"""Exports loaded elsewhere by psql alone, and what databases hold, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from toolkit.postgres.servers.programs import fitting


def psql(conninfo: str, *commands: str, file: Path | None = None) -> None:
    """Run psql as any person would; ProgramError where it complains."""
    with psycopg.connect(conninfo) as connection:
        version = connection.info.server_version // 10000
    given = [*(part for each in commands for part in ("-c", each)), *(["-f", str(file)] if file else [])]
    programs = next(fitting("", source=version, target=version))
    programs.run("psql", ["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", *given], database=conninfo)


def load(conninfo: str, file: Path) -> None:
    """Load a file of SQL."""
    psql(conninfo, file=file)


def content(conninfo: str, tables: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The rows of tables, as SQL names them, as COPY text in any order."""
    found = {}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET lc_monetary = 'C'")
        for table in tables:
            with connection.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT".encode()) as copy:
                found[table] = sorted(bytes(line).decode() for line in copy)
    return found


def sequences(conninfo: str) -> Sequence[tuple[object, ...]]:
    """Where sequences stand."""
    query = b"SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return connection.execute(query).fetchall()
