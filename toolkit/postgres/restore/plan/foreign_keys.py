"""Foreign keys as they would be once the plan is carried out: which rows to be written would point at nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from psycopg import sql

from toolkit.model.schema import ForeignKey
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Action, Comparison
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles, SqlState
from toolkit.postgres.schema.relation import (
    Sql,
    differing,
    equal,
    lacks_parent,
    needs_parent,
    points_at,
    scalar,
    text_of,
)


class ForeignKeys:
    """Looks for the parents of staged rows, on stage and on the target.

    A row that points at nothing already, and goes on doing so, is as it was: the server does not look at it either.

    Args:
        bypass: foreign keys do not act while rows are written.
        foreseen: whether the rows of a table are known from the stage (not for one that is copied whole).
    """

    def __init__(self, comparison: Comparison, *, bypass: bool, foreseen: Callable[[str], bool]) -> None:
        self._comparison = comparison
        self._bypass = bypass
        self._foreseen = foreseen

    def find_dangling(self, deleted: Mapping[str, Sql], obstacles: Obstacles) -> int:
        """Note the rows to be written whose parent will not be there, or that others would no longer find.

        Gives how many were found.

        Args:
            deleted: per table, a table of ids of rows that will be deleted.
        """
        number = 0
        # differences change as rows are taken out of the plan
        for look in (self._all_dangling, self._all_stranding, self._all_respelling):
            number += obstacles.add(*look(deleted))
        return number

    def _all_dangling(self, deleted: Mapping[str, Sql]) -> Iterator[Obstacle]:
        """Rows to be written whose parent will not be there."""
        for table in self._comparison.differences:
            for key in self._comparison.schema.tables[table].foreign_keys:
                if key.enforced and self._comparison.writes(table) and self._foreseen(key.parent):
                    pointing = f"({', '.join(key.columns)})"
                    yield Obstacle(
                        table=table,
                        rows=self._dangling(table, key, deleted),
                        reason=f"{key.name}: {pointing} would point at no row of {key.parent}",
                        sqlstate=SqlState.FOREIGN_KEY,
                        constraint=key.name,
                        beside=(key.parent,),
                    )

    def _all_stranding(self, deleted: Mapping[str, Sql]) -> Iterator[Obstacle]:
        """Rows to be updated that would take away the values by which rows that stay point at them."""
        for child, key in self._to_changing_values():
            staying: list[Sql] = []
            if child in deleted:
                staying.append(sql.SQL("NOT {}").format(self._among(deleted[child], child, "c")))
            if child in self._comparison.differences:
                staying.append(self._unchanged(child, "c"))
            staying.append(lacks_parent(key, "c", [self._staying(key, deleted), *self._arriving(key)]))
            yield Obstacle(
                table=key.parent,
                rows=self._vacating(child, key, staying),
                reason=f"{key.name}: rows of {child} point at ({', '.join(key.parent_columns)}) as it is now",
                sqlstate=SqlState.FOREIGN_KEY,
                constraint=key.name,
                beside=(child,),
            )

    def _all_respelling(self, _deleted: Mapping[str, Sql]) -> Iterator[Obstacle]:
        """Rows whose key is to be spelled otherwise where a foreign key acts on whoever points at them.

        To ON UPDATE a value that is equal, but not the same, is another one.
        """
        for child in [] if self._bypass else self._comparison.schema.tables.values():
            for key in child.foreign_keys:
                differences = self._comparison.differences.get(key.parent)
                acts = key.enforced and not key.period and key.on_update != "no action"
                if not acts or differences is None or not differences.count(Action.CHANGED):
                    continue
                yield Obstacle(
                    table=key.parent,
                    rows=self._vacating(child.name, key, [points_at(key, "c", "s")]),
                    reason=f"{key.name} of {child.name} is ON UPDATE {key.on_update.upper()}, which would act on"
                    f" another spelling of ({', '.join(key.parent_columns)})",
                    sqlstate=SqlState.FOREIGN_KEY,
                    constraint=key.name,
                    beside=(child.name,),
                )

    def vacated_by(self, deleted: Mapping[str, Sql]) -> bool:
        """Tell whether rows to be deleted point at values that rows to be updated have now: they have to go first."""
        return any(
            scalar(
                self._comparison.connection,
                sql.SQL("SELECT count(*) FROM ({}) r").format(
                    self._vacating(child, key, [self._among(deleted[child], child, "c")])
                ),
            )
            for child, key in self._to_changing_values()
            if child in deleted
        )

    def _to_changing_values(self) -> Iterator[tuple[str, ForeignKey]]:
        """The foreign keys, with their tables, that lead to columns which an update may change."""
        for child in self._comparison.schema.tables.values():
            for key in child.foreign_keys:
                differences = self._comparison.differences.get(key.parent)
                identifying = sort_key(self._comparison.schema.tables[key.parent]).names
                if not key.enforced or not differences or not differences.count(Action.CHANGED):
                    continue
                if set(key.parent_columns) != set(identifying):
                    yield child.name, key

    def _vacating(self, child: str, key: ForeignKey, conditions: Sequence[Sql]) -> Sql:
        """A query of the staged rows that change the values by which rows `c` of the child find their target row."""
        pointing = sql.SQL(" AND ").join([points_at(key, "c", "p"), *conditions])
        pointed = sql.SQL("EXISTS (SELECT 1 FROM {} c WHERE {})")
        return changing_values(
            self._comparison, key, pointed.format(self._comparison.relations[child].source, pointing)
        )

    def _among(self, ids: Sql, table: str, alias: str) -> Sql:
        same = self._comparison.relations[table].same(alias, "x")
        return sql.SQL("EXISTS (SELECT 1 FROM {} x WHERE {})").format(ids, same)

    def _unchanged(self, table: str, alias: str) -> Sql:
        """The condition that a target row is not going to be updated."""
        return sql.SQL('NOT EXISTS (SELECT 1 FROM {} u WHERE {} AND u.action = {}::"char")').format(
            self._comparison.differences[table].lines,
            self._comparison.relations[table].same(alias, "u"),
            sql.Literal(Action.CHANGED),
        )

    def _dangling(self, table: str, key: ForeignKey, deleted: Mapping[str, Sql]) -> Sql:
        return sql.SQL(
            "SELECT s.ctid AS stage_id, {parent} || ' ' || {values} AS waits_for"
            " FROM {written} WHERE {needed} AND {lacking}{as_before}"
        ).format(
            parent=sql.Literal(key.parent),
            values=text_of("s", key.columns),
            written=self._comparison.written(table),
            needed=needs_parent(key, "s"),
            lacking=lacks_parent(key, "s", [self._staying(key, deleted), *self._arriving(key)]),
            as_before=self._as_before(table, key),
        )

    def _as_before(self, table: str, key: ForeignKey) -> Sql:
        """The condition that `s` is no row whose reference stays as it is, to nothing."""
        if not self._comparison.differences[table].count(Action.CHANGED):
            return sql.SQL("")
        return sql.SQL(" AND NOT ({})").format(adrift(self._comparison, table, key))

    def _staying(self, key: ForeignKey, deleted: Mapping[str, Sql]) -> Sql:
        """The target rows that are neither deleted nor given other values."""
        parent = self._comparison.relations[key.parent]
        conditions: list[Sql] = [sql.SQL("true")]
        if key.parent in deleted:
            conditions.append(
                sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})").format(deleted[key.parent], parent.same("p", "x"))
            )
        differences = self._comparison.differences.get(key.parent)
        if differences is not None and differences.count(Action.CHANGED):
            conditions.append(self._unchanged(key.parent, "p"))
        return sql.SQL("{} p WHERE {}").format(parent.source, sql.SQL(" AND ").join(conditions))

    def _arriving(self, key: ForeignKey) -> Iterator[Sql]:
        """The staged rows of the parent that are to be written."""
        if self._comparison.writes(key.parent):
            yield sql.SQL("(SELECT s.* FROM {}) p WHERE true").format(self._comparison.written(key.parent))


def changing_values(comparison: Comparison, key: ForeignKey, condition: Sql) -> Sql:
    """Query the staged rows `s` that change the values by which rows find their target row `p`, however little.

    Args:
        condition: on `s` and `p`.
    """
    parent = comparison.relations[key.parent]
    return sql.SQL("SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {} JOIN {} p ON {} WHERE {} AND {}").format(
        comparison.written(key.parent),
        parent.source,
        parent.same("p", "d"),
        differing("s", "p", key.parent_columns),
        condition,
    )


def adrift(comparison: Comparison, table: str, key: ForeignKey) -> Sql:
    """Give the condition that `s`, which line `d` updates, keeps the reference of its row, which leads nowhere."""
    relation, parent = comparison.relations[table], comparison.relations[key.parent]
    return sql.SQL(
        'd.action = {changed}::"char" AND EXISTS (SELECT 1 FROM {target} t WHERE {same} AND {unmoved}) AND {lacking}'
    ).format(
        changed=sql.Literal(Action.CHANGED),
        target=relation.source,
        same=relation.same("t", "d"),
        unmoved=equal("t", key.columns, "s", key.columns, comparison.schema.reference_equalities(table, key)),
        lacking=lacks_parent(key, "s", [sql.SQL("{} p WHERE true").format(parent.source)]),
    )
