"""Tables whose rows no rule can follow to their owners, and what hangs on them: it has to be said."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.model.catalog import Category, RuleKind, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification import names
from toolkit.planning.classification.proposals import Classification, Reason


def caution(found: Classification, schema: DatabaseSchema) -> str:
    """Say which tables a tenant's own backup cannot have all rows of; empty where there are none."""
    first = [each.table for each in found.proposals if each.reason in (Reason.POLYMORPHIC, Reason.UNWRITABLE)]
    if not first:
        return ""
    hanging = _hanging(first, found, schema)
    also = f", and of what hangs on them: {', '.join(hanging)}" if hanging else ""
    return f"no rule can follow whose the rows of {', '.join(first)} are: only whole backups have all of them{also}"


def _hanging(first: list[str], found: Classification, schema: DatabaseSchema) -> list[str]:
    """Tables that are taken only where something points at them, and hang on these: by a reference to or from them."""
    rules = dict(found.written) | {each.table: each.options[0].rule for each in found.proposals if each.options}
    near = _near(rules, schema)
    reached, waiting = set(first), list(first)
    while waiting:
        for table in near.get(waiting.pop(), ()):
            rule = rules.get(table)
            if table not in reached and rule and _only_pointed_at(rule):
                reached.add(table)
                waiting.append(table)
    return sorted(reached - set(first))


def _only_pointed_at(rule: TableRule) -> bool:
    return rule.category is Category.BUSINESS and rule.kind is RuleKind.REFERENCED


def _near(rules: Mapping[str, TableRule], schema: DatabaseSchema) -> Mapping[str, set[str]]:
    near: dict[str, set[str]] = {}
    for table in schema.tables.values():
        rule = rules.get(table.name)
        # who made a row and the like are no part of it
        said = [
            key for key in table.foreign_keys if not any(names.mentions(name, required=False) for name in key.columns)
        ]
        parents = [key.parent for key in said]
        parents += [each.parent for each in (rule.references if rule else ())]
        for parent in parents:
            near.setdefault(table.name, set()).add(parent)
            near.setdefault(parent, set()).add(table.name)
    return near
