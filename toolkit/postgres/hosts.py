"""What the `database` of a host in the inventory means: a conninfo as it is, or a private server started on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from psycopg import sql

from toolkit.postgres import demo, embedded
from toolkit.postgres.connection import connect
from toolkit.postgres.demo.hard import load_hard
from toolkit.postgres.embedded import EmbeddedServer

FILLED: Mapping[str, Callable[[str], object]] = {
    "demo": demo.load,
    **{f"demo-{scale}": partial(demo.load, scale=scale) for scale in demo.SCALES},
    "hard": load_hard,
}
"""The embedded databases that are filled on first use: the reference application at a scale, and the hard schema."""


def conninfo(control: Path, database: str) -> str:
    """The libpq conninfo of a host's database.

    Args:
        control: the control directory; private servers live in `.playback` below it.
        database: a libpq URI or conninfo, which comes back as it is, or `embedded:NAME`: then the server is started
            and its database NAME created on first use. `embedded:demo` (or `demo-medium`, `demo-large`) is filled with
            the reference application, `embedded:hard` with the schema of everything that is hard to back up.

    Raises:
        InputError: NAME is not a name.
        DatabaseError: the private server does not start or refuses.
    """
    if not database.startswith("embedded:"):
        return database
    directory = embedded.directory_of(control, database)
    server = embedded.start(directory)
    name = database.removeprefix("embedded:")
    create_once(server, name, fill=FILLED.get(name))
    return server.conninfo(name)


def create_once(server: EmbeddedServer, name: str, *, fill: Callable[[str], object] | None = None) -> None:
    """Create a database if it is missing, and have `fill` put something into it.

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
        if fill is not None:
            fill(made)
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
        connection.execute(rename)
