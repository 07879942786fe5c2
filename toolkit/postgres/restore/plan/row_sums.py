"""Sums over the rows that a plan writes, with the values that they have and get: by these another plan is told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from psycopg import sql

from toolkit.model.drift import Answers, Expression
from toolkit.model.identity import CreatedRow, DeviceDecision, NodeFate
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Action
from toolkit.postgres.restore.plan.prepared import Prepared
from toolkit.postgres.schema.relation import Sql, row_text
from toolkit.postgres.schema.workspace import Workspace

CLEARED = "cleared"

_WRITTEN = {Action.MISSING: "inserts", Action.CHANGED: "updates", Action.REFUSED: "quarantined"}

_NO_SEED = sql.SQL("0::bigint")


class RowSums:
    """Adds up the rows of one plan.

    What each look at the same database would give otherwise is left out: the node id that is made for this restore, the
    values that its declared row gets from the time or by chance, and those that an SQL expression of an answer gives.

    Args:
        own: the declared row of the device's own node, where it was put on stage.
    """

    def __init__(
        self,
        workspace: Workspace,
        prepared: Prepared,
        *,
        answers: Answers,
        decision: DeviceDecision,
        own: CreatedRow | None,
    ) -> None:
        self._workspace = workspace
        self._prepared = prepared
        self._source = prepared.comparison.source
        self._made = decision.node_id if decision.node is NodeFate.GENERATED else None
        given = {**answers.defaults, **answers.convert}
        worked_out = {name for name, value in given.items() if isinstance(value, Expression)}
        self._volatile = worked_out | ({f"{own.table}.{name}" for name in own.volatile} if own else set())

    def of_tables(self, cleared: Mapping[str, Sql]) -> dict[str, tuple[str, ...]]:
        """Give the sums of every table of which rows are written, deleted or put aside, by what becomes of the rows.

        Args:
            cleared: per table, the condition that row `t` is cleared; only the keys of these count, for their values
                are what the application keeps writing.
        """
        sums: dict[str, list[str]] = {}
        for name, what, lines in (*self._written(), *self._deleted(), *self._released(), *self._cleared(cleared)):
            query = sql.SQL(
                "SELECT count(*), coalesce(sum(hashtextextended(q.line, q.seed)), 0),"
                " coalesce(sum(hashtextextended(q.line, q.seed # 1)), 0) FROM ({}) q"
            ).format(lines)
            row = self._workspace.connection.execute(query).fetchone()
            assert row is not None
            sums.setdefault(name, []).append(f"{what} {row[0]} {row[1]} {row[2]}")
        return {name: tuple(sorted(found)) for name, found in sums.items()}

    def _written(self) -> Iterator[tuple[str, str, Sql]]:
        """Rows of the backup, with the values that they get, and in place of which."""
        for name, found in self._prepared.differences.items():
            staged, relation = self._source.staged(name), self._workspace.relations[name]
            for action, what in _WRITTEN.items():
                if not found.count(action):
                    continue
                coming = staged.names if action is Action.CHANGED else (*staged.names, *staged.added)
                seed: Sql = _NO_SEED
                if action is Action.CHANGED:
                    # looked up one by one: a join carries the columns of both sides, and may have 1664 at most; and
                    # both in one text may be longer than the server has it
                    seed = sql.SQL("(SELECT hashtextextended({}, 0) FROM {} t WHERE {})").format(
                        row_text("t", staged.names), relation.source, relation.same("t", "d")
                    )
                query = sql.SQL(
                    'SELECT {} AS line, {} AS seed FROM {} s JOIN {} d ON d.stage_id = s.ctid AND d.action = {}::"char"'
                )
                line = self._text("s", self._steady(name, coming))
                yield name, what, query.format(line, seed, staged.table, found.lines, sql.Literal(action))

    def _deleted(self) -> Iterator[tuple[str, str, Sql]]:
        for name, ids in self._prepared.deletions.ids.items():
            relation = self._workspace.relations[name]
            names = [column.name for column in self._workspace.schema.tables[name].stored_columns]
            if ids.rows:
                query = sql.SQL("SELECT {} AS line, {} AS seed FROM {} t JOIN {} d ON {}")
                line = row_text("t", names)
                yield name, "deletes", query.format(line, _NO_SEED, relation.source, ids, relation.same("t", "d"))

    def _released(self) -> Iterator[tuple[str, str, Sql]]:
        for each in self._prepared.deletions.releases:
            if each.rows:
                names = (*self._key(each.table), *each.columns)
                yield each.table, "set_null", self._where(each.table, names, each.condition)

    def _cleared(self, cleared: Mapping[str, Sql]) -> Iterator[tuple[str, str, Sql]]:
        for name, condition in cleared.items():
            yield name, CLEARED, self._where(name, self._key(name), condition)

    def _where(self, name: str, names: Collection[str], condition: Sql) -> Sql:
        source = self._workspace.relations[name].source
        query = sql.SQL("SELECT {} AS line, {} AS seed FROM {} t WHERE {}")
        return query.format(self._text("t", names), _NO_SEED, source, condition)

    def _key(self, name: str) -> tuple[str, ...]:
        return tuple(sort_key(self._workspace.schema.tables[name]).names)

    def _steady(self, table: str, names: Collection[str]) -> list[str]:
        return [name for name in names if f"{table}.{name}" not in self._volatile]

    def _text(self, alias: str, names: Collection[str]) -> Sql:
        text = row_text(alias, names)
        return text if self._made is None else sql.SQL("replace({}, {}, '')").format(text, sql.Literal(self._made))
