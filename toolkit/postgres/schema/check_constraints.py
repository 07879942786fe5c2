"""CHECK constraints of tables and of their partitions, and NOT NULL of partitions alone, as the server prints them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.schema.answering import UNSETTLED
from toolkit.postgres.schema.computed_columns import READ_BY_GENERATED
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.whole_rows import over, whole_row
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import Verbatim

_CHECKS = sql.SQL("""
SELECT c.named, f.conname, CASE WHEN r.oid <> c.oid THEN pg_get_partition_constraintdef(r.oid) END,
       pg_get_expr(f.conbin, f.conrelid), pg_get_constraintdef(f.oid),
       (SELECT coalesce(array_agg(a.attname::text), '{{}}') FROM pg_attribute a
        WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
              AND (ARRAY[a.attnum, 0::smallint] && f.conkey
                   OR EXISTS (SELECT FROM {READ} WHERE e.adrelid = r.oid AND d.refobjsubid = a.attnum
                                                       AND g.attnum = ANY (f.conkey)))),
       NOT EXISTS (SELECT FROM regexp_matches(f.conbin::text, ':(?:funcid|opfuncid) (\\d+)', 'g') m
                   JOIN pg_proc p ON p.oid = m[1]::oid WHERE {UNSETTLED}),
       {WHOLE}
FROM {NAMED} c
JOIN pg_class r ON r.oid = c.oid OR (c.relkind = 'p' AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
JOIN pg_constraint f ON f.conrelid = r.oid AND (r.oid = c.oid OR f.coninhcount = 0)
WHERE f.contype = 'c' AND c.named = ANY (%(tables)s)
      AND coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
ORDER BY c.named COLLATE "C", f.conname COLLATE "C"
""").format(NAMED=NAMED, READ=READ_BY_GENERATED, UNSETTLED=UNSETTLED, WHOLE=whole_row("f.conbin::text"))

_NOT_NULL = sql.SQL("""
SELECT c.named, r.relname, a.attname, coalesce(pg_get_partition_constraintdef(r.oid), 'true')
FROM {NAMED} c
JOIN pg_class r ON c.relkind = 'p' AND r.oid <> c.oid AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid))
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND a.attnotnull AND a.attgenerated = ''
JOIN pg_inherits i ON i.inhrelid = r.oid
JOIN pg_attribute o ON o.attrelid = i.inhparent AND o.attname = a.attname AND NOT o.attnotnull
WHERE c.named = ANY (%(tables)s)
ORDER BY c.named COLLATE "C", r.relname COLLATE "C", a.attname COLLATE "C"
""").format(NAMED=NAMED)


class CheckConstraint(Struct, frozen=True):
    """What holds of every row.

    Attributes:
        within: the condition on rows of which it speaks; None for all.
        expression: SQL over the columns, named plainly.
        definition: as the server prints it.
        columns: those that it reads; of a generated one those that it is computed from.
        settled: no function in it may answer otherwise once other rows are written.
        whole: where it speaks of rows as a whole, the table that they are of: see `whole_row`.
    """

    table: str
    name: str
    within: str | None
    expression: str
    definition: str
    columns: tuple[str, ...]
    settled: bool
    whole: tuple[str, ...] | None

    def broken(self, alias: str) -> Sql:
        """Give the condition that a row of any table with the same columns does not fulfil it."""
        within = Verbatim(self.within or "true")
        return sql.SQL("({}) AND ({}) IS FALSE").format(within, over(self.expression, self.whole, alias))


def check_constraints(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str]
) -> Iterator[CheckConstraint]:
    """Give the CHECK constraints of these tables that the server enforces."""
    parameters = {"schemas": parameter(schema.schemas), "tables": list(tables)}
    for *facts, columns, settled, whole in connection.execute(_CHECKS, parameters).fetchall():
        table, name, within, expression, definition = facts
        parts = (tuple(columns), settled, whole and tuple(whole))
        yield CheckConstraint(table, name, within, expression, definition, *parts)


def filled_in_partitions(
    connection: Connection, schema: DatabaseSchema, tables: Collection[str]
) -> list[tuple[str, str, str, str]]:
    """Give the columns that are NOT NULL in a partition alone: table, partition, column, and which rows it takes."""
    return connection.execute(_NOT_NULL, {"schemas": parameter(schema.schemas), "tables": list(tables)}).fetchall()
