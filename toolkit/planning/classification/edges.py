"""The references of a schema as evidence of ownership: declared ones, and columns that only read like one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.model.catalog import TenantTable
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.classification import names
from toolkit.planning.links import is_unique

_TEXTS = ("text", "character varying", "character")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A reference from `child` to `parent`.

    Attributes:
        nullable: a row may point at nothing.
        cascade: the row goes when its parent goes.
        declared: it is a foreign key of the schema.
        canonical: its one column is called after the parent; otherwise it tells a role, such as `createdBy`.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    nullable: bool
    cascade: bool
    declared: bool
    canonical: bool

    @property
    def text(self) -> str:
        """Its columns, for people."""
        return ", ".join(self.columns)


class Edges:
    """All references of a schema between different tables, in an order that depends on names only."""

    def __init__(self, schema: DatabaseSchema, tenant: TenantTable) -> None:
        self._schema = schema
        self._tenant = tenant
        self._named: dict[str, list[str]] = defaultdict(list)
        for table in sorted(schema.tables):
            for name in names.own_names(table):
                self._named[name].append(table)
        self._of = {table: self._read(schema.tables[table]) for table in sorted(schema.tables)}
        self._to: dict[str, list[Edge]] = defaultdict(list)
        for edges in self._of.values():
            for edge in edges:
                self._to[edge.parent].append(edge)

    def of(self, table: str) -> tuple[Edge, ...]:
        """The references that a table holds."""
        return self._of[table]

    def to(self, table: str) -> tuple[Edge, ...]:
        """The references that lead to a table."""
        return tuple(self._to[table])

    def to_tenant(self, table: str) -> tuple[Edge, ...]:
        """The references from a table to the tenant table, undeclared ones included."""
        return tuple(edge for edge in self._of[table] if edge.parent == self._tenant.table)

    def unique(self, edge: Edge, *others: Edge) -> bool:
        """Whether the columns of these references of one table are, together and exactly, a unique key of it."""
        columns = {column for each in (edge, *others) for column in each.columns}
        table = self._schema.tables[edge.child]
        keys = [table.primary_key, *(key.columns for key in table.unique_keys if not key.partial)]
        return any(key and set(key) == columns for key in keys)

    def undeclared(self, table: str) -> tuple[Edge, ...]:
        """Columns without a foreign key that are called after another table, whose key has the same type."""
        found = []
        for column in self._free_columns(self._schema.tables[table]):
            name = names.plain(column)
            for parent in self._named.get(name.removesuffix("id"), ()) if name.endswith("id") else ():
                key = self._schema.tables[parent].primary_key
                if (
                    parent not in (table, self._tenant.table)
                    and len(key) == 1
                    and self._fits(table, column, parent, key[0])
                ):
                    found.append(self._undeclared(table, column, parent, key[0], canonical=True))
        return tuple(found)

    def _read(self, table: Table) -> tuple[Edge, ...]:
        edges = [
            Edge(
                child=table.name,
                columns=key.columns,
                parent=key.parent,
                parent_columns=key.parent_columns,
                nullable=any(table.column(name).nullable for name in key.columns),
                cascade=key.on_delete == "cascade",
                declared=True,
                canonical=len(key.columns) == 1
                and names.names_parent(key.columns[0], key.parent, key.parent_columns[0]),
            )
            for key in table.foreign_keys
            if key.parent != table.name and key.parent in self._schema.tables
        ]
        if self._tenant.table in self._schema.tables and table.name != self._tenant.table:
            edges += self._tenant_columns(table)
        return tuple(sorted(edges, key=lambda edge: (edge.columns, edge.parent, edge.parent_columns)))

    def _tenant_columns(self, table: Table) -> list[Edge]:
        """Columns called after the tenant, or ending so, that have no foreign key."""
        called = {f"{name}id" for name in names.own_names(self._tenant.table)} | {"tenantid"}
        edges = []
        for column in self._free_columns(table):
            name = names.plain(column)
            if name.endswith(tuple(called)) and self._fits(table.name, column, self._tenant.table, self._tenant.key):
                canonical = name in called
                edges.append(
                    self._undeclared(table.name, column, self._tenant.table, self._tenant.key, canonical=canonical)
                )
        return edges

    def _free_columns(self, table: Table) -> Sequence[str]:
        pointing = {key.columns[0] for key in table.foreign_keys if len(key.columns) == 1}
        return [
            column for column in sorted(table.column_names) if column not in pointing and (column,) != table.primary_key
        ]

    def _fits(self, table: str, column: str, parent: str, key: str) -> bool:
        """Whether two columns can be compared."""
        if key not in self._schema.tables[parent].column_names:
            return False
        kinds = {
            re.sub(r"\(.*\)", "", self._schema.tables[each].column(name).type)
            for each, name in ((table, column), (parent, key))
        }
        return len(kinds) == 1 or kinds <= set(_TEXTS)

    def _undeclared(self, table: str, column: str, parent: str, key: str, *, canonical: bool) -> Edge:
        return Edge(
            child=table,
            columns=(column,),
            parent=parent,
            parent_columns=(key,),
            nullable=self._schema.tables[table].column(column).nullable,
            cascade=False,
            declared=False,
            canonical=canonical,
        )


def guess_tenant(schema: DatabaseSchema) -> tuple[TenantTable, int] | None:
    """The likely tenant table: the one that most tables name in a column called after it, with how many do.

    None when no table with a key of one column is named by any other. Equal ones: the first by name.
    """
    pointing: dict[str, set[str]] = defaultdict(set)
    for table in schema.tables.values():
        for foreign in table.foreign_keys:
            parent = schema.tables.get(foreign.parent)
            columns, parent_columns = foreign.columns, foreign.parent_columns
            if parent is None or parent is table or len(columns) != 1 or not is_unique(parent, parent_columns):
                continue
            if names.names_parent(columns[0], foreign.parent, parent_columns[0]):
                pointing[foreign.parent].add(table.name)
    if not pointing:
        return None
    best = min(pointing, key=lambda name: (-len(pointing[name]), name))
    table = schema.tables[best]
    keys = [
        foreign.parent_columns[0]
        for each in schema.tables.values()
        for foreign in each.foreign_keys
        if foreign.parent == best and len(foreign.columns) == 1
    ]
    labels = [
        name for wanted in ("name", "title", "label") for name in table.column_names if names.plain(name) == wanted
    ]
    demos = [column.name for column in table.columns if column.type == "boolean" and "demo" in names.words(column.name)]
    key = min(keys, key=lambda name: (-keys.count(name), name))
    tenant = TenantTable(table=best, key=key, label=labels[0] if labels else "", demo=min(demos, default=""))
    return tenant, len(pointing[best])
