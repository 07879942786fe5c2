"""Keeping user triggers silent while rows are written, and leaving every trigger's state as it was.

Two ways, both undone by the end of the transaction whichever way it ends:

- *replica role*: `SET LOCAL session_replication_role = replica`, for superusers and roles that were granted it. Foreign
  keys are not checked then either, so the tables involved are locked and every foreign key is validated by query.
- *owner*: ALTER TABLE … DISABLE TRIGGER for each user trigger, one by one. Foreign keys stay in force.

Each partition has triggers of its own, and its own states of those of the partitioned table: they are turned off and on
again one by one (ONLY), at every level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.naming import NAMED, identifier, parameter
from toolkit.postgres.session.connection import Connection

_ENABLE: dict[str, LiteralString] = {
    "O": "ALTER TABLE ONLY {} ENABLE TRIGGER {}",
    "A": "ALTER TABLE ONLY {} ENABLE ALWAYS TRIGGER {}",
    "R": "ALTER TABLE ONLY {} ENABLE REPLICA TRIGGER {}",
}

_TRIGGERS = sql.SQL("""
SELECT c.named, r.named, t.tgname, t.tgenabled::text, pg_has_role(r.relowner, 'USAGE')
FROM {NAMED} c
JOIN {NAMED} r ON r.oid = c.oid OR (c.relkind = 'p' AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
JOIN pg_trigger t ON t.tgrelid = r.oid
WHERE c.named = ANY (%(tables)s) AND NOT t.tgisinternal AND t.tgenabled::text = ANY (%(states)s)
ORDER BY c.named COLLATE "C", r.named COLLATE "C", t.tgname COLLATE "C"
""").format(NAMED=NAMED)


def may_bypass(connection: Connection) -> bool:
    """Tell whether this role may set session_replication_role."""
    row = connection.execute("SELECT current_setting('is_superuser') = 'on'").fetchone()
    if row == (True,):
        return True
    if connection.info.server_version < 150000:
        return False
    granted = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    return connection.execute(granted).fetchone() == (True,)


def loud_triggers(
    connection: Connection, schemas: Schemas, tables: Iterable[str], *, bypass: bool
) -> list[tuple[str, str]]:
    """Give the user triggers of these tables, as (table, trigger), that this role cannot keep silent."""
    found = dict[tuple[str, str], str]()
    for whole, table, name, _, owned in _triggers_to_disable(connection, schemas, tables, bypass=bypass):
        if not owned:
            found.setdefault((whole, name), table)  # those of partitions follow
    return [(table, name) for (_, name), table in found.items()]


def tables_to_alter(connection: Connection, schemas: Schemas, tables: Iterable[str], *, bypass: bool) -> set[str]:
    """Give those of these tables that have user triggers which have to be disabled one by one."""
    return {table for table, *_ in _triggers_to_disable(connection, schemas, tables, bypass=bypass)}


@contextmanager
def silent_triggers(connection: Connection, schemas: Schemas, tables: Iterable[str], *, bypass: bool) -> Iterator[None]:
    """Run the block with the user triggers of these tables silent.

    Args:
        bypass: use the replica role, which suspends foreign-key triggers too.
    """
    triggers = _triggers_to_disable(connection, schemas, tables, bypass=bypass)
    for _, table, name, _, _ in triggers:
        _alter(connection, "ALTER TABLE ONLY {} DISABLE TRIGGER {}", schemas, table, name)
    if bypass:
        connection.execute("SET LOCAL session_replication_role = replica")
    yield
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if bypass:
        connection.execute("SET LOCAL session_replication_role = origin")
    for _, table, name, state, _ in triggers:
        _alter(connection, _ENABLE[state], schemas, table, name)


def _triggers_to_disable(
    connection: Connection, schemas: Schemas, tables: Iterable[str], *, bypass: bool
) -> list[tuple[Any, ...]]:
    # under the replica role ordinary triggers are silent already; those that fire in it, or always, are not
    states = ["A", "R"] if bypass else ["O", "A"]
    return connection.execute(
        _TRIGGERS, {"schemas": parameter(schemas), "tables": sorted(tables), "states": states}
    ).fetchall()


def _alter(connection: Connection, statement: LiteralString, schemas: Schemas, table: str, trigger: str) -> None:
    connection.execute(sql.SQL(statement).format(identifier(schemas, table), sql.Identifier(trigger)))
