"""The action `seed`: fill an empty database with the demo application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit import demo
from toolkit.actions.context import Context
from toolkit.actions.targets import connection_to, conninfo_of
from toolkit.errors import RefusedError
from toolkit.model.outcome import Moved, Outcome
from toolkit.postgres.schema.introspection import read_schema

_SCHEMA = "public"


def seed(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Create the demo application's tables in the host's database and fill them.

    Returns:
        Facts `tables` and `rows`.

    Raises:
        RefusedError: the database has tables already; nothing is touched.
        DatabaseError: the server cannot be reached or refuses.
    """
    scale, number = str(arguments.get("scale", "small")), int(arguments.get("seed", 1))
    with connection_to(context, context.host, "seed") as connection:
        tables = read_schema(connection, _SCHEMA).tables
    if tables:
        raise RefusedError(
            f"the database of host {context.host.name} is not empty: schema {_SCHEMA} has {len(tables)} tables",
            hint="seed a new database, e.g. a host with `database: embedded:NAME`",
        )
    if context.check:
        return Outcome(changed=True, message=f"would load the demo application, scale {scale}")
    report = demo.load(conninfo_of(context, context.host), scale=scale, seed=number)
    return Outcome(
        changed=True,
        message=f"{report.total:,} rows in {len(report.rows)} tables",
        facts={"tables": len(report.rows), "rows": report.total},
        moved=(Moved(what="seed", tables=len(report.rows), rows=report.total, bytes=0, seconds=report.seconds),),
    )
