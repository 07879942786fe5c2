"""Staged rows that the target cannot take: what stands in the way, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from psycopg import sql

from toolkit.model.plan import Conflict
from toolkit.postgres.compare.comparison import REFUSED, Comparison, Differences, count_actions, sample_keys
from toolkit.postgres.schema.relation import Sql, create_temporary, scalar

UNIQUE, CHECK, NOT_NULL, FOREIGN_KEY, EXCLUSION, GENERATED = "23505", "23514", "23502", "23503", "23P01", "428C9"
"""The SQLSTATEs with which the server would refuse the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Rows of one table that one thing stands in the way of.

    Attributes:
        reason: a lower-case fact.
        sqlstate: what the server would say.
        constraint: the constraint or key it is about; empty where there is none.
        rows: a table of `stage_id` and, where the row waits for another, `waits_for`, else NULL.
    """

    table: str
    reason: str
    sqlstate: str
    constraint: str
    rows: Sql
    count: int


class Findings:
    """Collects findings, and takes the rows they are about out of the plan where others are to be applied.

    Args:
        aside: rows that are found are refused one by one (quarantine); else they stay in the plan, which is refused.
    """

    def __init__(self, comparison: Comparison, *, aside: bool) -> None:
        self._comparison = comparison
        self._connection = comparison.connection
        self._aside = aside
        self._numbers = count()
        self.found: list[Finding] = []

    def add(self, table: str, rows: Sql, *, reason: str, sqlstate: str, constraint: str = "") -> int:
        """Take note of rows of a table; gives how many there were.

        Args:
            rows: a query of `stage_id` and `waits_for` of staged rows that are to be written.
        """
        held = create_temporary(self._connection, f"found_{next(self._numbers)}", rows)
        number = scalar(self._connection, sql.SQL("SELECT count(*) FROM {}").format(held))
        if not number:
            return 0
        self.found.append(
            Finding(table=table, reason=reason, sqlstate=sqlstate, constraint=constraint, rows=held, count=number)
        )
        if self._aside:
            lines = self._comparison.differences[table].lines
            self._connection.execute(
                sql.SQL('UPDATE {} d SET action = {}::"char" FROM {} f WHERE f.stage_id = d.stage_id').format(
                    lines, sql.Literal(REFUSED), held
                )
            )
            self._comparison.differences[table] = Differences(lines, count_actions(self._connection, lines))
        return number

    def conflicts(self) -> list[Conflict]:
        """All of them, with the keys of a few rows each."""
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
        """How many rows of each table there are."""
        totals: dict[str, int] = {}
        for each in self.found:
            totals[each.table] = totals.get(each.table, 0) + each.count
        return totals

    def _samples(self, finding: Finding) -> tuple[str, ...]:
        staged = self._comparison.source.staged(finding.table)
        rows = sql.SQL("{} s JOIN {} f ON f.stage_id = s.ctid").format(staged.table, finding.rows)
        return sample_keys(self._connection, self._comparison.schema.tables[finding.table], "s", rows)
