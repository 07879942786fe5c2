"""Foreign keys as they would be once the plan is carried out: which rows to be written would point at nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from psycopg import sql

from toolkit.model.schema import ForeignKey
from toolkit.postgres.relation import Sql, columns, equal
from toolkit.postgres.restore.comparison import CHANGED, Comparison
from toolkit.postgres.restore.findings import FOREIGN_KEY, Findings


class ForeignKeys:
    """Looks for the parents of staged rows, on stage and on the target.

    Args:
        foreseen: whether the rows of a table are known from the stage (not for one that is copied whole).
    """

    def __init__(self, comparison: Comparison, *, foreseen: Callable[[str], bool]) -> None:
        self._comparison = comparison
        self._foreseen = foreseen

    def find_dangling(self, deleted: Mapping[str, Sql], findings: Findings) -> int:
        """Note the rows to be written whose parent will not be there; gives how many were found.

        Args:
            deleted: per table, a table of ids of rows that will be deleted.
        """
        number = 0
        for table in self._comparison.differences:
            for key in self._comparison.schema.tables[table].foreign_keys:
                # differences change as rows are taken out of the plan
                if self._comparison.writes(table) and self._foreseen(key.parent):
                    pointing = f"({', '.join(key.columns)})"
                    number += findings.add(
                        table,
                        self._dangling(table, key, deleted),
                        reason=f"{key.name}: {pointing} would point at no row of {key.parent}",
                        sqlstate=FOREIGN_KEY,
                        constraint=key.name,
                    )
        return number

    def _dangling(self, table: str, key: ForeignKey, deleted: Mapping[str, Sql]) -> Sql:
        filled = sql.SQL(" AND ").join(sql.SQL("s.{} IS NOT NULL").format(sql.Identifier(name)) for name in key.columns)
        return sql.SQL(
            "SELECT s.ctid AS stage_id, {parent} || ' ' || concat_ws(', ', {values}) AS waits_for"
            " FROM {written} WHERE {filled} AND NOT EXISTS ({staying}){arriving}"
        ).format(
            parent=sql.Literal(key.parent),
            values=columns("s", key.columns),
            written=self._comparison.written(table),
            filled=filled,
            staying=self._staying(key, deleted),
            arriving=self._arriving(key),
        )

    def _staying(self, key: ForeignKey, deleted: Mapping[str, Sql]) -> Sql:
        """Target rows that are the parent of `s` and neither deleted nor given other values."""
        parent = self._comparison.relations[key.parent]
        conditions: list[Sql] = [equal("p", key.parent_columns, "s", key.columns)]
        if key.parent in deleted:
            conditions.append(
                sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})").format(deleted[key.parent], parent.same("p", "x"))
            )
        differences = self._comparison.differences.get(key.parent)
        if differences is not None and differences.count(CHANGED):
            conditions.append(
                sql.SQL('NOT EXISTS (SELECT 1 FROM {} u WHERE {} AND u.action = {}::"char")').format(
                    differences.lines, parent.same("p", "u"), sql.Literal(CHANGED)
                )
            )
        return sql.SQL("SELECT 1 FROM {} p WHERE {}").format(parent.source, sql.SQL(" AND ").join(conditions))

    def _arriving(self, key: ForeignKey) -> Sql:
        """The condition that no staged row to be written is the parent of `s`."""
        if not self._comparison.writes(key.parent):
            return sql.SQL("")
        return sql.SQL(" AND NOT EXISTS (SELECT 1 FROM (SELECT s.* FROM {}) p WHERE {})").format(
            self._comparison.written(key.parent), equal("p", key.parent_columns, "s", key.columns)
        )
