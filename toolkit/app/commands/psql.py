"""`psql`: open the database of a host, or a scratch database, with PostgreSQL's own client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, Call, Command
from toolkit.errors import TaskError
from toolkit.output.answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `psql` is given."""

    command: str = command.text("a statement to run instead of waiting for some")


def _psql(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.actions.targets import database_named
    from toolkit.postgres.servers.programs import open_with_psql

    name = call.named_host()
    inventory = call.control.load_inventory()
    conninfo, programs = database_named(inventory, name)
    # a private server runs for as long as this process does
    code = open_with_psql(conninfo, named=programs, statement=given.command)
    if code:
        raise TaskError(f"psql on {name} ended with exit code {code}")
    yield from ()


COMMAND = Command(
    name="psql",
    summary="Open a database with psql, a scratch database too",
    usage="--host H [--command SQL]",
    needs=(HOST._replace(help="a host, `embedded:NAME`, or `HOST:DATABASE` on the server of a host"), INVENTORY),
    options=Options,
    body=_psql,
)
