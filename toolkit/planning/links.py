"""How rows hang together: who owns whom, and what points at what.

Both kinds of link are joins between two tables. Ownership flows from `source` rows to `table` rows; a reference goes
from a `child` row to the `parent` row that it points at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolkit.errors import Problem
from toolkit.model.catalog import (
    Catalog,
    Category,
    DeclaredReference,
    OnOtherDevice,
    OnRestore,
    OwnerEdge,
    RuleKind,
    TableRule,
)
from toolkit.model.schema import PLAIN, DatabaseSchema, Equality, ForeignKey, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerLink:
    """Rows of `table` are owned by the owners of the `source` rows with equal columns.

    Attributes:
        total: every row of `table` surely has such a source row (a validated foreign key on NOT NULL columns).
        single: at most one source row fits a row of `table`.
        equalities: how the columns are compared, the source's on the left; empty for the plain way.
    """

    table: str
    columns: tuple[str, ...]
    source: str
    source_columns: tuple[str, ...]
    total: bool
    single: bool
    equalities: tuple[Equality, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLink:
    """Rows of `child` point at the `parent` rows with equal columns.

    Attributes:
        constraint: name of the foreign key; empty for a reference that the server does not enforce: only the catalog
            file declares it, or it is NOT ENFORCED.
        validated: the database vouches that no child row points at nothing.
        equalities: how a parent is found, per column, the parent's on the left; empty for the plain way.
        period: the last columns are ranges that overlap.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    constraint: str = ""
    validated: bool = False
    equalities: tuple[Equality, ...] = ()
    period: bool = False
    on_other_device: OnOtherDevice | None = None
    on_restore: OnRestore | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """All links of a database under a catalog file, between tables that exist."""

    owners: tuple[OwnerLink, ...]
    references: tuple[ReferenceLink, ...]


def derive_links(catalog: Catalog, schema: DatabaseSchema) -> tuple[Links, list[Problem]]:
    """Give the links that rules and foreign keys make, and every problem of the rules against this schema.

    Tables that the database lacks are passed over here; `accounting` reports them.
    """
    problems: list[Problem] = []
    references = _references(catalog, schema, problems)
    owners: list[OwnerLink] = []
    _check_tenant(catalog, schema, problems)
    for rule in sorted(catalog.rules.values(), key=lambda rule: rule.table):
        table = schema.tables.get(rule.table)
        if table is None:
            continue
        if rule.newest_by and rule.newest_by not in table.column_names:
            problems.append(
                _problem(catalog, rule, "newest_by", f"table {rule.table} has no column {rule.newest_by!r}")
            )
        for number, edge in enumerate(rule.owned_by):
            found = _owner_links(catalog, schema, rule, edge, references)
            if isinstance(found, str):
                problems.append(_problem(catalog, rule, f"owned_by[{number}]", found))
            else:
                owners.extend(found)
    return Links(owners=tuple(dict.fromkeys(owners)), references=tuple(references)), problems


