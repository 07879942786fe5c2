"""A PostgreSQL that the machine has installed: other versions, and what the embedded ones lack, ICU and libxml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from toolkit.postgres.servers.embedded import OWNER, EmbeddedServer

BINARIES = Path("/usr/lib/postgresql/15/bin")
"""Where Debian and its kin put version 15."""

PROGRAMS = os.environ.get("PLAYBACK_POSTGRES", "")
"""The directory with initdb and pg_ctl of a server that takes the place of PostgreSQL 18; empty for none."""


def _version() -> int:
    if not PROGRAMS:
        return 18
    said = subprocess.run([str(Path(PROGRAMS) / "postgres"), "--version"], check=True, capture_output=True, text=True)
    return int(re.findall(r" (\d+)", said.stdout)[0])


VERSION = _version()
"""The major version of that server."""


def needs(version: int) -> pytest.MarkDecorator:
    """A test in the SQL of a later version than the server may have."""
    return pytest.mark.skipif(version > VERSION, reason=f"this SQL is of PostgreSQL {version}")


_COPIED = sql.SQL("STRATEGY file_copy" if VERSION > 14 else "")
"""How a new database comes from its template: through the log, which is the default, it takes three times as long."""


def copied_database(server: EmbeddedServer, name: str, template: str) -> str:
    """Make a database as a copy of another; gives its conninfo."""
    made = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} {}").format(
        sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template), _COPIED
    )
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        connection.execute(made)
    return server.conninfo(name)


@contextmanager
def installed_server(binaries: Path, **settings: str) -> Iterator[EmbeddedServer]:
    """A new server by these programs, in a temporary directory with its socket; it and its data are gone afterwards.

    Args:
        settings: of the server, beside our own.
    """
    directory = Path(tempfile.mkdtemp(prefix="playback-"))
    # initdb refuses to run as root
    account = "nobody" if hasattr(os, "geteuid") and os.geteuid() == 0 else None
    if account:
        shutil.chown(directory, account)

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), "-D", str(directory / "data"), *arguments]
        subprocess.run(command, user=account, check=True, stdout=subprocess.DEVNULL, cwd=directory)

    all_settings = {"listen_addresses": "", "unix_socket_directories": str(directory), "fsync": "off", **settings}
    options = " ".join(f"-c {name}={value}" for name, value in all_settings.items())
    try:
        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "-N")
        run("pg_ctl", "-w", "-s", "-l", str(directory / "log"), "-o", options, "start")
        try:
            place = {"host": str(directory), "port": settings.get("port", "5432")}
            superuser = make_conninfo("", **place, user="postgres", dbname="postgres")
            with psycopg.connect(superuser, autocommit=True) as connection:
                connection.execute(f"CREATE ROLE {OWNER} LOGIN".encode())
                if connection.info.server_version < 150000:
                    _own_public(connection, superuser)
            yield EmbeddedServer(directory=directory / "data", superuser=superuser, binaries=binaries)
        finally:
            run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _own_public(connection: psycopg.Connection[Any], superuser: str) -> None:
    """Give the schema `public` of new databases to their owner, as PostgreSQL itself does from version 15 on."""
    connection.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
    with psycopg.connect(superuser, dbname="template0", autocommit=True) as template:
        template.execute(f"ALTER SCHEMA public OWNER TO {OWNER}".encode())
    connection.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS false")
