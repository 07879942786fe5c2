"""Proof that a restore of single businesses touched nothing else: a digest of all other rows, before and after.

A digest is the number of rows and two sums of 64-bit hashes of their text, which do not depend on the order of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from toolkit.model.plan import Load
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import CHANGED, MISSING, same_key
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.relation import Relation, Sql, columns, relation_of


@dataclass(frozen=True, slots=True)
class Digest:
    """A multiset of rows."""

    rows: int
    first: int
    second: int

    def less(self, other: Digest) -> Digest:
        """The digest without the rows of another one, which are among its own."""
        return Digest(self.rows - other.rows, self.first - other.first, self.second - other.second)


class OtherRows:
    """The rows that a plan does not touch."""

    def __init__(self, ready: Ready) -> None:
        self._connection = ready.connection
        self._schema = ready.survey.schema
        self._prepared = ready.prepared
        self._source = ready.source
        planned = ready.prepared.plan.tables
        self._tables = [
            name
            for name in self._schema.tables
            # sync state of the device changes by rules of its own
            if ready.plan.tables.get(name) == planned.get(name)
            # where a table was empty there were no other rows, and every row it has now is compared by itself
            and not (name in planned and planned[name].load is Load.COPY)
        ]

    def before(self) -> dict[str, Digest]:
        """Their digests before the plan is applied, by table."""
        return {name: self._digest(name, self._untouched(name)) for name in self._tables}

    def after(self) -> dict[str, Digest]:
        """Their digests afterwards."""
        return {name: self._after(name) for name in self._tables}

    def _after(self, name: str) -> Digest:
        differences = self._prepared.differences.get(name)
        if differences is None or not differences.count(MISSING) + differences.count(CHANGED):
            return self._digest(name, sql.SQL("true"))
        table, staged = self._schema.tables[name], self._source.staged(name)
        written = sql.SQL("{} s JOIN {} d ON d.stage_id = s.ctid AND d.action IN ({}, {})").format(
            staged.table, differences.lines, sql.Literal(MISSING), sql.Literal(CHANGED)
        )
        if sort_key(table).unique:
            ours = sql.SQL("NOT EXISTS (SELECT 1 FROM {} WHERE {})").format(written, same_key(table, "t", "s"))
            return self._digest(name, ours)
        # a row without a key cannot be told from an equal one
        inserted = sql.SQL("SELECT t.* FROM (SELECT s.* FROM {}) t").format(written)
        return self._digest(name, sql.SQL("true")).less(self._sum(name, inserted))

    def _untouched(self, name: str) -> Sql:
        relation = self._relation(name)
        conditions: list[Sql] = [sql.SQL("true")]
        differences = self._prepared.differences.get(name)
        if differences is not None and differences.count(CHANGED):
            changed = sql.SQL("NOT EXISTS (SELECT 1 FROM {} d WHERE {} AND d.action = {})")
            conditions.append(changed.format(differences.lines, relation.same("t", "d"), sql.Literal(CHANGED)))
        if name in self._prepared.deletions.ids:
            deleted = sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})")
            conditions.append(deleted.format(self._prepared.deletions.ids[name], relation.same("t", "x")))
        return sql.SQL(" AND ").join(conditions)

    def _digest(self, name: str, condition: Sql) -> Digest:
        rows = sql.SQL("SELECT t.* FROM {} t WHERE {}").format(self._relation(name).source, condition)
        return self._sum(name, rows)

    def _sum(self, name: str, rows: Sql) -> Digest:
        table = self._schema.tables[name]
        released = {
            column
            for release in self._prepared.deletions.releases
            if release.table == name
            for column in release.columns
        }
        names = [column.name for column in table.stored_columns if column.name not in released]
        if not sort_key(table).unique and name in self._prepared.differences:
            names = [each for each in names if each in self._source.staged(name).names]
        query = sql.SQL(
            "SELECT count(*), coalesce(sum(hashtextextended(q.line, 0)), 0),"
            " coalesce(sum(hashtextextended(q.line, 1)), 0)"
            ' FROM (SELECT ROW({})::text COLLATE "C" AS line FROM ({}) t) q'
        ).format(columns("t", names), rows)
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return Digest(int(row[0]), int(row[1]), int(row[2]))

    def _relation(self, name: str) -> Relation:
        return relation_of(self._schema.name, self._schema.tables[name])


def touched(before: dict[str, Digest], after: dict[str, Digest]) -> list[str]:
    """The tables whose other rows are not what they were, as sentences."""
    return [
        f"{name}: rows outside the restore changed ({before[name].rows} before, {after[name].rows} after)"
        for name in before
        if before[name] != after[name]
    ]
