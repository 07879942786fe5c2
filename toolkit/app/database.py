"""Opening a host's database for a command that only looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toolkit.actions.databases import open_database
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import InputError
from toolkit.model.catalog import Catalog
from toolkit.model.secret import Secret
from toolkit.postgres.session.connection import Connection, connect


@contextmanager
def opened(inventory: LoadedInventory, name: str, *, command: str) -> Iterator[tuple[Connection, Catalog]]:
    """A connection to a host's database, and its catalog file.

    Raises:
        InputError: no host is named, there is none of that name, or it has no catalog.
        DatabaseError: the database cannot be reached.
    """
    if not name:
        raise InputError("no host is named", hint=f"invoke {command} --host HOST; hosts are in inventory/hosts.yml")
    host = inventory.host(name)
    if not host.catalog:
        raise InputError(f"host {name} has no catalog", hint="set `catalog:` for it in inventory/hosts.yml")
    catalog = inventory.catalog(host.catalog)
    database = host.database.reveal() if isinstance(host.database, Secret) else host.database
    with connect(open_database(inventory.directory, database), application=f"playback {command}") as connection:
        yield connection, catalog
