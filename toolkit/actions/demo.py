"""The action `demo`: fill an empty database with the demo application."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from toolkit import demo
from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, about
from toolkit.actions.context import Context
from toolkit.actions.targets import connection_to, conninfo_of
from toolkit.errors import RefusedError
from toolkit.model.outcome import Moved, Outcome
from toolkit.postgres.schema.introspection import read_schema
from toolkit.wording import counted

_SCHEMA = "public"


class Scale(StrEnum):
    """How much data there may be."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class DemoApplicationArguments(Arguments, frozen=True, kw_only=True):
    """Which data."""

    scale: Annotated[Scale, about("How much data.", "small")] = Scale.SMALL
    seed: Annotated[
        Annotated[int, Meta(ge=0)],
        about("The number that the data follow from; the same number gives the same data.", 1),
    ] = 1


def run(arguments: DemoApplicationArguments, context: Context) -> Outcome:
    """Create the demo application's tables in the host's database and fill them.

    Returns:
        Facts `tables` and `rows`.

    Raises:
        RefusedError: the database has tables already; nothing is touched.
        DatabaseError: the server cannot be reached or refuses.
    """
    with connection_to(context, context.host, "demo") as connection:
        tables = read_schema(connection, [_SCHEMA]).tables
    if tables:
        raise RefusedError(
            f"the database of host {context.host.name} is not empty: schema {_SCHEMA} has"
            f" {counted(len(tables), 'table')}",
            hint="load it into a new database, e.g. a host with `database: embedded:NAME`",
        )
    if context.check:
        return Outcome(changed=True, message=f"would load the demo application, scale {arguments.scale}")
    report = demo.load(conninfo_of(context, context.host), scale=arguments.scale, seed=arguments.seed)
    return Outcome(
        changed=True,
        message=f"{counted(report.total, 'row')} in {counted(len(report.rows), 'table')}",
        facts={"tables": len(report.rows), "rows": report.total},
        moved=(Moved(what="demo", tables=len(report.rows), rows=report.total, bytes=0, seconds=report.seconds),),
    )


ACTION = Action(
    name="demo",
    does="Fill the host's empty database with the demo application.",
    examples=({"scale": "small", "seed": 1},),
    arguments=DemoApplicationArguments,
    run=run,
    writes=True,
)
