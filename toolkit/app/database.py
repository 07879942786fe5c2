"""Opening a host's database for a command that only looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toolkit.actions.databases import open_database
from toolkit.app.command import Call
from toolkit.errors import InputError
from toolkit.model.catalog import Catalog
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.hurrying import connect_within


@contextmanager
def opened(call: Call) -> Iterator[tuple[Connection, Catalog]]:
    """Connect to the database of the host that a command was given; gives the host's catalog file with it.

    Raises:
        InputError: no host is named, there is none of that name, or it has no catalog.
        DatabaseError: the database cannot be reached, or takes longer than the command may.
    """
    name = call.named_host()
    inventory = call.control.load_inventory()
    host = inventory.host(name)
    if not host.catalog:
        raise InputError(f"host {name} has no catalog", hint="set `catalog:` for it in inventory/hosts.yml")
    catalog = inventory.catalog(host.catalog)
    conninfo = open_database(inventory.directory, host.database)
    with connect_within(conninfo, call.seconds, application=f"playback {call.command.name}") as connection:
        yield connection, catalog
