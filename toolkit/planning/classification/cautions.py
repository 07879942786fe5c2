"""What has to be said of a proposed classification, though no decision is open: what a backup lacks, a mirror takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from toolkit.model.catalog import Category, RuleKind, TableRule
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification import names
from toolkit.planning.classification.proposals import Classification, Reason

_LOGGED: Final = frozenset("access action activity admin change event security".split())
"""Words that stand before `log` in names of logs of what people did."""


def cautions(found: Classification, schema: DatabaseSchema) -> tuple[str, ...]:
    """Say what a person should know of some tables, each as a sentence without its end; nothing where there is none."""
    return tuple(each for each in (_about_unfollowed(found, schema), _about_logs(found)) if each)


def _about_unfollowed(found: Classification, schema: DatabaseSchema) -> str:
    """Which tables a tenant's own backup cannot have all rows of, since no rule can follow them to their owners."""
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


def _about_logs(found: Classification) -> str:
    """What a mirror does to tables that are proposed as business data and read like logs of what people did."""
    logs = [
        each.table
        for each in found.proposals
        if each.options and each.options[0].rule.category is Category.BUSINESS and _reads_like_log(each.table)
    ]
    if not logs:
        return ""
    what = f"{', '.join(logs)} {'reads like a log' if len(logs) == 1 else 'read like logs'} of what people did"
    return (
        f"{what}: a mirror deletes the rows written since the backup, those of what led to the restore as well;"
        " `merge` keeps them, and `optional: true` beside the rule keeps the table out of backups that do not name it"
    )


def _reads_like_log(table: str) -> bool:
    said = names.words(table.rpartition(".")[2])
    if any(word.removesuffix("log").removesuffix("logs") in ("audit", "audits") for word in said):
        return True
    return len(said) > 1 and "log" in names.singulars(said[-1]) and bool(names.singulars(said[-2]) & _LOGGED)
