"""Chunks: stored once, never trusted unseen, given back exactly or not at all."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storage.faults import FaultyStore, flip_bit
from tests.storage.samples import TINY, sample_rows, some_rows, write_backup
from toolkit.errors import DamageError, StorageError
from toolkit.model.outcome import SilentProgress
from toolkit.planning.chunking import RawChunk, chunks
from toolkit.storage import frame
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.check import check
from toolkit.storage.chunk_writer import ChunkWriter
from toolkit.storage.chunks import load
from toolkit.storage.layout import chunk_name
from toolkit.storage.prefetch import prefetch
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

STORES = ("local", "bundle", "moto")


def raw_chunk(data: bytes) -> RawChunk:
    """A chunk of one row."""
    return RawChunk(data=data, rows=1, first_row=data, last_row=data)


def sizes(repository: Repository) -> dict[str, int]:
    """The chunks that are stored, with the sizes of their files."""
    return {stored.name: stored.size for stored in repository.store.list("chunks/")}


def test_rows_come_back(repository: Repository) -> None:
    """What a backup holds of a table, read one by one or ahead, is its rows in order."""
    rows = sample_rows()
    manifest, _ = write_backup(repository, rows)
    assert {table.name for table in manifest.tables} == rows.keys()
    for table in manifest.tables:
        with BackupReader(repository, manifest) as reader:
            assert b"".join(reader.rows_of(table)) == b"".join(rows[table.name])


@given(st.binary(min_size=1, max_size=2000))
def test_a_frame_holds_any_data(data: bytes) -> None:
    """Any bytes survive compression, and a frame is never taken for one of another size."""
    assert frame.decompress(frame.compress(data), len(data)) == data
    with pytest.raises(ValueError, match=r"says it holds"):
        frame.decompress(frame.compress(data), len(data) - 1)


def test_a_decompression_bomb_is_not_opened() -> None:
    """A frame that would become far larger than recorded is refused before memory is taken for it."""
    bomb = frame.compress(bytes(64 * 1024 * 1024))
    with pytest.raises(ValueError, match="says it holds 67108864 bytes, not 100"):
        frame.decompress(bomb, 100)


def test_chunks_are_named_by_their_rows(repository: Repository) -> None:
    """The id of a chunk is the SHA-256 of its rows, and its file is one Zstandard frame of them."""
    with ChunkWriter(repository, packed=0) as writer:
        submitted = writer.submit(raw_chunk(b"1\tone\n"))
    stored = submitted.result()
    assert stored.id == hashlib.sha256(b"1\tone\n").hexdigest()
    content = repository.store.get(f"chunks/{stored.id[:2]}/{stored.id}")
    assert len(content) == stored.stored
    assert frame.decompress(content, 6) == b"1\tone\n"


def test_an_unchanged_chunk_is_stored_once(repository: Repository) -> None:
    """A second backup of the same rows stores nothing, one of a changed row little, and equal chunks are one file."""
    rows = sample_rows()
    first, stored = write_backup(repository, rows)
    assert all(chunk.new for chunk in stored)
    files = sizes(repository)
    second, again = write_backup(repository, rows)
    assert not any(chunk.new for chunk in again)
    assert second.tables == first.tables
    assert sizes(repository) == files
    orders = rows["orders"]
    _, changed = write_backup(repository, rows | {"orders": [*orders[:100], b"000100\tother\n", *orders[101:]]})
    assert 1 <= sum(chunk.new for chunk in changed) <= 4
    _, twice = write_backup(repository, {"a": some_rows(50, 9), "b": some_rows(50, 9)})
    assert sum(chunk.new for chunk in twice) == len(twice) / 2


def test_a_recorded_chunk_is_not_read_again(store: Store) -> None:
    """Reusing a chunk that a backup records with that size costs no reading; an orphan is read once."""
    repository = Repository.open(store, create=True)
    rows = some_rows(100)
    with ChunkWriter(repository, packed=0) as writer:
        for raw in chunks(rows, TINY):
            writer.submit(raw)

    reads: list[str] = []

    def note(name: str, data: bytes) -> bytes:
        reads.append(name)
        return data

    watched = Repository(FaultyStore(store, damage=note), repository.id)
    _, stored = write_backup(watched, {"orders": rows})
    assert sorted(reads) == sorted(chunk_name(chunk.id) for chunk in stored)
    assert not any(chunk.new for chunk in stored)
    reads.clear()
    write_backup(watched, {"orders": rows})
    assert not [name for name in reads if name.startswith("chunks/")]


class WatchedStore(FaultyStore):
    """Notes what it is asked to make durable."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.durable: list[str] = []

    def make_durable(self, names: Iterable[str]) -> None:
        """Note, then make them durable."""
        self.durable += names
        super().make_durable(names)


