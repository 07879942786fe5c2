"""Opening a repository, and how a backup begins and ceases to exist."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta, timezone

import msgspec
import pytest

from tests.storage.faults import FaultyStore, flip_bit
from tests.storage.samples import NOW, manifest_of, sample_rows, write_backup
from toolkit.errors import DamageError, InputError, PlaybackError, RefusedError, StorageError
from toolkit.model.manifest import Manifest
from toolkit.storage.layout import chunk_name, manifest_name
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

LABEL = "20261120T020000Z-nightly-business"

STORES = ("local", "bundle", "moto")


def rewrite(repository: Repository, **changes: object) -> None:
    """Change fields of a manifest as another program would, with a checksum that fits."""
    document = json.loads(repository.store.get(manifest_name(LABEL))) | changes
    del document["checksum"]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    document["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    repository.store.put(manifest_name(LABEL), json.dumps(document, indent=2).encode())


def test_a_repository_is_made_once(store: Store) -> None:
    """The first opening makes it, later ones find the same."""
    made = Repository.open(store, create=True)
    assert Repository.open(store, create=True).id == made.id
    assert Repository.open(store, create=False).id == made.id
    assert made.labels() == []


def test_a_repository_that_is_not_there_is_named(store: Store) -> None:
    """Without leave to make one, a missing repository is an error, and nothing is written."""
    with pytest.raises(StorageError, match="no repository at"):
        Repository.open(store, create=False)
    assert list(store.list()) == []


@pytest.mark.parametrize("create", [True, False])
def test_a_lost_marker_is_not_replaced(repository: Repository, create: bool) -> None:
    """Backups without playback.json are damage, never the start of a new repository."""
    write_backup(repository, sample_rows())
    repository.store.delete("playback.json")
    with pytest.raises(DamageError, match=r"no playback\.json"):
        Repository.open(repository.store, create=create)


@pytest.mark.parametrize(
    "marker", [b"", b"{", b"[]", b"{}", b'{"format": 1}', b'{"format": "1", "id": "x"}', b'{"format": 1, "id": "x"}']
)
def test_a_damaged_marker_is_named(store: Store, marker: bytes) -> None:
    """A playback.json that is not what it must be gives one clear error with a remedy."""
    store.put("playback.json", marker)
    with pytest.raises(DamageError, match=r"playback\.json is damaged") as caught:
        Repository.open(store, create=True)
    assert caught.value.hint


def test_a_higher_format_is_refused(store: Store) -> None:
    """A repository of a later version is refused by its format's number."""
    store.put("playback.json", b'{"format": 2, "novel": true}')
    with pytest.raises(RefusedError, match="has format 2"):
        Repository.open(store, create=False)


def test_a_backup_exists_from_its_manifest_on(repository: Repository) -> None:
    """A published manifest comes back as it was, sealed; deleted, the backup is gone and its chunks stay."""
    manifest, stored = write_backup(repository, sample_rows())
    assert manifest.metadata.label == LABEL
    assert repository.labels() == [LABEL]
    assert repository.manifest(LABEL) == manifest
    assert manifest.checksum
    repository.delete_manifest(LABEL)
    assert repository.labels() == []
    assert all(repository.store.exists(chunk_name(chunk.id)) for chunk in stored)


def test_labels_are_new(repository: Repository) -> None:
    """A taken label gets a number, whatever its case; one whose backup was not finished is free; time is UTC."""
    local = NOW.astimezone(timezone(timedelta(hours=5)))
    assert repository.new_label(local, "nightly", "business") == LABEL
    repository.store.put(f"backups/{LABEL}/something", b"")
    assert repository.new_label(NOW, "nightly", "business") == LABEL
    write_backup(repository, sample_rows())
    assert repository.new_label(NOW, "nightly", "business") == f"{LABEL}-2"
    assert repository.new_label(NOW, "NIGHTLY", "business") == "20261120T020000Z-NIGHTLY-business-2"
    assert repository.new_label(NOW, "nightly", "full-device") == "20261120T020000Z-nightly-full-device"
    write_backup(repository, sample_rows())
    assert repository.new_label(NOW, "nightly", "business") == f"{LABEL}-3"


def test_jobs_that_are_no_file_names_are_refused(repository: Repository) -> None:
    """A job that could leave the folder or not be a file name is refused with the remedy."""
    for job in ("", "a/b", "..", "../x", "a b", "é", "a:b", "-x", "x" * 65, "a\n"):
        with pytest.raises(InputError, match="job") as caught:
            repository.new_label(NOW, job, "business")
        assert "job" in caught.value.hint


def test_labels_that_are_none_are_refused(repository: Repository) -> None:
    """What is no label never becomes a file name."""
    fullwidth = LABEL.replace("0", "\uff10")
    for label in ("", "..", "../../etc", f"{LABEL}/..", f"{LABEL}.", "latest", f"{LABEL}\n", "CON", fullwidth):
        for method in (repository.manifest, repository.delete_manifest):
            with pytest.raises(InputError, match="not the label of a backup"):
                method(label)


def test_an_unknown_label_is_named(repository: Repository) -> None:
    """A label that no backup has is an error of whoever wrote it."""
    with pytest.raises(InputError, match=f"no backup {LABEL}"):
        repository.manifest(LABEL)


def test_an_existing_backup_is_never_overwritten(repository: Repository) -> None:
    """Publishing under a taken label is refused and leaves the first backup as it was."""
    manifest, _ = write_backup(repository, sample_rows())
    with pytest.raises(StorageError, match="already"):
        repository.write_manifest(manifest_of(LABEL, []))
    assert repository.manifest(LABEL) == manifest


