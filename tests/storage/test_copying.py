"""Backups copied between repositories: only what is missing, nothing unseen, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import msgspec
import pytest
import zstandard

from tests.storage.faults import FaultyStore, flip_bit
from tests.storage.operations import rows_of
from tests.storage.samples import sample_rows, some_rows, write_backup
from toolkit.errors import DamageError, RefusedError, StorageError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import SilentProgress
from toolkit.planning.totals import stats_of
from toolkit.storage import frame, manifest_file
from toolkit.storage.check import check
from toolkit.storage.copying import Copying, SentBackup
from toolkit.storage.layout import CHUNKS, chunk_name, manifest_name
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

STORES = ("local", "bundle")


@pytest.fixture
def source(tmp_path: Path) -> Repository:
    """A local repository to copy from."""
    return Repository.open(LocalStore(tmp_path / "source"), create=True)


class CountingStore(FaultyStore):
    """A store that remembers what is read from and written to it."""

    def __init__(self, store: Store, *, fail_at: int = 0) -> None:
        super().__init__(store, fail_at=fail_at)
        self.got: list[str] = []
        self.written: list[str] = []

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Get, remembered."""
        self.got.append(name)
        return super().get(name, limit=limit)

    def put(self, name: str, data: bytes) -> None:
        """Put, remembered when it was done and is a chunk."""
        super().put(name, data)
        if name.startswith(CHUNKS):
            self.written.append(name)


def send(source: Repository, target: Repository, *labels: str) -> list[SentBackup]:
    """Copy backups that the plan does not refuse."""
    copying = Copying(source, target)
    assert [planned.refusal for planned in copying.plan(labels)] == [None] * len(labels)
    return [copying.send(label, SilentProgress()) for label in labels]


def chunk_ids(manifest: Manifest) -> set[str]:
    """The ids of all chunks of a backup."""
    return {chunk.id for _, chunk in manifest.stored_chunks}


def test_a_copy_is_the_backup(source: Repository, repository: Repository) -> None:
    """The copy's manifest is the original's byte for byte, its rows are the same, and it checks clean."""
    rows = sample_rows()
    manifest, _ = write_backup(source, rows)
    label = manifest.metadata.label
    (sent,) = send(source, repository, label)
    assert repository.store.get(manifest_name(label)) == source.store.get(manifest_name(label))
    assert rows_of(repository, repository.manifest(label)) == {name: b"".join(each) for name, each in rows.items()}
    report = check(repository, progress=SilentProgress())
    assert (report.findings, report.orphans) == ((), 0)
    assert sent.chunks == len(chunk_ids(manifest))
    assert sent.bytes == sum(file.size for file in source.store.list("chunks/"))


def test_a_copy_back_restores_a_lost_repository(source: Repository, repository: Repository, tmp_path: Path) -> None:
    """What was copied to a store can be copied from it."""
    manifest, _ = write_backup(source, sample_rows())
    send(source, repository, manifest.metadata.label)
    rescued = Repository.open(LocalStore(tmp_path / "rescued"), create=True)
    send(repository, rescued, manifest.metadata.label)
    assert rows_of(rescued, manifest) == rows_of(source, manifest)


def test_only_missing_chunks_are_read_and_sent(source: Repository, repository: Repository) -> None:
    """A second backup that shares chunks with the first costs what it does not share; the plan says so before."""
    first, _ = write_backup(source, {"orders": some_rows(300)})
    second, _ = write_backup(source, {"orders": [*some_rows(300), b"000300\tnew\n"]})
    send(source, repository, first.metadata.label)
    new = chunk_ids(second) - chunk_ids(first)
    assert 0 < len(new) < len(chunk_ids(second)) / 4

    reading, writing = CountingStore(source.store), CountingStore(repository.store)
    copying = Copying(Repository(reading, source.id), Repository(writing, repository.id))
    (planned,) = copying.plan([second.metadata.label])
    reading.got.clear()
    sent = copying.send(second.metadata.label, SilentProgress())
    assert set(reading.got) - {manifest_name(second.metadata.label)} == {chunk_name(chunk) for chunk in new}
    assert set(writing.written) == {chunk_name(chunk) for chunk in new}
    assert (planned.chunks, planned.bytes) == (sent.chunks, sent.bytes)


