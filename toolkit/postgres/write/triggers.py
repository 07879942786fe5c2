"""Keeping user triggers and rules silent while rows are written, and leaving the state of each as it was.

Two ways, both undone by the end of the transaction whichever way it ends:

- *replica role*: `SET LOCAL session_replication_role = replica`, for superusers and roles that were granted it. Foreign
  keys are not checked then either, so the tables involved are locked and every foreign key is validated by query.
- *owner*: ALTER TABLE … DISABLE TRIGGER or RULE for each of them, one by one. Foreign keys stay in force.

Each partition has triggers of its own, and its own states of those of the partitioned table: they are turned off and on
again one by one (ONLY), at every level. A rule applies to what is written by the name of its table only.

Foreign keys that act on the rows of another table do so by statements of their own, for which its triggers FOR EACH
STATEMENT fire even where there is no such row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import LiteralString

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.schema.introspection import USER_TRIGGER
from toolkit.postgres.schema.naming import NAMED, identifier, parameter
from toolkit.postgres.session.connection import Connection

_ENABLE: dict[str, LiteralString] = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}

_ACTING = ("cascade", "set null", "set default")

_EVENT_TRIGGERS = """
SELECT evtname::text FROM pg_event_trigger
WHERE evtenabled::text = ANY (CASE WHEN current_setting('session_replication_role') = 'replica'
                                   THEN ARRAY['R', 'A'] ELSE ARRAY['O', 'A'] END)
      AND evtevent = ANY ('{ddl_command_start,ddl_command_end}'::name[])
      AND (evttags IS NULL OR 'ALTER TABLE' = ANY (evttags))
