"""Rows of the scope that a backup lacks: those that mirror may delete, and why others stay whatever points at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace
from psycopg import sql

from toolkit.model.catalog import RuleKind
from toolkit.model.manifest import TableEntry
from toolkit.planning.accounting import Part
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import absent_from_stage
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.order import expression
from toolkit.postgres.schema.relation import Sql, relation_of
from toolkit.postgres.schema.row_sources import Rows
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection


class ExtraRows:
    """Finds them, table by table.

    Args:
        gained: per table, a table of ids of rows that are selected because of what will be written.
        found: per table, the lines of rows that are staged with other values.
        uncertain: tables of which the backup cannot say which rows there were → why.
        keep: is told which rows of a table stay (a query of ids), and why.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        survey: Survey,
        selected: Selected,
        source: Source,
        gained: Mapping[str, Rows],
        found: Mapping[str, Rows],
        uncertain: Mapping[str, str],
        keep: Callable[[str, str, Sql], None],
    ) -> None:
        self._connection = connection
        self._survey = survey
        self._selected = selected
        self._source = source
        self._gained = gained
        self._found = found
        self._uncertain = uncertain
        self._keep = keep

    def deletable(self, name: str) -> Sql | None:
        """Give a query of the ids of deletable rows; None where there can be none."""
        taken, part = self._selected.taken.get(name), self._survey.accounting.taken.get(name)
        if taken is None or part is Part.REFERENCED:
            return None
        entry, rule, table = (
            self._source.entries[name],
            self._survey.accounting.rules[name],
            self._survey.schema.tables[name],
        )
        relation = relation_of(self._survey.schema.schemas, table)
        staged = self._source.staged(name) if entry.rows else None
        if staged is not None and staged.beyond is not None and staged.compared is not None and name in self._gained:
            # those that were not of the scope when its rows were compared by their chunks
            both = sql.SQL(
                "(SELECT {listed} FROM {beyond} i UNION SELECT {listed} FROM {gained} i"
                " WHERE NOT EXISTS (SELECT 1 FROM {compared} c WHERE {same}))"
            ).format(
                listed=relation.id_columns("i"),
                beyond=staged.beyond,
                gained=self._gained[name],
                compared=staged.compared,
                same=relation.same_ids("i", "c"),
            )
            staged = replace(staged, beyond=Rows(both, None))
        query = absent_from_stage(table, relation, staged, taken.ids, self._found.get(name))
        if taken.ids is not None:
            # a row of a `referenced` table is nobody's once those that point at it are deleted
            adrift = self._survey.scope.whole and rule.kind is RuleKind.REFERENCED and rule.unowned != "never"
            reasons = [Mark.OWNED, Mark.SHARED, Mark.UNOWNED, *([Mark.REFERENCED] if adrift else [])]
            query = sql.SQL("{} AND w.why::text = ANY ({})").format(query, sql.Literal(reasons))
        if not self._survey.scope.whole and part is not Part.WHOLE:
            common: Sql = sql.SQL("w.why::text <> {}").format(sql.Literal(Mark.OWNED))
            if taken.ids is None:
                common = sql.SQL("true" if taken.owned is not None else "false")
            query = self._less(name, query, "of no business, and single ones are restored", common)
        owners = self._selected.owners.get(name)
        by_owner = taken.ids is not None and rule.kind in {RuleKind.TENANT, RuleKind.OWNED}
        if owners is not None and not owners.all_mine and not (owners.alone and by_owner):
            co_owned = sql.SQL("EXISTS (SELECT 1 FROM {} o WHERE {} AND NOT o.mine)").format(
                owners.source, relation.same("t", "o")
            )
            query = self._less(name, query, "owned by another business too", co_owned)
        if name in self._uncertain:
            self._less(name, query, self._uncertain[name], sql.SQL("true"))
            return None
        if entry.cutoff is not None:
            behind = sql.SQL("({}) IS NOT TRUE").format(self._within_limit(entry, rule.newest_by))
            query = self._less(name, query, "the backup's limit ends before them", behind)
        if rule.where:
            self._less(name, query, "the table is backed up under a condition", sql.SQL("true"))
            return None
        return query

    def _less(self, name: str, query: Sql, reason: str, condition: Sql) -> Sql:
        """The query without the rows that a condition lets stay, which are noted."""
        self._keep(name, reason, sql.SQL("{} AND {}").format(query, condition))
        return sql.SQL("{} AND NOT {}").format(query, condition)

    def _within_limit(self, entry: TableEntry, newest_by: str) -> Sql:
        """The condition that the limit of the backup, newest first and ties by key, would have let in row `t`."""
        newest, theirs = sql.Identifier("t", newest_by), sql.Identifier("s", newest_by)
        key = sort_key(self._survey.schema.tables[entry.name])
        ours, others = (sql.SQL(", ").join(expression(column, alias) for column in key.columns) for alias in "ts")
        if not entry.cutoff:  # the last row has no time, and of those without one ties go by key
            return sql.SQL(
                "{newest} IS NOT NULL OR EXISTS"
                " (SELECT 1 FROM {staged} s WHERE {theirs} IS NULL AND ({ours}) < ({others}))"
            ).format(
                newest=newest,
                staged=self._source.staged(entry.name).table,
                theirs=theirs,
                ours=ours,
                others=others,
            )
        return sql.SQL(
            "{newest} > {cutoff} OR {newest} = {cutoff} AND EXISTS"
            " (SELECT 1 FROM {staged} s WHERE {theirs} = {newest} AND ({ours}) < ({others}))"
        ).format(
            newest=newest,
            cutoff=sql.Literal(entry.cutoff),
            staged=self._source.staged(entry.name).table,
            theirs=theirs,
            ours=ours,
            others=others,
        )
