"""How a restore says no: conflicts of the plan, and what the server refuses all the same."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from msgspec import to_builtins

from toolkit.errors import RefusedError, UnprovenError
from toolkit.model.drift import Question
from toolkit.model.plan import RestorePlan
from toolkit.model.schema import DatabaseSchema
from toolkit.model.seen import Seen
from toolkit.planning.answer_text import argument
from toolkit.planning.offers import for_new
from toolkit.planning.seen_plan import differences
from toolkit.postgres.restore.plan.obstacles import SqlState
from toolkit.postgres.session.connection import first_line
from toolkit.postgres.write.batches import BadRow


def refuse_conflicts(plan: RestorePlan, schema: DatabaseSchema) -> None:
    """Raise RefusedError with all conflicts of a plan."""
    if plan.conflicts:
        offered = sorted({f"`{argument(option)}`" for each in empty_columns(plan, schema) for option in each.options})
        answers = f"{', '.join(offered)} would fill what is empty; " if offered else ""
        raise RefusedError(
            f"backup {plan.label} conflicts with rows of the target",
            map(str, plan.conflicts),
            hint=f"{answers}`--check` shows the whole plan, `on_error: quarantine` puts such rows aside (for a shipped"
            " playbook `--extra-vars on_error=quarantine`); nothing was changed",
        )


def refuse_other_plan(plan: RestorePlan, seen: Seen | None) -> None:
    """Raise RefusedError where a plan is not the one that a person has seen, with what is different by table."""
    if seen is None or plan.seen is None:
        return
    if changes := differences(seen, plan.seen):
        raise RefusedError(
            f"the plan that was seen for backup {plan.label} is not what would be done now: the database has changed,"
            " or something else was asked for",
            changes,
            hint="look at the plan again with `--check`, and restore with the `plan` that its report has; nothing was"
            " changed",
            facts={"plan_differs": list(changes), "seen": to_builtins(plan.seen)},
        )


def empty_columns(plan: RestorePlan, schema: DatabaseSchema) -> list[Question]:
    """Ask about columns that may not be NULL on the target where rows of the backup have no value."""
    return [
        Question(reason=str(each), options=(for_new(schema, table, table.column(each.constraint)),))
        for each in plan.conflicts
        if each.sqlstate == SqlState.NOT_NULL and (table := schema.tables[each.table])
    ]


def refusal(label: str, error: psycopg.Error) -> RefusedError:
    """Give what a constraint or trigger of the target says no to, and no plan foresees."""
    table = f"{error.diag.table_name}: " if error.diag.table_name else ""
    return violations(label, [f"{table}{first_line(error)}"])


def refusal_of_rows(label: str, rows: Sequence[BadRow]) -> RefusedError:
    """Give the same, where the rows are known."""
    return violations(label, [f"{row.table} {row.line}: {row.message}" for row in rows])


def violations(label: str, reasons: Sequence[str]) -> RefusedError:
    """Give a refusal in the course of the transaction."""
    return RefusedError(
        f"the constraints of the target do not let backup {label} in",
        reasons,
        hint="what was written in this transaction was rolled back; if other sessions were writing to these tables, run"
        " again",
    )


def unproven(failures: Sequence[str]) -> UnprovenError:
    """Give the proof failed."""
    listed = "\n".join(f"  - {failure}" for failure in failures)
    return UnprovenError(
        f"the restored rows are not what they should be; everything was rolled back\n{listed}",
        hint="if triggers or rules of the tables do not explain it, this is a defect: report it with the plan",
    )
