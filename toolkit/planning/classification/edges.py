"""The references of a schema as evidence of ownership: declared ones, and columns that only read like one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from toolkit.model.catalog import Catalog
from toolkit.model.schema import DatabaseSchema, ForeignKey, Table
from toolkit.planning.classification import names

_KINDS = (("text", "character varying", "character"), ("smallint", "integer", "bigint"))
"""Types whose values can be compared with each other."""


class Edge(Struct, frozen=True, kw_only=True):
    """A reference from `child` to `parent`.

    Attributes:
        nullable: a row may point at nothing.
        cascade: the row goes when its parent goes.
        declared: it is a foreign key of the schema, or the catalog file declares it.
        canonical: it is called after the parent, is the table's own key, or is its only one to the tenants; otherwise
            it tells a role, such as `createdBy`.
        mention: it tells who made a row, what was visited last, what somebody prefers: never an owner by itself.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    nullable: bool
    cascade: bool
    declared: bool
    canonical: bool
    mention: bool

    @property
    def text(self) -> str:
        """Its columns, for people."""
        return ", ".join(self.columns)


class Edges:
    """All references of a schema between different tables, in an order that depends on names only."""

    def __init__(self, schema: DatabaseSchema, catalog: Catalog) -> None:
        self._schema = schema
        self._tenant = catalog.tenant
        self._rules = catalog.rules
        self._named: dict[str, list[str]] = defaultdict(list)
        called = names.own_names_of(sorted(schema.tables))
        for table in sorted(schema.tables):
            for name in called[table]:
                self._named[name].append(table)
        self._own_names = called
        self._tenant_names = called.get(catalog.tenant.table, names.own_names(catalog.tenant.table))
        self.bare = not any(table.foreign_keys for table in schema.tables.values())
        self._of = {table: self._read(schema.tables[table]) for table in sorted(schema.tables)}
        self._within = {table: self._part_of_itself(schema.tables[table]) for table in sorted(schema.tables)}
        self._to: dict[str, list[Edge]] = defaultdict(list)
        for edges in self._of.values():
            for edge in edges:
                # what a written rule does not declare, a rule of the table it leads to cannot use
                if edge.declared or edge.child not in self._rules:
                    self._to[edge.parent].append(edge)

    def of(self, table: str) -> tuple[Edge, ...]:
        """Give the references that a table holds."""
        return self._of[table]

    def with_itself(self, table: str, edges: Sequence[Edge]) -> tuple[Edge, ...]:
        """Give ways to the owners of a table, and where none of its own is in every row, those by its own rows too.

        An answer that names only the answer before it, a folder within a folder: it is theirs whose that one is.
        """
        firm = any(edge.child == table and not edge.nullable for edge in edges)
        return (*edges, *([] if firm else [edge for edge in self._within[table] if edge not in edges]))

    def to(self, table: str) -> tuple[Edge, ...]:
        """Give the references that lead to a table."""
        return tuple(self._to[table])

    def to_tenant(self, table: str) -> tuple[Edge, ...]:
        """Give the references from a table to the tenant table that are no mere mentions, undeclared ones included."""
        return tuple(edge for edge in self._of[table] if edge.parent == self._tenant.table and not edge.mention)

    def unique(self, edge: Edge, *others: Edge) -> bool:
        """Say whether the columns of these references of one table are, together and exactly, a unique key of it."""
        columns = {column for each in (edge, *others) for column in each.columns}
        return any(set(key) == columns for key in self._keys(edge.child))

    def within_key(self, edge: Edge) -> bool:
        """Say whether a row is known by what it points at and something of its own: a part of it."""
        return any(set(edge.columns) <= set(key) for key in self._keys(edge.child))

    def undeclared(self, table: str) -> tuple[Edge, ...]:
        """Columns without a foreign key that are called after another table, whose key has the same type."""
        of = self._schema.tables[table]
        found = []
        for column in self._free_columns(of):
            name = names.plain(column)
            # what stands beside its own type points now at one table, now at another
            if f"{name.removesuffix('id')}type" in map(names.plain, of.column_names):
                continue
            # in a table of comments, comment_post_id says post_id
            shorter = {name.removeprefix(own) for own in self._own_names[table]} - {"id", "uuid", ""}
            for stem, key in [each for said in sorted({name} | shorter) for each in self._stems(said)]:
                for parent in self._named.get(stem, ()):
                    if parent not in (table, self._tenant.table) and self._has_key(parent, key):
                        target = self._key_called(parent, key)
                        if self._fits(table, column, parent, target):
                            found.append(self._undeclared(table, column, parent, target, canonical=True))
        return tuple(found)

    def parts(self) -> Mapping[str, str]:
        """Give for each table the first one of those that it hangs together with, by whatever reads like a reference.

        What holds for a table says nothing of tables of another part; the tenant table, which is known, ties none.
        """
        near: dict[str, set[str]] = {table: set() for table in self._of}
        for table, edges in self._of.items():
            for edge in (*edges, *self.undeclared(table)):
                if self._tenant.table not in (table, edge.parent):
                    near[table].add(edge.parent)
                    near[edge.parent].add(table)
        part: dict[str, str] = {}
        for first in near:
            waiting = [] if first in part else [first]
            while waiting:
                table = waiting.pop()
                if table not in part:
                    part[table] = first
                    waiting += near[table]
        return part

    def _stems(self, name: str) -> list[tuple[str, str]]:
        return [(name.removesuffix(ending), ending) for ending in ("uuid", "id") if name.endswith(ending)][:1]

    def _has_key(self, parent: str, called: str) -> bool:
        return bool(self._key_called(parent, called))

    def _key_called(self, parent: str, called: str) -> str:
        """The key column of a table that a column `..._id`, `..._uuid` means; empty without one."""
        single = [key[0] for key in self._keys(parent) if len(key) == 1]
        named = [name for name in single if names.plain(name) == called]
        primary = self._schema.tables[parent].primary_key
        return named[0] if named else primary[0] if len(primary) == 1 and called == "id" else ""

    def _keys(self, table: str) -> list[tuple[str, ...]]:
        of = self._schema.tables[table]
        keys = [of.primary_key, *(key.columns for key in of.unique_keys if not key.partial)]
        return [key for key in keys if key]

    def _read(self, table: Table) -> tuple[Edge, ...]:
        keys = [key for key in table.foreign_keys if key.parent != table.name and key.parent in self._schema.tables]
        alone = len({key.columns for key in keys if key.parent == self._tenant.table}) == 1
        edges = [self._declared(table, key, alone=alone and key.parent == self._tenant.table) for key in keys]
        known = {(edge.columns, edge.parent) for edge in edges}
        edges += [edge for edge in self._written(table) if (edge.columns, edge.parent) not in known]
        if self._tenant.table in self._schema.tables and table.name != self._tenant.table:
            edges += self._tenant_columns(table)
        edges += self.undeclared(table.name) if self.bare else self._tying(table, edges)
        return tuple(sorted(edges, key=lambda edge: (edge.columns, edge.parent, edge.parent_columns)))

    def _tying(self, table: Table, edges: Sequence[Edge]) -> list[Edge]:
        """Columns without a foreign key that are known by their names to lead to another table.

        They tie something to tenants, so that both together are a key, as in memberships; or they lead to rows of
        which nothing else could tell whose they are.
        """
        if table.name in self._rules:
            return []
        tenants = [set(edge.columns) for edge in edges if edge.parent == self._tenant.table and not edge.mention]
        keys = [set(key) for key in self._keys(table.name)]
        return [
            edge
            for edge in self.undeclared(table.name)
            if any(each | set(edge.columns) in keys for each in tenants) or self._leads_nowhere(edge.parent)
        ]

    def _leads_nowhere(self, table: str) -> bool:
        """Whether nothing in a table leads to an owner: only what names it tells."""
        of = self._schema.tables[table]
        return all(key.parent == table for key in of.foreign_keys) and not self._tenant_columns(of)

    def declares(self, table: str) -> bool:
        """Say whether a table's references are columns that only read like one, which its rule has to declare."""
        return self.bare or any(not each.declared and each.parent != self._tenant.table for each in self._of[table])

    def _part_of_itself(self, table: Table) -> list[Edge]:
        """The references by which a row may be a part of another one of its table."""
        keys = [key for key in table.foreign_keys if key.parent == table.name]
        edges = [self._declared(table, key, alone=False) for key in keys]
        return [
            edge
            for edge in edges
            if (edge.cascade or (not edge.mention and edge.canonical) or all(map(names.is_above, edge.columns)))
            and names.can_be_pointed(edge.columns, ())
        ]

    def _written(self, table: Table) -> list[Edge]:
        """The references that the catalog file declares."""
        rule = self._rules.get(table.name)
        return [
            self._declared(
                table,
                ForeignKey(name="", columns=each.columns, parent=each.parent, parent_columns=each.parent_columns),
                alone=False,
            )
            for each in (rule.references if rule else ())
            if each.parent != table.name
            and each.parent in self._schema.tables
            and set(each.columns) <= set(table.column_names)
        ]

    def _declared(self, table: Table, key: ForeignKey, *, alone: bool) -> Edge:
        """A foreign key; `alone` when it is the table's only one to the tenants."""
        nullable = any(table.column(name).nullable for name in key.columns)
        called = any(
            names.names_parent(column, key.parent, theirs)
            for column, theirs in zip(key.columns, key.parent_columns, strict=True)
        )
        mention = not called and _mentions(key.columns, required=not nullable, to_tenant=alone)
        only = alone and not mention and not any(names.is_role_of(name, key.parent) for name in key.columns)
        own_key = key.columns == table.primary_key
        return Edge(
            child=table.name,
            columns=key.columns,
            parent=key.parent,
            parent_columns=key.parent_columns,
            nullable=nullable,
            cascade=key.on_delete == "cascade",
            declared=True,
            canonical=called or only or own_key,
            mention=mention and not own_key,
        )

    def _tenant_columns(self, table: Table) -> list[Edge]:
        """Columns called after the tenant, or ending so, that have no foreign key."""
        called = {
            f"{name}{ending}"
            for name in (*self._tenant_names, "tenant")
            for ending in ("id", names.plain(self._tenant.key))
        }
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
        rule = self._rules.get(table.name)
        pointing = {key.columns[0] for key in table.foreign_keys if len(key.columns) == 1}
        pointing |= {each.columns[0] for each in (rule.references if rule else ()) if len(each.columns) == 1}
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
        return len(kinds) == 1 or any(kinds <= set(alike) for alike in _KINDS)

    def _undeclared(self, table: str, column: str, parent: str, key: str, *, canonical: bool) -> Edge:
        nullable = self._schema.tables[table].column(column).nullable
        return Edge(
            child=table,
            columns=(column,),
            parent=parent,
            parent_columns=(key,),
            nullable=nullable,
            cascade=False,
            declared=False,
            canonical=canonical,
            mention=not canonical and _mentions((column,), required=not nullable, to_tenant=False),
        )


def _mentions(columns: Iterable[str], *, required: bool, to_tenant: bool) -> bool:
    """Whether a reference only mentions what it points at.

    A row that cannot be without a tenant is that tenant's, also when the column tells who made it; but not where it
    tells what was there last.
    """
    if required and to_tenant:
        return any(names.is_passing(column) for column in columns)
    return any(names.mentions(column, required=required) for column in columns)
