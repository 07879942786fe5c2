"""Rewriting: rows let go of their values by being deleted and inserted again as they are to be, in one statement.

To a foreign key that does nothing when its parent goes, the row never went: at the end of the statement its values are
there. Any other key would act before (CASCADE, SET NULL, SET DEFAULT, RESTRICT), so rows that are found by one stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import Equality
from toolkit.postgres.compare.comparison import Comparison
from toolkit.postgres.schema.leading_keys import NO_ACTION, LeadingKey, leading_keys
from toolkit.postgres.schema.relation import Sql, equal, lacks_parent, needs_parent, points_at, scalar
from toolkit.postgres.write.deletion import Deletions


class Rewriting(Struct, frozen=True, kw_only=True):
    """The rows of a table that are deleted by the statement that writes the others.

    Attributes:
        rows: a table of (stage_id, row_id[, part_id]); stage_id is NULL for those that do not come back.
        again: how many come back.
        gone: how many do not.
    """

    rows: Sql
    again: int
    gone: int


class Rewritings:
    """Tells which rows may be rewritten, and collects those that are.

    Args:
        bypass: foreign keys are not checked and do not act while rows are written.
        together: whether two tables are written by one statement.
    """

    def __init__(self, comparison: Comparison, *, bypass: bool, together: Callable[[str, str], bool]) -> None:
        self._comparison = comparison
        self._connection = comparison.connection
        self._bypass = bypass
        self._together = together
        self._leading = leading_keys(self._connection, comparison.schema.schemas)

    def stuck(self, name: str, deletions: Deletions) -> Sql:
        """Give the condition that target row `t`, which is to be updated, cannot be rewritten.

        Where no row that goes is in the way of another, those that go are deleted before.
        """
        if self._bypass:
            return sql.SQL("false")
        reasons: list[Sql] = [self._adrift(name)]
        for key in self._leading.get(name, ()):
            if key.on_delete != NO_ACTION:
                reasons.append(self._found_by(key, {} if deletions.moving else deletions.ids))
                reasons.append(self._found_by_new(name, key))
        return sql.SQL("({})").format(sql.SQL(" OR ").join(reasons))

    def fast(self, name: str) -> Sql:
        """Give the condition that target row `t`, which has to go, cannot by the statement that writes others.

        It can where all that points at it finds another row with its values then.
        """
        reasons: list[Sql] = [sql.SQL("false")]
        for key in self._leading.get(name, ()):
            if key.on_delete != NO_ACTION:
                reasons.extend((self._found_by(key, {}), self._found_by_new(name, key)))
            else:
                agree = equal("w", key.parent_columns, "t", key.parent_columns, self._agreeing(name, key))
                taken_over = self._written(name, agree)
                reasons.append(sql.SQL("({} AND NOT {})").format(self._found_by(key, {}), taken_over))
        return sql.SQL("({})").format(sql.SQL(" OR ").join(reasons))

    def acted_on(self, name: str) -> bool:
        """Tell whether some foreign key that leads to a table acts on rows, or refuses, when their parent goes."""
        return not self._bypass and any(key.on_delete != NO_ACTION for key in self._leading.get(name, ()))

    def hold(self, rows: Sql) -> Rewriting:
        """Make the table of ids of a rewriting from a query of them."""
        return self._counted(self._comparison.workspace.keep("rewritten", rows))

    def less(self, name: str, rewriting: Rewriting, deleted: Sql) -> Rewriting:
        """Give the rewriting without the rows in a table of ids, which will be gone before."""
        same = self._comparison.relations[name].same_ids("d", "x")
        query = sql.SQL("DELETE FROM {} d USING {} x WHERE {}").format(rewriting.rows, deleted, same)
        self._connection.execute(query)
        return self._counted(rewriting.rows)

    def _counted(self, held: Sql) -> Rewriting:
        again = scalar(self._connection, sql.SQL("SELECT count(stage_id) FROM {}").format(held))
        gone = scalar(self._connection, sql.SQL("SELECT count(*) - count(stage_id) FROM {}").format(held))
        return Rewriting(rows=held, again=again, gone=gone)

    def _found_by(self, key: LeadingKey, deleted: Mapping[str, Sql]) -> Sql:
        """The condition that a row which stays finds `t` now."""
        if not key.readable:
            return sql.SQL("true")
        conditions: list[Sql] = [points_at(key, "c", "t")]
        if self._is_ours(key) and key.child in deleted:
            same = self._comparison.relations[key.child].same("c", "x")
            conditions.append(sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})").format(deleted[key.child], same))
        return sql.SQL("EXISTS (SELECT 1 FROM {} c WHERE {})").format(key.rows, sql.SQL(" AND ").join(conditions))

    def _found_by_new(self, name: str, key: LeadingKey) -> Sql:
        """The condition that a row which is written by the same statement is to find `t` as it is now."""
        if not (self._is_ours(key) and self._comparison.writes(key.child) and self._together(name, key.child)):
            return sql.SQL("false")
        return self._written(key.child, points_at(key, "w", "t"))

    def _written(self, name: str, condition: Sql) -> Sql:
        written = self._comparison.written(name)
        return sql.SQL("EXISTS (SELECT 1 FROM (SELECT s.* FROM {}) w WHERE {})").format(written, condition)

    def _agreeing(self, name: str, key: LeadingKey) -> tuple[Equality, ...]:
        """How two rows of the parent agree in what rows find them by."""
        return self._comparison.schema.default_equalities(name, key.parent_columns)

    def _is_ours(self, key: LeadingKey) -> bool:
        return key.child in self._comparison.relations

    def leads_nowhere(self, name: str) -> Sql:
        """Give the condition that staged row `s` will lead nowhere, as the row that it updates does."""
        return self._nowhere(name, "s", arriving=True)

    def _adrift(self, name: str) -> Sql:
        """The condition that `t` itself leads nowhere, which the server would not let in again."""
        return self._nowhere(name, "t", arriving=False)

    def _nowhere(self, name: str, alias: str, *, arriving: bool) -> Sql:
        """The condition that a row finds no parent on the target, nor among those that arrive."""
        reasons: list[Sql] = [sql.SQL("false")]
        for key in self._comparison.schema.tables[name].foreign_keys:
            if key.enforced:
                parents = [sql.SQL("{} p WHERE true").format(self._comparison.relations[key.parent].source)]
                if arriving and self._comparison.writes(key.parent):
                    new = sql.SQL("(SELECT s.* FROM {}) p WHERE true")
                    parents.append(new.format(self._comparison.written(key.parent)))
                lacking = lacks_parent(key, alias, parents)
                reasons.append(sql.SQL("({} AND {})").format(needs_parent(key, alias), lacking))
        return sql.SQL("({})").format(sql.SQL(" OR ").join(reasons))
