"""A repair takes away what cannot be restored and nothing else; then the next backup stores what was lost."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from tests.storage.faults import FaultyStore, flip_bit
from tests.storage.samples import sample_rows, some_rows, write_backup
from toolkit.errors import LockedError, RefusedError, StorageError
from toolkit.model.check import CheckReport, RepairPlan
from toolkit.model.manifest import Manifest, seal
from toolkit.model.outcome import SilentProgress
from toolkit.storage.check import check
from toolkit.storage.layout import DAMAGED, LOCKS, chunk_name, manifest_name
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.records import read_records, record_verified
from toolkit.storage.repair import bring_back, plan_repair, repair
from toolkit.storage.repository import Repository


def checked(repository: Repository) -> CheckReport:
    """The report of a check nobody watches."""
    return check(repository, progress=SilentProgress())


def repaired(repository: Repository) -> RepairPlan:
    """Check and repair as the command does."""
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=lambda: datetime.now(UTC)) as lock:
        plan = plan_repair(checked(repository).findings)
        repair(repository, plan, lock=lock)
    return plan


def damage(repository: Repository, chunk_id: str) -> None:
    """Let a chunk rot without changing its size."""
    name = chunk_name(chunk_id)
    repository.store.put(name, flip_bit(repository.store.get(name), 300))


def backups(repository: Repository) -> tuple[Manifest, Manifest]:
    """One backup that gets hurt, of two tables, and one that shares a table with it."""
    hurt, _ = write_backup(repository, {"orders": some_rows(60), "notes": some_rows(60, 2)})
    good, _ = write_backup(repository, {"notes": some_rows(60, 2)})
    return hurt, good


def test_a_rotten_chunk_is_stored_anew_by_the_next_backup(repository: Repository) -> None:
    """Without a repair a backup reuses a chunk that rotted at its size; after one it stores it again, and is whole."""
    manifest, stored = write_backup(repository, sample_rows())
    damage(repository, stored[0].id)
    _, again = write_backup(repository, sample_rows())
    assert not any(chunk.new for chunk in again)
    plan = repaired(repository)
    assert plan == RepairPlan(
        backups={manifest.metadata.label: ("orders",), f"{manifest.metadata.label}-2": ("orders",)},
        chunks=(stored[0].id,),
    )
    _, afresh = write_backup(repository, sample_rows())
    assert [chunk.id for chunk in afresh if chunk.new] == [stored[0].id]
    report = checked(repository)
    assert (report.findings, report.backups) == ((), 1)


def test_a_hurt_backup_comes_back_once_its_chunks_are_whole(repository: Repository) -> None:
    """What a later backup stores anew makes the backups whole that were hurt by the loss; others stay put aside."""
    manifest, stored = write_backup(repository, sample_rows())
    write_backup(repository, sample_rows())
    other, lost = write_backup(repository, {"notes": some_rows(60, 9)})
    damage(repository, stored[0].id)
    damage(repository, lost[0].id)
    repaired(repository)
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=lambda: datetime.now(UTC)) as lock:
        assert bring_back(repository, lock=lock) == []
        _, afresh = write_backup(repository, sample_rows())
        assert stored[0].id in {chunk.id for chunk in afresh if chunk.new}
        # the label of the first is the new backup's by now
        assert bring_back(repository, lock=lock) == [f"{manifest.metadata.label}-2"]
        assert other.metadata.label not in repository.labels()
    assert checked(repository).findings == ()


@pytest.mark.parametrize("kind", ["missing", "truncated", "altered"])
def test_only_hurt_backups_go(repository: Repository, kind: str) -> None:
    """A backup that shares chunks with a hurt one stays, byte for byte, with all its chunks."""
    hurt, good = backups(repository)
    chunk = hurt.tables[0].chunks[0].id
    name = chunk_name(chunk)
    content = repository.store.get(name)
    if kind == "altered":
        damage(repository, chunk)
    else:
        repository.store.delete(name)
        if kind == "truncated":
            repository.store.put(name, content[:-1])
    before = repository.store.get(manifest_name(good.metadata.label))
    plan = repaired(repository)
    assert plan.backups == {hurt.metadata.label: ("orders",)}
    assert plan.chunks == (() if kind == "missing" else (chunk,))
    assert repository.labels() == [good.metadata.label]
    assert repository.store.get(manifest_name(good.metadata.label)) == before
    assert repository.store.get(f"{DAMAGED}{hurt.metadata.label}.json")
    assert checked(repository).findings == ()
    assert not repaired(repository)


def test_a_damaged_manifest_is_put_aside(repository: Repository) -> None:
    """A backup whose manifest is not what was written goes, its chunks stay for others and for prune."""
    hurt, good = backups(repository)
    name = manifest_name(hurt.metadata.label)
    damaged = flip_bit(repository.store.get(name), 4000)
    repository.store.put(name, damaged)
    assert repaired(repository) == RepairPlan(backups={hurt.metadata.label: ()}, chunks=())
    assert repository.labels() == [good.metadata.label]
    assert repository.store.get(f"{DAMAGED}{hurt.metadata.label}.json") == damaged
    assert checked(repository).findings == ()


def test_a_manifest_that_contradicts_a_sound_chunk_is_wrong_alone(repository: Repository) -> None:
    """Where two manifests describe a chunk differently and the file is as one of them says, that one stays."""
    hurt, good = backups(repository)
    table = hurt.tables[1]
    chunk = msgspec.structs.replace(table.chunks[0], raw=table.chunks[0].raw + 1)
    tables = (hurt.tables[0], msgspec.structs.replace(table, chunks=(chunk, *table.chunks[1:])))
    forged = seal(msgspec.structs.replace(hurt, tables=tables))
    repository.store.put(manifest_name(hurt.metadata.label), msgspec.json.encode(forged, order="sorted"))
    plan = repaired(repository)
    assert (set(plan.backups), plan.chunks) == ({hurt.metadata.label}, ())
    assert repository.labels() == [good.metadata.label]
    assert checked(repository).findings == ()


def test_what_could_not_be_read_is_not_repaired(repository: Repository) -> None:
    """A disk that fails for a moment and a backup of a later version are no damage: nothing is taken away."""
    hurt, _ = backups(repository)
    damage(repository, hurt.tables[0].chunks[0].id)

    class Failing(FaultyStore):
        def get(self, name: str, *, limit: int | None = None) -> bytes:
            if name == chunk_name(hurt.tables[1].chunks[0].id):
                raise StorageError("the disk fails")
            return super().get(name, limit=limit)

    failing = Repository(Failing(repository.store), repository.id)
    with pytest.raises(RefusedError, match="the disk fails"):
        repaired(failing)
    later = msgspec.json.decode(repository.store.get(manifest_name(hurt.metadata.label))) | {"format": 99}
    repository.store.put(manifest_name(hurt.metadata.label), msgspec.json.encode(later))
    with pytest.raises(RefusedError, match="format 99"):
        repaired(repository)
    assert len(repository.labels()) == 2


def test_a_repair_that_is_interrupted_can_be_done_again(repository: Repository) -> None:
    """Whichever call fails, good backups stay whole, and another repair finishes."""
    for number in range(1, 60):
        hurt, good = backups(repository)
        damage(repository, hurt.tables[0].chunks[0].id)
        faulty = FaultyStore(repository.store, fail_at=number)
        try:
            repaired(Repository(faulty, repository.id))
            break
        except (StorageError, RefusedError):
            pass
        for file in repository.store.list(LOCKS):
            repository.store.delete(file.name)
        repaired(repository)
        report = check(repository, labels=(good.metadata.label,), progress=SilentProgress())
        assert report.findings == ()
        for name in [file.name for file in repository.store.list() if file.name != "playback.json"]:
            repository.store.delete(name)
    assert 10 < number < 59


def test_without_its_lock_a_repair_stops(repository: Repository) -> None:
    """When someone takes the lock away, nothing more is taken away."""
    hurt, _ = backups(repository)
    plan = RepairPlan(backups={hurt.metadata.label: ()}, chunks=())
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=lambda: datetime.now(UTC)) as lock:
        repository.store.delete(lock.name)
        with pytest.raises(LockedError):
            repair(repository, plan, lock=lock)
    assert len(repository.labels()) == 2


def test_a_hurt_backup_is_no_longer_verified(repository: Repository) -> None:
    """What a repair takes away is not relied upon."""
    hurt, good = backups(repository)
    for manifest in (hurt, good):
        record_verified(repository, manifest, against="repository", host="", now=datetime.now(UTC))
    repository.store.delete(chunk_name(hurt.tables[0].chunks[0].id))
    repaired(repository)
    assert set(read_records(repository).verified) == {good.metadata.label}
