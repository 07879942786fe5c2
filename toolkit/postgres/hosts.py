"""What the `database` of a host in the inventory means: a conninfo as it is, or a private server started on demand."""

from __future__ import annotations

from pathlib import Path

from psycopg import sql

from toolkit.postgres import demo, embedded
from toolkit.postgres.connection import connect
from toolkit.postgres.embedded import EmbeddedServer

DEMO = "demo"
"""The embedded database that is filled with the reference application on first use."""


def conninfo(control: Path, database: str) -> str:
    """The libpq conninfo of a host's database.

    Args:
        control: the control directory; private servers live in `.playback` below it.
        database: a libpq URI or conninfo, which comes back as it is, or `embedded:NAME`: then the server is started
            and its database NAME created on first use. `embedded:demo` is filled with the reference application.

    Raises:
        InputError: NAME is not a name.
        DatabaseError: the private server does not start or refuses.
    """
    if not database.startswith("embedded:"):
        return database
    directory = embedded.directory_of(control, database)
    server = embedded.start(directory)
    name = database.removeprefix("embedded:")
    create_once(server, name, filled=name == DEMO)
    return server.conninfo(name)


def create_once(server: EmbeddedServer, name: str, *, filled: bool) -> None:
    """Create a database if it is missing, with the reference application in it where `filled`.

    Safe against other processes doing the same, and against being killed: the database gets its name when it is
    complete, so one that exists is never half filled.
    """
    if server.has_database(name):
        return
    with connect(server.superuser) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [f"create database {name}"])
        if server.has_database(name):
            return
        draft = f"{name}.draft"
        server.drop_database(draft)
        made = server.create_database(draft)
        if filled:
            demo.load(made)
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
        connection.execute(rename)