def components(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Groups of nodes on common cycles, in an order in which every edge leads to the same or a later group.

    The order depends on names only, not on the order of the arguments. Single nodes are groups of one.
    """
    import networkx  # noqa: PLC0415 - a tenth of a second, which only who asks for an order is to spend

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(sorted(set(nodes)))
    graph.add_edges_from(sorted({(a, b) for a, b in edges if a in graph and b in graph and a != b}))
    condensed = networkx.condensation(graph)
    members = {number: tuple(sorted(condensed.nodes[number]["members"])) for number in condensed}
    ordered = networkx.lexicographical_topological_sort(condensed, key=lambda number: members[number])
    return [members[number] for number in ordered]


def levels(nodes: Iterable[str], edges: Sequence[tuple[str, str]]) -> list[list[tuple[str, ...]]]:
    """The same groups by level: every edge between two of them leads to a later level."""
    groups = components(nodes, edges)
    of = {name: group for group in groups for name in group}
    before: dict[tuple[str, ...], set[tuple[str, ...]]] = {group: set() for group in groups}
    for start, end in edges:
        if start in of and end in of and of[start] != of[end]:
            before[of[end]].add(of[start])
    level_of: dict[tuple[str, ...], int] = {}
    found: list[list[tuple[str, ...]]] = []
    for group in groups:
        level_of[group] = max((level_of[each] + 1 for each in before[group]), default=0)
        if level_of[group] == len(found):
            found.append([])
        found[level_of[group]].append(group)
    return found


def _references(catalog: Catalog, schema: DatabaseSchema, problems: list[Problem]) -> list[ReferenceLink]:
    links = []
    for table in schema.tables.values():
        rule = catalog.rules.get(table.name)
        declared = {_pairs(ref): ref for ref in rule.references} if rule else {}
        keys = {_pairs(key) for key in table.foreign_keys}
        problems.extend(_cannot_be_null(catalog, rule, table) if rule else ())
        for key in table.foreign_keys:
            extra = declared.get(_pairs(key))
            links.append(
                ReferenceLink(
                    child=table.name,
                    columns=key.columns,
                    parent=key.parent,
                    parent_columns=key.parent_columns,
                    constraint=key.name if key.enforced else "",
                    validated=key.validated,
                    equalities=key.equalities,
                    period=key.period,
                    on_other_device=extra.on_other_device if extra else None,
                    on_restore=extra.on_restore if extra else None,
                )
            )
        for ref in (ref for pairs, ref in declared.items() if pairs not in keys):
            assert rule is not None
            place = f"references.{','.join(ref.columns)}"
            missing = missing_columns(table, ref.columns)
            parent = schema.tables.get(ref.parent)
            if parent is None and ref.parent not in catalog.rules:
                why = ": it is in a schema that is left out, and no foreign key leads there"
                missing.append(f"there is no table {ref.parent!r}{why if catalog.is_left_out(ref.parent) else ''}")
            elif parent is not None:
                missing.extend(missing_columns(parent, ref.parent_columns))
            problems.extend(_problem(catalog, rule, place, text) for text in missing)
            if parent is not None and not missing:
                links.append(
                    ReferenceLink(
                        child=table.name,
                        columns=ref.columns,
                        parent=ref.parent,
                        parent_columns=ref.parent_columns,
                        equalities=_by_type(schema, parent, ref.parent_columns, table, ref.columns),
                        on_other_device=ref.on_other_device,
                        on_restore=ref.on_restore,
                    )
                )
    return links


def _cannot_be_null(catalog: Catalog, rule: TableRule, table: Table) -> Iterator[Problem]:
    """References that are to become NULL and cannot."""
    for ref in rule.references:
        there = [name for name in ref.columns if name in table.column_names]
        if ref.on_restore is OnRestore.NULL and there and not any(table.column(name).nullable for name in there):
            place = f"references.{','.join(ref.columns)}"
            yield _problem(catalog, rule, place, "on_restore: null cannot be: the column is NOT NULL")


def undecided_references(
    catalog: Catalog, rules: Mapping[str, TableRule], references: Iterable[ReferenceLink]
) -> list[str]:
    """Ask about foreign keys of business tables to transient ones of which the catalog file says nothing."""
    return [
        f"{link.child} ({', '.join(link.columns)}) points at {link.parent}, which is transient: say in {catalog.file}"
        f" what a restore does where that row is gone, `references: {{{_written(link.columns)}: {{to:"
        f" {_written(link.parent_columns, link.parent)}, on_restore: null | skip_row | refuse}}}}`"
        for link in references
        if link.constraint
        and link.on_restore is None
        and link.child in rules
        and rules[link.child].category is Category.BUSINESS
        and link.parent in rules
        and rules[link.parent].category is Category.TRANSIENT
    ]


def _written(columns: Sequence[str], table: str = "") -> str:
    """Columns as a catalog file has them, quoted where it has to be."""
    text = (f"{table}." if table else "") + ", ".join(columns)
    return text if re.fullmatch(r"[\w.]+", text) else json.dumps(text, ensure_ascii=False)


def _by_type(
    schema: DatabaseSchema, parent: Table, parent_columns: Sequence[str], child: Table, columns: Sequence[str]
) -> tuple[Equality, ...]:
    """How columns are compared of which no constraint says it: by their type, or as the server sees fit for two."""
    pairs = zip(
        (schema.equality(parent.column(name)) for name in parent_columns),
        (schema.equality(child.column(name)) for name in columns),
        strict=True,
    )
    found = tuple(theirs if theirs == ours else PLAIN for theirs, ours in pairs)
    return found if any(each != PLAIN for each in found) else ()


def _pairs(reference: DeclaredReference | ForeignKey) -> tuple[str, frozenset[tuple[str, str]]]:
    """What a reference says, in whatever order its columns are written."""
    return reference.parent, frozenset(zip(reference.columns, reference.parent_columns, strict=True))


def _owner_links(
    catalog: Catalog, schema: DatabaseSchema, rule: TableRule, edge: OwnerEdge, references: Sequence[ReferenceLink]
) -> list[OwnerLink] | str:
    """The links one `owned_by` entry makes, or what is wrong with it."""
    carrier_name = edge.table or rule.table
    carrier = schema.tables.get(carrier_name)
    if carrier is None:
        return [] if carrier_name in catalog.rules else f"there is no table {carrier_name!r}"
    missing = missing_columns(carrier, edge.columns)
    if missing:
        return "; ".join(missing)
    fitting = [
        link
        for link in references
        if link.child == carrier_name
        and set(link.columns) == set(edge.columns)
        and (not edge.table or link.parent == rule.table)
    ]
    columns = ", ".join(edge.columns)
    if not fitting and _is_to_absent(catalog, schema, carrier_name, edge):
        return []
    if not fitting:
        towards = f" to {rule.table}" if edge.table else ""
        return (
            f"no foreign key leads from {carrier_name} ({columns}){towards}; "
            f"declare it: `references: {{{columns}: table.column}}`"
        )
    links = []
    for link in fitting:
        source = link.child if edge.table else link.parent
        source_rule = catalog.rules.get(source)
        if source_rule is None or source_rule.category is not Category.BUSINESS:
            return f"{carrier_name} ({columns}) leads to {source}, which is not a business table and owns nothing"
        links.append(_owner_link(schema, rule, edge, link))
    return links


def _is_to_absent(catalog: Catalog, schema: DatabaseSchema, carrier: str, edge: OwnerEdge) -> bool:
    """Whether these columns are declared to point at a table that the catalog file names and the database lacks."""
    rule = catalog.rules.get(carrier)
    return any(
        set(ref.columns) == set(edge.columns) and ref.parent in catalog.rules and ref.parent not in schema.tables
        for ref in (rule.references if rule else ())
    )


def _owner_link(schema: DatabaseSchema, rule: TableRule, edge: OwnerEdge, link: ReferenceLink) -> OwnerLink:
    if edge.table:
        return OwnerLink(
            table=rule.table,
            columns=link.parent_columns,
            source=link.child,
            source_columns=link.columns,
            total=False,
            single=is_unique(schema.tables[link.child], link.columns, link.equalities),
            equalities=tuple(each.reversed() for each in link.equalities),
        )
    table = schema.tables[rule.table]
    return OwnerLink(
        table=rule.table,
        columns=link.columns,
        source=link.parent,
        source_columns=link.parent_columns,
        total=link.validated and not any(table.column(name).nullable for name in link.columns),
        single=is_unique(schema.tables[link.parent], link.parent_columns, link.equalities),
        equalities=link.equalities,
    )


def is_unique(table: Table, columns: Sequence[str], equalities: Sequence[Equality] = ()) -> bool:
    """Say whether a full, plain unique key of the table lies within these columns.

    Args:
        equalities: how they are compared; a key that finds other values equal says nothing.
    """
    keys = [
        (table.primary_key, table.primary_equalities),
        *((key.columns, key.equalities) for key in table.unique_keys if not key.partial),
    ]
    compared = {name: each.operator for name, each in zip(columns, equalities or [PLAIN] * len(columns), strict=True)}
    return any(
        names
        and all(
            name in compared and compared[name] == each.operator
            for name, each in zip(names, by or [PLAIN] * len(names), strict=True)
        )
        for names, by in keys
    )


def missing_columns(table: Table, columns: Sequence[str]) -> list[str]:
    """Give a sentence for each of these columns that the table lacks."""
    return [f"table {table.name} has no column {name!r}" for name in columns if name not in table.column_names]


def _check_tenant(catalog: Catalog, schema: DatabaseSchema, problems: list[Problem]) -> None:
    tenant = catalog.tenant
    rule = catalog.rules.get(tenant.table)
    if rule is None or rule.kind is not RuleKind.TENANT:
        text = f"table {tenant.table} must stand under business with the rule `tenant`"
        problems.append(Problem(file=catalog.file, path="tenant.table", message=text))
    table = schema.tables.get(tenant.table)
    if table is None:
        problems.append(
            Problem(file=catalog.file, path="tenant.table", message=f"the database has no table {tenant.table!r}")
        )
        return
    named: Mapping[str, str] = {"key": tenant.key, "label": tenant.label, "demo": tenant.demo}
    for name, column in named.items():
        if column and column not in table.column_names:
            text = f"table {tenant.table} has no column {column!r}"
            problems.append(Problem(file=catalog.file, path=f"tenant.{name}", message=text))


def _problem(catalog: Catalog, rule: TableRule, key: str, message: str) -> Problem:
    path = f"{rule.category.value}.{rule.group}.{rule.table}.{key}"
    return Problem(file=catalog.file, line=rule.line, path=path, message=message)
