"""Foreign keys that act on update: which updates would make the server change rows that the plan leaves alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from psycopg import sql

from toolkit.model.schema import ForeignKey
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Action, Comparison
from toolkit.postgres.restore.plan.foreign_keys import changing_values
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles, SqlState
from toolkit.postgres.schema.relation import Sql, points_at


def find_reaching(
    comparison: Comparison, deleted: Mapping[str, Sql], rewritten: Collection[str], obstacles: Obstacles
) -> int:
    """Note the rows whose update ON UPDATE CASCADE, SET NULL and SET DEFAULT would follow, or RESTRICT forbids.

    To the server a value has changed that merely looks different (2.0 and 2.00): it acts on all that point at it.

    Args:
        deleted: per table, a table of ids of rows that will be deleted.
        rewritten: tables whose rows are deleted and inserted again rather than updated.

    Returns:
        How many they are.
    """
    reaching = (
        Obstacle(
            table=key.parent,
            rows=_reaching(comparison, child, key, deleted),
            reason=f"{key.name}: ON UPDATE {key.on_update.upper()} would reach rows of {child}",
            sqlstate=SqlState.FOREIGN_KEY,
            constraint=key.name,
            beside=(child,),
        )
        for child, key in _acting(comparison)
        if key.parent not in rewritten
    )
    return obstacles.add(*reaching)


def _acting(comparison: Comparison) -> Iterator[tuple[str, ForeignKey]]:
    for child in comparison.schema.tables.values():
        for key in child.foreign_keys:
            differences = comparison.differences.get(key.parent)
            if key.enforced and key.on_update != "no action" and differences and differences.count(Action.CHANGED):
                yield child.name, key


def _reaching(comparison: Comparison, child: str, key: ForeignKey, deleted: Mapping[str, Sql]) -> Sql:
    """A query of the staged rows that look different where rows of the child will find them as they are now."""
    reached = [
        sql.SQL("EXISTS (SELECT 1 FROM {} c WHERE {} AND {})").format(
            comparison.relations[child].source, points_at(key, "c", "p"), _staying(comparison, child, key, deleted)
        )
    ]
    if comparison.writes(child):
        reached.append(
            sql.SQL("EXISTS (SELECT 1 FROM (SELECT s.* FROM {}) c WHERE {})").format(
                comparison.written(child), points_at(key, "c", "p")
            )
        )
    return changing_values(comparison, key, sql.SQL("({})").format(sql.SQL(" OR ").join(reached)))


def _staying(comparison: Comparison, child: str, key: ForeignKey, deleted: Mapping[str, Sql]) -> Sql:
    """The condition that row `c` is there as it is now when the parent is updated.

    Rows that change with it are written by the same statement, and rows that go have gone before, but where the
    values tell the parent's rows apart: there nobody expects them to change.
    """
    if set(key.parent_columns) == set(sort_key(comparison.schema.tables[key.parent]).names):
        return sql.SQL("true")
    conditions: list[Sql] = [sql.SQL("true")]
    relation = comparison.relations[child]
    if child in deleted:
        gone = sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})")
        conditions.append(gone.format(deleted[child], relation.same("c", "x")))
    if child in comparison.differences:
        changed = sql.SQL('NOT EXISTS (SELECT 1 FROM {} u WHERE {} AND u.action = {}::"char")')
        lines = comparison.differences[child].lines
        conditions.append(changed.format(lines, relation.same("c", "u"), sql.Literal(Action.CHANGED)))
    return sql.SQL(" AND ").join(conditions)
