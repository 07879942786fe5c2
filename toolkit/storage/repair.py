"""Taking away what cannot be restored: what is left is whole, and the next backup stores anew what was lost."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from toolkit.errors import DamageError, InputError, MissingError, RefusedError
from toolkit.model.check import Finding, FindingKind, RepairPlan
from toolkit.model.manifest import Manifest
from toolkit.storage import manifest_file
from toolkit.storage.chunks import examine, stored_form
from toolkit.storage.layout import DAMAGED, chunk_name, damaged_label_of, damaged_name, manifest_name, pack_name
from toolkit.storage.locks import Lock
from toolkit.storage.mending import mend_packs
from toolkit.storage.records import forget_verified
from toolkit.storage.references import referenced_files
from toolkit.storage.repository import Repository

_UNKNOWN = (FindingKind.UNREADABLE, FindingKind.LATER)
_BAD_FILES = (FindingKind.TRUNCATED, FindingKind.ALTERED)


def plan_repair(findings: Iterable[Finding]) -> RepairPlan:
    """Give what has to go, given what a check found.

    Raises:
        RefusedError: something could not be read at all, so that nobody knows whether it is damaged.
    """
    listed = list(findings)
    unknown = [finding.message for finding in listed if finding.kind in _UNKNOWN]
    if unknown:
        raise RefusedError(
            "it is not known whether all that was found is damaged; nothing is repaired",
            unknown,
            hint="see that everything can be read, and use the version that wrote it or a later one",
        )
    backups: dict[str, set[str]] = {}
    for finding in listed:
        for label in finding.labels:
            backups.setdefault(label, set()).update(finding.tables)
    damaged = [finding for finding in listed if finding.kind in _BAD_FILES and finding.chunk]
    return RepairPlan(
        backups={label: tuple(sorted(tables)) for label, tables in sorted(backups.items())},
        chunks=tuple(sorted({finding.chunk for finding in damaged if not finding.pack})),
        packs=tuple(sorted({finding.pack for finding in damaged if finding.pack})),
    )


def repair(repository: Repository, plan: RepairPlan, *, lock: Lock) -> None:
    """Carry a plan out: manifests are put aside into `damaged/`, then the damaged files are removed.

    Args:
        lock: the exclusive lock, held since before the check.

    Raises:
        LockedError: the lock was lost; nothing was taken away since.
        StorageError: something could not be moved or removed; repair again.
    """
    for label in plan.backups:
        lock.check()
        _put_aside(repository, label)
    for chunk_id in plan.chunks:
        lock.check()
        repository.store.delete(chunk_name(chunk_id))
    if plan.packs and repository.store.one_file:
        # it is written anew, and takes nothing along that is damaged
        needed = referenced_files(repository, repository.labels())
        lock.check()
        repository.store.delete_many([pack_name(each) for each in plan.packs if bytes.fromhex(each) not in needed])


def _put_aside(repository: Repository, label: str) -> None:
    """Take a backup away; where there is nothing left that could be a manifest, just forget it."""
    with suppress(MissingError, DamageError):
        data = repository.store.get(manifest_name(label), limit=manifest_file.LIMIT)
        repository.store.put(damaged_name(label), data)
    repository.delete_manifest(label)
    forget_verified(repository, label)


def bring_back(repository: Repository, *, lock: Lock) -> list[str]:
    """Make those backups exist again that a repair put aside and whose chunks are all whole by now; gives their labels.

    A later backup of the same data stores a lost chunk anew, and with it every backup that was hurt by the loss.

    Args:
        lock: the exclusive lock.

    Raises:
        LockedError: the lock was lost.
        StorageError: something could not be read or moved; do it again.
    """
    aside = {file.name: _put_aside_manifest(repository, file.name) for file in list(repository.store.list(DAMAGED))}
    manifests = {name: known for name, known in aside.items() if known is not None}
    mend_packs(repository, [manifest for _, manifest in manifests.values()])
    whole = list[str]()
    for name, (data, manifest) in manifests.items():
        label = manifest.metadata.label
        if _is_whole(repository, manifest):
            lock.check()
            if repository.store.put_new(manifest_name(label), data):
                repository.record_published(manifest)
                repository.store.delete(name)
                whole.append(label)
    return whole


def _put_aside_manifest(repository: Repository, name: str) -> tuple[bytes, Manifest] | None:
    """A manifest that was put aside, with what its file holds; None where it is none."""
    label = damaged_label_of(name)
    if not label:
        return None
    try:
        data = repository.store.get(name, limit=manifest_file.LIMIT)
        return data, manifest_file.decode(data, label=label, file=name)
    except (DamageError, MissingError, InputError, RefusedError):
        return None


def _is_whole(repository: Repository, manifest: Manifest) -> bool:
    try:
        for table in manifest.tables:
            for part in (table, *table.supporting):
                for chunk in part.chunks:
                    examine(stored_form(repository.store, chunk, manifest.packs), chunk, part)
    except DamageError:
        return False
    return True
