"""What the rows of a backup alone do not show, but picking single businesses out of it has to know.

The selection of one business runs on the rows of a wider backup (restore/stage/narrowing.py). It would go wrong where
ownership passes through rows that the backup does not have, because a condition or a limit cut them or nobody asked for
their optional table; and where a row is there for the sake of another row although an owner, or nobody, owns it. Both
are found here: the first by the values that lead from the missing rows to those of the backup, with the tenants that
own them, the second by the keys of the rows. Where no rule cuts rows there is nothing to be found, and nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct
from psycopg import sql

from toolkit.model.catalog import Category, RuleKind, TableRule
from toolkit.planning.accounting import Part
from toolkit.planning.links import OwnerLink
from toolkit.planning.row_order import stored_key
from toolkit.postgres.schema.relation import Relation, Sql, columns, row_text
from toolkit.postgres.selection.conditions import condition_of
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.ownership import Owners, Ownership
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey


class FoundSupport(Struct, frozen=True, kw_only=True):
    """Supporting rows of one kind for one table; see `Support` of the manifest.

    Attributes:
        query: their values, in order; no two are alike.
    """

    what: Literal["owners", "referenced"]
    columns: tuple[str, ...]
    query: Sql


class Supports(Struct, frozen=True, kw_only=True):
    """All that supports a backup.

    Attributes:
        found: per table of the backup; what is found may turn out to have no rows.
        cut: per table read with a limit: the tenants that lost rows to it, None for nobody.
    """

    found: Mapping[str, tuple[FoundSupport, ...]]
    cut: Mapping[str, tuple[str | None, ...]]


def find_support(survey: Survey, selected: Selected) -> Supports:
    """Give what supports the backup of a selection, in the transaction in which it was made."""
    return _Search(survey, selected).run()


class _Search:
    def __init__(self, survey: Survey, selected: Selected) -> None:
        self._connection = survey.workspace.connection
        self._survey = survey
        self._selected = selected
        self._relations: dict[str, Relation] = {
            name: survey.workspace.relations[name]
            for name, rule in survey.accounting.rules.items()
            if rule.category is Category.BUSINESS
        }
        self._owners: Mapping[str, Owners] = {}
        self._pointing = {
            (each.child, each.columns, each.parent, each.parent_columns) for each in survey.links.references
        }

    def run(self) -> Supports:
        passing = [
            link for link in self._survey.links.owners if self._may_lack(link.source) or self._leads_to_others(link)
        ]
        passing = [link for link in passing if link.table in self._selected.taken]
        limited = [name for name in self._selected.taken if self._may_be_cut(name)]
        self._owners = self._owners_of({*limited, *(link.source for link in passing)})
        found: dict[str, tuple[FoundSupport, ...]] = {}
        for name in self._selected.taken:
            links = [link for link in passing if link.table == name and link.source in self._owners]
            supports = (*self._owner_values(name, links), *self._referenced(name))
            if supports:
                found[name] = supports
        return Supports(found=found, cut={name: cut for name in limited if (cut := self._cut(name))})

    def _rule(self, name: str) -> TableRule:
        return self._survey.accounting.rules[name]

    def _may_lack(self, name: str) -> bool:
        """Whether the backup may lack rows of a table although a selected tenant owns them."""
        if self._survey.accounting.taken.get(name) is not Part.RULE:
            return True
        return bool(self._rule(name).where) or self._survey.scope.optional.get(name) is not None

    def _leads_to_others(self, link: OwnerLink) -> bool:
        """Whether rows of tenants that are not selected may own rows of the backup, as those do that point at them.

        What a row points at comes along with it.
        """
        if self._selected.known.keys() <= set(self._selected.tenants):
            return False
        way = (link.table, link.columns, link.source, link.source_columns)
        return way not in self._pointing

    def _may_be_cut(self, name: str) -> bool:
        """Whether a limit may have cut rows that the same limit lets into the backup of one tenant."""
        owned = self._rule(name).kind in (RuleKind.TENANT, RuleKind.OWNED)
        return owned and self._selected.taken[name].full

    def _owners_of(self, tables: Iterable[str]) -> Mapping[str, Owners]:
        """The tenants that own the rows of some tables, selected or not."""
        wanted = set(tables)
        if not wanted:
            return {}
        links, tenant = self._survey.links.owners, self._survey.catalog.tenant
        waiting = list(wanted)
        while waiting:
            name = waiting.pop()
            sources = {link.source for link in links if link.table == name and link.source in self._relations}
            waiting.extend(sources - wanted)
            wanted |= sources
        ownership = Ownership(self._survey.workspace, self._relations, links, tenant)
        return ownership.compute_tenants(wanted={*wanted, tenant.table})

    def _owner_values(self, name: str, links: Iterable[OwnerLink]) -> Iterator[FoundSupport]:
        """The values by which rows of a table are owned through rows that the backup lacks."""
        ways: dict[tuple[str, ...], list[OwnerLink]] = {}
        for link in links:
            ways.setdefault(tuple(sorted(link.columns)), []).append(link)
        for names, alike in sorted(ways.items()):
            value = row_text("t", names)
            parts = (
                sql.SQL("SELECT {columns}, {value} AS value, s.tenant {rows}").format(
                    columns=_numbered(names), value=value, rows=self._led_from_missing(link)
                )
                for link in alike
            )
            query = sql.SQL(
                'SELECT DISTINCT ON (q.value, q.tenant COLLATE "C") {columns}, q.tenant FROM ({union}) q'
                ' ORDER BY q.value, q.tenant COLLATE "C"'
            ).format(
                columns=columns("q", (f"c{number}" for number in range(len(names)))),
                union=sql.SQL(" UNION ALL ").join(parts),
            )
            yield FoundSupport(what="owners", columns=names, query=query)

    def _led_from_missing(self, link: OwnerLink) -> Sql:
        """`FROM` the rows `t` of the backup that a link leads to, with the owners `s` of missing rows it leads from."""
        owners, relation = self._owners[link.source], self._relations[link.table]
        source = self._selected.taken.get(link.source)
        missing: Sql = sql.SQL("true")
        if source is not None:
            there = self._relations[link.source].same_ids("s", "i")
            missing = sql.SQL("false") if source.ids is None else _not_in(source.ids, there)
        target = self._selected.taken[link.table].ids
        kept: Sql = sql.SQL("true") if target is None else _in(target, relation.same("t", "i"))
        return sql.SQL("FROM {own} t JOIN {owners} s ON {joined} WHERE {missing} AND {kept}").format(
            own=relation.source,
            owners=owners.source,
            joined=owners.joined("t", link, "s"),
            missing=missing,
            kept=kept,
        )

    def _referenced(self, name: str) -> Iterator[FoundSupport]:
        """The rows of a table that others brought, where its rule seems to take them for a tenant too."""
        taken, relation = self._selected.taken[name], self._relations.get(name)
        condition = self._taken_by_look(name)
        if relation is None or taken.marked is None or condition is None:
            return
        table = self._survey.schema.tables[name]
        names = tuple(column.name for column in stored_key(table) or table.stored_columns)
        query = sql.SQL(
            "SELECT DISTINCT ON ({value}) {columns} FROM {own} t JOIN {marked} m ON {same}"
            ' WHERE m.why = {why}::"char" AND {condition} ORDER BY {value}'
        ).format(
            value=row_text("t", names),
            columns=columns("t", names),
            own=relation.source,
            marked=taken.marked,
            same=relation.same("t", "m"),
            why=sql.Literal(Mark.REFERENCED),
            condition=condition,
        )
        yield FoundSupport(what="referenced", columns=names, query=query)

    def _taken_by_look(self, name: str) -> Sql | None:
        """The condition on a row `t` that the rule takes it, as far as the backup shows; None where it shows all."""
        rule = self._rule(name)
        if self._survey.accounting.taken[name] is not Part.RULE:
            return None
        if rule.kind is RuleKind.SHARED:
            return sql.SQL("true") if self._may_lack(name) else None
        if rule.unowned == "always":
            return sql.SQL("true")
        owners = self._selected.owners.get(name)
        if rule.kind is RuleKind.REFERENCED or owners is None or not self._may_lack(name):
            return None
        return _in(owners.source, sql.SQL("i.mine AND {}").format(self._relations[name].same("t", "i")))

    def _cut(self, name: str) -> tuple[str | None, ...]:
        """Who has rows in a table that the limit cut."""
        taken, relation, rule = self._selected.taken[name], self._relations[name], self._rule(name)
        assert taken.ids is not None
        by_itself = sql.SQL('i.why <> {}::"char" AND {}').format(sql.Literal(Mark.REFERENCED), relation.same("t", "i"))
        # by itself, because the condition names columns without a table
        lost = sql.SQL("(SELECT {} FROM {} t WHERE {} AND {})").format(
            relation.ids("t"), relation.source, condition_of(rule), _not_in(taken.ids, by_itself)
        )
        tenants: list[str | None] = []
        if (theirs := self._owners.get(name)) is not None:  # None where nothing that is there leads to it
            query = sql.SQL("SELECT DISTINCT s.tenant FROM {} l JOIN {} s ON {} WHERE s.tenant = ANY ({})").format(
                lost, theirs.source, relation.same_ids("l", "s"), sql.Literal(list(self._selected.tenants))
            )
            tenants.extend(sorted(str(key) for (key,) in self._connection.execute(query)))
        if rule.unowned == "always":
            owners = self._selected.owners.get(name)
            nobody = sql.SQL("true") if owners is None else _not_in(owners.source, relation.same_ids("l", "i"))
            if self._connection.execute(sql.SQL("SELECT 1 FROM {} l WHERE {} LIMIT 1").format(lost, nobody)).fetchone():
                tenants.append(None)
        return tuple(tenants)


def _numbered(names: Iterable[str]) -> Sql:
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.Identifier("t", name), sql.Identifier(f"c{number}"))
        for number, name in enumerate(names)
    )


def _in(ids: Sql, condition: Sql) -> Sql:
    return sql.SQL("EXISTS (SELECT 1 FROM {} i WHERE {})").format(ids, condition)


def _not_in(ids: Sql, condition: Sql) -> Sql:
    return sql.SQL("NOT {}").format(_in(ids, condition))
