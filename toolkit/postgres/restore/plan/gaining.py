"""Rows of nobody that become the restored businesses' by what is written: a mirror sees them as theirs already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.catalog import RuleKind
from toolkit.model.plan import Load
from toolkit.planning.accounting import Part
from toolkit.planning.links import OwnerLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Action, Comparison
from toolkit.postgres.restore.plan.afterwards import PART_ID, ROW_ID, Afterwards
from toolkit.postgres.schema.relation import Sql, differing, equal
from toolkit.postgres.schema.row_sources import Rows, Temporary
from toolkit.postgres.selection.conditions import condition_of
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.stage.backup_owners import BackupOwners


class Gaining(Struct, frozen=True, kw_only=True):
    """Finds the rows that nobody owns now and the restored businesses alone will own.

    A row of the backup gives them an owner: it is new, or was nobody's itself, or has other values from now on. What
    other businesses own stays theirs too, and what hangs on it.

    Attributes:
        selected: the scope evaluated on the target, with all owners known.
        owners: who owns the rows of the backup.
    """

    comparison: Comparison
    survey: Survey
    selected: Selected
    owners: BackupOwners
    afterwards: Afterwards

    def to_compare(self, loads: Mapping[str, Load]) -> list[str]:
        """Give the tables to be copied whole whose rows could give an owner to rows that are there."""
        links = {
            link: sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT 1) q").format(
                self.comparison.relations[link.table].source
            )
            for link in self.survey.links.owners
            if loads.get(link.source) is Load.COPY and loads.get(link.table) is not Load.COPY
        }
        filled = self.comparison.workspace.numbers(links, lambda _: 0)
        above = self.afterwards.above(link.source for link, rows in filled.items() if rows)
        return sorted(name for name in above if loads.get(name) is Load.COPY)

    def find(self) -> Mapping[str, Temporary]:
        """Give, per table with such rows that the scope will take, a table of their ids."""
        within = self.survey.owned
        links = [link for link in self.survey.links.owners if within is None or link.table in within]
        giving = {link: self._given(link) for link in links if self._may_give(link)}
        workspace, comparison = self.comparison.workspace, self.comparison
        some = {
            # counted to the end: for the first of them only, which mostly is not there, all is looked up one by one
            link: sql.SQL("SELECT count(*) FROM ({}) q").format(giving[link])
            for link in workspace.likely(giving, lambda link: comparison.bytes_of(link.table, link.source))
        }
        found = workspace.numbers(some, lambda _: None)
        below = self.afterwards.below(link.table for link, given in found.items() if given)
        if within is not None:
            below &= set(within)
        if not below:
            return {}
        states = self.afterwards.states(below, {})
        arriving = {key for key in self.owners.tenants if key not in self.selected.known}
        after = self.afterwards.owners(states, sql.SQL("= ANY"), {*self.selected.tenants, *arriving})
        queries = {
            name: self._gained(name, states[name], after[name].source)
            for name in sorted(below)
            if name in after and self._counts(name)
        }
        return workspace.keep_found("gained", queries, lambda name: comparison.relations[name].bytes)

    def added_to(self, gained: Mapping[str, Temporary]) -> Selected:
        """Give the selection on the target with these rows taken as owned."""
        taken = dict(self.selected.taken)
        for name, ids in gained.items():
            relation, before = self.comparison.relations[name], taken[name]
            both = sql.SQL(
                "(SELECT {listed}, i.why FROM {before} i WHERE NOT EXISTS (SELECT 1 FROM {gained} g WHERE {same})"
                ' UNION ALL SELECT {added}, {owned}::"char" FROM {gained} g)'
            ).format(
                listed=relation.id_columns("i"),
                before=before.ids,
                gained=ids,
                same=relation.same_ids("i", "g"),
                added=relation.id_columns("g"),
                owned=sql.Literal(Mark.OWNED),
            )
            taken[name] = replace(before, ids=Rows(both, None))
        return replace(self.selected, taken=taken)

    def _counts(self, name: str) -> bool:
        """Whether the scope takes rows of a table because they are owned."""
        taken, rule = self.selected.taken.get(name), self.survey.accounting.rules[name]
        by_owner = rule.kind in (RuleKind.TENANT, RuleKind.OWNED)
        by_rule = self.survey.accounting.taken.get(name) is Part.RULE
        return by_owner and by_rule and taken is not None and taken.ids is not None

    def _may_give(self, link: OwnerLink) -> bool:
        owners = self.selected.owners.get(link.table)
        return bool(self.comparison.writes(link.source)) and not (owners is not None and owners.all_mine)

    def _given(self, link: OwnerLink) -> Sql:
        """A query of the rows of nobody that a row to be written leads to, and did not lead to as it is now."""
        relation = self.comparison.relations[link.table]
        condition: Sql = sql.SQL("true")
        if (owners := self.selected.owners.get(link.table)) is not None:
            condition = sql.SQL("NOT EXISTS (SELECT 1 FROM {} o WHERE {})").format(
                owners.source, relation.same("t", "o")
            )
        arriving = self.afterwards.arriving(link.source, dict.fromkeys(link.source_columns), self._leads_anew(link))
        return sql.SQL("SELECT t.ctid FROM ({}) a JOIN {} t ON {} WHERE {}").format(
            arriving,
            relation.source,
            equal("a", link.source_columns, "t", link.columns, link.equalities),
            condition,
        )

    def _leads_anew(self, link: OwnerLink) -> Sql:
        """The condition that a row to be written may lead to rows that are nobody's now."""
        return sql.SQL("({})").format(sql.SQL(" OR ").join(self._ways(link)))

    def _ways(self, link: OwnerLink) -> Iterator[Sql]:
        name = link.source
        key = set(sort_key(self.survey.schema.tables[name]).names)
        if not (self._is_enforced(link) and key == set(link.source_columns)):  # else nothing points at a missing key
            yield sql.SQL('d.action = {}::"char"').format(sql.Literal(Action.MISSING))
        if (owners := self.selected.owners.get(name)) is None:
            yield sql.SQL("true")
            return
        yield sql.SQL('d.action = {}::"char" AND NOT EXISTS (SELECT 1 FROM {} o WHERE {})').format(
            sql.Literal(Action.CHANGED), owners.source, self.comparison.relations[name].same_ids("o", "d")
        )
        staged = self.comparison.source.staged(name).names
        if changing := [each for each in link.source_columns if each not in key and each in staged]:
            yield differing("s", "t", changing)

    def _is_enforced(self, link: OwnerLink) -> bool:
        """Whether a foreign key of the table vouches that its rows find a row by this link."""
        return any(
            key.parent == link.source
            and key.enforced
            and key.validated
            and not (key.within or key.parent_within)
            and dict(zip(key.columns, key.parent_columns, strict=True))
            == dict(zip(link.columns, link.source_columns, strict=True))
            for key in self.survey.schema.tables[link.table].foreign_keys
        )

    def _gained(self, name: str, state: Temporary, after: Sql) -> Sql:
        relation, rule = self.comparison.relations[name], self.survey.accounting.rules[name]
        before: Sql = sql.SQL("true")
        if (owners := self.selected.owners.get(name)) is not None:
            before = sql.SQL("NOT EXISTS (SELECT 1 FROM {} o WHERE {})").format(owners.source, relation.same("t", "o"))
        return sql.SQL(
            "SELECT {ids} FROM {source} t WHERE {before} AND {condition} AND EXISTS"
            " (SELECT 1 FROM {state} a JOIN {after} o ON o.row_id = a.ctid"
            " WHERE a.{row_id} = t.ctid AND a.{part_id} = t.tableoid HAVING bool_and(o.mine))"
        ).format(
            ids=relation.ids("t"),
            source=relation.source,
            row_id=ROW_ID,
            part_id=PART_ID,
            state=state,
            after=after,
            before=before,
            condition=condition_of(rule),
        )
