"""Removing backups, then the chunks that no backup needs any more.

Interrupted at any point the repository is valid, and the next prune finishes: a manifest goes before anything it
references, and a chunk goes only while no manifest references it. Three things keep a backup that runs at the same time
from losing a chunk: the exclusive lock, asked for again before every removal; the look for new manifests before every
batch; and the grace period, for which a chunk nobody references has to lie there unwritten before it is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TypeVar

from msgspec import Struct, field

from toolkit.errors import CommittedError, Interrupted, PlaybackError, StorageError, UndecidedError, explained
from toolkit.model.duration import Duration
from toolkit.model.outcome import Progress
from toolkit.storage.checks import forgotten
from toolkit.storage.layout import OF_ROWS, PINS, VERIFIED, chunk_id_of, pack_id_of, record_label_of
from toolkit.storage.locks import Lock
from toolkit.storage.proofs import outlived
from toolkit.storage.records import record_names
from toolkit.storage.references import referenced_files
from toolkit.storage.repository import Repository
from toolkit.storage.store import StoredFile
from toolkit.wording import counted

_Item = TypeVar("_Item")

GRACE = Duration(hours=24)
"""How long an unreferenced chunk is spared, unless a policy says otherwise."""

_BATCH = 500
"""Files removed between two looks at lock and manifests."""

_UNFINISHED = timedelta(hours=1)
"""No write takes longer: what an unfinished one older than this left behind is removed."""


class Removal(Struct, kw_only=True):
    """What a prune removed, or would remove.

    Attributes:
        backups: their labels.
        chunks: how many, with the size of their files in `bytes`; a pack of chunks counts as one.
        waiting: those that no backup needs and that the grace period spares, with their size in `waiting_bytes`.
        leftovers: unfinished files of interrupted writes.
        begun: the backup that is being removed, or how many chunks are: of what fails meanwhile nobody knows.
    """

    backups: tuple[str, ...] = ()
    chunks: int = 0
    bytes: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    leftovers: int = 0
    begun: tuple[str, int] = ("", 0)

    def count(self, files: Iterable[StoredFile]) -> None:
        """Add chunks that are removed."""
        for file in files:
            self.chunks += 1
            self.bytes += file.size

    def spare(self, file: StoredFile) -> None:
        """Add a chunk that waits."""
        self.waiting += 1
        self.waiting_bytes += file.size


class _References(Struct):
    """The files of chunks that manifests need; new manifests are looked for again and again."""

    repository: Repository
    labels: set[str] = field(default_factory=set)
    chunks: set[bytes] = field(default_factory=set)

    def renew(self) -> set[bytes]:
        """Take in the manifests that were not there before; gives the files they need."""
        new = set(self.repository.labels()) - self.labels
        needed = referenced_files(self.repository, new)
        self.labels |= new
        self.chunks |= needed
        return needed


def forecast(repository: Repository, removed: Iterable[str], *, grace: Duration, now: datetime) -> Removal:
    """Give what `prune` would remove. Nothing is changed.

    Raises:
        RefusedError: a manifest cannot be read.
    """
    removal = Removal(backups=tuple(removed))
    needed = referenced_files(repository, sorted(set(repository.labels()) - set(removal.backups)))
    for file in _unneeded(repository, needed):
        if file.modified <= _spared_since(repository, grace, now):
            removal.count([file])
        else:
            removal.spare(file)
    return removal


def prune(
    repository: Repository, removed: Iterable[str], *, grace: Duration, lock: Lock, progress: Progress
) -> Removal:
    """Remove backups, their records, the chunks nobody needs and what interrupted writes left.

    Args:
        removed: the labels of the backups.
        grace: chunks written later than this before now, by the store's clock, stay.
        lock: the exclusive lock that is held on the repository.

    Raises:
        LockedError, RefusedError, StorageError: the lock was lost, or something cannot be read or removed; nothing was
            removed.
        UndecidedError: the same when nobody can say whether something was.
        CommittedError: the same when something had been removed, or a backup appeared whose chunks were removed.
        Interrupted: Ctrl-C when something had been removed.
    """
    removal = Removal()
    try:
        _remove(repository, tuple(removed), removal, grace=grace, lock=lock, progress=progress)
    except (Exception, KeyboardInterrupt) as error:
        # a bundle takes on nothing of a change that fails
        if repository.store.one_file:
            raise
        _settle(repository, removal)
        if not (removal.backups or removal.chunks or any(removal.begun)):
            raise
        raise _told(removal, error) from error
    return removal


def _remove(
    repository: Repository,
    removed: tuple[str, ...],
    removal: Removal,
    *,
    grace: Duration,
    lock: Lock,
    progress: Progress,
) -> None:
    """Remove, and note in `removal` what is gone, as it goes."""
    store = repository.store
    progress.note("removing backups")
    for label in removed:
        lock.check()
        removal.begun = (label, 0)
        repository.delete_manifest(label)
        removal.backups = (*removal.backups, label)
        removal.begun = ("", 0)
    lock.check()
    now = lock.store_time()
    _remove_records(repository, now)
    progress.note("reading what the other backups need")
    references = _References(repository)
    references.renew()
    for label in references.labels - repository.recorded_labels():
        repository.record_published(repository.manifest(label))
    progress.note("removing chunks that no backup needs")
    gone: set[bytes] = set()
    for batch in _batches(_old_chunks(repository, references, _spared_since(repository, grace, now), removal)):
        lock.check()
        references.renew()
        unneeded = [file for file in batch if _id(file) not in references.chunks]
        removal.begun = ("", len(unneeded))
        store.delete_many([file.name for file in unneeded])
        removal.begun = ("", 0)
        gone.update(map(_id, unneeded))
        removal.count(unneeded)
        progress.advance(bytes=sum(file.size for file in unneeded))
    _check_nothing_lost(references, gone)
    removal.leftovers = store.sweep(min(grace.before(now), now - _UNFINISHED))


def _spared_since(repository: Repository, grace: Duration, now: datetime) -> datetime:
    """Since when unneeded chunks are spared: nobody can be about to use those of a bundle, which has one writer."""
    return datetime.max.replace(tzinfo=UTC) if repository.store.one_file else grace.before(now)


def _settle(repository: Repository, removal: Removal) -> None:
    """See whether the backup whose removal failed is gone all the same."""
    label, _ = removal.begun
    if not label:
        return
    with suppress(PlaybackError):
        if label not in repository.labels():
            removal.backups = (*removal.backups, label)
        removal.begun = ("", 0)


def _told(removal: Removal, error: Exception | KeyboardInterrupt) -> BaseException:
    """What ended a prune that had begun to remove, with what is gone for good, or may be."""
    labels = f" ({', '.join(removal.backups)})" if removal.backups else ""
    done = (
        f"{counted(len(removal.backups), 'backup')}{labels} and {counted(removal.chunks, 'chunk')} are removed for good"
    )
    label, chunks = removal.begun
    if label or chunks:
        doubtful = f"backup {label}" if label else f"{counted(chunks, 'chunk')} more"
        done += f", and {doubtful} may be"
    again = "run again: the rest is removed then"
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(f"interrupted; {done}; {again}")
    known = explained(error)
    if removal.backups or removal.chunks:
        return CommittedError(f"{done}; after that: {known.message}", hint=known.hint or again)
    return UndecidedError(f"undecided: {done}; meanwhile: {known.message}", hint=known.hint or again)


def _remove_records(repository: Repository, now: datetime) -> None:
    """Remove what is recorded of backups that are not there, those of an interrupted prune included.

    How proving them went stays known for a while, and when the repository was checked.
    """
    listed = [file.name for prefix in (PINS, VERIFIED) for file in repository.store.list(prefix)]
    # after the list, since a record is made only for a backup that is there
    labels = set(repository.labels())
    gone = {label for name in listed if (label := record_label_of(name)) and label not in labels}
    repository.store.delete_many([name for label in sorted(gone) for name in record_names(label) if name in listed])
    repository.store.delete_many([*outlived(repository, labels, now), *forgotten(repository, now)])


def _old_chunks(
    repository: Repository, references: _References, before: datetime, removal: Removal
) -> Iterator[StoredFile]:
    for file in _unneeded(repository, references.chunks):
        if file.modified <= before:
            yield file
        else:
            removal.spare(file)


def _unneeded(repository: Repository, needed: set[bytes]) -> Iterator[StoredFile]:
    for file in chain.from_iterable(map(repository.store.list, OF_ROWS)):
        if _id(file) and _id(file) not in needed:
            yield file


def _id(file: StoredFile) -> bytes:
    return bytes.fromhex(chunk_id_of(file.name) or pack_id_of(file.name) or "")


def _check_nothing_lost(references: _References, gone: set[bytes]) -> None:
    """A last look: backups that are written while the lock is held are a sign that locks do not work here."""
    lost = references.renew() & gone
    if lost:
        raise StorageError(
            f"a backup appeared in {references.repository.place} while it was pruned,"
            f" and needs {len(lost)} of the chunks that were removed",
            hint="back up again; then `invoke check --repository R --repair` takes that backup away",
        )


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
