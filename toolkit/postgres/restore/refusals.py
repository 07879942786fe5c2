"""How a restore says no: conflicts of the plan, and what the server refuses all the same."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from toolkit.errors import DatabaseError, RefusedError
from toolkit.model.plan import RestorePlan
from toolkit.postgres.session.connection import first_line
from toolkit.postgres.write.batches import BadRow


def refuse_conflicts(plan: RestorePlan) -> None:
    """Raise RefusedError with all conflicts of a plan."""
    if plan.conflicts:
        raise RefusedError(
            f"backup {plan.label} conflicts with rows of the target",
            map(str, plan.conflicts),
            hint="`--check` shows the whole plan, `on_error: quarantine` puts such rows aside; nothing was changed",
        )


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


def unproven(failures: Sequence[str]) -> DatabaseError:
    """Give the proof failed."""
    listed = "\n".join(f"  - {failure}" for failure in failures)
    return DatabaseError(
        f"the restored rows are not what they should be; everything was rolled back\n{listed}",
        hint="if triggers or rules of the tables do not explain it, this is a defect: report it with the plan",
    )
