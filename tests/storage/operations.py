"""What uses repositories, for sweeps of faults: each operation with what it has to leave behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from tests.storage.samples import some_rows, write_backup
from toolkit.errors import PlaybackError
from toolkit.model.check import Finding
from toolkit.model.duration import Duration
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import SilentProgress
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.check import check
from toolkit.storage.chunks import file_of
from toolkit.storage.copying import Copying
from toolkit.storage.layout import chunk_name, label_of, manifest_name, pack_name
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.prune import prune
from toolkit.storage.repair import plan_repair, repair
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

OLD, NEW = {"orders": some_rows(90)}, {"orders": [*some_rows(90), *some_rows(30, seed=2)], "refunds": []}
"""The rows of the backup that is there, and of the one that is made; they share chunks."""

PACKED = 500
"""Chunks of fewer bytes go into packs: some of all that is backed up here."""

DOOMED = "doomed"
"""The job of another backup that is there, which a prune removes."""


class Place(Protocol):
    """Two repositories: `main`, and `other` to copy to; `other` has none of what is copied."""

    def store(self, name: str) -> Store:
        """The store of one of both, without any fault."""


@dataclass(frozen=True)
class Operation:
    """Something that uses a repository.

    Attributes:
        on: which of both repositories has the fault.
        run: does it, the store with the fault first; raises when it is not as it should be.
        done: whether its work is done, as seen without any fault.
    """

    on: str
    run: Callable[[Store, Place], None]
    done: Callable[[Place], bool]


def rows_of(repository: Repository, manifest: Manifest) -> dict[str, bytes]:
    """The rows of a backup."""
    with BackupReader(repository, manifest) as reader:
        return {table.name: b"".join(reader.rows_of(table)) for table in manifest.tables}


def opened(store: Store) -> Repository:
    """The repository in a store."""
    return Repository.open(store, create=True)


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def back_up(store: Store, place: Place) -> None:
    """Back the new rows up."""
    repository = opened(store)
    with locked(repository, LockKind.SHARED, purpose="backup", now=now):
        write_backup(repository, NEW, packed=PACKED)


def is_backed_up(place: Place) -> bool:
    """Whether a backup has the new rows."""
    repository = opened(place.store("main"))
    found = [rows_of(repository, manifest) for manifest in repository.manifests().manifests.values()]
    return {name: b"".join(rows) for name, rows in NEW.items()} in found


def copy_between(source: Store, target: Store) -> None:
    """Copy all backups."""
    reading, writing = Repository.open(source, create=False), opened(target)
    with (
        locked(reading, LockKind.SHARED, purpose="copy", now=now, reading=True),
        locked(writing, LockKind.SHARED, purpose="copy", now=now),
    ):
        copying = Copying(reading, writing)
        for planned in copying.plan(reading.labels()):
            if planned.refusal:
                raise planned.refusal
            if not planned.there:
                copying.send(planned.label, SilentProgress())


def is_copied(place: Place) -> bool:
    """Whether the other repository has all backups of the main one."""
    main, other = opened(place.store("main")).manifests(), opened(place.store("other")).manifests()
    return main.manifests.items() <= other.manifests.items()


class FoundError(PlaybackError):
    """A check has found something."""


def check_all(store: Store, place: Place) -> None:
    """Check the repository; raises when it finds anything, or not all backups."""
    repository = opened(store)
    with locked(repository, LockKind.SHARED, purpose="check", now=now, reading=True):
        report = check(repository, progress=SilentProgress())
    if report.findings or report.backups != 2:
        raise PlaybackError(f"found {report}")


def prune_one(store: Store, place: Place) -> None:
    """Remove the doomed backup and the chunks that nobody else needs."""
    repository = Repository.open(store, create=False)
    with locked(repository, LockKind.EXCLUSIVE, purpose="prune", now=now) as lock:
        doomed = [label for label in repository.labels() if DOOMED in label]
        prune(repository, doomed, grace=Duration(), lock=lock, progress=SilentProgress())


def is_pruned(place: Place) -> bool:
    """Whether the doomed backup and its chunks are gone, and the other backup is there."""
    repository = opened(place.store("main"))
    report = check(repository, progress=SilentProgress())
    return [DOOMED in label for label in repository.labels()] == [False] and not report.orphans


OPERATIONS = {
    "backup": Operation("main", back_up, is_backed_up),
    "copy-to": Operation("other", lambda store, place: copy_between(place.store("main"), store), is_copied),
    "copy-from": Operation("main", lambda store, place: copy_between(store, place.store("other")), is_copied),
    "prune": Operation("main", prune_one, is_pruned),
    "check": Operation("main", check_all, lambda place: True),
}


def fill(place: Place) -> None:
    """Make the backups that every operation begins with."""
    write_backup(opened(place.store("main")), {"orders": some_rows(60, seed=3)}, job=DOOMED, packed=PACKED)
    write_backup(opened(place.store("main")), OLD, packed=PACKED)
    write_backup(opened(place.store("other")), {"orders": some_rows(20)}, job="weekly", packed=PACKED)


def expect_sound(place: Place, on: str, stored: Mapping[str, bytes]) -> None:
    """What was stored wrong and is used is found, and nothing else; a repair then takes away what is hurt.

    Args:
        on: the repository that had the fault.
        stored: name → content of the files that were stored otherwise than they were given.
    """
    store = place.store(on)
    spoilt = {name for name, content in stored.items() if store.exists(name) and store.get(name) == content}
    used = {file_of(chunk, each.packs) for each in manifests(place, on) for _, chunk in each.stored_chunks}
    harmful = {name for name in spoilt if label_of(name) or name in used}
    found = findings(place)
    assert {_file_of(each) for each in found} == harmful, f"{harmful} are spoilt, and found is {found}"
    if harmful:
        repair_all(place, on)
    labels = [label for each in ("main", "other") for label in opened(place.store(each)).labels()]
    assert harmful or {"nightly", "weekly"} <= {label.split("-")[1] for label in labels}, "a backup is gone"


def findings(place: Place) -> list[Finding]:
    """What a check of both repositories finds."""
    reports = [check(opened(place.store(name)), progress=SilentProgress()) for name in ("main", "other")]
    return [finding for report in reports for finding in report.findings]


def _file_of(finding: Finding) -> str:
    """The name of the file that something was found about."""
    if finding.pack:
        return pack_name(finding.pack)
    return chunk_name(finding.chunk) if finding.chunk else manifest_name(finding.labels[0])


def manifests(place: Place, name: str) -> Iterable[Manifest]:
    """The backups of a repository that can be read."""
    return opened(place.store(name)).manifests().manifests.values()


def repair_all(place: Place, on: str) -> None:
    """Take away what cannot be restored."""
    repository = opened(place.store(on))
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=now) as lock:
        report = check(repository, progress=SilentProgress())
        repair(repository, plan_repair(report.findings), lock=lock)
