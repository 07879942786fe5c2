"""Constraints over columns that only the target has: their values are known once the server has filled them in."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from psycopg import sql

from toolkit.model.plan import RestorePlan
from toolkit.postgres.compare.comparison import Action, Comparison
from toolkit.postgres.schema.computed_columns import READ_BY_GENERATED
from toolkit.postgres.schema.naming import NAMED, parameter

_CHECK = "c"

# of an index also the columns that its expressions and its condition name
_CONSTRAINTS = sql.SQL("""
WITH written AS (
    SELECT c.oid, c.named FROM {NAMED} c WHERE c.named = ANY (%(tables)s)
), named AS (
    SELECT f.conrelid AS oid, f.contype::text AS kind, f.conname AS name, unnest(f.conkey) AS number
    FROM pg_constraint f
    WHERE f.contype IN ('c', 'f') AND coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
    UNION
    SELECT i.indrelid, 'u', x.relname, unnest(i.indkey::smallint[])
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indisunique OR i.indisexclusion
    UNION
    SELECT i.indrelid, 'u', x.relname, d.refobjsubid
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
    WHERE i.indisunique OR i.indisexclusion
)
SELECT w.named, n.kind, n.name, array_agg(DISTINCT a.attname::text)
FROM written w JOIN named n ON n.oid = w.oid
JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                       AND (a.attnum = n.number OR n.number = 0 AND n.kind = 'c'
                            OR EXISTS (SELECT FROM {READ} WHERE e.adrelid = w.oid AND g.attnum = n.number
                                                                AND d.refobjsubid = a.attnum))
GROUP BY w.named, n.kind, n.name ORDER BY w.named COLLATE "C", n.name COLLATE "C"
""").format(NAMED=NAMED, READ=READ_BY_GENERATED)


def unknown_values(comparison: Comparison, table: str, columns: Collection[str], *, staged: bool) -> list[str]:
    """Give those of some columns whose values in the rows to be written are not on stage; none where they all are NULL.

    Args:
        staged: values that were given for columns which the backup lacks are those of every row.
    """
    held = comparison.source.staged(table) if table in comparison.differences else None
    known = {column.name for column in comparison.source.entries[table].columns}
    added = set(held.added) if held and not staged else set()
    lacking = [name for name in columns if name not in known and not (held and staged and name in held.added)]
    found = comparison.schema.tables[table]
    filled = any(name in added or found.column(name).has_default or found.column(name).identity for name in lacking)
    differences = comparison.differences.get(table)
    inserted = differences is None or comparison.writes(table) > differences.count(Action.CHANGED)
    updated = differences is not None and differences.count(Action.CHANGED) and set(columns) > set(lacking)
    return lacking if (filled and inserted) or updated else []


def judging_unstaged(comparison: Comparison, plan: RestorePlan) -> Iterator[str]:
    """Give the constraints that may say no to rows of a plan for values that nobody knows yet, as lower-case facts."""
    written = [
        name
        for name, table in plan.tables.items()
        if table.inserts + table.updates and name in comparison.source.entries
    ]
    parameters = {"schemas": parameter(comparison.schema.schemas), "tables": written}
    rows = comparison.connection.execute(_CONSTRAINTS, parameters).fetchall()
    for table, kind, name, columns in rows:
        if lacking := unknown_values(comparison, table, columns, staged=kind != _CHECK):
            what = f"constraint {name}" if kind != "u" else f"unique key {name}"
            yield f"{what} of table {table} depends on {', '.join(lacking)}, which the backup does not have"
