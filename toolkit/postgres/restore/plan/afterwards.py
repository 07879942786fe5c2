"""The rows that there will be once a restore is done, as far as ownership goes, and who will own them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.postgres.compare.comparison import Action, Comparison
from toolkit.postgres.schema.relation import Relation, Sql, columns
from toolkit.postgres.schema.row_sources import Temporary
from toolkit.postgres.selection.ownership import Owners, Ownership
from toolkit.postgres.selection.snapshot import Survey

STAGE_ID, ROW_ID, PART_ID = (sql.Identifier(f"playback {name}") for name in ("stage_id", "row_id", "part_id"))
"""Columns beside those of the application, which may have names like these."""


class Afterwards(Struct, frozen=True, kw_only=True):
    """Works out rows and owners from what is to be written."""

    comparison: Comparison
    survey: Survey

    def below(self, tables: Iterable[str]) -> set[str]:
        """Give these tables, and those whose rows they own."""
        found = set(tables)
        while more := {link.table for link in self.survey.links.owners if link.source in found} - found:
            found |= more
        return found

    def above(self, tables: Iterable[str]) -> set[str]:
        """Give these tables, and those that own their rows."""
        found = set(tables)
        while more := {link.source for link in self.survey.links.owners if link.table in found} - found:
            found |= more
        return found

    def states(self, tables: Iterable[str], leaving: Mapping[str, Sql]) -> dict[str, Temporary]:
        """Give tables of the rows of these tables, with where each is: on stage if it is written, else on the target.

        Args:
            leaving: per table, a query of the ids of rows that are not to count.
        """
        return {name: self._state(name, leaving.get(name)) for name in sorted(self.above(tables))}

    def _state(self, name: str, leaving: Sql | None) -> Temporary:
        links, tenant = self.survey.links.owners, self.survey.catalog.tenant
        names = {column for link in links if link.table == name for column in link.columns}
        names |= {column for link in links if link.source == name for column in link.source_columns}
        if name == tenant.table:
            names.add(tenant.key)
        used = sorted(names)
        relation, differences = self.comparison.relations[name], self.comparison.differences.get(name)
        conditions: list[Sql] = [sql.SQL("true")]
        if leaving is not None:
            conditions.append(
                sql.SQL("NOT EXISTS (SELECT 1 FROM ({}) x WHERE {})").format(leaving, relation.same("t", "x"))
            )
        parts: list[Sql] = []
        if differences is not None:
            conditions.append(
                sql.SQL('NOT EXISTS (SELECT 1 FROM {} d WHERE {} AND d.action = {}::"char")').format(
                    differences.lines, relation.same("t", "d"), sql.Literal(Action.CHANGED)
                )
            )
            arriving = sql.SQL("SELECT a.*, NULL::tid, NULL::oid FROM ({}) a")
            parts = [arriving.format(self.arriving(name, used, sql.SQL("true")))]
        staying = sql.SQL(
            "SELECT {used}, NULL::tid AS {stage_id}, t.ctid AS {row_id}, t.tableoid AS {part_id}"
            " FROM {source} t WHERE {conditions}"
        ).format(
            used=columns("t", used),
            stage_id=STAGE_ID,
            row_id=ROW_ID,
            part_id=PART_ID,
            source=relation.source,
            conditions=sql.SQL(" AND ").join(conditions),
        )
        return self.survey.workspace.keep("state", sql.SQL(" UNION ALL ").join([staying, *parts]))

    def arriving(self, name: str, used: Iterable[str], condition: Sql) -> Sql:
        """Query columns of the rows to be written, and their stage id.

        A column that the backup does not have stays as it is.

        Args:
            condition: on the staged row `s`, its line `d`, and row `t` of the target, if there is one.
        """
        staged, relation = self.comparison.source.staged(name), self.comparison.relations[name]
        table = self.survey.schema.tables[name]
        values = sql.SQL(", ").join(
            sql.SQL("s.{0}").format(sql.Identifier(column))
            if column in staged.names or table.column(column).generated
            else sql.SQL('CASE WHEN d.action = {1}::"char" THEN t.{0} ELSE s.{0} END AS {0}').format(
                sql.Identifier(column), sql.Literal(Action.CHANGED)
            )
            for column in used
        )
        return sql.SQL("SELECT {}, s.ctid AS {} FROM {} LEFT JOIN {} t ON {} WHERE {}").format(
            values, STAGE_ID, self.comparison.written(name), relation.source, relation.same("t", "d"), condition
        )

    def owners(self, states: Mapping[str, Temporary], which: Sql, tenants: Iterable[str]) -> dict[str, Owners]:
        """Give who will own the rows of such tables.

        Args:
            which: `= ANY` where these tenants are `mine`, `<> ALL` where all others are.
        """
        tenant = self.survey.catalog.tenant
        mine = sql.SQL("t.{}::text {} ({}::text[])").format(
            sql.Identifier(tenant.key), which, sql.Literal(sorted(tenants))
        )
        relations = {name: Relation(state, rows=state.rows) for name, state in states.items()}
        ownership = Ownership(self.survey.workspace, relations, self.survey.links.owners, tenant)
        return ownership.compute(mine, only_selected=False, all_selected=False)
