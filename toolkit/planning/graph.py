"""The tables of an application as a graph: how each is classified, what points at what, and who owns whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from toolkit.model.catalog import Catalog, Category, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.accounting import rule_of
from toolkit.planning.cycles import components
from toolkit.planning.links import Links, OwnerLink
from toolkit.planning.references import ReferenceLink

UNCLASSIFIED = "unclassified"


class Ownership(StrEnum):
    """Which way ownership passes along a reference, if it does."""

    NONE = "none"
    TO_CHILD = "to child"
    """The rows that point are owned by the owners of what they point at."""
    TO_PARENT = "to parent"
    """The rows that are pointed at are owned by the owners of what points at them."""


class GraphTable(Struct, frozen=True, kw_only=True):
    """A table.

    Attributes:
        kind: the rule of a business table, else `device`, `transient` or `unclassified`.
        group: category and group as `business/core`.
        depth: owner links from the tenants to it, 0 for the tenants and for tables that nobody owns.
        owner: the table one link nearer to the tenants, the first by name; empty where `depth` is 0.
    """

    name: str
    kind: str
    group: str
    optional: bool
    depth: int
    owner: str


class GraphEdge(Struct, frozen=True, kw_only=True):
    """A reference from `child` to `parent`.

    Attributes:
        declared: only the catalog file says it; the database has no such foreign key.
        cycle: it lies on a cycle of references, or leads back to its own table.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    ownership: Ownership
    declared: bool
    cycle: bool

    @property
    def text(self) -> str:
        """The edge in words."""
        kind = "declared reference" if self.declared else "foreign key"
        owned = {Ownership.TO_CHILD: self.child, Ownership.TO_PARENT: self.parent}.get(self.ownership)
        says = f"; owns {owned}" if owned else ""
        return f"{self.child} ({_list(self.columns)}) → {self.parent} ({_list(self.parent_columns)}): {kind}{says}"


class Graph(Struct, frozen=True, kw_only=True):
    """All tables of a database, by group in the order of the catalog file, and all references between them."""

    tables: tuple[GraphTable, ...]
    edges: tuple[GraphEdge, ...]


def graph_of(catalog: Catalog, schema: DatabaseSchema, links: Links) -> Graph:
    """Give the graph of a database under a catalog file."""
    rules = {table: rule_of(catalog, table) for table in schema.tables}
    depths, owners = _depths(catalog.tenant.table, links.owners)
    tables = [_table(name, rule, depths.get(name, 0), owners.get(name, "")) for name, rule in rules.items()]
    order = {group: place for place, group in enumerate(_groups(catalog))}
    tables.sort(key=lambda table: (order.get(table.group, len(order)), table.name))
    return Graph(tables=tuple(tables), edges=tuple(edges_of(schema, links)))


def _groups(catalog: Catalog) -> Iterable[str]:
    """The groups in the order of the file, business first."""
    rules = [*catalog.rules.values(), *catalog.patterns]
    ordered = (rule for category in Category for rule in rules if rule.category is category)
    return dict.fromkeys(f"{rule.category}/{rule.group}" for rule in ordered)


def _table(name: str, rule: TableRule | None, depth: int, owner: str) -> GraphTable:
    if rule is None:
        kind, group = UNCLASSIFIED, UNCLASSIFIED
    else:
        kind = rule.kind.value if rule.category is Category.BUSINESS else rule.category.value
        group = f"{rule.category}/{rule.group}"
    return GraphTable(
        name=name, kind=kind, group=group, optional=rule is not None and rule.optional, depth=depth, owner=owner
    )


def _depths(tenant: str, links: Iterable[OwnerLink]) -> tuple[dict[str, int], dict[str, str]]:
    """Steps from the tenants to every table that is owned, and a table one step nearer to them for each."""
    reached: Mapping[str, set[str]] = defaultdict(set)
    for link in links:
        reached[link.source].add(link.table)
    depths, owners, frontier = {tenant: 0}, dict[str, str](), [tenant]
    while frontier:
        following: list[str] = []
        for source in sorted(frontier):
            for table in sorted(reached.get(source, ())):
                if table not in depths:
                    depths[table], owners[table] = depths[source] + 1, source
                    following.append(table)
        frontier = following
    return depths, owners


def edges_of(schema: DatabaseSchema, links: Links) -> Iterable[GraphEdge]:
    """Give all references of a database, by what points."""
    owning = {(link.table, link.source, _pairs(link.columns, link.source_columns)) for link in links.owners}
    cyclic = {
        table: number
        for number, group in enumerate(
            components(schema.tables, [(link.child, link.parent) for link in links.references])
        )
        for table in group
    }
    for link in sorted(links.references, key=lambda each: (each.child, each.columns, each.parent, each.constraint)):
        yield GraphEdge(
            child=link.child,
            columns=link.columns,
            parent=link.parent,
            parent_columns=link.parent_columns,
            ownership=_ownership(link, owning),
            declared=not link.constraint,
            cycle=cyclic[link.child] == cyclic[link.parent],
        )


Pairs = frozenset[tuple[str, str]]


def _ownership(link: ReferenceLink, owning: set[tuple[str, str, Pairs]]) -> Ownership:
    if (link.child, link.parent, _pairs(link.columns, link.parent_columns)) in owning:
        return Ownership.TO_CHILD
    if (link.parent, link.child, _pairs(link.parent_columns, link.columns)) in owning:
        return Ownership.TO_PARENT
    return Ownership.NONE


def _pairs(left: Iterable[str], right: Iterable[str]) -> Pairs:
    return frozenset(zip(left, right, strict=True))


def _list(columns: tuple[str, ...]) -> str:
    return ", ".join(columns)
