"""One row explained: whose it is and by which way, whether a scope takes it and why, and what hangs on it.

The scope is evaluated by the selection that backups use; this only looks up what it says of the row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec.structs import replace
from psycopg import sql

from toolkit.model.catalog import Category, RuleKind
from toolkit.model.explanation import Brought, Explanation, Owner, PathStep, Pointing, RowKey, RowMark
from toolkit.model.schema import Table
from toolkit.planning.reasons import RowFacts, mark_in_whole_table, reasons, restored_without
from toolkit.planning.references import ReferenceLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, points_at, relation_of
from toolkit.postgres.selection.circles import Circles
from toolkit.postgres.selection.conditions import condition_of
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.row_lookup import SECRET, RowId, find_row, key_columns, shortened, table_named
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.selection.walk import Step, Visited, Walk, to_owners, to_parents
from toolkit.postgres.session.connection import Connection

SAMPLES = 3
"""Keys that are shown of many rows."""

_MARKS = {
    Mark.OWNED: RowMark.OWNED,
    Mark.SHARED: RowMark.SHARED,
    Mark.UNOWNED: RowMark.UNOWNED,
    Mark.REFERENCED: RowMark.REFERENCED,
}


class Explainer:
    """Explains rows under the survey's scope, inside its snapshot; the scope is evaluated once.

    Attributes:
        selected: what the scope takes.

    Raises:
        RefusedError: the scope names a business that does not exist.
    """

    def __init__(self, connection: Connection, survey: Survey) -> None:
        self.connection = connection
        self.survey = survey
        self.selected = survey.select()

    def explain(self, table: str, words: Sequence[str]) -> Explanation:
        """Explain a row.

        Args:
            words: what names the row, see `find_row`.

        Raises:
            InputError: no such table or row.
        """
        found = table_named(self.survey.schema, table)
        row = find_row(self.connection, self.survey.schema, found, words)
        return _Subject(self, found, row).explanation()


class _Subject:
    """One row under explanation."""

    def __init__(self, explainer: Explainer, table: Table, row: RowId) -> None:
        self._connection = explainer.connection
        self._survey = explainer.survey
        self._selected = explainer.selected
        self._table = table
        self._row = row
        self._rules = self._survey.accounting.rules

    def explanation(self) -> Explanation:
        rule = self._rules.get(self._table.name)
        owners = self._owners()
        pointing = tuple(self._pointing())
        business = [each for each in pointing if self._category(each.table) is Category.BUSINESS]
        facts = RowFacts(
            table=self._table.name,
            rule=rule,
            scope=replace(self._survey.scope, businesses=self._selected.named),
            owners=owners,
            pointed_at=sum(each.rows for each in business),
            pointed_at_by_taken=sum(each.taken for each in pointing),
            passes=self._passes(),
            circles_alone=self._is_circles_alone(),
        )
        mark = self._mark(facts)
        return Explanation(
            table=self._table.name,
            key=dict(zip(sort_key(self._table).names, self._key().values, strict=True)),
            values=self._values(),
            rule=rule,
            owners=owners,
            mark=mark,
            reasons=(*reasons(facts, mark), *(restored_without(rule) if mark and rule else ())),
            pointing=pointing,
            brings=self._brings(),
        )

    def _relation(self, table: str) -> Relation:
        return relation_of(self._survey.schema.schemas, self._survey.schema.tables[table])

    def _walk(self, steps: Sequence[Step]) -> Walk:
        walk = Walk(self._survey.workspace, steps)
        walk.run(self._row)
        return walk

    def _category(self, table: str) -> Category | None:
        rule = self._rules.get(table)
        return rule.category if rule else None

    def _key(self) -> RowKey:
        query = sql.SQL("SELECT {} FROM {} t WHERE {}").format(
            key_columns(self._table, "t"), self._relation(self._table.name).source, self._row.condition
        )
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return RowKey(table=self._table.name, values=tuple(row[0]))

    def _values(self) -> dict[str, str | None]:
        names = [name for name in self._table.column_names if not SECRET.search(name)]
        query = sql.SQL("SELECT {} FROM {} t WHERE {}").format(
            shortened(names, "t"), self._relation(self._table.name).source, self._row.condition
        )
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return dict(zip(names, row[0], strict=True))

    def _is_circles_alone(self) -> bool:
        """Whether only circles of rows of `referenced` tables lead to the row."""
        rule = self._rules.get(self._table.name)
        if rule is None or rule.kind is not RuleKind.REFERENCED or rule.category is not Category.BUSINESS:
            return False
        query = sql.SQL("SELECT FROM {} t WHERE {} AND {}").format(
            self._relation(self._table.name).source, self._row.condition, self._circles().nobody_else(self._table.name)
        )
        return self._connection.execute(query).fetchone() is not None

    def _circles(self) -> Circles:
        read = self._survey.accounting.rules
        business = [name for name, each in read.items() if each.category is Category.BUSINESS]
        return Circles(
            self._survey.workspace,
            {name: self._relation(name) for name in business},
            links=[link for link in self._survey.links.references if link.child in business],
            tables=[name for name in business if read[name].kind is RuleKind.REFERENCED],
        )

    def _passes(self) -> bool:
        """Whether the row fulfils the `where` of its rule."""
        rule = self._rules.get(self._table.name)
        if rule is None or not rule.where:
            return True
        query = sql.SQL("SELECT FROM {} t WHERE {} AND {}").format(
            self._relation(self._table.name).source, self._row.condition, condition_of(rule)
        )
        return self._connection.execute(query).fetchone() is not None

    def _mark(self, facts: RowFacts) -> RowMark | None:
        """What the selection says of the row."""
        taken = self._selected.taken.get(self._table.name)
        if taken is None:
            return None
        if taken.ids is None:
            return mark_in_whole_table(facts)
        relation = self._relation(self._table.name)
        query = sql.SQL("SELECT i.why::text FROM {} t JOIN {} i ON {} WHERE {}").format(
            relation.source, taken.ids, relation.same("t", "i"), self._row.condition
        )
        row = self._connection.execute(query).fetchone()
        return None if row is None else _MARKS[Mark(row[0])]

    # whose it is

    def _owners(self) -> tuple[Owner, ...]:
        tenant = self._survey.catalog.tenant.table
        walk = self._walk(to_owners(self._survey.links.owners))
        ways = list(walk.ways(tenant))
        keys = self._keys(walk, [visited for way in ways for visited in way])
        facts = self._tenants(walk)
        owners = []
        for way in ways:
            key, label, demo = facts[way[-1].number]
            path = tuple(
                PathStep(
                    row=keys[before.number],
                    columns=after.step.columns,
                    owner=keys[after.number],
                    owner_columns=after.step.end_columns,
                )
                for before, after in pairwise(way)
                if after.step is not None
            )
            selected = key in self._selected.tenants
            owners.append(Owner(tenant=key, label=label, demo=demo, selected=selected, path=path))
        return tuple(sorted(owners, key=lambda owner: owner.tenant))

    def _keys(self, walk: Walk, visited: Iterable[Visited]) -> dict[int, RowKey]:
        numbers: dict[str, set[int]] = defaultdict(set)
        for each in visited:
            numbers[each.table].add(each.number)
        keys: dict[int, RowKey] = {}
        for table, wanted in numbers.items():
            keys |= walk.keys(table, sorted(wanted))
        return keys

    def _tenants(self, walk: Walk) -> dict[int, tuple[str, str, bool]]:
        """Key, label and demo flag of the tenants reached, by number."""
        tenant = self._survey.catalog.tenant
        demo = sql.SQL("t.{} IS TRUE").format(sql.Identifier(tenant.demo)) if tenant.demo else sql.SQL("false")
        query = sql.SQL(
            "SELECT w.number, t.{key}::text, coalesce(t.{label}::text, ''), {demo} FROM {source} t"
            " JOIN {walk} w ON t.ctid = w.row_id AND t.tableoid = w.part_id"
        ).format(
            key=sql.Identifier(tenant.key),
            label=sql.Identifier(tenant.label or tenant.key),
            demo=demo,
            source=self._relation(tenant.table).source,
            walk=walk.source,
        )
        return {number: (key, label, flag) for number, key, label, flag in self._connection.execute(query)}

    # what hangs on it

    def _pointing(self) -> Iterable[Pointing]:
        for link in sorted(self._survey.links.references, key=lambda each: (each.child, each.columns)):
            read = link.child in self._selected.taken or self._category(link.child) is Category.BUSINESS
            if link.parent == self._table.name and read:
                found = self._pointing_by(link)
                if found.rows:
                    yield found

    def _pointing_by(self, link: ReferenceLink) -> Pointing:
        """The rows of one table that point at the row by one reference, and which of them are taken."""
        child, relation = self._survey.schema.tables[link.child], self._relation(link.child)
        taken = self._selected.taken.get(link.child)
        if taken is None:
            is_taken: Sql = sql.SQL("false")
        elif taken.ids is None:
            is_taken = sql.SQL("true")
        else:
            is_taken = sql.SQL("EXISTS (SELECT FROM {} i WHERE {})").format(taken.ids, relation.same("c", "i"))
        key = sort_key(child)
        query = sql.SQL(
            "SELECT {keys}, count(*) OVER (), count(*) FILTER (WHERE {taken}) OVER (), {taken} AS is_taken"
            " FROM {child} c JOIN {parent} t ON {joined} WHERE {row} ORDER BY is_taken DESC{order} LIMIT {limit}"
        ).format(
            keys=key_columns(child, "c"),
            taken=is_taken,
            child=relation.source,
            parent=self._relation(link.parent).source,
            joined=points_at(link, "c", "t"),
            row=self._row.condition,
            order=sql.SQL(", {}").format(order_by(key, "c")),
            limit=sql.Literal(SAMPLES),
        )
        rows = self._connection.execute(query).fetchall()
        return Pointing(
            table=link.child,
            columns=link.columns,
            parent_columns=link.parent_columns,
            rows=rows[0][1] if rows else 0,
            taken=rows[0][2] if rows else 0,
            samples=tuple(RowKey(table=link.child, values=tuple(row[0])) for row in rows),
        )

    def _brings(self) -> tuple[Brought, ...]:
        """What the row points at, directly or through others, as far as a backup follows references."""
        followed = [
            link
            for link in self._survey.links.references
            if self._category(link.parent) in (Category.BUSINESS, Category.DEVICE)
        ]
        walk = self._walk(to_parents(followed))
        return tuple(
            Brought(
                table=table,
                rows=rows,
                only_referenced=self._only_referenced(walk, table),
                samples=walk.nearest(table, SAMPLES),
            )
            for table, rows in walk.counts().items()
        )

    def _only_referenced(self, walk: Walk, table: str) -> int:
        taken = self._selected.taken.get(table)
        if taken is None:
            return 0
        if taken.ids is None:
            rule = self._rules[table]
            if rule.kind is not RuleKind.REFERENCED or rule.category is not Category.BUSINESS:
                return 0
            return walk.among(table, self._goes_with_others(table))
        return walk.among(table, sql.SQL("i.why = {}").format(sql.Literal(Mark.REFERENCED)), ids=taken.ids)

    def _goes_with_others(self, table: str) -> Sql:
        """The condition that a business row points at row `t` of a table, and not only circles of such rows."""
        pointing = [
            sql.SQL("EXISTS (SELECT FROM {} c WHERE {})").format(
                self._relation(link.child).source, points_at(link, "c", "t")
            )
            for link in self._survey.links.references
            if link.parent == table and self._category(link.child) is Category.BUSINESS
        ]
        anybody = sql.SQL("({})").format(sql.SQL(" OR ").join(pointing)) if pointing else sql.SQL("false")
        return sql.SQL("{} AND NOT {}").format(anybody, self._circles().nobody_else(table))
