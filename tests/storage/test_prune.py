"""Prune removes what it is told and what nobody needs, never anything else, whatever happens meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.storage.faults import FaultyStore
from tests.storage.samples import NOW, sample_rows, some_rows, write_backup
from toolkit.errors import CommittedError, LockedError, StorageError, UndecidedError
from toolkit.model.duration import Duration
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import SilentProgress
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.check import check
from toolkit.storage.layout import CHUNKS, LOCKS, chunk_name, manifest_name
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.prune import GRACE, Removal, forecast, prune
from toolkit.storage.records import pin, read_records, record_verified
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

AT_ONCE = Duration()


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def pruned(repository: Repository, *labels: str, grace: Duration = AT_ONCE) -> Removal:
    """Prune as the action does."""
    with locked(repository, LockKind.EXCLUSIVE, purpose="prune", now=utc_now) as lock:
        return prune(repository, labels, grace=grace, lock=lock, progress=SilentProgress())


def chunk_files(repository: Repository) -> set[str]:
    """The names of all chunk files."""
    return {file.name for file in repository.store.list(CHUNKS)}


def assert_sound(repository: Repository, *manifests: Manifest) -> None:
    """Exactly these backups are there, every row of them can be read, and nothing else is wrong."""
    report = check(repository, progress=SilentProgress())
    assert report.findings == ()
    assert repository.labels() == sorted(manifest.metadata.label for manifest in manifests)
    for manifest in manifests:
        with BackupReader(repository, manifest) as reader:
            for table in manifest.tables:
                assert sum(rows.count(b"\n") for rows in reader.rows_of(table)) == table.rows


def three(repository: Repository, rows: int = 300) -> list[Manifest]:
    """Three backups of three days that share most chunks; the first two have some of their own."""
    days = [NOW + timedelta(days=number) for number in range(3)]
    return [
        write_backup(repository, {"orders": some_rows(rows), "notes": some_rows(40, seed)}, now=now)[0]
        for seed, now in enumerate(days)
    ]


def own_chunks(manifest: Manifest, *others: Manifest) -> set[str]:
    """The files of the chunks that only one of them references."""
    needed = {chunk.id for other in others for _, chunk in other.stored_chunks}
    return {chunk_name(chunk.id) for _, chunk in manifest.stored_chunks if chunk.id not in needed}


def age(store_directory: Path, hours: float) -> None:
    """Make every file look so much older."""
    for path in store_directory.rglob("*"):
        if path.is_file():
            then = path.stat().st_mtime - hours * 3600
            os.utime(path, (then, then))


def test_only_what_nobody_needs_is_removed(repository: Repository) -> None:
    """The backups named go with their own chunks; shared ones stay, and what is left can be read."""
    first, second, third = three(repository)
    doomed = own_chunks(first, second, third) | own_chunks(second, first, third)
    assert doomed
    before = chunk_files(repository)
    removal = pruned(repository, first.metadata.label, second.metadata.label)
    assert before - chunk_files(repository) == doomed
    assert (removal.chunks, removal.waiting) == (len(doomed), 0)
    assert_sound(repository, third)
    assert pruned(repository).chunks == 0


def test_chunks_wait_for_the_end_of_the_grace_period(repository: Repository, tmp_path: Path) -> None:
    """A chunk written or written anew within the grace period stays, however unneeded; later it goes."""
    first, *others = three(repository)
    removal = pruned(repository, first.metadata.label, grace=GRACE)
    doomed = own_chunks(first, *others)
    assert (removal.chunks, removal.waiting) == (0, len(doomed))
    age(tmp_path, 23)
    assert pruned(repository, grace=GRACE).chunks == 0
    age(tmp_path, 2)
    assert pruned(repository, grace=GRACE).chunks == len(doomed)
    assert_sound(repository, *others)


def test_a_forecast_says_what_prune_does(repository: Repository) -> None:
    """What check mode says is what is removed then, and it changes nothing."""
    first, second, third = three(repository)
    before = {file.name for file in repository.store.list()}
    labels = (first.metadata.label, second.metadata.label)
    expected = forecast(repository, labels, grace=AT_ONCE, now=utc_now() + timedelta(seconds=1))
    assert {file.name for file in repository.store.list()} == before
    assert pruned(repository, *labels) == expected
    assert_sound(repository, third)
    waits = forecast(repository, [third.metadata.label], grace=GRACE, now=utc_now())
    assert (waits.chunks, waits.waiting) == (0, len(chunk_files(repository)))


def test_records_go_with_their_backup(repository: Repository) -> None:
    """Pins and verifications of backups that are not there are removed; those of others stay."""
    first, second, _ = three(repository)
    for manifest in (first, second):
        pin(repository, manifest.metadata.label, until=date(2026, 12, 1), now=NOW)
        record_verified(repository, manifest, against="repository", host="", now=NOW)
    repository.delete_manifest(first.metadata.label)
    pruned(repository)
    records = read_records(repository)
    assert set(records.pins) == set(records.verified) == {second.metadata.label}


def test_what_interrupted_writes_left_is_removed(repository: Repository, tmp_path: Path) -> None:
    """Unfinished files older than an hour are removed, younger ones may belong to someone."""
    three(repository)
    old, young = (next(tmp_path.rglob("chunks")) / f".{digit * 32}.tmp" for digit in "ab")
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert pruned(repository).leftovers == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_an_unreadable_manifest_stops_everything(repository: Repository) -> None:
    """What a damaged backup needs is unknown, so no chunk is removed, and the error names it."""
    first, second, third = three(repository)
    repository.store.put(manifest_name(second.metadata.label), b"{}")
    before = chunk_files(repository)
    with pytest.raises(CommittedError, match=second.metadata.label) as caught:
        pruned(repository, first.metadata.label)
    assert f"1 backup ({first.metadata.label}) and 0 chunks are removed for good" in caught.value.message
    assert "check --repository R" in caught.value.hint
    assert chunk_files(repository) == before
    assert third.metadata.label in repository.labels()


@pytest.mark.parametrize(("late", "once"), [(False, False), (True, False), (True, True)])
def test_interrupted_anywhere_the_next_one_finishes(repository: Repository, late: bool, once: bool) -> None:
    """Whichever call fails, in effect or not, what is left is sound, the error says what is gone, and another prune
    removes the rest."""
    number = 0
    finished = False
    while not finished:
        number += 1
        first, second, third = three(repository, rows=20)
        labels, before = [first.metadata.label, second.metadata.label], chunk_files(repository)
        faulty = Repository(FaultyStore(repository.store, fail_at=number, late=late, once=once), repository.id)
        said = ""
        try:
            pruned(faulty, *labels)
            finished = not once or number > 40
        except StorageError:
            assert set(labels) <= set(repository.labels())
            assert chunk_files(repository) == before
        except (CommittedError, UndecidedError) as error:
            said, _, doubtful = error.message.partition("are removed for good")
            gone = [label for label in labels if label not in repository.labels()]
            known = [label for label in labels if label in said]
            if known != gone and known + [label for label in labels if label in doubtful] != gone:
                raise
            if isinstance(error, UndecidedError) == bool(known):
                raise
        assert check(repository, progress=SilentProgress()).findings == ()
        for file in repository.store.list(LOCKS):
            repository.store.delete(file.name)
        pruned(repository, *labels)
        assert_sound(repository, third)
        pruned(repository, third.metadata.label)
        assert chunk_files(repository) == set()
    assert number > 20


class Meddling(FaultyStore):
    """A store that does something before a call about certain files, once."""

    def __init__(self, store: Store, prefix: str, action: Callable[[], None]) -> None:
        super().__init__(store)
        self._prefix, self._action = prefix, action
        self.done = False

    def _count(self, name: str) -> None:
        if name.startswith(self._prefix) and not self.done:
            self.done = True
            self._action()


def test_without_its_lock_prune_removes_nothing(repository: Repository) -> None:
    """When someone takes the lock away, prune stops before it removes the next file."""
    manifests = three(repository)
    label = manifests[0].metadata.label

    def unlock() -> None:
        for file in repository.store.list(LOCKS):
            repository.store.delete(file.name)

    for prefix in (manifest_name(label), CHUNKS):
        before = chunk_files(repository)
        meddled = Repository(Meddling(repository.store, prefix, unlock), repository.id)
        with pytest.raises((LockedError, CommittedError), match="removed by someone else") as caught:
            pruned(meddled, label, manifests[1].metadata.label)
        assert (caught.value.exit_code == CommittedError.exit_code) == (label not in repository.labels())
        assert chunk_files(repository) == before
        assert list(repository.store.list(LOCKS)) == []
    assert manifests[2].metadata.label in repository.labels()


def test_a_backup_published_meanwhile_keeps_its_chunks(repository: Repository) -> None:
    """Even without locks, a backup that appears while chunks are removed keeps what it needs of them."""
    first, second, third = three(repository)
    data = repository.store.get(manifest_name(first.metadata.label))

    def publish() -> None:
        repository.store.put(manifest_name(first.metadata.label), data)

    repository.delete_manifest(first.metadata.label)
    meddled = Repository(Meddling(repository.store, CHUNKS, publish), repository.id)
    pruned(meddled, second.metadata.label)
    assert_sound(repository, first, third)


def test_a_backup_whose_chunks_are_gone_is_named(repository: Repository) -> None:
    """Should a backup appear whose chunks have just been removed, prune says so loudly."""
    first, _, _ = three(repository)
    data = repository.store.get(manifest_name(first.metadata.label))
    repository.delete_manifest(first.metadata.label)

    class Late(FaultyStore):
        def delete_many(self, names: Iterable[str]) -> None:
            listed = list(names)
            super().delete_many(listed)
            if listed:
                repository.store.put(manifest_name(first.metadata.label), data)

    with pytest.raises(CommittedError, match="appeared"):
        pruned(Repository(Late(repository.store), repository.id))


def test_a_backup_whose_lock_is_lost_is_withdrawn(repository: Repository) -> None:
    """A backup that lost its lock is never published, since a prune may have removed what it relied on."""

    def unlock() -> None:
        for file in repository.store.list(LOCKS):
            repository.store.delete(file.name)

    for prefix in (CHUNKS, "backups/20261120T020000Z-nightly-business/"):
        meddled = Repository(Meddling(repository.store, prefix, unlock), repository.id)
        with (
            pytest.raises(LockedError, match="while it ran"),
            locked(meddled, LockKind.SHARED, purpose="backup", now=utc_now),
        ):
            write_backup(meddled, sample_rows())
        assert repository.labels() == []


def test_an_old_chunk_without_owner_is_written_anew_when_it_is_used(repository: Repository, tmp_path: Path) -> None:
    """A backup that needs a chunk a prune may be about to remove makes it young again; a young one is left alone."""
    first, stored = write_backup(repository, sample_rows())
    repository.delete_manifest(first.metadata.label)
    _, again = write_backup(repository, sample_rows())
    assert not any(chunk.new for chunk in again)
    repository.delete_manifest(repository.labels()[0])
    age(tmp_path, 30)
    write_backup(repository, sample_rows())
    young = utc_now() - timedelta(hours=1)
    assert all(file.modified > young for file in repository.store.list(CHUNKS))
    assert len(list(repository.store.list(CHUNKS))) == len({chunk.id for chunk in stored})


def test_many_chunks_are_removed_in_batches(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """More files than fit into one batch are all removed."""
    monkeypatch.setattr("toolkit.storage.prune._BATCH", 20)
    for number in range(43):
        repository.store.put(chunk_name(f"{number:064x}"), b"")
    assert pruned(repository).chunks == 43
    assert chunk_files(repository) == set()
