"""Opening what the inventory names: a host's database and a repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toolkit.actions.arguments import BundleFile, repository_name
from toolkit.actions.context import Context, Inventory
from toolkit.actions.databases import embedded_databases, open_database
from toolkit.errors import InputError
from toolkit.model.catalog import Catalog
from toolkit.model.host import EmbeddedDatabase, Host, RepositoryConfig, ServerDatabase
from toolkit.postgres.session.connection import Connection, another_database, connect
from toolkit.storage.known import KnownRepositories
from toolkit.storage.repository import Repository
from toolkit.wording import meant


def conninfo_of(context: Context, host: Host) -> str:
    """Give the conninfo of a host's database; an embedded one is started for it."""
    return open_database(context.inventory.directory, host.database)


def database_named(inventory: Inventory, name: str) -> tuple[str, str]:
    """Give the conninfo of a database by name, and the directory of the client programs for it, where one is named.

    Args:
        name: a host, `embedded:NAME`, or `HOST:DATABASE`, another database on the server of a host.

    Raises:
        InputError: there is no such host, or no private server of that name: it is not made for being looked at.
    """
    if (private := EmbeddedDatabase.of(name)) is not None:
        there = embedded_databases(inventory.directory)
        if private not in there:
            raise InputError(
                f"there is no {name}{meant(name, map(str, there))}",
                hint=f"there are: {', '.join(map(str, there)) or 'none'}. A host's own is made when a run first uses"
                " it, a scratch database by the restore that has `scratch`",
            )
        return open_database(inventory.directory, name), ""
    beside = ServerDatabase.of(name)
    host = inventory.host(beside.host if beside else name)
    conninfo = open_database(inventory.directory, (host.direct if beside else "") or host.database)
    return another_database(conninfo, beside.database) if beside else conninfo, host.programs


def direct_conninfo_of(context: Context, host: Host) -> str:
    """Give the conninfo of a host's database without a pooler in between, where the inventory names it."""
    return open_database(context.inventory.directory, host.direct or host.database)


@contextmanager
def connection_to(context: Context, host: Host, purpose: str) -> Iterator[Connection]:
    """Open a connection to a host's database; `purpose` is shown in pg_stat_activity."""
    with connect(conninfo_of(context, host), application=f"playback {purpose}") as connection:
        yield connection


def catalog_of(context: Context, host: Host) -> Catalog:
    """Give the catalog of a host; InputError when the inventory names none."""
    if not host.catalog:
        raise InputError(f"host {host.name} has no catalog", hint="set `catalog:` for it in inventory/hosts.yml")
    return context.inventory.catalog(host.catalog)


def repository_of(context: Context, name: str | BundleFile, *, create: bool = False) -> Repository:
    """Give the named repository, or the host's own for an empty name; made first when `create` is given."""
    return known_repositories(context).open(repository_config(context, name), create=create)


def known_repositories(context: Context) -> KnownRepositories:
    """Give what opens repositories, and knows those that were used from this control directory."""
    return KnownRepositories(context.inventory.directory)


def repository_config(context: Context, name: str | BundleFile) -> RepositoryConfig:
    """Say where the named repository is, or the host's own for an empty name; InputError when there is none."""
    name = repository_name(name) or context.host.repository
    if not name:
        raise InputError(
            f"no repository is named, and host {context.host.name} has none",
            hint="name it in the task (`repository:`) or for the host in inventory/hosts.yml",
        )
    return context.inventory.repository(name)
