"""The values that a column will have once a plan is applied."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.postgres.compare.comparison import Action, Comparison
from toolkit.postgres.compare.sequence_outlook import values_in
from toolkit.postgres.schema.relation import Sql


class ValuesAfterwards(Struct, frozen=True):
    """Values of rows that stay as they are, and of those that are written.

    Attributes:
        deleted: per table, a table of the ids of rows that go.
    """

    comparison: Comparison
    deleted: Mapping[str, Sql]

    def of(self, table: str, column: str) -> Sql:
        """Give a subquery of the values of a column, as `v`."""
        if table not in self.comparison.relations:  # of a schema that is left out: it stays as it is
            return values_in(self.comparison.schema.schemas)(table, column)
        there = self._staying(table, column)
        if not self.comparison.writes(table) or column not in self.comparison.source.staged(table).names:
            return sql.SQL("({}) q").format(there)
        written = sql.SQL("SELECT {} FROM {}").format(sql.Identifier("s", column), self.comparison.written(table))
        return sql.SQL("({} UNION ALL {}) q").format(there, written)

    def _staying(self, table: str, column: str) -> Sql:
        relation = self.comparison.relations[table]
        query = sql.SQL("SELECT {} AS v FROM {} t WHERE true").format(sql.Identifier("t", column), relation.source)
        if (ids := self.deleted.get(table)) is not None:
            query = sql.SQL("{} AND NOT EXISTS (SELECT 1 FROM {} x WHERE {})").format(
                query, ids, relation.same("t", "x")
            )
        differences = self.comparison.differences.get(table)
        changed = differences is not None and differences.count(Action.CHANGED)
        if differences is not None and changed and column in self.comparison.source.staged(table).names:
            query = sql.SQL('{} AND NOT EXISTS (SELECT 1 FROM {} d WHERE {} AND d.action = {}::"char")').format(
                query, differences.lines, relation.same("t", "d"), sql.Literal(Action.CHANGED)
            )
        return query
