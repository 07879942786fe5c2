"""What a fresh look at the schema says of tables that a catalog file classifies already."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from toolkit.model.catalog import Catalog, Category, RuleKind, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification import rules
from toolkit.planning.classification.drafting import Proposals
from toolkit.planning.classification.findings import Kind
from toolkit.planning.classification.inference import Inference
from toolkit.planning.classification.proposals import Difference, Reason, Verdict
from toolkit.planning.links import derive_links


def differences(
    catalog: Catalog, schema: DatabaseSchema, inference: Inference, writer: Proposals
) -> tuple[Difference, ...]:
    """Give the tables whose rule does not fit the schema any more, or whose owners a fresh look would decide otherwise.

    Every table is looked at as if it alone were new. That a person named more ways to an owner than the schema shows,
    or chose between `shared` and `referenced`, is no difference.
    """
    return tuple(sorted([*_broken(catalog, schema), *_otherwise(catalog, schema, inference, writer)], key=_order))


def _order(each: Difference) -> tuple[str, str]:
    return each.table, each.why


def _broken(catalog: Catalog, schema: DatabaseSchema) -> Iterator[Difference]:
    """Rules that name what the schema lacks."""
    by_path = {(rule.category.value, rule.group, rule.table): rule for rule in catalog.rules.values()}
    for problem in derive_links(catalog, schema)[1]:
        for (category, group, table), rule in by_path.items():
            if problem.path.startswith(f"{category}.{group}.{table}.") and problem.line == rule.line:
                yield Difference(table=table, rule=None, why=problem.message)


def _otherwise(
    catalog: Catalog, schema: DatabaseSchema, inference: Inference, writer: Proposals
) -> Iterator[Difference]:
    for table in sorted(set(catalog.rules) & set(schema.tables) - {catalog.tenant.table}):
        rule, finding = catalog.rules[table], inference.fresh(table)
        if finding is None:
            continue
        found = replace(writer, findings={**writer.findings, table: finding}).proposal(table)
        if found.verdict is not Verdict.DECIDED:
            continue
        proposed = found.options[0].rule
        says_who = finding.kind is Kind.OWNED or finding.reason is Reason.MIGRATIONS
        if says_who and _differs(rule, proposed):
            yield Difference(table=table, rule=proposed, why=found.why)


def _differs(rule: TableRule, proposed: TableRule) -> bool:
    if rules.same(rule, proposed):
        return False
    if proposed.kind is RuleKind.OWNED and rule.kind is RuleKind.OWNED and rule.category is Category.BUSINESS:
        return not set(proposed.owned_by) <= set(rule.owned_by)
    return True
