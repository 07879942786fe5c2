"""Databases of a private server that are made once, and are never half made."""

from __future__ import annotations

from collections.abc import Callable

from psycopg import sql

from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import connect


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
