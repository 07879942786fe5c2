"""Rows of the backup that the target's key does not tell apart, although the source's did."""

from __future__ import annotations

from psycopg import sql

from toolkit.planning.row_order import sort_key, told_apart_alike
from toolkit.postgres.compare.comparison import Comparison
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles, SqlState


def find_ambiguous(comparison: Comparison, obstacles: Obstacles) -> None:
    """Note the rows to be written that share their key with another one: they would become one row of the target."""
    possible: list[Obstacle] = []
    for name in comparison.differences:
        table, recorded = comparison.schema.tables[name], comparison.source.manifest.schema.tables.get(name)
        if not sort_key(table).unique or not comparison.writes(name):
            continue
        if recorded is not None and told_apart_alike(recorded, table):
            continue
        rows = sql.SQL(
            "SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {} WHERE EXISTS"
            " (SELECT 1 FROM {} a WHERE {} AND a.ctid <> s.ctid)"
        ).format(comparison.written(name), comparison.source.staged(name).table, same_key(table, "a", "s"))
        reason = f"several rows of the backup have the same key ({', '.join(sort_key(table).names)}) on the target"
        possible.append(Obstacle(table=name, rows=rows, reason=reason, sqlstate=SqlState.UNIQUE))
    obstacles.add(*possible)
