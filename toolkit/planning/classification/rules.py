"""Rules of the catalog file made of references, and the words that explain them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from toolkit.model.catalog import Category, DeclaredReference, OwnerEdge, RuleKind, TableRule
from toolkit.planning.classification.edges import Edge
from toolkit.planning.classification.proposals import Option

MOST_EDGES = 6
"""More ways to an owner than these are not offered: a person would choose among the first."""


def tenant_rule(table: str) -> TableRule:
    """Give the rule of the tenant table."""
    return TableRule(table=table, category=Category.BUSINESS, group="", kind=RuleKind.TENANT)


def owned_rule(table: str, edges: Iterable[Edge], *, unowned: str = "") -> TableRule:
    """Owned by what these references lead to, or, where they lead here, by what owns the rows that hold them."""
    found = list(dict.fromkeys(edges))
    undeclared = [edge for edge in found if not edge.declared and edge.child == table]
    return TableRule(
        table=table,
        category=Category.BUSINESS,
        group="",
        kind=RuleKind.OWNED,
        owned_by=tuple(
            OwnerEdge(columns=edge.columns, table="" if edge.child == table else edge.child) for edge in found
        ),
        references=tuple(
            DeclaredReference(columns=edge.columns, parent=edge.parent, parent_columns=edge.parent_columns)
            for edge in undeclared
        ),
        unowned=unowned,
    )


def plain_rule(table: str, kind: RuleKind) -> TableRule:
    """`shared` or `referenced`."""
    return TableRule(table=table, category=Category.BUSINESS, group="", kind=kind)


def shared(table: str) -> Option:
    """Give the option to take every row always."""
    meaning = "every row, in every backup: each tenant's too"
    return Option(rule=plain_rule(table, RuleKind.SHARED), meaning=meaning)


def referenced(table: str, *, pointed_at: bool) -> Option:
    """Give the option to take what taken rows point at.

    Args:
        pointed_at: other tables point at this one; otherwise no tenant's backup has a row of it.
    """
    meaning = "only rows that taken rows point at; whole backups have all" if pointed_at else "in whole backups only"
    return Option(rule=plain_rule(table, RuleKind.REFERENCED), meaning=meaning)


def outside(table: str, category: Category) -> Option:
    """Give the option to move a table out of the business data."""
    rule = TableRule(table=table, category=category, group="", kind=RuleKind.SHARED)
    meaning = "this device's own state" if category is Category.DEVICE else "never backed up"
    return Option(rule=rule, meaning=f"under {category}: {meaning}")


def owners(table: str, edges: Sequence[Edge], describe: Callable[[Edge], str]) -> list[Option]:
    """Give the options that these references make: all of them together, which takes most, then each."""
    offered = list(dict.fromkeys(edges))[:MOST_EDGES]
    options = []
    if len(offered) > 1:
        options.append(Option(rule=owned_rule(table, offered), meaning="whoever any of them leads to"))
    # being a part of another of its rows leads to an owner only together with a way that does
    alone = [edge for edge in offered if edge.child != edge.parent]
    options += [Option(rule=owned_rule(table, [edge]), meaning=describe(edge)) for edge in alone]
    return options


def same(one: TableRule, other: TableRule) -> bool:
    """Say whether two rules of different names for one table say the same about its rows."""
    ways = [
        (each.category, each.kind, set(each.owned_by), each.where, each.optional, each.unowned) for each in (one, other)
    ]
    return ways[0] == ways[1]
