"""The tenants of a database with the rows that each owns, and the sizes of its optional tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace
from psycopg import sql

from toolkit.model.catalog import Category, RuleKind, TableRule
from toolkit.model.census import Business, Census, OptionalTable
from toolkit.planning.accounting import Part
from toolkit.postgres.schema.relation import Relation, Sql
from toolkit.postgres.selection.conditions import check_conditions, condition_of
from toolkit.postgres.selection.ownership import MOST, Owners, Ownership
from toolkit.postgres.selection.snapshot import Survey

COUNTED_BYTES = 64 << 20
"""Optional tables of up to this size are counted; of larger ones the server's estimate is good enough."""


def take_census(survey: Survey, *, count: bool = True) -> Census:
    """Look at the tenants and optional tables, inside the survey's snapshot.

    Args:
        survey: of a whole scope that names no optional table.
        count: work out how many rows each tenant owns, which reads every business table.
    """
    businesses = _businesses(survey)
    if count:
        rows = _rows(survey)
        businesses = tuple(replace(each, rows=rows.get(each.key, 0)) for each in businesses)
    categories = [rule.category for rule in survey.accounting.rules.values()]
    return Census(
        businesses=businesses,
        optional=tuple(_optional(survey)),
        device_tables=categories.count(Category.DEVICE),
    )


def _businesses(survey: Survey) -> tuple[Business, ...]:
    tenant = survey.catalog.tenant
    query = sql.SQL("SELECT t.{key}::text, coalesce(t.{label}::text, ''), {demo} FROM {source} t").format(
        key=sql.Identifier(tenant.key),
        label=sql.Identifier(tenant.label or tenant.key),
        demo=sql.SQL("t.{} IS TRUE").format(sql.Identifier(tenant.demo)) if tenant.demo else sql.SQL("false"),
        source=survey.workspace.relations[tenant.table].source,
    )
    found = [
        Business(key=key, name=" ".join(label.split()) or key, demo=demo)
        for key, label, demo in survey.workspace.connection.execute(query)
    ]
    return tuple(sorted(found, key=lambda each: (each.name.casefold(), each.key)))


def _rows(survey: Survey) -> dict[str, int]:
    """Rows by tenant, in the tables that a backup of business data reads."""
    rules, relations = survey.accounting.rules, survey.workspace.relations
    ownership = Ownership(survey.workspace, relations, survey.links.owners, survey.catalog.tenant)
    owned = {
        name: owners
        for name, owners in ownership.compute_tenants().items()
        if survey.accounting.taken.get(name) is Part.RULE
        and rules[name].kind in (RuleKind.TENANT, RuleKind.OWNED)
        and not owners.source.empty
    }
    check_conditions(survey.workspace, survey.catalog, rules, owned)
    found: dict[str, int] = {}
    for names in _groups(owned):
        parts = [_count(relations[name], rules[name], owned[name]) for name in names]
        query = sql.SQL("SELECT tenant, sum(rows)::bigint FROM ({}) q GROUP BY tenant").format(
            sql.SQL(" UNION ALL ").join(parts)
        )
        for tenant, rows in survey.workspace.connection.execute(query):
            found[tenant] = found.get(tenant, 0) + int(rows)
    return found


def _groups(owned: Mapping[str, Owners]) -> Iterator[list[str]]:
    names = list(owned)
    yield from (names[first : first + MOST] for first in range(0, len(names), MOST))


def _count(relation: Relation, rule: TableRule, owners: Owners) -> Sql:
    if not rule.where:
        query = "SELECT o.tenant, count(*) AS rows FROM {owners} o GROUP BY o.tenant"
        return sql.SQL(query).format(owners=owners.source)
    # a condition of the user's sees the columns of the table alone, whatever they are called
    query = (
        "SELECT o.tenant, count(*) AS rows FROM {owners} o"
        " JOIN (SELECT {ids} FROM {source} t WHERE {where}) q ON {same} GROUP BY o.tenant"
    )
    return sql.SQL(query).format(
        owners=owners.source,
        ids=relation.ids("t"),
        source=relation.source,
        where=condition_of(rule),
        same=relation.same_ids("q", "o"),
    )


def _optional(survey: Survey) -> Iterator[OptionalTable]:
    relations = survey.workspace.relations
    rules = {name: rule for name, rule in survey.accounting.rules.items() if rule.optional}
    small = [name for name in rules if (size := relations[name].bytes) is not None and size <= COUNTED_BYTES]
    queries: dict[str, Sql] = {
        name: sql.SQL("SELECT count(*) FROM {} t WHERE {}").format(relations[name].source, condition_of(rules[name]))
        for name in small
    }
    counted = survey.workspace.numbers(queries, lambda name: relations[name].bytes)
    for name, rule in sorted(rules.items()):
        estimate = round(relations[name].rows) if relations[name].rows >= 0 else None
        yield OptionalTable(
            table=name,
            rows=counted.get(name, estimate),
            counted=name in counted,
            bytes=relations[name].bytes,
            newest_by=rule.newest_by,
        )
