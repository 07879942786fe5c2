"""One restore into one database: snapshot, plan, apply, prove, commit; begun again when others stood in its way."""

from __future__ import annotations

from contextlib import nullcontext

import psycopg
from msgspec.structs import replace

from toolkit.errors import DatabaseError
from toolkit.model.outcome import Progress
from toolkit.model.plan import Mode, RestorePlan
from toolkit.model.schemas import Schemas
from toolkit.model.sequence import SequenceMove
from toolkit.postgres.restore.apply.application import Application
from toolkit.postgres.restore.apply.contention import Contention
from toolkit.postgres.restore.apply.quarantining import quarantined_rows
from toolkit.postgres.restore.apply.stepwise import apply_stepwise
from toolkit.postgres.restore.preflight import refuse_plan
from toolkit.postgres.restore.proof.counted import Counted, OtherCountsError
from toolkit.postgres.restore.proof.others import OtherRows, touched
from toolkit.postgres.restore.proof.proof import Proof
from toolkit.postgres.restore.proof.references import AdriftError, References
from toolkit.postgres.restore.ready import Lessons, Ready, planned_restore
from toolkit.postgres.restore.rebuilding import NotAsBeforeError
from toolkit.postgres.restore.refusals import (
    empty_columns,
    refusal,
    refusal_of_rows,
    refuse_conflicts,
    refuse_other_plan,
    unproven,
    violations,
)
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.request import Request
from toolkit.postgres.write.batches import (
    REFUSALS,
    BadRow,
    BadRowsError,
    Savepoints,
    UnforeseenError,
)
from toolkit.postgres.write.fate import Committed, Deed, Fate, Untouched
from toolkit.postgres.write.recovery import ATTEMPTS, SECONDS, Open, commit, passes, patient
from toolkit.postgres.write.sequence_moves import advance, try_moves
from toolkit.postgres.write.triggers import silent_triggers
from toolkit.retries.policy import retrying

SURPRISES = 2
"""How often a restore is begun again because the server refuses what the plan did not foresee: another session may have
written it meanwhile, or a table was loaded without being compared first."""


def restore(reopen: Open, request: Request, progress: Progress) -> RestorePlan:
    """Plan and, unless `check` is set, apply, prove and commit.

    Args:
        reopen: opens a session with the target; called again when one is lost.

    Returns:
        The plan, as applied.

    Raises:
        RefusedError: drift, missing privileges or conflicts; nothing was changed.
        DatabaseError: applying or proving failed; everything was rolled back.
        TaskError: the same without `atomic`, where the batches that are done stay; it says how many.
        CommittedError: all is committed, and something failed after that; it says what is left to do.
        UndecidedError: the connection was lost in the commit, and nobody can say how it ended.
        Interrupted: Ctrl-C, where something is committed or may be.
    """
    label = request.manifest.metadata.label
    deed = Deed(
        does=f"which restores backup {label}",
        done=f"backup {label} is restored",
        left="no row has to be restored again",
    )
    fate = Fate(deed)
    try:
        with fate.telling():
            return _restored(reopen, request, fate, progress)
    finally:
        if request.put_aside is not None and isinstance(fate.state, Untouched):
            request.put_aside.discard()


def _restored(reopen: Open, request: Request, fate: Fate, progress: Progress) -> RestorePlan:
    surprises, digests, adrift, in_place, bad, sessions = 0, False, False, "", list[BadRow](), patient(reopen)
    contention = Contention(reopen)
    while True:
        lessons = Lessons(
            foresee=surprises > 0,
            digests=digests,
            adrift=adrift,
            thorough=surprises >= SURPRISES,
            bad=tuple(bad),
            in_place=in_place,
        )
        try:
            return retrying(passes, attempts=ATTEMPTS, seconds=SECONDS)(
                lambda lessons=lessons: _attempt(  # type: ignore[misc]
                    sessions, request, lessons, progress, contention=contention, fate=fate
                )
            )
        except BadRowsError as error:
            if request.put_aside is None:
                raise refusal_of_rows(request.manifest.metadata.label, error.rows) from error
            bad.extend(error.rows)
        except OtherCountsError:
            digests = True
        except AdriftError:
            adrift = True
        except NotAsBeforeError as error:
            in_place = str(error)
            progress.note(f"rolled back, and once more with indexes in place: {error}")
        except UnforeseenError as error:
            surprises += 1
            if lessons.foresee:
                raise violations(request.manifest.metadata.label, error.reasons) from error
        except REFUSALS as error:
            surprises += 1
            if surprises > SURPRISES:
                raise refusal(request.manifest.metadata.label, error) from error