def test_what_is_there_is_not_planned_again(source: Repository, repository: Repository) -> None:
    """The very same backup is there already; two new ones that share chunks are counted once."""
    first, _ = write_backup(source, sample_rows())
    second, _ = write_backup(source, sample_rows())
    labels = [first.metadata.label, second.metadata.label]
    planned = Copying(source, repository).plan(labels)
    assert [(each.there, each.chunks) for each in planned] == [(False, len(chunk_ids(first))), (False, 0)]
    assert Copying(source, None).plan(labels) == planned
    send(source, repository, *labels)
    assert [each.there for each in Copying(source, repository).plan(labels)] == [True, True]


@pytest.mark.parametrize("fail_at", [1, 3, 7, 14])
def test_an_interrupted_copy_goes_on_where_it_was(source: Repository, repository: Repository, fail_at: int) -> None:
    """What an interrupted copy has sent is not sent again, and until the end there is no backup in the target."""
    manifest, _ = write_backup(source, sample_rows())
    label = manifest.metadata.label
    failing = CountingStore(repository.store)
    copying = Copying(source, Repository(failing, repository.id))
    failing.fail_at = failing.calls + fail_at
    with pytest.raises(StorageError, match="on purpose"):
        copying.send(label, SilentProgress())
    assert repository.labels() == []
    assert check(repository, progress=SilentProgress()).findings == ()

    again = CountingStore(repository.store)
    send(source, Repository(again, repository.id), label)
    assert not set(again.written) & set(failing.written)
    assert len(again.written) + len(failing.written) == len(chunk_ids(manifest))
    assert rows_of(repository, manifest) == rows_of(source, manifest)


def test_damage_in_the_source_is_not_copied(source: Repository, repository: Repository) -> None:
    """A chunk that is not what was written stops the backup that needs it, by name; another backup is copied."""
    hurt, _ = write_backup(source, sample_rows())
    good, _ = write_backup(source, {"orders": some_rows(200, seed=9)})
    chunk = hurt.tables[1].chunks[-1]
    name = chunk_name(chunk.id)
    source.store.put(name, flip_bit(source.store.get(name), 77))
    copying = Copying(source, repository)
    with pytest.raises(DamageError, match=rf"backup {hurt.metadata.label}, table \w+: chunk {chunk.id} is damaged"):
        copying.send(hurt.metadata.label, SilentProgress())
    copying.send(good.metadata.label, SilentProgress())
    assert repository.labels() == [good.metadata.label]
    assert not repository.store.exists(name)
    assert check(repository, progress=SilentProgress()).findings == ()


def test_a_missing_chunk_is_named(source: Repository, repository: Repository) -> None:
    """A chunk that the source has lost stops the copy by name."""
    manifest, _ = write_backup(source, sample_rows())
    chunk = manifest.tables[0].chunks[0]
    source.store.delete(chunk_name(chunk.id))
    with pytest.raises(DamageError, match=f"chunk {chunk.id} is missing"):
        Copying(source, repository).send(manifest.metadata.label, SilentProgress())


def test_rubbish_under_a_chunks_name_is_replaced(source: Repository, repository: Repository) -> None:
    """A file of the target that no backup vouches for is read before it counts as the chunk."""
    manifest, _ = write_backup(source, sample_rows())
    chunk = manifest.tables[0].chunks[0]
    good = source.store.get(chunk_name(chunk.id))
    repository.store.put(chunk_name(chunk.id), flip_bit(good, 40))
    send(source, repository, manifest.metadata.label)
    assert repository.store.get(chunk_name(chunk.id)) == good


