"""`prune`: backups that no rule keeps are removed, then the chunks that no backup needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import tzinfo
from typing import Annotated

from toolkit.actions.action import Action, AtLeastOne
from toolkit.actions.arguments import RepositoryName, Text, WholeSeconds, about
from toolkit.actions.context import Context
from toolkit.actions.locking import exclusive_lock
from toolkit.actions.retention import Age, RetentionArguments, duration_of
from toolkit.actions.targets import known_repositories, repository_config
from toolkit.model.outcome import Outcome
from toolkit.model.result import Pruned
from toolkit.model.retention import Decision, RetentionPolicy
from toolkit.model.role import Role
from toolkit.planning.retention import FUTURE, decide, spared
from toolkit.storage import prune as pruning
from toolkit.storage.open import open_store
from toolkit.storage.prune import GRACE, Removal
from toolkit.storage.records import Records
from toolkit.storage.references import summaries
from toolkit.storage.repository import Repository


class PruneArguments(RetentionArguments, frozen=True, kw_only=True):
    """What is kept, and where the rest is removed."""

    grace: Annotated[
        Age,
        about(
            "How long a chunk that no backup needs has to have been there before it is removed.",
            "24h",
            role=Role.DURATION,
        ),
    ] = str(GRACE)
    repository: RepositoryName = ""
    only: Annotated[
        tuple[Text, ...] | None,
        about(
            "Remove no other backups than these, whatever the rules say of others: those that somebody has seen in"
            " check mode. Default: all that no rule keeps.",
            ["20261020T020000Z-nightly-business"],
        ),
    ] = None
    lock_wait: Annotated[
        WholeSeconds, about("Seconds to wait while other runs use the repository. Default: 0, fail at once.", 600)
    ] = 0


def run(arguments: PruneArguments, context: Context) -> Outcome:
    """Thin out all backups of a repository.

    Raises:
        InputError: no rule keeps anything, or a time zone or duration is none.
        RefusedError: a manifest cannot be read; nothing was removed.
        LockedError: another run uses the repository.
        StorageError: the repository cannot be read or written.
    """
    policy, zone = arguments.policy, arguments.zone
    grace = duration_of("grace", arguments.grace)
    config = repository_config(context, arguments.repository)
    if context.check:
        repository = known_repositories(context).open_if_there(config)
        if repository is None:
            return Outcome(skipped=f"there is no repository at {open_store(config).place} yet")
        decisions, records = _decide(repository, policy, arguments.only, context, zone)
        removal = pruning.forecast(repository, _removed(decisions), grace=grace, now=context.now())
        return _outcome(repository, decisions, records, removal, zone, only=arguments.only, would=True)
    repository = known_repositories(context).open(config, create=False)
    with exclusive_lock(context, repository, "prune", wait=arguments.lock_wait) as lock:
        context.progress.start("prune")
        decisions, records = _decide(repository, policy, arguments.only, context, zone)
        removal = pruning.prune(repository, _removed(decisions), grace=grace, lock=lock, progress=context.progress)
    return _outcome(repository, decisions, records, removal, zone, only=arguments.only, would=False)


def _decide(
    repository: Repository, policy: RetentionPolicy, only: Collection[str] | None, context: Context, zone: tzinfo
) -> tuple[list[Decision], Records]:
    context.progress.note("reading manifests")
    backups, records = summaries(repository)
    decisions = decide(backups, policy, now=context.now(), zone=zone)
    return decisions if only is None else [spared(each, only) for each in decisions], records


def _removed(decisions: Sequence[Decision]) -> list[str]:
    """The labels to remove, the oldest first: whatever stops the removal, the newer ones are left."""
    doomed = sorted((each.backup for each in decisions if not each.keep), key=lambda backup: backup.time)
    return [backup.label for backup in doomed]


def _outcome(
    repository: Repository,
    decisions: Sequence[Decision],
    records: Records,
    removal: Removal,
    zone: tzinfo,
    *,
    only: Collection[str] | None,
    would: bool,
) -> Outcome:
    keeps = repository.store.keeps_deleted
    result = Pruned(
        decisions=decisions,
        removed=removal.backups,
        chunks=removal.chunks,
        bytes=removal.bytes,
        waiting=removal.waiting,
        waiting_bytes=removal.waiting_bytes,
        leftovers=removal.leftovers,
        keeps_deleted=keeps,
        zone=zone,
        check=would,
    )
    warnings = [f"{name} cannot be read" for name in records.unreadable]
    warnings += [
        f"backup {each.backup.label} is dated in the future: it is kept, and no rule counts it; remove it by hand once"
        " the clock that made it is right"
        for each in decisions
        if FUTURE in each.reasons
    ]
    there = {each.backup.label for each in decisions}
    warnings += [f"backup {label}, which was to be removed, is not there" for label in only or () if label not in there]
    if removal.chunks and keeps and not would:
        warnings.append(
            f"{repository.place} keeps what is deleted (versions or Object Lock): no space was freed;"
            " a lifecycle rule for noncurrent versions does that"
        )
    return Outcome(
        changed=bool(removal.backups or removal.chunks or removal.leftovers), result=result, warnings=tuple(warnings)
    )


ACTION = Action(
    name="prune",
    does="Remove backups that no rule keeps, then the chunks that no backup needs.",
    examples=({"keep_daily": 14, "keep_weekly": 8, "minimum": 3},),
    arguments=PruneArguments,
    run=run,
    rules=(
        AtLeastOne(
            tuple(name for name in RetentionArguments.__struct_fields__ if name.startswith("keep_")),
            "no rule says what to keep; give at least one keep_… key",
        ),
    ),
)