def test_chunks_are_durable_when_the_writing_ends(store: Store) -> None:
    """What is stored is made durable once, and so is what is there but of no backup: another may be writing it."""
    watched = WatchedStore(store)
    repository = Repository.open(watched, create=True)
    for _ in range(2):
        with ChunkWriter(repository, packed=0) as writer:
            submitted = [writer.submit(raw) for raw in chunks(some_rows(100), TINY)]
            assert not watched.durable
        assert sorted(watched.durable) == sorted(chunk_name(each.result().id) for each in submitted)
        watched.durable.clear()
    write_backup(repository, {"orders": some_rows(100)})
    watched.durable.clear()
    write_backup(repository, {"orders": some_rows(100)})
    assert not watched.durable


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "longer"])
def test_a_bad_orphan_is_rewritten(repository: Repository, damage: str) -> None:
    """A damaged chunk that no backup vouches for is not reused."""
    data = b"".join(some_rows(30))
    name = chunk_name(hashlib.sha256(data).hexdigest())
    good = frame.compress(data)
    repository.store.put(
        name, {"cut": good[:-1], "flip": flip_bit(good, 200), "empty": b"", "longer": good + b"x"}[damage]
    )
    with ChunkWriter(repository, packed=0) as writer:
        submitted = writer.submit(raw_chunk(data))
    assert submitted.result().new
    assert repository.store.get(name) == good


def test_a_truncated_chunk_of_a_backup_is_healed(repository: Repository) -> None:
    """A chunk whose size is not what the backups record is written again by the next backup that has its rows."""
    manifest, stored = write_backup(repository, sample_rows())
    name = chunk_name(stored[2].id)
    repository.store.put(name, repository.store.get(name)[:-3])
    assert check(repository, progress=SilentProgress()).damaged
    _, again = write_backup(repository, sample_rows())
    assert [chunk.id for chunk in again if chunk.new] == [stored[2].id]
    assert not check(repository, progress=SilentProgress()).damaged
    assert repository.manifest(manifest.metadata.label) == manifest


@pytest.mark.parametrize("damage", ["cut", "flip", "swap", "missing"])
def test_a_damaged_chunk_is_never_given_back(repository: Repository, damage: str) -> None:
    """Reading a chunk that is not what was written names backup, table and chunk, and how to help oneself."""
    manifest, _ = write_backup(repository, sample_rows())
    table = manifest.tables[0]
    chunk, other = table.chunks[4:6]
    name = chunk_name(chunk.id)
    good = repository.store.get(name)
    repository.store.put(
        name,
        {"cut": good[:50], "flip": flip_bit(good, 333), "swap": repository.store.get(chunk_name(other.id))}.get(
            damage, b""
        ),
    )
    if damage == "missing":
        repository.store.delete(name)
    pattern = f"table orders of backup {manifest.metadata.label}: chunk {chunk.id} is (damaged|missing)"
    before: list[bytes] = []
    with BackupReader(repository, manifest) as reader, pytest.raises(DamageError, match=pattern) as caught:
        before.extend(reader.rows_of(table))
    assert caught.value.hint
    assert len(before) <= 4


def test_rows_under_another_name_are_found(repository: Repository) -> None:
    """An intact frame of the right size whose rows are others does not pass."""
    manifest, stored = write_backup(repository, {"orders": [b"1\ta\n"]})
    repository.store.put(chunk_name(stored[0].id), frame.compress(b"1\tb\n"))
    with BackupReader(repository, manifest) as reader, pytest.raises(DamageError, match="another SHA-256"):
        list(reader.rows_of(manifest.tables[0]))


def test_the_same_rows_compressed_otherwise_are_no_damage(repository: Repository) -> None:
    """The rows decide: a file of another size with exactly the recorded rows is read, and is no finding."""
    manifest, _ = write_backup(repository, sample_rows())
    table = manifest.tables[0]
    recorded = msgspec.structs.replace(table.chunks[0], stored=table.chunks[0].stored + 1)
    assert load(repository.store, recorded, (), table) == load(repository.store, table.chunks[0], (), table)


def test_the_first_error_ends_the_writing(store: Store) -> None:
    """Once a chunk cannot be stored, the reader of rows hears of it at the next chunk, and the block ends with it."""
    faulty = FaultyStore(store)
    submitted = 0

    def feed() -> None:
        nonlocal submitted
        with ChunkWriter(Repository(faulty, "id"), packed=0) as writer:
            for number in range(10_000):
                writer.submit(raw_chunk(b"%d\n" % number))
                submitted += 1
                if number == 20:
                    faulty.fail_at = 1
                time.sleep(0.0005)

    with pytest.raises(StorageError, match="fails on purpose"):
        feed()
    assert 20 < submitted < 9_000


