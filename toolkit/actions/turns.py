"""Which backup a drill takes, and which businesses of it: what has waited longest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from random import Random

from msgspec import Struct

from toolkit.actions.arguments import BackupFilter
from toolkit.actions.choosing import backup_of
from toolkit.actions.context import Context
from toolkit.errors import InputError, PlaybackError, Problem
from toolkit.model.manifest import Manifest
from toolkit.planning.choice import LATEST
from toolkit.planning.drilling import Turn, candidate_of, next_backup, next_businesses
from toolkit.storage.outlines import read_outlines
from toolkit.storage.proofs import Proofs, read_proofs
from toolkit.storage.remembered import memory_of
from toolkit.storage.repository import Repository
from toolkit.wording import counted, meant

ALL, RANDOM = "all", "random "


class Wanted(Struct, frozen=True, kw_only=True):
    """What a drill is asked for.

    Attributes:
        backups: a Turn, `latest` or a label.
        job: only backups of this job; empty for any.
        businesses: `all`, `random N`, or keys.
        seed: what chance begins with.
    """

    backups: str
    job: str
    businesses: str | tuple[str, ...]
    seed: str

    @property
    def named(self) -> tuple[str, ...] | None:
        """The businesses: empty where any will do, None for the whole backup."""
        if isinstance(self.businesses, tuple):
            return self.businesses
        return None if self.businesses == ALL else ()


class Chosen(Struct, frozen=True, kw_only=True):
    """What is drilled.

    Attributes:
        manifest: of the backup; None where nothing is to be drilled.
        businesses: key → name; empty for the whole backup.
        why: why it is its turn, or why nothing is.
        proven: it was its turn although nothing is left to prove of it.
        warnings: what could not be read.
    """

    manifest: Manifest | None = None
    businesses: Mapping[str, str]
    why: str
    proven: bool = False
    warnings: tuple[str, ...] = ()


def chosen(context: Context, repository: Repository, wanted: Wanted, *, passed: Collection[str] = ()) -> Chosen:
    """Choose.

    Args:
        passed: labels of backups that this drill has passed over. None that was hindered before gets its turn then:
            what it waits for is mostly the same, and each has a turn of its own.

    Raises:
        InputError: there is no such backup, or it lacks a business.
        RefusedError: nobody knows which backup is the latest.
    """
    proofs, chance = read_proofs(repository, memory=_memory(context)), Random(wanted.seed)
    if wanted.backups in list(Turn):
        found = _next(context, repository, proofs, wanted, chance, passed=passed)
    else:
        choice = BackupFilter(job=wanted.job) if wanted.backups == LATEST else wanted.backups
        found = Chosen(
            manifest=backup_of(context, repository, choice), businesses={}, why=f"{wanted.backups} was named"
        )
    warnings = (*found.warnings, *(f"{name} cannot be read" for name in proofs.unreadable))
    manifest, businesses = found.manifest, dict[str, str]()
    if manifest is not None and wanted.businesses != ALL:
        businesses = _businesses(manifest, proofs, wanted, chance)
        if not businesses:
            label = manifest.metadata.label
            raise InputError(f"no business matches: there is none in {label}", hint="say `businesses: all`")
    return Chosen(manifest=manifest, businesses=businesses, why=found.why, proven=found.proven, warnings=warnings)


def _next(
    context: Context, repository: Repository, proofs: Proofs, wanted: Wanted, chance: Random, *, passed: Collection[str]
) -> Chosen:
    found, host = read_outlines(repository, memory=_memory(context)), context.host.name
    job = f" (job {wanted.job})" if wanted.job else ""
    candidates = [
        candidate_of(outline, proofs.standing(outline, now=context.now()), businesses=wanted.named)
        for outline in found.outlines.values()
        if outline.metadata.host == host and wanted.job in ("", outline.metadata.job)
    ]
    attempts = [each for tried in proofs.attempts.values() for each in tried if each.host == host]
    unreadable = dict(found.unreadable)
    manifest: Manifest | None = None
    turn = Turn(wanted.backups)
    waiting = [each for each in candidates if each.label not in passed and not (passed and each.hindered)]
    label = next_backup(waiting, turn, attempts, chance)
    while label is not None and manifest is None:
        try:
            manifest = repository.manifest(label)
        except PlaybackError as error:  # it has gone bad since it was read for a list
            unreadable[label] = error
            candidates = [each for each in candidates if each.label != label]
            waiting = [each for each in waiting if each.label != label]
            label = next_backup(waiting, turn, attempts, chance)
    warnings = tuple(error.message for error in unreadable.values())
    if label is None:
        if not candidates:
            why = f"there is no backup of {host}{job}"
            if unreadable and not context.check:
                raise next(iter(unreadable.values()))
            if not context.check:  # in check mode an earlier task may be going to make it
                raise InputError(why, hint="`invoke backups` lists the backups there are")
            return Chosen(businesses={}, why=why, warnings=warnings)
        why = f"all {counted(len(candidates), 'backup')} of {host}{job} are proven"
        return Chosen(businesses={}, why=why, warnings=warnings)
    (taken,) = (each for each in candidates if each.label == label)
    left = sum(not each.proven for each in candidates)
    why = f"never tried before, {left} of {counted(len(candidates), 'backup')} unproven"
    if taken.tried:
        why = f"last tried {taken.tried[:16]}Z, {left} of {counted(len(candidates), 'backup')} unproven"
    return Chosen(manifest=manifest, businesses={}, why=why, proven=taken.proven, warnings=warnings)


def _memory(context: Context) -> Path:
    return memory_of(context.inventory.directory)


def _businesses(manifest: Manifest, proofs: Proofs, wanted: Wanted, chance: Random) -> dict[str, str]:
    tenants, label = manifest.selection.tenants, manifest.metadata.label
    if isinstance(wanted.businesses, str):
        metadata = manifest.metadata
        attempts = [
            each
            for tried in proofs.attempts.values()
            for each in tried
            if (each.host, each.job) == (metadata.host, metadata.job)
        ]
        keys: Sequence[str] = next_businesses(tenants, int(wanted.businesses.removeprefix(RANDOM)), attempts, chance)
    else:
        keys = wanted.businesses
    if absent := [key for key in keys if key not in tenants]:
        problems = [
            Problem(path="drill.businesses", message=f"{label} has no business {key}{meant(key, tenants)}")
            for key in absent
        ]
        raise InputError(problems, hint=f"`invoke show {label}` lists those that it has")
    return {key: tenants[key] for key in keys}
