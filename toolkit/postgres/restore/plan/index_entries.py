"""Rows that some index of the target has no entry for: what it computes ends in an error, or is too long.

What unique ones compute is looked at with the values that they keep apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.postgres.compare.comparison import Comparison, written_lines
from toolkit.postgres.restore.plan.computing import find_uncomputable, note_refused
from toolkit.postgres.restore.plan.obstacles import Obstacles
from toolkit.postgres.schema.exclusive_keys import computed
from toolkit.postgres.schema.naming import NAMED, identifier, parameter
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.whole_rows import whole_row
from toolkit.postgres.write.batches import REFUSALS, refused_rows

# of types whose values can be longer than an index likes; those of expressions are looked at as they are
_INDEXES = sql.SQL("""
SELECT c.named, i.relname, x.indisunique OR x.indisexclusion,
       concat_ws(' AND ', CASE WHEN r.oid <> c.oid THEN pg_get_partition_constraintdef(r.oid) END,
                 '(' || pg_get_expr(x.indpred, x.indrelid) || ')'),
       ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, true) FROM generate_series(1, x.indnatts) k),
       x.indexprs IS DISTINCT FROM NULL OR x.indpred IS DISTINCT FROM NULL,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = x.indexrelid AND a.attlen = -1
               AND (a.atttypmod < 0 OR a.atttypmod > 500)),
       {WHOLE}
FROM {NAMED} c
JOIN pg_class r ON r.oid = c.oid OR (c.relkind = 'p' AND r.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))
JOIN pg_index x ON x.indrelid = r.oid AND x.indisready
JOIN pg_class i ON i.oid = x.indexrelid AND (r.oid = c.oid OR NOT i.relispartition)
WHERE c.named = ANY (%(tables)s)
ORDER BY c.named COLLATE "C", i.relname COLLATE "C"
""").format(NAMED=NAMED, WHOLE=whole_row("concat(x.indexprs::text, x.indpred::text)"))

LONG = 2000
"""Characters up to which all values of one row together have an entry in an index of any kind."""


class _Index(Struct, frozen=True, kw_only=True):
    """An index of the target, as far as a row may not fit it.

    Attributes:
        judged: what it computes is looked at elsewhere.
        predicate: the condition on rows that it has; empty for all.
        elements: what it computes of a row.
        computes: some of that are expressions, or it has a condition.
        wide: its values may be long.
        whole: see `whole_row`.
    """

    name: str
    judged: bool
    predicate: str
    elements: tuple[str, ...]
    computes: bool
    wide: bool
    whole: Sequence[str] | None

    @property
    def length(self) -> Sql:
        """About how many characters it holds of a row `s`."""
        return sql.SQL("length(concat({}))").format(computed(self.elements, self.predicate, self.whole))


def find_unindexed(comparison: Comparison, obstacles: Obstacles) -> None:
    """Note the rows to be written that an index of their table cannot take."""
    wide: dict[str, list[_Index]] = {}
    for table, indexes in _indexes(comparison).items():
        uncomputable: list[str] = []
        for index in indexes:
            if index.computes and not index.judged:
                expression = computed(index.elements, index.predicate, index.whole)
                uncomputable += find_uncomputable(comparison, obstacles, table, expression, constraint=index.name)
        # what cannot be computed has no length either
        if not uncomputable and (long := [index for index in indexes if index.wide]):
            wide[table] = long
    for table, query in _with_long_values(comparison, wide).items():
        _find_too_long(comparison, obstacles, table, query, ", ".join(index.name for index in wide[table]))


def _with_long_values(comparison: Comparison, indexes: Mapping[str, Sequence[_Index]]) -> Mapping[str, Sql]:
    """Per table, a query of the staged rows to be written that have long values; tables without any are left out."""
    query = sql.SQL("SELECT s.ctid::text AS stage_id FROM {} s WHERE s.ctid = ANY ({}) AND greatest({}) > {}")
    queries = {
        table: query.format(
            comparison.source.staged(table).table,
            written_lines(comparison, table),
            sql.SQL(", ").join(index.length for index in found),
            sql.Literal(LONG),
        )
        for table, found in indexes.items()
    }
    try:
        with comparison.connection.transaction():
            likely = comparison.workspace.likely(queries, lambda name: comparison.source.staged(name).bytes)
            return {table: queries[table] for table in likely}
    except REFUSALS:  # a unique index cannot be computed for some row, which is said elsewhere
        return queries


def _indexes(comparison: Comparison) -> Mapping[str, list[_Index]]:
    written = [name for name in comparison.differences if comparison.writes(name)]
    parameters = {"schemas": parameter(comparison.schema.schemas), "tables": written}
    found: dict[str, list[_Index]] = defaultdict(list)
    for table, *values in comparison.connection.execute(_INDEXES, parameters).fetchall():
        found[table].append(_Index(**dict(zip(_Index.__struct_fields__, values, strict=True))))
    return found


def _find_too_long(comparison: Comparison, obstacles: Obstacles, table: str, query: Sql, names: str) -> None:
    """Try rows with long values on an empty table with the same indexes: what is too long, only the server knows."""
    try:
        with comparison.connection.transaction():
            ids = [str(stage_id) for (stage_id,) in comparison.connection.execute(query)]
    except REFUSALS:
        return
    refused = _refused(comparison, table, ids) if ids else []
    note_refused(comparison, obstacles, table, refused, f"an index does not take them ({names})", constraint="")


def _refused(comparison: Comparison, table: str, ids: Sequence[str]) -> list[tuple[str, psycopg.Error]]:
    connection, staged = comparison.connection, comparison.source.staged(table)
    names = sql.SQL(", ").join(map(sql.Identifier, staged.names))
    copy = sql.Identifier("pg_temp", "playback_indexed")

    def insert(condition: Sql) -> None:
        query = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM (SELECT s.ctid AS stage_id, s.* FROM {} s) d WHERE {}")
        connection.execute(query.format(copy, names, names, staged.table, condition))

    try:
        with connection.transaction(force_rollback=True):
            like = sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING INDEXES INCLUDING GENERATED)")
            connection.execute(like.format(copy, identifier(comparison.schema.schemas, table)))
            return list(refused_rows(connection, ids, insert, excused=(psycopg.IntegrityError,)))
    except psycopg.errors.FeatureNotSupported:  # indexes of whole rows cannot be copied
        return []
