"""`copy`: backups from one repository to another, oldest first."""

from __future__ import annotations

import time
from collections.abc import Sized
from contextlib import ExitStack
from typing import Annotated

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, Names, RepositoryChoice, WholeSeconds, about, names, repository_name
from toolkit.actions.choosing import backup_of
from toolkit.actions.context import Context
from toolkit.actions.locking import shared_lock
from toolkit.actions.targets import known_repositories, repository_config, repository_of
from toolkit.errors import DamageError, ExitCode, InputError, PlaybackError, Problem, RefusedError, StorageError
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.result import Copied, CopiedBackup
from toolkit.model.role import Role
from toolkit.storage.copying import Copying, PlannedCopy, SentBackup
from toolkit.storage.open import open_store
from toolkit.storage.repository import Repository


class CopyArguments(Arguments, frozen=True, kw_only=True):
    """From where, to where, and what."""

    source: Annotated[
        RepositoryChoice,
        about("The repository to read from.", "local", {"bundle": "/media/usb/shop.playback"}, role=Role.REPOSITORY),
    ] = msgspec.field(name="from")
    to: Annotated[
        RepositoryChoice,
        about(
            "The repository to write to; made when it is not there.",
            "offsite",
            {"bundle": "/media/usb/shop.playback"},
            role=Role.REPOSITORY,
        ),
    ]
    backups: Annotated[
        Names,
        about(
            "Which backups: `all` of the repository, the `latest` of this host, or labels.",
            "all",
            ["20261120T020000Z-nightly-business"],
        ),
    ] = "all"
    lock_wait: Annotated[
        WholeSeconds,
        about("Seconds to wait while a prune or repair holds either repository. Default: 0, do not wait.", 600),
    ] = 0


class _Result(Struct):
    """What became of the backups, by label, and how many records of proofs of those that were there were copied."""

    sent: list[SentBackup] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    proofs: int = 0
    failed: dict[str, PlaybackError] = field(default_factory=dict)


def run(arguments: CopyArguments, context: Context) -> Outcome:
    """Copy backups. One that cannot be copied does not keep the others from it; then the copy is partial.

    Raises:
        InputError: there is no such repository or backup.
        RefusedError: the target has another backup under that label, and nothing else was copied.
        DamageError: the source's backup is damaged, and nothing else was copied.
        LockedError: a prune or repair holds one of them.
        StorageError: a repository cannot be read or written.
    """
    config = repository_config(context, arguments.source)
    if context.check and known_repositories(context).open_if_there(config) is None:
        return Outcome(skipped=f"there is no repository at {open_store(config).place} yet")
    source = repository_of(context, arguments.source)
    wait = arguments.lock_wait
    if context.check:
        return _copy(arguments, context, source)
    with shared_lock(context, source, "copy", wait=wait, reading=True) as lock, ExitStack() as locks:
        return replace(_copy(arguments, context, source, locks), warnings=lock.warnings)


def _copy(arguments: CopyArguments, context: Context, source: Repository, locks: ExitStack | None = None) -> Outcome:
    clock = time.monotonic()
    store = open_store(repository_config(context, arguments.to))
    if store.place == source.place:
        raise InputError(f"`from` and `to` are the same repository, {store.place}", hint="name two different ones")
    # before the target is made: what names nothing leaves nothing behind
    chosen, unreadable = _chosen(context, source, arguments.backups)
    target = _target(context, arguments)
    if locks and target:
        locks.enter_context(shared_lock(context, target, "copy", wait=arguments.lock_wait))
    copying = Copying(source, target)
    plan = copying.plan(chosen)
    result = _Result(there=[each.label for each in plan if each.there], failed=unreadable)
    result.failed.update((each.label, each.refusal) for each in plan if each.refusal)
    if context.check:
        return _would_copy(plan, result, arguments)
    if target and target.store.one_file:
        target.store.one_file.expect(sum(each.bytes for each in plan))
    _send(copying, plan, result, context)
    return _outcome(result, arguments, time.monotonic() - clock)


def _target(context: Context, arguments: CopyArguments) -> Repository | None:
    """The repository to copy to; in check mode None when it is not there yet."""
    config = repository_config(context, arguments.to)
    known = known_repositories(context)
    return known.open_if_there(config) if context.check else known.open(config, create=True)


