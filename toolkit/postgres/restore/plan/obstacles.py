"""Staged rows that the target cannot take: what stands in the way, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.plan import Conflict
from toolkit.postgres.compare.comparison import Action, Comparison, sample_keys
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.row_sources import Rows, Temporary


class SqlState(StrEnum):
    """The SQLSTATEs with which the server would refuse rows."""

    UNIQUE = "23505"
    CHECK = "23514"
    NOT_NULL = "23502"
    FOREIGN_KEY = "23503"
    EXCLUSION = "23P01"
    GENERATED = "428C9"


class Obstacle(Struct, frozen=True, kw_only=True):
    """One thing that stands, or may stand, in the way of rows of a table.

    Attributes:
        rows: a query, or once it has been found a table, of `stage_id` of staged rows that are to be written and, where
            the row waits for another, `waits_for`, else NULL.
        reason: a lower-case fact.
        sqlstate: what the server would say.
        constraint: the constraint or key it is about; empty where there is none.
        beside: tables of the target that the query reads beside its own.
    """

    table: str
    rows: Sql
    reason: str
    sqlstate: str
    constraint: str = ""
    beside: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many rows it stands in the way of, once it has been found."""
        return self.rows.rows or 0 if isinstance(self.rows, Rows) else 0


class Obstacles:
    """Collects what stands in the way, and takes the rows out of the plan where others are to be applied.

    Args:
        aside: rows in the way of which something stands are refused one by one (quarantine); else they stay in the
            plan, which is refused.
    """

    def __init__(self, comparison: Comparison, *, aside: bool) -> None:
        self._comparison = comparison
        self._workspace = comparison.workspace
        self._aside = aside
        self.found: list[Obstacle] = []

    def add(self, *possible: Obstacle) -> int:
        """Take note of those that stand in the way of any row; gives of how many rows."""
        queries = {number: each.rows for number, each in enumerate(possible)}

        def bytes_of(number: int) -> int | None:
            return self._comparison.bytes_of(possible[number].table, *possible[number].beside)

        total = 0
        for number in self._workspace.likely(queries, bytes_of):
            rows = self._workspace.keep("found", queries[number])
            if rows.empty:
                self._workspace.drop(rows)
                continue
            total += rows.rows
            self.found.append(replace(possible[number], rows=rows))
            if self._aside:  # what the next one is asked about
                self._refuse(possible[number].table, rows)
        return total

    def _refuse(self, table: str, rows: Temporary) -> None:
        """Take rows out of the plan, whatever was to become of them."""
        differences = self._comparison.differences[table]
        query = sql.SQL(
            "WITH lines AS (SELECT d.stage_id, d.action FROM {lines} d JOIN {rows} f ON f.stage_id = d.stage_id),"
            ' done AS (UPDATE {lines} d SET action = {refused}::"char" FROM lines l WHERE l.stage_id = d.stage_id)'
            " SELECT l.action::text, count(DISTINCT l.stage_id) FROM lines l GROUP BY l.action"
        ).format(lines=differences.lines, rows=rows, refused=sql.Literal(Action.REFUSED))
        for action, number in self._workspace.connection.execute(query).fetchall():
            differences = differences.turned(int(number), str(action), Action.REFUSED)
        self._comparison.differences[table] = differences

    def conflicts(self) -> list[Conflict]:
        """Give all of them, with the keys of a few rows each."""
        return [
            Conflict(
                table=each.table,
                reason=each.reason,
                rows=each.count,
                samples=self._samples(each),
                sqlstate=each.sqlstate,
                constraint=each.constraint,
            )
            for each in self.found
        ]

    def by_table(self) -> Mapping[str, int]:
        """Say how many rows of each table there are."""
        totals: dict[str, int] = {}
        for each in self.found:
            totals[each.table] = totals.get(each.table, 0) + each.count
        return totals

    def _samples(self, obstacle: Obstacle) -> tuple[str, ...]:
        staged = self._comparison.source.staged(obstacle.table)
        rows = sql.SQL("{} s JOIN {} f ON f.stage_id = s.ctid").format(staged.table, obstacle.rows)
        return sample_keys(self._workspace.connection, self._comparison.schema.tables[obstacle.table], "s", rows)