def test_another_backup_under_the_label_is_refused(source: Repository, repository: Repository) -> None:
    """Two devices may name their backups alike: the second one's is refused by name, and nothing is overwritten."""
    ours, _ = write_backup(source, sample_rows(seed=1))
    theirs, _ = write_backup(repository, sample_rows(seed=2))
    assert ours.metadata.label == theirs.metadata.label
    (planned,) = Copying(source, repository).plan([ours.metadata.label])
    assert isinstance(planned.refusal, RefusedError)
    assert f"another backup {ours.metadata.label}: of host demo" in planned.refusal.message
    with pytest.raises(StorageError, match="already"):
        Copying(source, repository).send(ours.metadata.label, SilentProgress())
    assert repository.manifest(theirs.metadata.label) == theirs


def recompress(repository: Repository, manifest: Manifest) -> None:
    """Store a backup's chunks as another version of the compressor would, and rewrite the manifest for it."""
    tables = []
    for table in manifest.tables:
        chunks = []
        for chunk in table.chunks:
            data = zstandard.ZstdCompressor(level=19, write_checksum=True, write_content_size=True).compress(
                frame.decompress(repository.store.get(chunk_name(chunk.id)), chunk.raw)
            )
            repository.store.put(chunk_name(chunk.id), data)
            chunks.append(msgspec.structs.replace(chunk, stored=len(data)))
        tables.append(msgspec.structs.replace(table, chunks=tuple(chunks)))
    metadata = msgspec.structs.replace(manifest.metadata, stats=stats_of(tables))
    _, data = manifest_file.encode(msgspec.structs.replace(manifest, tables=tuple(tables), metadata=metadata))
    repository.store.put(manifest_name(manifest.metadata.label), data)


def test_another_compressor_makes_no_other_backup(source: Repository, repository: Repository, tmp_path: Path) -> None:
    """Chunks that are there in another compressed form are used as they are; the copy checks clean and copies on."""
    manifest, _ = write_backup(source, sample_rows())
    later, _ = write_backup(source, sample_rows())
    send(source, repository, manifest.metadata.label)
    recompress(repository, manifest)
    assert repository.manifest(manifest.metadata.label).checksum != manifest.checksum
    assert [each.there for each in Copying(source, repository).plan([manifest.metadata.label])] == [True]
    (sent,) = send(source, repository, later.metadata.label)
    assert sent.chunks == 0
    assert check(repository, progress=SilentProgress()).findings == ()
    third = Repository.open(LocalStore(tmp_path / "third"), create=True)
    send(repository, third, later.metadata.label)
    assert rows_of(third, later) == rows_of(source, manifest)
    assert check(third, progress=SilentProgress()).findings == ()


def test_a_manifest_is_copied_as_it_is(source: Repository, repository: Repository) -> None:
    """What this version does not know in a manifest is kept, and copying again finds the same backup there."""
    manifest, _ = write_backup(source, sample_rows())
    name = manifest_name(manifest.metadata.label)
    document = msgspec.json.decode(source.store.get(name)) | {"later": {"field": 1}}
    del document["checksum"]
    document["checksum"] = hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()
    source.store.put(name, msgspec.json.encode(document, order="sorted"))
    send(source, repository, manifest.metadata.label)
    assert json.loads(repository.store.get(name))["later"] == {"field": 1}
    assert [each.there for each in Copying(source, repository).plan([manifest.metadata.label])] == [True]


def test_a_chunk_that_a_prune_may_remove_is_sent_anew(source: Repository, tmp_path: Path) -> None:
    """What nobody has needed for long is not relied upon, though it is what it should be."""
    manifest, _ = write_backup(source, sample_rows())
    target = Repository.open(LocalStore(tmp_path / "target"), create=True)
    chunk = manifest.tables[0].chunks[0]
    name = chunk_name(chunk.id)
    target.store.put(name, source.store.get(name))
    long_ago = 1_700_000_000
    os.utime(tmp_path / "target" / name, (long_ago, long_ago))
    (sent,) = send(source, target, manifest.metadata.label)
    assert sent.chunks == len(chunk_ids(manifest))
    assert (tmp_path / "target" / name).stat().st_mtime > long_ago
