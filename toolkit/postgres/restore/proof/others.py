"""Proof that a restore of single businesses touched nothing else.

The server's own counts show it (`counted.py`). Where they cannot, it is a digest of all other rows, before and after:
the number of rows and two sums of 64-bit hashes of their text, which do not depend on the order of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from psycopg import sql

from toolkit.model.plan import Load
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Action
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.relation import Sql, row_text
from toolkit.postgres.schema.workspace import shared


class Digest(Struct, frozen=True):
    """A multiset of rows."""

    rows: int
    first: int
    second: int

    def less(self, other: Digest) -> Digest:
        """Give the digest without the rows of another one, which are among its own."""
        return Digest(self.rows - other.rows, self.first - other.first, self.second - other.second)


class OtherRows:
    """The rows that a plan does not touch."""

    def __init__(self, ready: Ready) -> None:
        self._connection = ready.connection
        self._schema = ready.survey.schema
        self._relations = ready.survey.workspace.relations
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

    @property
    def tables(self) -> Sequence[str]:
        """The tables whose rows are looked at."""
        return self._tables

    def count(self) -> int:
        """Say how many there are, before the plan is applied."""
        count, planned = sql.SQL("SELECT count(*) FROM {}"), self._prepared.plan.tables
        # of a table that is not restored all rows stand outside, and nobody need know how many these are
        looked_at = [name for name in self._tables if not self._prepared.plan.named or name in planned]
        counts = {name: count.format(self._relations[name].source) for name in looked_at}
        numbers = self._prepared.comparison.workspace.numbers(counts, self._prepared.comparison.bytes_of)
        return sum(rows - self._touched(name) for name, rows in numbers.items())

    def _touched(self, name: str) -> int:
        """How many rows of a table change or go: the key of the ones is on stage, that of the others is not."""
        differences = self._prepared.differences.get(name)
        changed = differences.count(Action.CHANGED) if differences is not None else 0
        return changed + self._prepared.deletions.counts.get(name, 0)

    def before(self) -> dict[str, Digest]:
        """Their digests before the plan is applied, by table."""
        return self._digests({name: self._rows(name, self._untouched(name)) for name in self._tables})

    def after(self) -> dict[str, Digest]:
        """Their digests afterwards."""
        found = self._digests({name: self._afterwards(name) for name in self._tables})
        # a row without a key cannot be told from an equal one
        inserted = self._digests({name: self._inserted(name) for name in self._tables if self._is_keyless(name)})
        return {name: digest.less(inserted[name]) if name in inserted else digest for name, digest in found.items()}

    def _afterwards(self, name: str) -> Sql:
        """A query of the rows that there are afterwards, less those that were written where a key tells them apart."""
        if not self._is_written(name) or self._is_keyless(name):
            return self._rows(name, sql.SQL("true"))
        table = self._schema.tables[name]
        ours = sql.SQL("NOT EXISTS (SELECT 1 FROM {} WHERE {})")
        return self._rows(name, ours.format(self._written(name), same_key(table, "t", "s")))

    def _inserted(self, name: str) -> Sql:
        return sql.SQL("SELECT t.* FROM (SELECT s.* FROM {}) t").format(self._written(name))

    def _is_written(self, name: str) -> bool:
        differences = self._prepared.differences.get(name)
        return differences is not None and differences.count(Action.MISSING) + differences.count(Action.CHANGED) > 0

    def _is_keyless(self, name: str) -> bool:
        return self._is_written(name) and not sort_key(self._schema.tables[name]).unique

    def _written(self, name: str) -> Sql:
        return self._prepared.comparison.written(name)

    def _untouched(self, name: str) -> Sql:
        relation = self._relations[name]
        conditions: list[Sql] = [sql.SQL("true")]
        differences = self._prepared.differences.get(name)
        if differences is not None and differences.count(Action.CHANGED):
            changed = sql.SQL("NOT EXISTS (SELECT 1 FROM {} d WHERE {} AND d.action = {})")
            conditions.append(changed.format(differences.lines, relation.same("t", "d"), sql.Literal(Action.CHANGED)))
        if name in self._prepared.deletions.ids:
            deleted = sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})")
            conditions.append(deleted.format(self._prepared.deletions.ids[name], relation.same("t", "x")))
        return sql.SQL(" AND ").join(conditions)

    def _rows(self, name: str, condition: Sql) -> Sql:
        return sql.SQL("SELECT t.* FROM {} t WHERE {}").format(self._relations[name].source, condition)

    def _digests(self, rows: Mapping[str, Sql]) -> dict[str, Digest]:
        """The digests of rows of tables; small ones share statements."""
        found = {}
        for names in shared(rows, self._prepared.comparison.bytes_of):
            query = sql.SQL(" UNION ALL ").join(self._sum(name, rows[name]) for name in names)
            for name, *sums in self._connection.execute(query):
                found[str(name)] = Digest(*map(int, sums))
        return found

    def _sum(self, name: str, rows: Sql) -> Sql:
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
        return sql.SQL(
            "SELECT {}, count(*), coalesce(sum(hashtextextended(q.line, 0)), 0),"
            " coalesce(sum(hashtextextended(q.line, 1)), 0)"
            " FROM (SELECT {} AS line FROM ({}) t) q"
        ).format(sql.Literal(name), row_text("t", names), rows)


def touched(before: dict[str, Digest], after: dict[str, Digest]) -> dict[str, str]:
    """Give the tables whose other rows are not what they were, each with a sentence."""
    return {
        name: f"{name}: rows outside the restore changed ({before[name].rows} before, {after[name].rows} after)"
        for name in before
        if before[name] != after[name]
    }
