"""The check finds what would change a restore, says whom it harms, and finds nothing else."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import msgspec
import pytest

from tests.storage.faults import FaultyStore, flip_bit
from tests.storage.samples import sample_rows, some_rows, write_backup
from toolkit.errors import PlaybackError, StorageError
from toolkit.model.check import CheckRecord, CheckReport, FindingKind
from toolkit.model.manifest import Manifest, seal
from toolkit.model.outcome import SilentProgress
from toolkit.model.proof import Trial
from toolkit.planning.clock import stamp
from toolkit.storage import frame
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.check import check
from toolkit.storage.checks import record_check
from toolkit.storage.layout import chunk_name, manifest_name
from toolkit.storage.proofs import proof_of, record_proof
from toolkit.storage.records import pin, record_verified
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

LABEL = "20261120T020000Z-nightly-business"


def checked(repository: Repository, *, read_data: bool = True) -> CheckReport:
    """The report of a check nobody watches."""
    return check(repository, read_data=read_data, progress=SilentProgress())


def kinds(report: CheckReport) -> list[FindingKind]:
    """What kinds of findings a report has."""
    return [finding.kind for finding in report.findings]


def test_no_file_of_the_repository_itself_is_foreign(repository: Repository) -> None:
    """Whatever a repository keeps beside its backups is known to it: a check that was noted, pins, proofs."""
    manifest, _ = write_backup(repository, sample_rows())
    label = manifest.metadata.label
    now = datetime(2026, 11, 28, tzinfo=UTC)
    record_check(repository, CheckRecord(time=stamp(now), damaged=False))
    pin(repository, label, until=None, now=now)
    record_verified(repository, manifest, against="repository", host="", now=now)
    trial = Trial(place="embedded:drill", seconds=1)
    record_proof(repository, proof_of(repository, manifest, trial, now=now))
    assert checked(repository).findings == ()


def test_a_sound_repository_has_no_findings(repository: Repository) -> None:
    """The report of two backups counts what they share once."""
    manifest, stored = write_backup(repository, sample_rows())
    write_backup(repository, sample_rows())
    report = checked(repository)
    assert report.findings == ()
    assert not report.damaged
    stats = manifest.metadata.stats
    assert (report.backups, report.chunks, report.orphans) == (2, len(stored), 0)
    supporting = sum(support.bytes for table in manifest.tables for support in table.support)
    assert supporting
    assert (report.rows, report.bytes) == (stats.total_records, stats.uncompressed_size + supporting)
    assert report.stored == stats.compressed_size


def test_an_empty_repository_is_sound(repository: Repository) -> None:
    """Nothing in it, nothing wrong with it."""
    report = checked(repository)
    assert (report.findings, report.backups, report.chunks) == ((), 0, 0)


def test_orphans_are_counted_and_no_damage(repository: Repository) -> None:
    """Chunks that only a deleted backup referenced are counted, even bad ones."""
    write_backup(repository, sample_rows())
    lost, stored = write_backup(repository, {"orders": some_rows(100, 5)})
    repository.delete_manifest(lost.metadata.label)
    repository.store.put(chunk_name(stored[0].id), b"garbage")
    report = checked(repository)
    assert report.findings == ()
    assert report.orphans == len(stored)


@pytest.mark.parametrize("read_data", [True, False])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_lost_chunk_names_everything_it_harms(repository: Repository, read_data: bool, damage: str) -> None:
    """One finding per chunk, with all its backups and tables, whether or not all data are read."""
    rows = some_rows(60)
    _, stored = write_backup(repository, {"orders": rows, "archive": rows})
    write_backup(repository, {"orders": rows})
    write_backup(repository, sample_rows(seed=2))
    name = chunk_name(stored[0].id)
    content = repository.store.get(name)
    repository.store.delete(name)
    if damage == "truncated":
        repository.store.put(name, content[:-1])
    report = checked(repository, read_data=read_data)
    (finding,) = report.findings
    assert finding.kind == damage
    assert finding.chunk == stored[0].id
    assert finding.labels == (LABEL, f"{LABEL}-2")
    assert finding.tables == ("archive", "orders")
    assert report.damaged


def test_an_altered_chunk_is_found_by_reading_alone(repository: Repository) -> None:
    """A flipped bit does not change a size: only reading finds it."""
    _, stored = write_backup(repository, sample_rows())
    name = chunk_name(stored[0].id)
    repository.store.put(name, flip_bit(repository.store.get(name), 300))
    assert kinds(checked(repository)) == [FindingKind.ALTERED]
    assert kinds(checked(repository, read_data=False)) == []


def test_every_damage_is_reported(repository: Repository) -> None:
    """Several damaged chunks, a damaged manifest and a foreign file are all in one report."""
    _, stored = write_backup(repository, sample_rows())
    second, _ = write_backup(repository, sample_rows())
    for chunk in stored[:3]:
        repository.store.delete(chunk_name(chunk.id))
    repository.store.put(manifest_name(second.metadata.label), b"{}")
    repository.store.put("notes.txt", b"hello")
    report = checked(repository)
    assert sorted(kinds(report)) == ["foreign", "manifest", "missing", "missing", "missing"]
    assert report.backups == 2


def test_a_foreign_file_is_no_damage(repository: Repository) -> None:
    """A file that is no part of the repository is named; it harms no backup."""
    repository.store.put("chunks/ab/wrong", b"")
    label = "20261120T020000Z-nightly-business"
    for name in ("locks/one", f"pins/{label}.json", f"verified/{label}.json", f"damaged/{label}.json", "quarantine/a"):
        repository.store.put(name, b"")
    report = checked(repository)
    assert kinds(report) == [FindingKind.FOREIGN]
    assert "chunks/ab/wrong" in report.findings[0].message
    assert not report.damaged


def test_a_chunk_that_cannot_be_read_is_a_finding(store: Store) -> None:
    """A disk that fails under one chunk does not end the check."""
    repository = Repository.open(store, create=True)
    _, stored = write_backup(repository, sample_rows())

    def fail(name: str, data: bytes) -> bytes:
        if name == chunk_name(stored[1].id):
            raise StorageError("input/output error")
        return data

    report = checked(Repository(FaultyStore(store, damage=fail), repository.id))
    assert [(finding.kind, finding.chunk) for finding in report.findings] == [(FindingKind.UNREADABLE, stored[1].id)]


def republish(repository: Repository, manifest: Manifest) -> None:
    """Write a manifest as it is, with a checksum that fits, whatever it says."""
    name = manifest_name(manifest.metadata.label)
    repository.store.put(name, msgspec.json.encode(seal(manifest), order="sorted"))


def test_a_manifest_that_does_not_add_up_is_found(repository: Repository) -> None:
    """Wrong totals, digests, sort keys and selections are each named with their path, though the checksum holds."""
    manifest, _ = write_backup(repository, sample_rows())
    stats = msgspec.structs.replace(manifest.metadata.stats, total_records=1)
    metadata = msgspec.structs.replace(manifest.metadata, stats=stats)
    key = (msgspec.structs.replace(manifest.tables[0].key[0], column="gone"),)
    table = msgspec.structs.replace(manifest.tables[0], digest="0" * 64, key=key, bytes=7)
    republish(
        repository,
        msgspec.structs.replace(manifest, metadata=metadata, tables=(table, table, *manifest.tables[1:])),
    )
    messages = "\n".join(finding.message for finding in checked(repository).findings)
    for place in (
        "tables[0].bytes",
        "tables[0].digest",
        "tables[0].key[0]",
        "tables[1]: table orders is listed twice",
        "metadata.stats.totalRecords",
        "metadata.stats.uncompressedSize",
        "metadata.checksums.businessData",
    ):
        assert place in messages


def test_a_wrong_row_count_is_found(repository: Repository) -> None:
    """A manifest whose counts agree with each other but not with the rows is found by counting them."""
    manifest, _ = write_backup(repository, {"businesses": some_rows(3)})
    table = manifest.tables[0]
    chunk = msgspec.structs.replace(table.chunks[0], rows=4)
    selection = msgspec.structs.replace(manifest.selection, tables={})
    stats = msgspec.structs.replace(manifest.metadata.stats, total_records=4, business_records=4)
    republish(
        repository,
        msgspec.structs.replace(
            manifest,
            metadata=msgspec.structs.replace(manifest.metadata, stats=stats),
            tables=(msgspec.structs.replace(table, rows=4, chunks=(chunk,)),),
            selection=selection,
        ),
    )
    (finding,) = checked(repository).findings
    assert "holds 3 rows, but the manifest says 4" in finding.message
    assert finding.labels == (LABEL,)


def restored(repository: Repository) -> object:
    """All that a restore would get from the only backup, or the error that stops it."""
    try:
        manifest = repository.manifest(LABEL)
        with BackupReader(repository, manifest) as reader:
            parts = (part for table in manifest.tables for part in (table, *table.supporting))
            return manifest, [rows for part in parts for rows in reader.rows_of(part)]
    except PlaybackError as error:
        return type(error)


def test_a_thousand_random_damages_are_found(repository: Repository) -> None:
    """A flipped bit or a cut anywhere in a chunk or manifest either is found and stops reading, or changes nothing.

    Nothing is changed only by bits that the frame format leaves without meaning.
    """
    _, stored = write_backup(repository, {"orders": some_rows(40), "businesses": some_rows(3)})
    intact = restored(repository)
    names = [manifest_name(LABEL), *(chunk_name(chunk.id) for chunk in stored)]
    source = random.Random(20261120)
    harmless = 0
    for number in range(1000):
        name = source.choice(names)
        good = repository.store.get(name)
        bad = (
            good[: source.randrange(len(good))] if number % 4 == 0 else flip_bit(good, source.randrange(8 * len(good)))
        )
        repository.store.put(name, bad)
        found = checked(repository).damaged
        got = restored(repository)
        repository.store.put(name, good)
        assert found == (got != intact), (name, number)
        assert found == isinstance(got, type)
        harmless += not found
    assert harmless <= 10
    assert checked(repository).findings == ()


def test_every_bit_of_a_small_frame_counts() -> None:
    """Any single flipped bit of a frame gives other data than before only with an error, or the same data."""
    data = b"1\tone\n2\ttwo\n" * 20
    good = frame.compress(data)
    assert frame.decompress(good, len(data)) == data
    refused = 0
    for bit in range(8 * len(good)):
        try:
            assert frame.decompress(flip_bit(good, bit), len(data)) == data
        except ValueError:
            refused += 1
    assert refused > 4 * len(good)