def _attempt(
    reopen: Open, asked: Request, lessons: Lessons, progress: Progress, *, contention: Contention, fate: Fate
) -> RestorePlan:
    lessons, request = replace(lessons, locked=contention.tables), asked
    if lessons.locked:
        progress.note(f"others keep writing: locking {', '.join(lessons.locked)}")
        # what is left to do in steps has to be done at once to be done at all
        request = replace(request, atomic=True)
    with (
        fate.settling(),
        reopen() as connection,
        planned_restore(connection, request, lessons, progress) as ready,
    ):
        if request.check:
            if request.ask is not None and (empty := empty_columns(ready.plan, ready.survey.schema)):
                request.ask(empty)
            return ready.plan
        if ready.plan.conflicts and ready.prepared.copies and not lessons.foresee:
            raise UnforeseenError(tuple(map(str, ready.plan.conflicts)))  # there may be more of them
        refuse_conflicts(ready.plan, ready.survey.schema)
        refuse_other_plan(ready.plan, request.seen)
        with contention.watching(ready):
            if request.atomic:
                plan = _apply(ready, request, lessons, progress)
                moves = list(plan.sequences)
                commit(connection, reopen, fate, lambda: fate.committed(moves, ready.survey.schema.schemas))
            else:
                plan = apply_stepwise(reopen, ready, request, lessons, progress, fate=fate)
        if not asked.atomic and request.atomic and request.ledger is not None:
            request.ledger.finished()
        assert isinstance(fate.state, Committed)
        _advance(connection, reopen, ready.survey.schema.schemas, fate.state.moves)
        return plan


def _apply(ready: Ready, request: Request, lessons: Lessons, progress: Progress) -> RestorePlan:
    """Apply and prove a plan in its transaction; gives the plan with what is known only afterwards."""
    connection, schema = ready.connection, ready.survey.schema
    apart = bool(request.tables) or not ready.survey.scope.whole
    others = OtherRows(ready) if ready.touched and apart else None
    by_digest = lessons.digests or ready.plan.heard
    before, said = others.before() if others and by_digest else {}, tuple[str, ...]()
    counting = others is not None and not ready.survey.scope.whole
    untouched = others.count() if others and counting and not by_digest else 0
    if ready.touched:
        references, counted = References(ready, noting=lessons.adrift), Counted(connection, schema.schemas)
        changes = {table.table: table.changes for table in ready.plan.tables.values() if table.changes}
        progress.start("restore", rows=sum(changes.values()), tables=changes)
        application = Application(
            ready,
            unit=Savepoints(connection),
            thorough=lessons.thorough,
            progress=progress,
            looking=not by_digest,
        )
        silence = silent_triggers(connection, schema, ready.touched, bypass=ready.bypass)
        ready.rebuilding.drop()
        connection.execute("SET CONSTRAINTS ALL DEFERRED")
        with nullcontext() if request.fire else silence:
            ready.sync.before()
            application.apply()
            ready.sync.after()
        ready.rebuilding.build(progress)
        progress.note("proving")
        if found := references.dangling():
            raise UnforeseenError(found)
        as_planned = frozenset() if by_digest else counted.as_planned(ready.prepared)
        if others and not by_digest and not as_planned.issuperset(others.tables):
            raise OtherCountsError
        mirror = request.mode is Mode.MIRROR
        proof = Proof(ready, counted=as_planned, unseen=application.unseen)
        failures = proof.failures((lambda: ready.survey.select(strict=False)) if mirror else None)
        changed = touched(before, others.after()) if others and by_digest else {}
        if not ready.plan.heard:
            failures.extend(changed.values())
        if failures:
            raise unproven(failures)
        before = {name: digest for name, digest in before.items() if name not in changed}
        said = tuple(f"{line}, by triggers or rules that were to be heard" for line in changed.values())
    plan = _with_sequences(ready, request)
    if request.put_aside is not None and ready.prepared.obstacles:
        request.put_aside.write(quarantined_rows(ready))
    if others and counting:
        untouched += sum(digest.rows for digest in before.values())
        plan = replace(plan, untouched=untouched)
    if others and request.tables:
        left = tuple(name for name in plan.not_touched if not by_digest or name in before)
        plan = replace(plan, proven=True, not_touched=left)
    return replace(plan, warnings=(*plan.warnings, *said))


def _with_sequences(ready: Ready, request: Request) -> RestorePlan:
    """The plan with the sequences that have to move now that the rows are written; nothing should stop them later."""
    plan = ready.with_sequences()
    refuse_plan(ready.survey.workspace, plan, bypass=ready.bypass, fire=request.fire)
    try:
        try_moves(ready.connection, ready.survey.schema.schemas, plan.sequences)
    except psycopg.errors.LockNotAvailable as error:
        raise DatabaseError(
            f"another session is altering one of the sequences {', '.join(move.name for move in plan.sequences)};"
            " everything was rolled back",
            hint="find it in pg_locks and pg_stat_activity, let it end, then run again",
        ) from error
    return plan


def _advance(connection: Connection, reopen: Open, schemas: Schemas, moves: list[SequenceMove]) -> None:
    """Move sequences, on another session where this one was lost."""
    sessions = [nullcontext(connection)] if not connection.closed else []

    def move() -> None:
        with sessions.pop() if sessions else reopen() as session:
            advance(session, schemas, moves)

    retrying(passes, attempts=ATTEMPTS, seconds=SECONDS)(move)