def test_the_last_error_is_not_lost(store: Store) -> None:
    """An error after the last chunk was handed over is raised when the block ends."""
    repository = Repository(FaultyStore(store, fail_at=2), "id")
    with pytest.raises(StorageError, match="fails on purpose"), ChunkWriter(repository, packed=0) as writer:
        writer.submit(raw_chunk(b"1\n"))


def test_an_error_of_the_block_wins(store: Store) -> None:
    """When the reading of rows fails, that error is raised, and chunks not yet begun are given up."""
    repository = Repository.open(store, create=True)

    def feed() -> None:
        with ChunkWriter(repository, workers=1, packed=0) as writer:
            for number in range(3000):
                writer.submit(raw_chunk(b"%d\n" % number))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        feed()
    assert len(list(store.list("chunks/"))) < 3000


class GatedStore(FaultyStore):
    """A store whose writes wait until the gate opens."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.gate = threading.Event()

    def put(self, name: str, data: bytes) -> None:
        """Wait, then put."""
        assert self.gate.wait(120)
        super().put(name, data)

    def put_new(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Wait, then put."""
        assert self.gate.wait(120)
        return super().put_new(name, data, durable=durable)


def test_memory_is_bounded_by_bytes(store: Store) -> None:
    """However slow the store is, no more rows than the bound wait for it, except one chunk that is larger alone."""
    gated = GatedStore(store)
    writer = ChunkWriter(Repository(gated, "id"), in_flight=1000, packed=0)
    accepted: list[int] = []

    def feed() -> None:
        for size in (400, 401, 402, 5000, 10):
            writer.submit(raw_chunk(bytes([size % 251]) * size))
            accepted.append(size)

    feeder = threading.Thread(target=feed)
    feeder.start()
    while len(accepted) < 2:
        time.sleep(0.01)
    feeder.join(0.3)
    assert accepted == [400, 401]
    gated.gate.set()
    feeder.join()
    writer.finish()
    assert accepted == [400, 401, 402, 5000, 10]


def test_equal_chunks_at_the_same_time_are_written_once(store: Store) -> None:
    """Two threads that meet the same rows write one file, and one of them says that it is new."""
    gated = GatedStore(store)
    with ChunkWriter(Repository(gated, "id"), workers=3, packed=0) as writer:
        futures = [writer.submit(raw_chunk(b"1\tsame\n")) for _ in range(3)]
        time.sleep(0.1)
        gated.gate.set()
    assert sorted(future.result().new for future in futures) == [False, False, True]


def test_reading_ahead_is_bounded_and_in_order() -> None:
    """Results come in the order of the items and never hold more than the bound."""
    begun: list[int] = []

    def load(number: int) -> int:
        begun.append(number)
        return number

    results = []
    for result in prefetch(range(100), load, size=lambda _: 10, in_flight=50):
        results.append(result)
        assert len(begun) <= len(results) + 6
    assert results == list(range(100))


def test_reading_ahead_can_be_left() -> None:
    """A consumer that stops early leaves no thread behind."""
    before = threading.active_count()
    ahead = prefetch(range(100), lambda number: number, size=lambda _: 1, in_flight=10)
    assert next(iter(ahead)) == 0
    ahead.close()
    # the servers of other tests may have ended some of theirs meanwhile
    assert threading.active_count() <= before


class FarStore(FaultyStore):
    """A store where every call waits for a network; counts the questions for one file."""

    parallel = 8
    questions = 0

    def size(self, name: str) -> int | None:
        """Count, then ask."""
        self.questions += 1
        return super().size(name)


def test_what_is_stored_is_asked_for_together_where_questions_cost(repository: Repository) -> None:
    """Rows of an earlier backup cost no question each in a store that is far away; a file that is lost is written."""
    rows = sample_rows()
    manifest, _ = write_backup(repository, rows)
    lost = chunk_name(next(entry.chunks[0].id for entry in manifest.tables if entry.name == "orders"))
    repository.store.delete(lost)
    far = FarStore(repository.store)
    with ChunkWriter(Repository(far, repository.id), packed=0) as writer:
        stored = [writer.submit(raw) for name in rows for raw in chunks(rows[name], TINY)]
    assert {chunk_name(each.result().id) for each in stored if each.result().new} == {lost}
    assert repository.store.exists(lost)
    assert far.questions == 0
