"""Views of restores, and of rows in quarantine that were tried again."""

from __future__ import annotations

from msgspec import to_builtins

from toolkit.model.result import Restored, Retried
from toolkit.views.plan_document import kept_document, plan_document
from toolkit.views.plan_text import plan_lines, summary
from toolkit.views.view import View, view
from toolkit.wording import called, count, counted


def _way_in(host: str) -> str:
    way = called(f"to look into it: invoke psql --host {host}")
    return way if host.startswith("embedded:") else f"{way}; without `keep: true` it is dropped when the play has ended"


@view.register
def _restored(result: Restored) -> View:
    plan, tables = result.plan, result.plan.tables.values()
    verb = "would change" if result.check else "restored"
    return View(
        message=f"{verb} {plan.label} ({plan.mode}) into {result.host}: {summary(plan)}",
        details=(
            *plan_lines(plan, tables=result.check or result.samples, samples=result.samples),
            *([_way_in(result.host)] if result.scratch else []),
        ),
        plan=plan_document(plan),
        facts={
            "label": plan.label,
            "host": result.host,
            **{what: plan.total(what) for what in ("inserts", "updates", "deletes", "set_null", "unchanged")},
            "kept": plan.kept,
            "kept_rows": [{"table": table.table, **kept_document(kept)} for table in tables for kept in table.kept],
            "request": dict(result.request),
            "timestamp": result.timestamp,
            "identity": plan.identity.as_facts() if plan.identity else {},
            "device": dict(result.device),
            "questions": [to_builtins(question) for question in result.questions],
            "conflicts": [str(conflict) for conflict in plan.conflicts],
            "quarantined": [str(conflict) for conflict in plan.quarantined],
            "untouched": plan.untouched,
            "along": {each.table: each.rows for each in plan.along},
            "not_touched": list(plan.not_touched),
            "sequences": {move.name: move.value for move in plan.sequences},
            "tables": {
                table.table: {"inserts": table.inserts, "updates": table.updates, "deletes": table.deletes}
                for table in tables
                if table.changes
            },
        },
    )


@view.register
def _retried(result: Retried) -> View:
    plans = result.plans
    inserts, updates, there, left = (
        sum(plan.total(what) for plan in plans) for what in ("inserts", "updates", "unchanged", "quarantined")
    )
    kept = sum(sum(plan.kept.values()) for plan in plans)
    verb = "would restore" if result.check else "restored"
    rows, stay = counted(inserts + updates, "quarantined row"), "stays" if left == 1 else "stay"
    return View(
        message=f"{verb} {rows} into {result.host}: {counted(inserts, 'insert')}, {counted(updates, 'update')} of rows"
        f" that are there, {count(there)} unchanged, {count(kept)} kept, {count(left)} {stay} in quarantine",
        details=tuple(line for plan in plans for line in plan_lines(plan, tables=True, samples=result.samples)),
        facts={"restored": inserts + updates, "unchanged": there, "kept": kept, "quarantined": left},
    )
