"""`restore`: a backup into a host's database or into a scratch database; planned first, proven at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.actions.answering import with_file
from toolkit.actions.arguments import BackupChoice, LockWait, OnError, RepositoryChoice, about
from toolkit.actions.asked import AskedArguments, Triggers
from toolkit.actions.choosing import backup_of
from toolkit.actions.context import Context
from toolkit.actions.devices import device_catalog, device_request
from toolkit.actions.locking import shared_lock
from toolkit.actions.restored import staying_committed
from toolkit.actions.scratch import Made, Scratch, making
from toolkit.actions.seen import PlanChoice, seen_of
from toolkit.actions.targets import conninfo_of, repository_of
from toolkit.config import answers_file
from toolkit.errors import ExitCode, InputError, Problem, TaskError
from toolkit.model.drift import Question
from toolkit.model.identity import IdentityChoice
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.plan import RestorePlan
from toolkit.model.proof import Restoration
from toolkit.model.result import Restored
from toolkit.model.role import Role
from toolkit.planning.choice import LATEST
from toolkit.planning.identity import device_facts
from toolkit.planning.some_tables import named_tables
from toolkit.postgres.restore.alone import LOOKING, WRITING, wait_for_others
from toolkit.postgres.restore.fresh import restore_fresh
from toolkit.postgres.restore.transaction import restore as restore_into
from toolkit.postgres.session.connection import explaining, session
from toolkit.postgres.stage.request import Request
from toolkit.private import files
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.ledger import LedgerFile
from toolkit.storage.quarantine import QuarantineWriter


class RestoreArguments(AskedArguments, frozen=True, kw_only=True):
    """What is restored, where to, and how."""

    repository: Annotated[
        RepositoryChoice,
        about(
            "The repository to read from; the host's `repository` variable when left out.",
            "local",
            {"bundle": "/media/usb/shop.playback"},
            role=Role.REPOSITORY,
        ),
    ] = ""
    backup: Annotated[BackupChoice, about("Which backup.", LATEST, {"job": "nightly", "host": "till-1"})] = (
        msgspec.field(default=LATEST, name="from")
    )
    atomic: Annotated[bool, about("One transaction for everything; otherwise the restore is resumable.", True)] = True
    on_error: Annotated[
        OnError,
        about("What a row that the database refuses does: end the restore, or be put aside and listed.", "abort"),
    ] = OnError.ABORT
    exclusive: Annotated[
        bool,
        about(
            "Have the tables for itself until the restore ends: nobody else writes to them, and those that are empty"
            " get their indexes and foreign keys after their rows, which is quicker; nobody reads those meanwhile.",
            False,
        ),
    ] = False
    scratch: Annotated[
        Scratch | None,
        about(
            "Restore into a database made for it instead of the host's own; later tasks reach it by the fact `host`.",
            {"like": "till-1"},
            {"like": "till-1", "on": "host"},
            template=False,
        ),
    ] = None
    plan: Annotated[
        PlanChoice,
        about(
            "Restore only if exactly this would happen: `plan.seen` of a report of check mode, or its digest alone."
            " Another plan is refused, with what is different now.",
            "p-3f9a0c6d1e7b42a8b5d0f1e2c3a49687",
            {
                "digest": "p-3f9a0c6d1e7b42a8b5d0f1e2c3a49687",
                "tables": {"orders": {"updates": 2, "rows": "p-4be2a1c09f3d"}},
            },
        ),
    ] = ""
    lock_wait: LockWait = 0


def run(arguments: RestoreArguments, context: Context) -> Outcome:
    """Restore a backup.

    Raises:
        InputError: there is no such backup, or an argument is not supported yet.
        RefusedError: preflight said no; nothing was changed.
        LockedError: another restore is writing into the database; nothing was changed.
        DatabaseError, StorageError: applying failed; everything was rolled back.
        CommittedError: all is restored, and something failed after that.
        UndecidedError: nobody can say whether it is.
    """
    _check_arguments(arguments)
    arguments = with_file(arguments, context.inventory.directory, "restore")
    scratch = arguments.scratch
    if scratch and context.check:
        return Outcome(skipped="a scratch database is not made in check mode")
    clock = time.monotonic()
    repository = repository_of(context, arguments.repository)
    manifest = backup_of(context, repository, arguments.backup)
    catalog = device_catalog(context, context.host)
    quarantine, wait = arguments.on_error is OnError.QUARANTINE, arguments.lock_wait
    if quarantine and repository.store.one_file:
        raise InputError(
            f"rows cannot be put aside in {repository.place}: a bundle is left as it is by whoever reads it",
            hint=f"`copy` the backup {manifest.metadata.label} into another repository and restore it from there",
        )
    lock = shared_lock(context, repository, "restore", wait=wait, reading=not quarantine)
    with nullcontext() if context.check else lock as held, BackupReader(repository, manifest) as reader:
        if not (arguments.atomic or context.check):
            reader.check(context.progress)  # what is damaged would be found with some batches committed
        with making(context, catalog, scratch) if scratch else nullcontext() as made:
            name = made.host if made else context.host.name
            label, wanted = manifest.metadata.label, arguments.document()
            aside = QuarantineWriter(repository, label, name, context.now(), request=wanted) if quarantine else None
            ledger = LedgerFile(_ledgers(context), name.replace(":", "-"), manifest, context.now(), request=wanted)
            asked = list[Question]()
            request = _request(arguments, context, reader, manifest, ledger=ledger, asked=asked)
            said = ledger.unfinished() if context.check or request.atomic else ()
            if made:
                plan = _restore_scratch(made, request, aside, context)
                made.draft.holds = Restoration(
                    label=label,
                    checksum=manifest.checksum,
                    businesses=arguments.businesses,
                    seconds=round(time.monotonic() - clock, 3),
                )
            else:
                plan = restore_database(conninfo_of(context, context.host), request, aside, context)
        whole = not (request.businesses or request.tables)
        if request.atomic and whole and not (context.check or plan.quarantined):
            with staying_committed(f"backup {label} is restored and committed"):
                ledger.settled()
        plan = replace(plan, warnings=(*plan.warnings, *said, *(held.warnings if held else ())))
    seconds = time.monotonic() - clock
    return _outcome(plan, arguments, manifest, name=name, context=context, seconds=seconds, questions=asked)


def _request(
    arguments: RestoreArguments,
    context: Context,
    reader: BackupReader,
    manifest: Manifest,
    *,
    ledger: LedgerFile,
    asked: list[Question],
) -> Request:
    catalog = device_catalog(context, context.host)

    def ask(questions: Sequence[Question]) -> None:
        asked.extend(questions)
        _write_answers(questions, manifest, context)

    return Request(
        catalog=catalog,
        manifest=manifest,
        mode=arguments.mode,
        rows_of=reader.rows_of,
        device=device_request(context, catalog, arguments.identity, scratch=arguments.scratch is not None),
        answers=arguments.said(),
        ask=ask,
        businesses=arguments.businesses,
        tables=named_tables(manifest, arguments.tables, action="restore"),
        check=context.check,
        samples=context.diff,
        exclusive=arguments.exclusive,
        fire=arguments.triggers is Triggers.FIRE,
        atomic=arguments.atomic,
        ledger=ledger,
        seen=seen_of(arguments.plan),
    )


def _write_answers(questions: Sequence[Question], manifest: Manifest, context: Context) -> None:
    """Write what drift asks into the file that the run was given for it, beside what that says already."""
    file = context.write_answers
    if file is None:
        return
    path = Path(file)
    about = f"backup {manifest.metadata.label} into {context.host.name}"
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        files.write(path, answers_file.with_questions(text, questions, about=about, file=file).encode())
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{file} cannot be written: {error}", hint="name another file; nothing was changed") from error
    context.progress.note(f"what drift asks is written to {file}")


def _ledgers(context: Context) -> Path:
    return context.inventory.directory / ".playback" / "ledgers"


def restore_database(conninfo: str, request: Request, aside: QuarantineWriter | None, context: Context) -> RestorePlan:
    """Restore; rows that were put aside are taken back where nothing is committed, and only there."""
    request = replace(request, put_aside=aside)
    with explaining(conninfo):
        if not request.check:
            with session(conninfo, application="playback") as connection:
                wait_for_others(connection, context.progress)
        name = LOOKING if request.check else WRITING
        return restore_into(lambda: session(conninfo, application=name), request, context.progress)


def _restore_scratch(made: Made, request: Request, aside: QuarantineWriter | None, context: Context) -> RestorePlan:
    """Restore into a database that is being made."""
    with explaining(made.draft.whole):
        return restore_fresh(made.draft, replace(request, put_aside=aside), context.progress)


def _check_arguments(arguments: RestoreArguments) -> None:
    problems = []
    if not arguments.atomic and arguments.businesses:
        text = "businesses out of a wider backup are restored in one transaction only; leave `atomic` out"
        problems.append(Problem(path="restore.atomic", message=text))
    if not arguments.atomic and arguments.tables:
        text = "some tables of a backup are restored in one transaction only; leave `atomic` out"
        problems.append(Problem(path="restore.atomic", message=text))
    if arguments.tables and arguments.identity is IdentityChoice.NEW:
        text = "a restore of some tables makes no new identity: the device stays who it is; leave `identity` out"
        problems.append(Problem(path="restore.identity", message=text))
    if arguments.exclusive and not arguments.atomic:
        text = "a restore in steps gives its locks back after each; leave `atomic` or `exclusive` out"
        problems.append(Problem(path="restore.exclusive", message=text))
    if arguments.plan and not arguments.atomic:
        text = "a restore in steps makes its plan again for each run; leave `atomic` or `plan` out"
        problems.append(Problem(path="restore.plan", message=text))
    if arguments.plan and arguments.scratch:
        text = "nobody can have seen a plan for a scratch database, which is made for the restore; leave `plan` out"
        problems.append(Problem(path="restore.plan", message=text))
    if problems:
        raise InputError(problems)


def _outcome(
    plan: RestorePlan,
    arguments: RestoreArguments,
    manifest: Manifest,
    *,
    name: str,
    context: Context,
    seconds: float,
    questions: Sequence[Question],
) -> Outcome:
    moved = Moved(
        what=f"restore {plan.label} → {name}",
        tables=sum(1 for table in plan.tables.values() if table.changes),
        rows=sum(plan.total(what) for what in ("inserts", "updates", "deletes")),
        bytes=sum(entry.bytes for entry in manifest.tables if entry.name in plan.tables)
        if plan.named
        else manifest.metadata.stats.uncompressed_size,
        seconds=seconds,
    )
    part = bool(arguments.businesses or arguments.tables)
    return Outcome(
        changed=plan.changed,
        result=Restored(
            plan=plan,
            host=name,
            timestamp=manifest.metadata.timestamp,
            request=arguments.document(),
            check=context.check,
            samples=context.diff,
            scratch=arguments.scratch is not None,
            questions=questions,
            device=device_facts(manifest, plan.identity.decision, part=part) if plan.identity else {},
        ),
        warnings=plan.warnings,
        exit_code=ExitCode.REFUSED if plan.conflicts else ExitCode.PARTIAL if plan.quarantined else 0,
        moved=() if context.check else (moved,),
    )


ACTION = Action(
    name="restore",
    does="Restore a backup into the host's database, or into a scratch database.",
    examples=({"from": "latest", "mode": "merge"}, {"mode": "mirror", "scratch": {"like": "till-1"}}),
    arguments=RestoreArguments,
    run=run,
    writes=True,
    on_leader=("scratch", "atomic", "answers"),
)
