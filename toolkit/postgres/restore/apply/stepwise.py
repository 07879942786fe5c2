"""Applying a plan in one transaction for each batch: for targets that cannot bear a long one.

The plan is made in one snapshot and committed with nothing but temporary tables. A second session holds that snapshot
open, so that no row the plan speaks of makes room for another under the same id. Whatever interrupts the batches, the
next plan finds what is left to do: rows that are there already do not differ.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext

from msgspec.structs import replace
from psycopg import sql
from psycopg.pq import TransactionStatus

from toolkit.model.outcome import Progress
from toolkit.model.plan import RestorePlan
from toolkit.postgres.restore.apply.application import Application
from toolkit.postgres.restore.apply.quarantining import quarantined_rows
from toolkit.postgres.restore.proof.references import References
from toolkit.postgres.restore.ready import Lessons, Ready, planned_restore
from toolkit.postgres.restore.refusals import violations
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.request import Request
from toolkit.postgres.write.batches import UnexpectedCountError
from toolkit.postgres.write.fate import Fate
from toolkit.postgres.write.recovery import (
    CONTENTION,
    UNIT_ATTEMPTS,
    UNIT_SECONDS,
    ChangedMeanwhileError,
    Open,
    commit,
)
from toolkit.postgres.write.triggers import silent_triggers
from toolkit.retries.policy import retrying


class Transactions:
    """Units that are transactions of their own.

    Args:
        holder: the session that holds the plan's snapshot.
    """

    def __init__(self, ready: Ready, holder: Connection, reopen: Open, request: Request, *, fate: Fate) -> None:
        self._connection = ready.connection
        self._schema = ready.survey.schema
        self._holder = holder
        self._reopen = reopen
        self._request = request
        self._fate = fate
        self.shared = False

    def __call__(self, tables: Collection[str], work: Callable[[], int]) -> int:
        """Run the work in a transaction, at most three times."""
        return retrying(CONTENTION, attempts=UNIT_ATTEMPTS, seconds=UNIT_SECONDS)(lambda: self._run(tables, work))

    def _run(self, tables: Collection[str], work: Callable[[], int]) -> int:
        connection, ledger = self._connection, self._request.ledger
        self._holder.execute("SELECT 1")
        if ledger is not None:
            ledger.begun(tables)
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        try:
            with self._silence(tables):
                rows = work()
            commit(connection, self._reopen, self._fate, lambda: self._fate.committed_batch(rows))
        except UnexpectedCountError as error:
            raise ChangedMeanwhileError(str(error)) from error
        finally:
            if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
        if ledger is not None:
            ledger.done(rows)
        return rows

    @contextmanager
    def trying(self, tables: Collection[str]) -> Iterator[None]:
        """Roll a transaction back at its end."""
        with self._connection.transaction(force_rollback=True), self._silence(tables):
            yield

    @contextmanager
    def _silence(self, tables: Collection[str]) -> Iterator[None]:
        self._connection.execute("SET CONSTRAINTS ALL DEFERRED")
        silence = silent_triggers(self._connection, self._schema, tables, bypass=False)
        with nullcontext() if self._request.fire else silence:
            yield


def apply_stepwise(
    reopen: Open, ready: Ready, request: Request, lessons: Lessons, progress: Progress, *, fate: Fate
) -> RestorePlan:
    """Apply a plan batch by batch, then see by another plan that nothing is left to do.

    Raises:
        ChangedMeanwhileError: there is, because others have written meanwhile; begin again.
    """
    connection = ready.connection
    said: tuple[str, ...] = ()
    if request.ledger is not None:
        said = request.ledger.planned(ready.plan, _identity(connection))
    references = References(ready, noting=True)
    with reopen() as holder, _held(connection, holder):
        connection.execute("COMMIT")
        if ready.touched:
            changes = {table.table: table.changes for table in ready.plan.tables.values() if table.changes}
            progress.start("restore", rows=sum(changes.values()), tables=changes)
            unit = Transactions(ready, holder, reopen, request, fate=fate)
            unit(ready.touched, _uncounted(ready.sync.before))
            Application(ready, unit=unit, thorough=lessons.thorough, progress=progress).apply()
            unit(ready.touched, _uncounted(ready.sync.after))
    progress.note("proving")
    if found := references.dangling():
        raise violations(ready.plan.label, found)
    _prove(reopen, request, lessons, progress)
    if request.put_aside is not None and ready.prepared.obstacles:
        request.put_aside.write(quarantined_rows(ready))
    plan = ready.with_sequences()
    fate.committed(list(plan.sequences), ready.survey.schema.schemas)
    if request.ledger is not None:
        request.ledger.finished()
    return replace(plan, warnings=(*plan.warnings, *said))


def _prove(reopen: Open, request: Request, lessons: Lessons, progress: Progress) -> None:
    with reopen() as connection, planned_restore(connection, request, lessons, progress) as after:
        if after.touched:
            left = sum(table.changes for table in after.plan.tables.values())
            raise ChangedMeanwhileError(f"{left} rows of {', '.join(after.touched)} differ after they were restored")


def _uncounted(work: Callable[[], None]) -> Callable[[], int]:
    """Work whose rows are not those of the backup."""

    def run() -> int:
        work()
        return 0

    return run


@contextmanager
def _held(connection: Connection, holder: Connection) -> Iterator[None]:
    """Let another session hold the snapshot of this one's transaction."""
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    holder.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(row[0])))
    try:
        yield
    finally:
        if not holder.closed and holder.info.transaction_status != TransactionStatus.IDLE:
            holder.execute("ROLLBACK")


def _identity(connection: Connection) -> str:
    """What tells this database from any other, a copy restored in its place included."""
    row = connection.execute(
        "SELECT d.oid::text || ' ' || d.datname || ' ' || coalesce((SELECT system_identifier::text"
        " FROM pg_control_system()), '') FROM pg_database d WHERE d.datname = current_database()"
    ).fetchone()
    assert row is not None
    return str(row[0])
