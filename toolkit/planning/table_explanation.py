"""A whole table explained: by its rule, the links of the catalog file, and its fate in a scope."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.model.scope import BackupType, Scope
from toolkit.model.table_explanation import TableExplanation, TableReference, TableStep
from toolkit.planning.accounting import Accounting, Part
from toolkit.planning.graph import GraphEdge, Ownership, edges_of
from toolkit.planning.links import Links, OwnerLink
from toolkit.planning.row_order import sort_key

WAYS = 6
"""Ways of the same length that are told, from one link on."""

_FOLLOWED = 500


def explain_table(
    table: str, *, catalog: Catalog, schema: DatabaseSchema, links: Links, accounting: Accounting, scope: Scope
) -> TableExplanation:
    """Say all that is known of a table of the schema without reading a row."""
    found, rule = schema.tables[table], accounting.rules.get(table)
    key, edges = sort_key(found), [each for each in edges_of(schema, links) if table in (each.child, each.parent)]
    return TableExplanation(
        table=table,
        rule=rule,
        taken=table in accounting.taken,
        reasons=tuple(_reasons(rule, scope, accounting.taken.get(table))),
        ways=tuple(_ways(catalog.tenant.table, links.owners, table)),
        key=key.names,
        unique=key.unique,
        columns=found.columns,
        points_at=tuple(_reference(each) for each in edges if each.child == table),
        pointed_at=tuple(_reference(each) for each in edges if each.parent == table),
    )


def _reference(edge: GraphEdge) -> TableReference:
    owns = {Ownership.TO_CHILD: edge.child, Ownership.TO_PARENT: edge.parent}.get(edge.ownership, "")
    return TableReference(
        child=edge.child,
        columns=edge.columns,
        parent=edge.parent,
        parent_columns=edge.parent_columns,
        declared=edge.declared,
        owns=owns,
    )


def _ways(tenant: str, owners: Sequence[OwnerLink], table: str) -> Iterator[tuple[TableStep, ...]]:
    """Of each link to an owner the shortest ways on to the tenants; none where it does not lead there."""
    if table == tenant:
        yield ()
        return
    following = defaultdict[str, list[OwnerLink]](list)
    for link in owners:
        following[link.table].append(link)
    for link in following[table]:
        for way in _shortest(tenant, following, link):
            yield tuple(map(_step, way))


def _shortest(
    tenant: str, following: Mapping[str, Sequence[OwnerLink]], begun: OwnerLink
) -> Sequence[tuple[OwnerLink, ...]]:
    """All shortest ways, as far as they are few."""
    ways: list[tuple[OwnerLink, ...]] = [(begun,)]
    seen = {begun.table}
    while ways:
        if there := [way for way in ways if way[-1].source == tenant]:
            return there[:WAYS]
        seen |= {way[-1].source for way in ways}
        ways = [(*way, link) for way in ways for link in following.get(way[-1].source, ()) if link.source not in seen][
            :_FOLLOWED
        ]
    return ()


def _step(link: OwnerLink) -> TableStep:
    return TableStep(table=link.table, columns=link.columns, owner=link.source, owner_columns=link.source_columns)


def _reasons(rule: TableRule | None, scope: Scope, part: Part | None) -> Iterable[str]:
    """Which rows the scope takes, or why it takes none."""
    if rule is None:
        yield "it is not classified in the catalog file"
    elif part is Part.REFERENCED:
        yield from _left_alone(rule)
        yield "of it only rows that taken rows point at come along"
    elif part is Part.WHOLE:
        yield "a full-device scope takes device tables whole"
    elif part is Part.RULE:
        yield from _by_rule(rule, scope)
    else:
        yield from _left_alone(rule)


def _left_alone(rule: TableRule) -> Iterator[str]:
    """Why the table is not taken for its own sake."""
    if rule.category is Category.TRANSIENT:
        yield "transient tables are never read"
    elif rule.category is Category.DEVICE:
        yield f"device tables are read only by a {BackupType.FULL_DEVICE.value} scope"
    elif rule.optional:
        yield "it is optional, and the scope does not name it"


def _by_rule(rule: TableRule, scope: Scope) -> Iterator[str]:
    selected = "the businesses that the scope selects"
    yield {
        RuleKind.TENANT: f"the rows of {selected}",
        RuleKind.OWNED: f"rows that belong to {selected}",
        RuleKind.SHARED: "every row, always",
        RuleKind.REFERENCED: "rows that taken rows point at",
    }[rule.kind]
    if rule.kind in (RuleKind.OWNED, RuleKind.REFERENCED):
        unowned = rule.unowned == "always" or (scope.whole and rule.unowned != "never")
        nobody = "nobody owns" if rule.kind is RuleKind.OWNED else "no row points at"
        why = f"its rule says `unowned: {rule.unowned}`" if rule.unowned else _whole(scope)
        yield f"rows that {nobody} {'are taken, too' if unowned else 'stay out'}: {why}"
    if rule.where:
        yield f"and of these only rows that fulfil its rule's where: {rule.where}"
    if (limit := scope.optional.get(rule.table)) is not None:
        yield f"and of these the newest {limit} by {rule.newest_by}"


def _whole(scope: Scope) -> str:
    return "the scope is whole" if scope.whole else "the scope names businesses"
