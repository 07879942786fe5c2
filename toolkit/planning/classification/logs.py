"""Tables that read like logs of what people did: a mirror takes their newest rows away, and that has to be said."""

from __future__ import annotations

from typing import Final

from toolkit.model.catalog import Category
from toolkit.planning.classification import names
from toolkit.planning.classification.proposals import Classification

_OF: Final = frozenset("access action activity admin change event security".split())


def caution_about_logs(found: Classification) -> str:
    """Say what a mirror does to tables that are proposed as business data and read like logs; empty for none."""
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
    return len(said) > 1 and "log" in names.singulars(said[-1]) and bool(names.singulars(said[-2]) & _OF)
