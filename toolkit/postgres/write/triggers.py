"""Keeping user triggers silent while rows are written, and leaving every trigger's state as it was.

Two ways, both undone by the end of the transaction whichever way it ends:

- *replica role*: `SET LOCAL session_replication_role = replica`, for superusers and roles that were granted it. Foreign
  keys are not checked then either, so the tables involved are locked and every foreign key is validated by query.
- *owner*: ALTER TABLE … DISABLE TRIGGER for each user trigger, one by one. Foreign keys stay in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import sql

from toolkit.postgres.session.connection import Connection

_ENABLE: dict[str, LiteralString] = {
    "O": "ALTER TABLE {} ENABLE TRIGGER {}",
    "A": "ALTER TABLE {} ENABLE ALWAYS TRIGGER {}",
    "R": "ALTER TABLE {} ENABLE REPLICA TRIGGER {}",
}

_TRIGGERS = """
SELECT c.relname, t.tgname, t.tgenabled::text, pg_has_role(c.relowner, 'USAGE')
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = to_regnamespace(quote_ident(%s)) AND c.relname = ANY (%s)
      AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled::text = ANY (%s)
ORDER BY c.relname COLLATE "C", t.tgname COLLATE "C"
"""


def may_bypass(connection: Connection) -> bool:
    """Tell whether this role may set session_replication_role."""
    row = connection.execute("SELECT current_setting('is_superuser') = 'on'").fetchone()
    if row == (True,):
        return True
    if connection.info.server_version < 150000:
        return False
    granted = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    return connection.execute(granted).fetchone() == (True,)


def loud_triggers(connection: Connection, schema: str, tables: Iterable[str], *, bypass: bool) -> list[tuple[str, str]]:
    """Give the user triggers of these tables, as (table, trigger), that this role cannot keep silent."""
    return [
        (table, name)
        for table, name, _, owned in _triggers_to_disable(connection, schema, tables, bypass=bypass)
        if not owned
    ]


def tables_to_alter(connection: Connection, schema: str, tables: Iterable[str], *, bypass: bool) -> set[str]:
    """Give those of these tables that have user triggers which have to be disabled one by one."""
    return {table for table, _, _, _ in _triggers_to_disable(connection, schema, tables, bypass=bypass)}


@contextmanager
def silent_triggers(connection: Connection, schema: str, tables: Iterable[str], *, bypass: bool) -> Iterator[None]:
    """Run the block with the user triggers of these tables silent.

    Args:
        bypass: use the replica role, which suspends foreign-key triggers too.
    """
    triggers = _triggers_to_disable(connection, schema, tables, bypass=bypass)
    for table, name, _, _ in triggers:
        _alter(connection, "ALTER TABLE {} DISABLE TRIGGER {}", schema, table, name)
    if bypass:
        connection.execute("SET LOCAL session_replication_role = replica")
    yield
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if bypass:
        connection.execute("SET LOCAL session_replication_role = origin")
    for table, name, state, _ in triggers:
        _alter(connection, _ENABLE[state], schema, table, name)


def _triggers_to_disable(
    connection: Connection, schema: str, tables: Iterable[str], *, bypass: bool
) -> list[tuple[Any, ...]]:
    # under the replica role ordinary triggers are silent already; those that fire in it, or always, are not
    states = ["A", "R"] if bypass else ["O", "A"]
    return connection.execute(_TRIGGERS, [schema, sorted(tables), states]).fetchall()


def _alter(connection: Connection, statement: LiteralString, schema: str, table: str, trigger: str) -> None:
    connection.execute(sql.SQL(statement).format(sql.Identifier(schema, table), sql.Identifier(trigger)))
