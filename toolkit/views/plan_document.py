"""The plan of a restore as JSON, as `schemas/run-report.schema.json` describes it."""

from __future__ import annotations

from msgspec import to_builtins
from msgspec.structs import asdict

from toolkit.model.plan import Conflict, Kept, RestorePlan, TablePlan


def plan_document(plan: RestorePlan) -> dict[str, object]:
    """Give everything a plan says; keys and values of rows are their texts."""
    conflicts = plan.conflicting
    return {
        "label": plan.label,
        "mode": str(plan.mode),
        "tables": [_table(table, conflicts.get(table.table, 0)) for table in plan.tables.values()],
        "order": [list(group) for group in plan.order],
        "conflicts": [_conflict(conflict) for conflict in plan.conflicts],
        "quarantined": [_conflict(conflict) for conflict in plan.quarantined],
        "sequences": [{"name": move.name, "value": move.value, "is_called": move.is_called} for move in plan.sequences],
        "locking": plan.locking,
        "rebuilding": list(plan.rebuilding),
        "unforeseen": list(plan.unforeseen),
        "untouched": plan.untouched,
        "named": list(plan.named),
        "along": [
            {**asdict(each), "needed_by": list(each.needed_by), "samples": list(each.samples)} for each in plan.along
        ],
        "left_behind": [
            {**asdict(each), "columns": list(each.columns), "samples": list(each.samples)} for each in plan.left_behind
        ],
        "not_touched": list(plan.not_touched),
        "proven": plan.proven,
        "seen": None if plan.seen is None else to_builtins(plan.seen),
        "identity": plan.identity.as_facts() if plan.identity else {},
    }


def _table(table: TablePlan, conflicts: int) -> dict[str, object]:
    return {
        "table": table.table,
        "load": str(table.load),
        "inserts": table.inserts,
        "updates": table.updates,
        "deletes": table.deletes,
        "unchanged": table.unchanged,
        "set_null": table.set_null,
        "quarantined": table.quarantined,
        "conflicts": conflicts,
        "kept": {kept.reason: kept.rows for kept in table.kept},
        "kept_rows": [kept_document(kept) for kept in table.kept],
        "samples": [
            {
                "action": str(sample.action),
                "key": list(sample.key),
                "name": sample.name,
                "reason": sample.reason,
                "values": [
                    {"column": value.column, "before": value.before, "after": value.after} for value in sample.values
                ],
            }
            for sample in table.samples
        ],
    }


def kept_document(kept: Kept) -> dict[str, object]:
    """Rows that stay: the reason, how many, the first few keys, whose these are, and what all their keys come to."""
    return {**asdict(kept), "samples": list(kept.samples), "owners": list(kept.owners)}


def _conflict(conflict: Conflict) -> dict[str, object]:
    return {**asdict(conflict), "samples": list(conflict.samples)}