def test_no_manifest_without_its_chunks(repository: Repository) -> None:
    """A manifest that references a chunk that is missing or of another size is not published."""
    manifest, stored = write_backup(repository, sample_rows())
    repository.delete_manifest(LABEL)
    name = chunk_name(stored[3].id)
    content = repository.store.get(name)
    repository.store.put(name, content[:-1])
    with pytest.raises(StorageError, match=stored[3].id):
        repository.write_manifest(manifest)
    repository.store.delete(name)
    with pytest.raises(StorageError, match="1 of the files of its chunks are not stored"):
        repository.write_manifest(manifest)
    assert repository.labels() == []


def test_no_manifest_that_contradicts_itself(repository: Repository) -> None:
    """A manifest whose totals do not add up is a defect that shows at once, with every contradiction."""
    manifest, _ = write_backup(repository, sample_rows())
    table = msgspec.structs.replace(manifest.tables[0], rows=1, digest="0" * 64)
    broken = msgspec.structs.replace(manifest, tables=(table, *manifest.tables[1:]))
    with pytest.raises(ValueError, match=r"tables\[0\]\.rows.*tables\[0\]\.digest.*totalRecords.*businessData"):
        repository.write_manifest(broken)


def test_unreadable_backups_are_reported_beside_the_others(repository: Repository) -> None:
    """One damaged manifest hides neither itself nor the good ones."""
    good, _ = write_backup(repository, sample_rows())
    bad, _ = write_backup(repository, sample_rows())
    label = bad.metadata.label
    repository.store.put(manifest_name(label), repository.store.get(manifest_name(label))[:-10])
    backups = repository.manifests()
    assert backups.manifests == {LABEL: good}
    assert list(backups.unreadable) == [label]
    assert label in backups.unreadable[label].message


def test_a_damaged_manifest_is_found(repository: Repository) -> None:
    """A changed digit anywhere in a manifest fails its checksum."""
    write_backup(repository, sample_rows())
    name = manifest_name(LABEL)
    data = repository.store.get(name)
    repository.store.put(name, data.replace(b'"rows":300', b'"rows":301'))
    with pytest.raises(DamageError, match="checksum"):
        repository.manifest(LABEL)
    repository.store.put(name, flip_bit(data, 3))
    with pytest.raises(DamageError, match="not JSON"):
        repository.manifest(LABEL)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"format": 2}, RefusedError, "has format 2"),
        ({"format": "one"}, DamageError, "names no format"),
        ({"absent": [1]}, InputError, r"manifest.json: absent\[0\]: expected `str`"),
        ({"sequences": None}, InputError, "sequences: expected `array`"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(
    repository: Repository, changes: dict[str, object], error: type[PlaybackError], message: str
) -> None:
    """A manifest whose checksum holds, but that is of a later format or no manifest is refused."""
    write_backup(repository, sample_rows())
    rewrite(repository, **changes)
    with pytest.raises(error, match=message):
        repository.manifest(LABEL)


def test_a_backup_keeps_its_label(repository: Repository) -> None:
    """A manifest that was copied to another label is refused by the label it carries."""
    write_backup(repository, sample_rows())
    other = "20261120T020000Z-other-business"
    repository.store.put(manifest_name(other), repository.store.get(manifest_name(LABEL)))
    with pytest.raises(InputError, match=f"calls itself {LABEL}"):
        repository.manifest(other)


def test_a_chunk_id_cannot_leave_its_folder(repository: Repository) -> None:
    """A manifest with a chunk id that is a path is refused."""
    manifest, _ = write_backup(repository, sample_rows())
    tables = msgspec.to_builtins(manifest.tables)
    tables[0]["chunks"][1]["id"] = "../../playback.json"
    rewrite(repository, tables=tables)
    with pytest.raises(InputError, match=r"tables\[0\]\.chunks\[1\]\.id: .* is no chunk id"):
        repository.manifest(LABEL)


def test_another_program_can_verify_a_manifest(repository: Repository) -> None:
    """The checksum is that of plain sorted JSON, unknown fields and layout do not disturb it."""
    manifest, _ = write_backup(repository, sample_rows())
    rewrite(repository, novel={"b": [1.5, None], "a": "é"})
    read = repository.manifest(LABEL)
    assert isinstance(read, Manifest)
    assert msgspec.structs.replace(read, checksum=manifest.checksum) == manifest


class ReadingStore(FaultyStore):
    """A store that remembers what is read from it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.got: list[str] = []

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Get, remembered."""
        self.got.append(name)
        return super().get(name, limit=limit)


def test_manifests_are_read_for_their_chunks_once(store: Store, store_kind: str) -> None:
    """A run that backs up many hosts reads each manifest once; what a removed backup alone had is forgotten."""
    reading = ReadingStore(store)
    repository = Repository.open(reading, create=True)
    first, second = (write_backup(repository, sample_rows(seed), job=f"job-{seed}")[0] for seed in (1, 2))
    wanted = [frozenset((chunk.id, chunk.stored) for _, chunk in each.stored_chunks) for each in (first, second)]
    # the first was read when the second was written, which makes all files of a bundle new
    for read in (2 if store_kind == "bundle" else 1, 0):
        reading.got.clear()
        assert Repository.open(reading, create=False).recorded_chunks().files == wanted[0] | wanted[1]
        assert sum(name.startswith("backups/") for name in reading.got) == read
    repository.delete_manifest(first.metadata.label)
    assert repository.recorded_chunks().files == wanted[1]
