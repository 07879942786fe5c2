"""The one way to select rows: which rows a scope takes, and why (docs/design.md#what-a-scope-takes).

Backup, restore and verify all ask here. The answer is a table of row ids per table, in temporary tables of the
current transaction; a table that is taken whole needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

import psycopg
from psycopg import sql

from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.manifest import TableSelection
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.model.scope import Demo, Scope
from toolkit.planning.accounting import Accounting, Part
from toolkit.planning.links import Links, ReferenceLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, Workspace, points_at, relation_of
from toolkit.postgres.selection.circles import Circles
from toolkit.postgres.selection.marks import OWNED, REFERENCED, SHARED, UNOWNED
from toolkit.postgres.selection.ownership import Owners, Ownership, count_owned
from toolkit.postgres.selection.references import ReferenceClosure
from toolkit.postgres.selection.tenants import find_named
from toolkit.postgres.session.connection import Connection, first_line


@dataclass(slots=True)
class Taken:
    """The rows taken of one table.

    Attributes:
        ids: a table of ids with the reason in `why`; None when every row is taken.
        owned: how many rows are owned; None when all are (only where `ids` is None).
        rest: the reason for the rows of a whole table that are not owned.
        cutoff: value of the `newest_by` column of the oldest row within a limit, as text.
        marked: a table of ids with the reason in `why`; None when the rows of a whole table have one reason only, or
            `owned` and `rest`.
        full: as many rows were taken as the limit lets in, so that it may have cut others.
    """

    ids: Sql | None
    owned: int | None = 0
    rest: str = SHARED
    cutoff: str | None = None
    marked: Sql | None = None
    full: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def summary(self, total: int) -> TableSelection:
        """Rows by reason, given how many were read in all."""
        counts = self.counts
        if self.ids is None and not counts:
            owned = total if self.owned is None else self.owned
            counts = {OWNED: owned, self.rest: total - owned}
        return TableSelection(
            owned=counts.get(OWNED, 0),
            shared=counts.get(SHARED, 0),
            unowned=counts.get(UNOWNED, 0),
            referenced=counts.get(REFERENCED, 0),
        )


@dataclass(frozen=True, slots=True)
class Selected:
    """A scope evaluated on one database.

    Attributes:
        tenants: the selected tenants, key → label.
        named: the keys of the tenants that the scope names, which may call them otherwise.
        named_but_demo: those of them that the demo rule dropped.
        taken: per table of the scope, in name order.
        owners: per table that has owners; complete (all tenants) when asked for.
        known: all tenants of the database, key → label.
        spared: those that the demo rule takes, and the scope does not (`Scope.without`).
    """

    tenants: Mapping[str, str]
    named: tuple[str, ...]
    named_but_demo: tuple[str, ...]
    taken: Mapping[str, Taken]
    owners: Mapping[str, Owners]
    known: Mapping[str, str]
    spared: Mapping[str, str]

    @property
    def left_out(self) -> dict[str, str]:
        """The tenants that the demo rule left out, key → label: of all, or of the named ones."""
        asked = self.named or self.known
        return {key: self.known[key] for key in sorted(asked) if key not in self.tenants}


class Selection:
    """Evaluates one scope inside the current transaction, whose snapshot it shares."""

    def __init__(
        self,
        connection: Connection,
        *,
        catalog: Catalog,
        schema: DatabaseSchema,
        links: Links,
        accounting: Accounting,
        scope: Scope,
        relations: Mapping[str, Relation] | None = None,
        prefix: str = "sel",
    ) -> None:
        self._connection = connection
        self._workspace = Workspace(connection)
        self._catalog = catalog
        self._schema = schema
        self._links = links
        self._accounting = accounting
        self._scope = scope
        self._prefix = prefix
        if relations is None:
            relations = {name: relation_of(schema.name, table) for name, table in schema.tables.items()}
        self._relations = relations
        self._taken: dict[str, Taken] = {}
        self._owners: dict[str, Owners] = {}
        self._known: Mapping[str, str] = {}
        self._spared: dict[str, str] = {}
        self._everyone = False
        self._known_circles: Circles | None = None
        self._named: tuple[str, ...] = ()
        self._numbers = count()

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
        self._check_conditions()
        tenants, dropped, others = self._select_tenants(strict=strict)
        self._everyone = not others
        needs_others = (
            all_owners
            or self._scope.whole
            or any(
                rule.unowned == "always"
                for name, rule in self._accounting.rules.items()
                if name in self._accounting.taken
            )
        )
        self._owners = Ownership(
            self._connection, self._relations, self._links.owners, self._catalog.tenant, prefix=self._prefix
        ).compute(self._tenant_condition(sorted(tenants)), only_selected=not needs_others, all_selected=self._everyone)
        for name, part in self._accounting.taken.items():
            self._taken[name] = self._take(self._schema.tables[name], self._accounting.rules[name], part)
        ReferenceClosure(
            self._connection,
            relations=self._relations,
            links=self._links.references,
            ids={name: taken.ids for name, taken in self._taken.items()},
            prefix=self._prefix,
        ).close()
        self._count()
        return Selected(
            tenants, self._named, tuple(sorted(dropped)), self._taken, self._owners, self._known, self._spared
        )

    # tenants

    def _select_tenants(self, *, strict: bool) -> tuple[dict[str, str], list[str], bool]:
        """The selected tenants, the named ones that the demo rule dropped, and whether any tenant is not selected."""
        tenant = self._catalog.tenant
        demo = sql.SQL("t.{} IS TRUE").format(sql.Identifier(tenant.demo)) if tenant.demo else sql.SQL("false")
        query = sql.SQL("SELECT t.{key}::text, coalesce(t.{label}::text, ''), {demo} FROM {source} t").format(
            key=sql.Identifier(tenant.key),
            label=sql.Identifier(tenant.label or tenant.key),
            demo=demo,
            source=self._relations[tenant.table].source,
        )
        rows = self._connection.execute(query).fetchall()
        known = self._known = {key: label for key, label, _ in rows}
        meant = find_named(
            self._connection,
            self._schema,
            tenant,
            self._relations[tenant.table].source,
            names=self._scope.businesses,
            known=known,
        )
        missing = [name for name, keys in meant.items() if not keys]
        if missing and strict:
            # when no name fits nothing was asked for; when some do, a business may be gone
            raise (InputError if len(missing) == len(self._scope.businesses) else RefusedError)(
                f"no such business in table {tenant.table}: {', '.join(missing)}",
                hint=f"name businesses by {tenant.table}.{tenant.key}, e.g. {', '.join(sorted(known)[:5])}",
            )
        self._named = tuple(dict.fromkeys(key for keys in meant.values() for key in keys))
        named = known.keys() if self._scope.whole else set(self._named)
        kept = {Demo.EXCLUDE: (False,), Demo.ONLY: (True,), Demo.INCLUDE: (False, True)}[self._scope.demo]
        selected = {key: known[key] for key, _, is_demo in rows if key in named and is_demo in kept}
        self._spared = {key: selected.pop(key) for key in sorted(selected.keys() & set(self._scope.without))}
        if not selected and not self._scope.whole and strict:
            raise InputError(
                f"demo: {self._scope.demo} leaves none of the named businesses: {', '.join(sorted(named))}",
                hint="say `demo: include` to take the named businesses whatever they are",
            )
        dropped = [] if self._scope.whole else [key for key in named if key not in selected]
        return dict(sorted(selected.items())), dropped, len(selected) < len(known)

    def _tenant_condition(self, keys: list[str]) -> Sql:
        return sql.SQL("t.{}::text = ANY ({}::text[])").format(
            sql.Identifier(self._catalog.tenant.key), sql.Literal(keys)
        )

    # reasons a to c

    def _take(self, table: Table, rule: TableRule, part: Part) -> Taken:
        if part is Part.REFERENCED:
            return Taken(self._ids(table.name, None))
        if part is Part.WHOLE:
            return Taken(None, 0, SHARED)
        limit = self._scope.optional.get(table.name)
        policy = rule.unowned or ("always" if self._scope.whole else "never")
        complete = self._everyone and policy == "always" and self._scope.whole
        if rule.kind is RuleKind.SHARED:
            base: Sql | None = self._rows(table.name, SHARED)
            whole = Taken(None, 0, SHARED)
        elif rule.kind is RuleKind.REFERENCED:
            base = self._unreferenced(table.name, everything=complete) if policy == "always" else None
            whole = Taken(None, 0, UNOWNED)
        else:
            base = self._owned(table.name, with_unowned=policy == "always")
            owners = self._owners.get(table.name)
            all_mine = owners is not None and owners.all_mine
            owned = None if all_mine else count_owned(self._connection, owners) if owners and self._everyone else 0
            whole = Taken(None, owned, UNOWNED)
        filtered = bool(rule.where) or limit is not None
        if not filtered and (rule.kind is RuleKind.SHARED or complete or whole.owned is None):
            return whole
        if base is not None and filtered:
            return self._filtered(table, rule, base, limit)
        return Taken(self._ids(table.name, base))

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
            return self._rows(table, UNOWNED, sql.SQL("true" if with_unowned else "false"))
        owned = sql.SQL('SELECT {ids}, {why}::"char" AS why FROM {source} o WHERE o.mine').format(
            ids=relation.id_columns("o"), why=sql.Literal(OWNED), source=owners.source
        )
        if not with_unowned:
            return owned
        nobody = sql.SQL("NOT EXISTS (SELECT 1 FROM {} o WHERE {})").format(owners.source, relation.same("t", "o"))
        return sql.SQL("{} UNION ALL {}").format(owned, self._rows(table, UNOWNED, nobody))

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
        unowned = self._rows(table, UNOWNED, nobody)
        if not everything:
            return unowned
        return sql.SQL("{} UNION ALL {}").format(
            unowned, self._rows(table, REFERENCED, sql.SQL("NOT ({})").format(nobody))
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
                prefix=self._prefix,
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
            return Taken(self._ids(table.name, passing))
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
        taken = Taken(self._ids(table.name, query))
        assert taken.ids is not None
        # rows without a time come last
        oldest = sql.SQL(
            "SELECT count(*), CASE WHEN count(t.{column}) = count(*) THEN concat(min(t.{column})) ELSE '' END"
            " FROM {source} t JOIN {ids} b ON {same}"
        ).format(
            column=sql.Identifier(rule.newest_by),
            source=relation.source,
            ids=taken.ids,
            same=relation.same("t", "b"),
        )
        row = self._connection.execute(oldest).fetchone()
        taken.full = row is not None and row[0] >= limit
        taken.cutoff = row[1] if row and taken.full else None
        return taken

    def _ids(self, table: str, query: Sql | None) -> Sql:
        """A temporary table of ids from a query of (row_id, why); empty for None."""
        query = query or self._rows(table, REFERENCED, sql.SQL("false"))
        wanted = sql.SQL("SELECT q.*, 0 AS round FROM ({}) q").format(query)
        return self._workspace.keep(f"{self._prefix}_ids_{next(self._numbers)}", wanted)

    # counts and conditions

    def _count(self) -> None:
        for name, taken in self._taken.items():
            taken.marked = taken.ids
            if taken.ids is None and self._accounting.rules[name].kind is RuleKind.REFERENCED:
                taken.marked = sql.SQL("({})").format(self._unreferenced(name, everything=True))
            if taken.marked is not None:
                query = sql.SQL("SELECT why::text, count(*) FROM {} q GROUP BY why").format(taken.marked)
                taken.counts = {str(why): int(count) for why, count in self._connection.execute(query)}

    def _check_conditions(self) -> None:
        """Try every `where` on its table without reading a row; report all that fail."""
        problems = []
        for name in self._accounting.taken:
            rule = self._accounting.rules[name]
            if not rule.where:
                continue
            query = sql.SQL("SELECT 1 FROM {} t WHERE {} LIMIT 0").format(
                self._relations[name].source, condition_of(rule)
            )
            try:
                with self._connection.transaction():
                    self._connection.execute(query)
            except psycopg.Error as error:
                # a lost connection, a cancellation or a lock that cannot be had says nothing of the condition
                if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
                    raise
                place = f"{rule.category.value}.{rule.group}.{name}.where"
                problems.append(Problem(file=self._catalog.file, line=rule.line, path=place, message=first_line(error)))
        if problems:
            raise InputError(problems)


def condition_of(rule: TableRule) -> Sql:
    """The rule's `where` as SQL (true without one). It is the catalog author's own text, like a view's definition."""
    return sql.SQL("({})").format(sql.SQL(rule.where)) if rule.where else sql.SQL("true")
