"""The one way to select rows: which rows a scope takes, and why (docs/design.md#what-a-scope-takes).

Backup, restore and verify all ask here. The answer is a table of row ids per table, in temporary tables of the
current transaction; a table that is taken whole needs none.
"""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.schema import Table
from toolkit.model.scope import Scope
from toolkit.planning.accounting import Accounting, Part
from toolkit.planning.links import Links
from toolkit.planning.references import ReferenceLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Sql, points_at
from toolkit.postgres.schema.row_sources import Rows, Temporary
from toolkit.postgres.schema.workspace import Workspace, shared
from toolkit.postgres.selection.circles import Circles
from toolkit.postgres.selection.conditions import check_conditions, condition_of
from toolkit.postgres.selection.marks import Mark
from toolkit.postgres.selection.ownership import Owners, Ownership, count_owned
from toolkit.postgres.selection.references import ReferenceClosure
from toolkit.postgres.selection.selected import Selected, Taken
from toolkit.postgres.selection.tenants import choose_tenants


class Selection:
    """Evaluates one scope inside the current transaction, whose snapshot it shares.

    Args:
        owned: the tables of whose rows the owners are worked out; None for all.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        catalog: Catalog,
        links: Links,
        accounting: Accounting,
        scope: Scope,
        owned: Collection[str] | None = None,
    ) -> None:
        self._connection = workspace.connection
        self._workspace = workspace
        self._catalog = catalog
        self._schema = workspace.schema
        self._links = links
        self._accounting = accounting
        self._scope = scope
        self._owned_tables = owned
        self._relations = workspace.relations
        self._taken: dict[str, Taken] = {}
        self._owners: dict[str, Owners] = {}
        self._everyone = False
        self._known_circles: Circles | None = None

    def evaluate(self, *, all_owners: bool = False, strict: bool = True) -> Selected:
        """Select.

        Args:
            all_owners: know of every owned row whether it has an owner outside the selection.
            strict: named tenants must exist; a restore brings those that do not.

        Raises:
            RefusedError: some of the named tenants do not exist.
            InputError: none of them does, or the demo rule drops all of them; a `where` of the catalog file is not a
                condition on its table.
        """
        check_conditions(self._workspace, self._catalog, self._accounting.rules, self._accounting.taken)
        tenants = choose_tenants(self._workspace, self._catalog.tenant, self._scope, strict=strict)
        self._everyone = tenants.everyone
        needs_others = (
            all_owners
            or self._scope.whole
            or any(
                rule.unowned == "always"
                for name, rule in self._accounting.rules.items()
                if name in self._accounting.taken
            )
        )
        owned = self._owned_tables
        relations = {name: each for name, each in self._relations.items() if owned is None or name in owned}
        self._owners = Ownership(self._workspace, relations, self._links.owners, self._catalog.tenant).compute(
            self._tenant_condition(sorted(tenants.selected)),
            only_selected=not needs_others,
            all_selected=self._everyone,
        )
        for name, part in self._accounting.taken.items():
            self._taken[name] = self._take(self._schema.tables[name], self._accounting.rules[name], part)
        self._count()
        self._add_referenced()
        return Selected(
            tenants=tenants.selected,
            named=tenants.named,
            named_but_demo=tenants.dropped,
            taken=self._taken,
            owners=self._owners,
            known=tenants.known,
            spared=tenants.spared,
            relations=self._relations,
        )

    def _tenant_condition(self, keys: list[str]) -> Sql:
        return sql.SQL("t.{}::text = ANY ({}::text[])").format(
            sql.Identifier(self._catalog.tenant.key), sql.Literal(keys)
        )

    # reasons a to c

    def _take(self, table: Table, rule: TableRule, part: Part) -> Taken:
        if part is Part.REFERENCED:
            return Taken(self._none(table.name))
        if part is Part.WHOLE:
            return Taken(None, 0, Mark.SHARED)
        limit = self._scope.optional.get(table.name)
        policy = rule.unowned or ("always" if self._scope.whole else "never")
        complete = self._everyone and policy == "always" and self._scope.whole
        if rule.kind is RuleKind.SHARED:
            whole = Taken(None, 0, Mark.SHARED)
        elif rule.kind is RuleKind.REFERENCED:
            whole = Taken(None, 0, Mark.UNOWNED)
        else:
            owners = self._owners.get(table.name)
            all_mine = owners is not None and owners.all_mine
            owned = None if all_mine else count_owned(self._workspace, owners) if owners and self._everyone else 0
            whole = Taken(None, owned, Mark.UNOWNED)
        filtered = bool(rule.where) or limit is not None
        if not filtered and (rule.kind is RuleKind.SHARED or complete or whole.owned is None):
            return whole
        base = self._base(table.name, rule, unowned=policy == "always", everything=complete)
        if base is not None and filtered:
            return self._filtered(table, rule, base, limit)
        if rule.kind in (RuleKind.TENANT, RuleKind.OWNED) and policy != "always":
            return self._lines_as_ids(table.name)
        return Taken(self._none(table.name) if base is None else self._ids(base))

    def _base(self, table: str, rule: TableRule, *, unowned: bool, everything: bool) -> Sql | None:
        """The rows of reasons a to c as long as nothing cuts them; None where there are none."""
        if rule.kind is RuleKind.SHARED:
            return self._rows(table, Mark.SHARED)
        if rule.kind is RuleKind.REFERENCED:
            return self._unreferenced(table, everything=everything) if unowned else None
        return self._owned(table, with_unowned=unowned)

    def _rows(self, table: str, why: str, condition: Sql | None = None) -> Sql:
        relation = self._relations[table]
        return sql.SQL('SELECT {ids}, {why}::"char" AS why FROM {source} t WHERE {condition}').format(
            ids=relation.ids("t"),
            why=sql.Literal(why),
            source=relation.source,
            condition=condition or sql.SQL("true"),
        )

    def _owned(self, table: str, *, with_unowned: bool) -> Sql:
        relation, owners = self._relations[table], self._owners.get(table)
        if owners is None:
            return self._rows(table, Mark.UNOWNED, sql.SQL("true" if with_unowned else "false"))
        owned = sql.SQL('SELECT {ids}, {why}::"char" AS why FROM {source} o WHERE o.mine').format(
            ids=relation.id_columns("o"), why=sql.Literal(Mark.OWNED), source=owners.source
        )
        if not with_unowned:
            return owned
        nobody = sql.SQL("NOT EXISTS (SELECT 1 FROM {} o WHERE {})").format(owners.source, relation.same("t", "o"))
        return sql.SQL("{} UNION ALL {}").format(owned, self._rows(table, Mark.UNOWNED, nobody))

    def _unreferenced(self, table: str, *, everything: bool) -> Sql:
        """Rows of a `referenced` table that no row of any business table points at, or circles alone lead to.

        Args:
            everything: the others too, as referenced: where all is taken nothing may be lost.
        """
        conditions = [
            sql.SQL("NOT EXISTS (SELECT 1 FROM {} c WHERE {})").format(
                self._relations[link.child].source, points_at(link, "c", "t")
            )
            for link in self._pointing()
            if link.parent == table
        ]
        nobody: Sql = sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")
        nobody = sql.SQL("({} OR {})").format(nobody, self._circles().nobody_else(table))
        unowned = self._rows(table, Mark.UNOWNED, nobody)
        if not everything:
            return unowned
        return sql.SQL("{} UNION ALL {}").format(
            unowned, self._rows(table, Mark.REFERENCED, sql.SQL("NOT ({})").format(nobody))
        )

    def _pointing(self) -> list[ReferenceLink]:
        """The references from business tables."""
        return [link for link in self._links.references if self._is_read(link.child)]

    def _circles(self) -> Circles:
        if self._known_circles is None:
            self._known_circles = Circles(
                self._workspace,
                self._relations,
                links=self._pointing(),
                tables=[
                    name
                    for name, rule in self._accounting.rules.items()
                    if rule.kind is RuleKind.REFERENCED and self._is_read(name)
                ],
            )
        return self._known_circles

    def _is_read(self, table: str) -> bool:
        rule = self._accounting.rules.get(table)
        return table in self._relations and rule is not None and rule.category is Category.BUSINESS

    def _filtered(self, table: Table, rule: TableRule, base: Sql, limit: int | None) -> Taken:
        """Cut the rows of reasons a to c by the rule's condition and the task's limit (newest first, ties by key)."""
        relation = self._relations[table.name]
        passing = sql.SQL("SELECT b.* FROM ({}) b WHERE EXISTS (SELECT 1 FROM {} t WHERE {} AND {})").format(
            base, relation.source, relation.same("t", "b"), condition_of(rule)
        )
        if limit is None:
            return Taken(self._ids(passing))
        query = sql.SQL(
            "SELECT b.* FROM ({passing}) b JOIN {source} t ON {same} ORDER BY t.{newest} DESC NULLS LAST, {key}"
            " LIMIT {limit}"
        ).format(
            passing=passing,
            source=relation.source,
            same=relation.same("t", "b"),
            newest=sql.Identifier(rule.newest_by),
            key=order_by(sort_key(table), "t"),
            limit=sql.Literal(limit),
        )
        ids = self._ids(query)
        taken = Taken(ids)
        # rows without a time come last
        oldest = sql.SQL(
            "SELECT count(*), CASE WHEN count(t.{column}) = count(*) THEN concat(min(t.{column})) ELSE '' END"
            " FROM {source} t JOIN {ids} b ON {same}"
        ).format(
            column=sql.Identifier(rule.newest_by),
            source=relation.source,
            ids=ids,
            same=relation.same("t", "b"),
        )
        row = self._connection.execute(oldest).fetchone()
        taken.full = row is not None and row[0] >= limit
        taken.cutoff = row[1] if row and taken.full else None
        return taken

    def _ids(self, query: Sql) -> Temporary:
        """A temporary table of ids from a query of (row_id, why)."""
        return self._workspace.keep("ids", query)

    def _none(self, table: str) -> Rows:
        """A table of no ids, to which rows may be added."""
        return Rows(sql.SQL("({})").format(self._rows(table, Mark.REFERENCED, sql.SQL("false"))), 0)

    def _lines_as_ids(self, table: str) -> Taken:
        """The rows that selected tenants own: their lines say already which these are."""
        owners = self._owners.get(table)
        if owners is None or owners.mine == 0:
            return Taken(self._none(table))
        source = sql.SQL("({})").format(self._owned(table, with_unowned=False))
        return Taken(Rows(source, owners.mine), counts={Mark.OWNED: owners.mine} if owners.mine is not None else {})

    # rows by reason

    def _count(self) -> None:
        """Count the rows of each table by reason, before those are added that others point at."""
        counting: dict[str, Rows] = {}
        for name, taken in self._taken.items():
            taken.marked = taken.ids
            if taken.ids is None and self._accounting.rules[name].kind is RuleKind.REFERENCED:
                taken.marked = Rows(sql.SQL("({})").format(self._unreferenced(name, everything=True)), None)
            if taken.marked is not None and not taken.counts and not taken.marked.empty:
                counting[name] = taken.marked
        for group in shared(counting, lambda name: 0 if isinstance(counting[name], Temporary) else None):
            query = sql.SQL(" UNION ALL ").join(
                sql.SQL("SELECT {}, why::text, count(*) FROM {} q GROUP BY why").format(
                    sql.Literal(name), counting[name]
                )
                for name in group
            )
            for name, why, rows in self._connection.execute(query):
                self._taken[name].counts[str(why)] = int(rows)

    def _add_referenced(self) -> None:
        """Take what taken rows point at."""
        closure = ReferenceClosure(
            self._workspace,
            relations=self._relations,
            links=self._links.references,
            taken={name: taken.ids for name, taken in self._taken.items()},
        )
        for name, ids in closure.close().items():
            taken = self._taken[name]
            taken.ids = ids
            if ids is not None:
                taken.marked = ids
            if added := closure.added(name):
                taken.counts[Mark.REFERENCED] = taken.counts.get(Mark.REFERENCED, 0) + added
