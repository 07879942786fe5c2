"""What a backup of one tenant takes of a made-up application, worked out row by row as the guide tells it."""

from __future__ import annotations

from tests.product.tenant_worlds import Key, MadeRow, MadeTable, TenantWorld
from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.schema import Column, DatabaseSchema, ForeignKey, Table, UniqueKey
from toolkit.model.schemas import Schemas

Pairs = list[tuple[MadeRow, MadeRow]]


def schema_of(world: TenantWorld, name: str = "public") -> DatabaseSchema:
    """The schema that the server would tell of."""
    return DatabaseSchema(
        schemas=Schemas(covered=(name,)), tables={table.name: _table(world, table) for table in world.tables}
    )


def _table(world: TenantWorld, table: MadeTable) -> Table:
    keys = [
        ForeignKey(
            name=f"{table.name}_{number}",
            columns=each.columns,
            parent=each.parent.name,
            parent_columns=world.target(each),
            on_delete="cascade" if "CASCADE" in (each.declared or "") else "no action",
        )
        for number, each in enumerate(table.references)
        if not world.bare and each.declared is not None
    ]
    return Table(
        name=table.name,
        columns=tuple(
            Column(name=name, type=kind.removesuffix(" NOT NULL"), nullable="NOT NULL" not in kind)
            for name, kind in table.columns.items()
        ),
        primary_key=table.key,
        unique_keys=tuple(UniqueKey(name=f"{table.name} {each}", columns=each) for each in table.unique),
        foreign_keys=tuple(keys),
    )


class Taking:
    """The rows that a backup takes under a catalog."""

    def __init__(self, world: TenantWorld, catalog: Catalog) -> None:
        self._world = world
        self._rules = catalog.rules
        self._tables = {table.name: table for table in world.tables}
        self._owners: dict[int, set[str]] = {id(row): set() for table in world.tables for row in table.rows}
        for row in world.tenants.rows:
            self._owners[id(row)] = set(row.owners)
        self._spread()

    def of(self, tenant: str) -> set[tuple[str, Key]]:
        """The keys of the rows that the backup of one tenant takes."""
        taken = {}
        for table in self._world.tables:
            rule = self._rules[table.name]
            if rule.category is Category.BUSINESS:
                for row in table.rows:
                    if rule.kind is RuleKind.SHARED or tenant in self._owners[id(row)]:
                        taken[id(row)] = (table, row)
        references = [each for table in self._world.tables for each in self._references(table)]
        grown = True
        while grown:
            fresh = {
                id(parent): (table, parent)
                for child, table, parent in references
                if id(child) in taken and id(parent) not in taken
            }
            taken |= fresh
            grown = bool(fresh)
        return {(table.name, table.key_of(row)) for table, row in taken.values()}

    def _references(self, table: MadeTable) -> list[tuple[MadeRow, MadeTable, MadeRow]]:
        return [
            (child, parent, row)
            for columns, parent, theirs in self._ways(table)
            if self._rules[parent.name].category is not Category.TRANSIENT
            for child, row in _matching(table, columns, parent, theirs)
        ]

    def _spread(self) -> None:
        """Owners along `owned_by`, until nothing changes."""
        flows = [flow for rule in self._rules.values() for flow in self._flows(rule)]
        grown = True
        while grown:
            grown = False
            for source, row in flows:
                before = len(self._owners[id(row)])
                self._owners[id(row)] |= self._owners[id(source)]
                grown |= len(self._owners[id(row)]) > before

    def _flows(self, rule: TableRule) -> Pairs:
        found: Pairs = []
        for edge in rule.owned_by:
            carrier = self._tables[edge.table or rule.table]
            for columns, parent, theirs in self._ways(carrier):
                if set(columns) == set(edge.columns) and (not edge.table or parent.name == rule.table):
                    for child, row in _matching(carrier, columns, parent, theirs):
                        found.append((child, row) if edge.table else (row, child))
        return found

    def _ways(self, carrier: MadeTable) -> list[tuple[Key, MadeTable, Key]]:
        """The references of a table: foreign keys, and what its rule declares."""
        keys = [] if self._world.bare else [each for each in carrier.references if each.declared is not None]
        found = [(each.columns, each.parent, self._world.target(each)) for each in keys]
        declared = self._rules[carrier.name].references
        return found + [(each.columns, self._tables[each.parent], each.parent_columns) for each in declared]


def _matching(child: MadeTable, columns: Key, parent: MadeTable, theirs: Key) -> Pairs:
    by_value: dict[tuple[str | None, ...], list[MadeRow]] = {}
    for row in parent.rows:
        by_value.setdefault(tuple(row.values[name] for name in theirs), []).append(row)
    return [
        (row, at)
        for row in child.rows
        if None not in (values := tuple(row.values[name] for name in columns))
        for at in by_value.get(values, ())
    ]