ORDER BY evtname
"""

_TRIGGERS = sql.SQL("""
SELECT c.named, r.named, 'trigger', t.tgname, t.tgenabled::text, pg_has_role(r.relowner, 'USAGE')
FROM {NAMED} c
JOIN {NAMED} r ON r.oid = c.oid OR (c.relkind = 'p' AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
JOIN pg_trigger t ON t.tgrelid = r.oid
WHERE {USER_TRIGGER} AND t.tgenabled::text = ANY (%(states)s)
      AND (c.named = ANY (%(tables)s) OR c.named = ANY (%(reached)s) AND t.tgtype::integer & 25 IN (8, 16, 24))
UNION ALL
SELECT c.named, c.named, 'rule', r.rulename, r.ev_enabled::text, pg_has_role(c.relowner, 'USAGE')
FROM {NAMED} c JOIN pg_rewrite r ON r.ev_class = c.oid
WHERE c.relkind IN ('r', 'p') AND c.named = ANY (%(tables)s) AND r.ev_enabled::text = ANY (%(states)s)
ORDER BY 1, 3 DESC, 2, 4
""").format(NAMED=NAMED, USER_TRIGGER=USER_TRIGGER)


class Hearing(Struct, frozen=True):
    """A trigger or a rule that has to be disabled by itself.

    Attributes:
        whole: the table, or the partitioned table that `table` is a part of.
        kind: `trigger` or `rule`.
        state: as the catalog has it: O, A or R.
        owned: this role may disable it.
    """

    whole: str
    table: str
    kind: str
    name: str
    state: str
    owned: bool

    def alter(self, connection: Connection, schema: DatabaseSchema, how: LiteralString) -> None:
        """Enable or disable it."""
        statement = sql.SQL("ALTER TABLE ONLY {} {} {} {}").format(
            identifier(schema.schemas, self.table),
            sql.SQL(how),
            sql.SQL("TRIGGER" if self.kind == "trigger" else "RULE"),
            sql.Identifier(self.name),
        )
        connection.execute(statement)


def may_bypass(connection: Connection) -> bool:
    """Tell whether this role may set session_replication_role."""
    row = connection.execute("SELECT current_setting('is_superuser') = 'on'").fetchone()
    if row == (True,):
        return True
    if connection.info.server_version < 150000:
        return False
    granted = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    return connection.execute(granted).fetchone() == (True,)


def refused_silence(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str], moved: Collection[str], *, bypass: bool
) -> Iterator[str]:
    """Say which user triggers and rules would be heard that this role cannot keep silent.

    Args:
        tables: those that are written.
        moved: those of them whose rows are deleted or get other values.
    """
    seen = set[tuple[str, str, str]]()
    for each in _heard(connection, schema, tables, moved, bypass=bypass):
        if not each.owned and (each.whole, each.kind, each.name) not in seen:  # those of partitions follow
            seen.add((each.whole, each.kind, each.name))
            table, verb = schema.schemas.full(each.table), "firing" if each.kind == "trigger" else "applying"
            yield f"{each.kind} {each.name} of table {table} can be kept from {verb} by the table's owner only"


def is_settable(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str], moved: Collection[str], *, bypass: bool
) -> bool:
    """Tell whether a role that lacks the replica role could be granted it, and would keep everything silent by it."""
    if bypass or connection.info.server_version < 150000:
        return False
    return not any(refused_silence(connection, schema, tables, moved, bypass=True))


def tables_to_alter(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str], *, bypass: bool
) -> set[str]:
    """Give those of these tables that have user triggers or rules which have to be disabled one by one."""
    return {each.whole for each in _heard(connection, schema, tables, (), bypass=bypass)}


def said_by_event_triggers(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str], *, bypass: bool
) -> Iterator[str]:
    """Say which event triggers hear that triggers or rules are disabled while these tables are written."""
    heard = _heard(connection, schema, tables, tables, bypass=bypass)
    if altered := sorted({each.whole for each in heard if each.owned}):
        for (name,) in connection.execute(_EVENT_TRIGGERS).fetchall():
            yield f"event trigger {name} fires when triggers of {', '.join(altered)} are disabled, and may refuse that"


def tables_with_rules(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str], *, bypass: bool
) -> set[str]:
    """Give those with rules to be disabled: the server lets nobody else read the table meanwhile."""
    heard = _heard(connection, schema, tables, (), bypass=bypass)
    return {each.table for each in heard if each.kind == "rule" and each.owned}


@contextmanager
def silent_triggers(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str], *, bypass: bool
) -> Iterator[None]:
    """Run the block with the user triggers and rules of these tables silent.

    Args:
        bypass: use the replica role, which suspends foreign-key triggers too.
    """
    # what is heard without being owned was no reason to refuse: nothing of the plan lets it fire
    heard = [each for each in _heard(connection, schema, tables, tables, bypass=bypass) if each.owned]
    for each in heard:
        each.alter(connection, schema, "DISABLE")
    if bypass:
        connection.execute("SET LOCAL session_replication_role = replica")
    yield
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if bypass:
        connection.execute("SET LOCAL session_replication_role = origin")
    for each in heard:
        each.alter(connection, schema, _ENABLE[each.state])


def _heard(
    connection: Connection, schema: DatabaseSchema, tables: Iterable[str], moved: Collection[str], *, bypass: bool
) -> list[Hearing]:
    # under the replica role ordinary ones are silent already; those that fire in it, or always, are not
    states = ["A", "R"] if bypass else ["O", "A"]
    found = connection.execute(
        _TRIGGERS,
        {
            "schemas": parameter(schema.schemas),
            "tables": sorted(tables),
            "reached": [] if bypass else sorted(_reached(schema, moved)),
            "states": states,
        },
    ).fetchall()
    return [Hearing(*row) for row in found]


def _reached(schema: DatabaseSchema, moved: Collection[str]) -> Iterator[str]:
    """The tables whose rows foreign keys would change when rows that they point at go, or change."""
    for table in schema.tables.values():
        if any(
            key.parent in moved and key.enforced and (key.on_delete in _ACTING or key.on_update in _ACTING)
            for key in table.foreign_keys
        ):
            yield table.name
