"""Rows of the backup that the target's key does not tell apart, although the source's did."""

from __future__ import annotations

from psycopg import sql

from toolkit.model.schema import Table
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Comparison, same_key
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles, SqlState


def find_ambiguous(comparison: Comparison, obstacles: Obstacles) -> None:
    """Note the rows to be written that share their key with another one: they would become one row of the target."""
    possible: list[Obstacle] = []
    for name in comparison.differences:
        table, recorded = comparison.schema.tables[name], comparison.source.manifest.schema.tables.get(name)
        if not sort_key(table).unique or not comparison.writes(name) or _tells_apart_alike(recorded, table):
            continue
        rows = sql.SQL(
            "SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {} WHERE EXISTS"
            " (SELECT 1 FROM {} a WHERE {} AND a.ctid <> s.ctid)"
        ).format(comparison.written(name), comparison.source.staged(name).table, same_key(table, "a", "s"))
        reason = f"several rows of the backup have the same key ({', '.join(sort_key(table).names)}) on the target"
        possible.append(Obstacle(table=name, rows=rows, reason=reason, sqlstate=SqlState.UNIQUE))
    obstacles.add(*possible)


def _tells_apart_alike(recorded: Table | None, table: Table) -> bool:
    """Whether what the source's key tells apart is different to the target's, too."""
    if recorded is None:
        return False
    before, after = sort_key(recorded), sort_key(table)
    types = [[(column.name, column.type) for column in key.columns] for key in (before, after)]
    return types[0] == types[1] and before.equalities == after.equalities
