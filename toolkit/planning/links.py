"""How rows hang together: who owns whom, and what points at what.

Both kinds of link are joins between two tables. Ownership flows from `source` rows to `table` rows; a reference goes
from a `child` row to the `parent` row that it points at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from toolkit.errors import Problem
from toolkit.model.catalog import Catalog, Category, OwnerEdge, RuleKind, TableRule
from toolkit.model.schema import PLAIN, DatabaseSchema, Equality, Table
from toolkit.planning.references import ReferenceLink, derive_references, missing_columns, rule_problem


class OwnerLink(Struct, frozen=True, kw_only=True):
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


class Links(Struct, frozen=True, kw_only=True):
    """All links of a database under a catalog file, between tables that exist."""

    owners: tuple[OwnerLink, ...]
    references: tuple[ReferenceLink, ...]


def derive_links(catalog: Catalog, schema: DatabaseSchema) -> tuple[Links, list[Problem]]:
    """Give the links that rules and foreign keys make, and every problem of the rules against this schema.

    Tables that the database lacks are passed over here; `accounting` reports them.
    """
    problems: list[Problem] = []
    references = derive_references(catalog, schema, problems)
    leading = defaultdict[str, list[ReferenceLink]](list)
    for link in references:
        leading[link.child].append(link)
    owners: list[OwnerLink] = []
    _check_tenant(catalog, schema, problems)
    for rule in sorted(catalog.rules.values(), key=lambda rule: rule.table):
        table = schema.tables.get(rule.table)
        if table is None:
            continue
        if rule.newest_by and rule.newest_by not in table.column_names:
            problems.append(
                rule_problem(catalog, rule, "newest_by", f"table {rule.table} has no column {rule.newest_by!r}")
            )
        for number, edge in enumerate(rule.owned_by):
            found = _owner_links(catalog, schema, rule, edge, leading[edge.table or rule.table])
            if isinstance(found, str):
                problems.append(rule_problem(catalog, rule, f"owned_by[{number}]", found))
            else:
                owners.extend(found)
    return Links(owners=tuple(dict.fromkeys(owners)), references=tuple(references)), problems


def _owner_links(
    catalog: Catalog, schema: DatabaseSchema, rule: TableRule, edge: OwnerEdge, references: Sequence[ReferenceLink]
) -> list[OwnerLink] | str:
    """The links one `owned_by` entry makes, or what is wrong with it; `references` are those of its columns' table."""
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
        if set(link.columns) == set(edge.columns) and (not edge.table or link.parent == rule.table)
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


def _check_tenant(catalog: Catalog, schema: DatabaseSchema, problems: list[Problem]) -> None:
    tenant = catalog.tenant
    rule = catalog.rules.get(tenant.table)
    if rule is None or rule.kind is not RuleKind.TENANT:
        text = f"table {tenant.table} must stand under business with the rule `tenant`"
        problems.append(Problem(file=catalog.file, path="tenant.table", message=text))
    table = schema.tables.get(tenant.table)
    if table is None and not catalog.rules.keys() & schema.tables.keys():
        text = (
            f"the database has none of the tables that {catalog.file} names; is it the right one? A backup holds rows,"
            " not the schema: before a restore, let the application make its tables"
        )
        problems.append(Problem(message=text))
        return
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