def _chosen(
    context: Context, source: Repository, wanted: str | tuple[str, ...]
) -> tuple[list[str], dict[str, PlaybackError]]:
    """The labels that are meant, by the time of their backups; and what is wrong with those that cannot be read."""
    if wanted == "latest":
        return [backup_of(context, source, "latest").metadata.label], {}
    existing = source.labels()
    asked = existing if wanted == "all" else names(wanted)
    if not asked and not context.check:  # in check mode an earlier task may be going to make one
        raise InputError(f"{source.place} has no backup to copy", hint="`invoke backups` lists the backups there are")
    absent = [label for label in asked if label not in existing]
    if absent:
        raise InputError(
            [Problem(message=f"there is no backup {label} in {source.place}") for label in absent],
            hint="`invoke backups` lists the backups there are",
        )
    times: dict[str, str] = {}
    unreadable: dict[str, PlaybackError] = {}
    for label in asked:
        try:
            times[label] = source.manifest(label).metadata.timestamp
        except PlaybackError as error:
            unreadable[label] = error
    return sorted(times, key=lambda label: (times[label], label)), unreadable


def _send(copying: Copying, plan: list[PlannedCopy], result: _Result, context: Context) -> None:
    todo = [each for each in plan if not each.there and not each.refusal]
    for each in plan:
        if each.there and each.proofs:
            try:
                result.proofs += copying.carry(each.label)
            except StorageError as error:
                result.failed[each.label] = error
    context.progress.start("copy", bytes=sum(each.raw for each in todo))
    for number, each in enumerate(todo):
        context.progress.note(each.label)
        try:
            result.sent.append(copying.send(each.label, context.progress))
        except (DamageError, InputError, RefusedError) as error:
            result.failed[each.label] = error
        except StorageError as error:
            # the target does not take anything any more; to ask it again for every backup that is left would be slow
            result.failed.update((left.label, error) for left in todo[number:])
            return


def _would_copy(plan: list[PlannedCopy], result: _Result, arguments: CopyArguments) -> Outcome:
    todo = [each for each in plan if not each.there and not each.refusal]
    _raise_only_failure(result, todo)
    backups = [CopiedBackup(label=each.label, chunks=each.chunks, bytes=each.bytes) for each in todo]
    result.proofs = sum(each.proofs for each in plan if each.there)
    return Outcome(
        changed=bool(todo or result.proofs),
        result=_copied(arguments, backups, result, check=True),
        exit_code=_exit_code(result, todo),
    )


def _outcome(result: _Result, arguments: CopyArguments, seconds: float) -> Outcome:
    _raise_only_failure(result, result.sent)
    stats = [each.stats for each in result.sent]
    moved = Moved(
        what=f"copy {repository_name(arguments.source)} → {repository_name(arguments.to)}",
        tables=sum(each.total_tables for each in stats),
        rows=sum(each.total_records for each in stats),
        bytes=sum(each.uncompressed_size for each in stats),
        seconds=seconds,
        stored=sum(each.bytes for each in result.sent),
    )
    backups = [CopiedBackup(label=each.label, chunks=each.chunks, bytes=each.bytes) for each in result.sent]
    return Outcome(
        changed=bool(result.sent or result.proofs),
        result=_copied(arguments, backups, result, check=False),
        moved=(moved,) if result.sent else (),
        exit_code=_exit_code(result, result.sent),
    )


def _copied(arguments: CopyArguments, backups: list[CopiedBackup], result: _Result, *, check: bool) -> Copied:
    return Copied(
        to=repository_name(arguments.to),
        backups=backups,
        there=result.there,
        proofs=result.proofs,
        failed=result.failed,
        check=check,
    )


def _raise_only_failure(result: _Result, done: Sized) -> None:
    """Raise the failure of the only backup there was something to do about: no sentence about it says more."""
    if len(result.failed) == 1 and not done:
        raise next(iter(result.failed.values()))


def _exit_code(result: _Result, done: Sized) -> int:
    if not result.failed:
        return 0
    return ExitCode.PARTIAL if done else next(iter(result.failed.values())).exit_code


ACTION = Action(
    name="copy",
    does="Copy backups from one repository to another; chunks that are there already are not copied again.",
    examples=(
        {"from": "local", "to": "offsite"},
        {"from": "local", "to": {"bundle": "/media/usb/shop.playback"}, "backups": "latest"},
    ),
    arguments=CopyArguments,
    run=run,
)
