"""Tables whose updates or deletes are published to other databases: the server lets nobody do what it cannot tell them.

It looks at the statement, not at rows, so it can be asked beforehand; EXPLAIN fires no trigger and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.plan import RestorePlan
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql, assigned
from toolkit.postgres.session.connection import Connection, first_line

_CANNOT_TELL = (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.InvalidColumnReference)


def refuse_unpublishable(connection: Connection, schema: DatabaseSchema, plan: RestorePlan, *, bypass: bool) -> None:
    """Raise RefusedError with all tables that the plan changes in a way that a publication cannot tell others.

    Args:
        bypass: foreign keys do not act while rows are written.
    """
    if connection.execute("SELECT 1 FROM pg_publication LIMIT 1").fetchone() is None:
        return
    statements = dict.fromkeys(_statements(schema, plan, bypass=bypass))
    if reasons := [said for each in statements if (said := _refusal(connection, schema, *each))]:
        raise RefusedError(
            "the target publishes changes of tables without saying which row changed",
            reasons,
            hint="give them a replica identity that fits, as `ALTER TABLE … REPLICA IDENTITY FULL` always does, or take"
            " them out of the publication; nothing was changed",
        )


def _statements(schema: DatabaseSchema, plan: RestorePlan, *, bypass: bool) -> Iterator[tuple[str, str]]:
    """What is done to tables, as (table, UPDATE or DELETE)."""
    gone = set[str]()
    for name, table in sorted(plan.tables.items()):
        if table.deletes + table.rewritten:
            gone.add(name)
            yield name, "DELETE"
        if table.updates + table.set_null:
            yield name, "UPDATE"
    if bypass:
        return
    # foreign keys act by statements of their own, also where there is no such row
    for child in schema.tables.values():
        for key in child.foreign_keys:
            if key.enforced and key.parent in gone and key.on_delete not in ("no action", "restrict"):
                yield child.name, "DELETE" if key.on_delete == "cascade" else "UPDATE"


def _refusal(connection: Connection, schema: DatabaseSchema, table: str, verb: str) -> str:
    """What the server says against a statement; empty for nothing."""
    name: Sql = sql.SQL("{}").format(identifier(schema.schemas, table))
    statement = sql.SQL("EXPLAIN DELETE FROM {}").format(name)
    if verb == "UPDATE":
        column = schema.tables[table].column_names[0]
        statement = sql.SQL("EXPLAIN UPDATE {} SET {}").format(name, assigned(column, sql.DEFAULT))
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except _CANNOT_TELL as error:
        return first_line(error)
    except psycopg.errors.InsufficientPrivilege:  # foreign keys act as the table's owner
        return ""
    return ""
