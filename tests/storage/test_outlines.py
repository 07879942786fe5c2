"""What lists say of backups: what was read before is not read again, and never says what is not there any more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.storage.faults import flip_bit
from tests.storage.samples import NOW, manifest_of, some_rows, write_backup
from tests.storage.test_proofs import proof_of
from toolkit.errors import DamageError, InputError
from toolkit.model.outline import outline_of
from toolkit.storage import manifest_file, remembered
from toolkit.storage.layout import PROOFS, manifest_name
from toolkit.storage.local import LocalStore
from toolkit.storage.outlines import read_outlines
from toolkit.storage.proofs import read_proofs, record_proof
from toolkit.storage.records import read_records, record_verified
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store, StoredFile

STORES = ("local", "bundle", "moto")


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are old enough to be remembered at once."""
    monkeypatch.setattr(remembered, "_FRESH", timedelta(days=-1))


def reading(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are read from now on."""
    names: list[str] = []
    get = type(repository.store).get

    def noted(self: Store, name: str, *, limit: int | None = None) -> bytes:
        names.append(name)
        return get(self, name, limit=limit)

    monkeypatch.setattr(type(repository.store), "get", noted)
    return names


def test_each_file_is_read_once(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list reads manifests, proofs and verifications that it has not seen; one in a bundle reads them each time."""
    made = [write_backup(repository, {"notes": some_rows(2)}, now=NOW + timedelta(days=day))[0] for day in range(3)]
    proof = proof_of(made[0], repository)
    record_proof(repository, proof)
    record_verified(repository, made[1], against="repository", host="", now=NOW)
    verified = {} if repository.store.one_file else {made[1].metadata.label: made[1].checksum}
    memory, read = tmp_path / "memory", reading(repository, monkeypatch)
    for again in (False, True):
        read.clear()
        assert read_outlines(repository, memory=memory).outlines == {
            each.metadata.label: outline_of(each) for each in made
        }
        assert read_proofs(repository, memory=memory).attempts == {made[0].metadata.label: (proof,)}
        assert read_records(repository, memory=memory).verified == verified
        assert bool(read) is (not again or repository.store.one_file is not None)
    new, _ = write_backup(repository, {"notes": some_rows(2)}, now=NOW + timedelta(days=5))
    repository.delete_manifest(made[0].metadata.label)
    read.clear()
    remaining = {each.metadata.label: outline_of(each) for each in (*made[1:], new)}
    assert read_outlines(repository, memory=memory).outlines == remaining
    assert len(read) == (3 if repository.store.one_file else 1)


def test_proofs_of_some_backups_are_remembered_with_all(repository: Repository, tmp_path: Path) -> None:
    """Who asks for those of one backup gets these alone, and loses none of the others."""
    made = [write_backup(repository, {"notes": some_rows(2)}, now=NOW + timedelta(days=day))[0] for day in range(2)]
    for each in made:
        record_proof(repository, proof_of(each, repository))
    labels = [each.metadata.label for each in made]
    for asked in ([labels[0]], None, [labels[1]], labels, []):
        found = read_proofs(repository, asked, memory=tmp_path)
        assert sorted(found.attempts) == (labels if asked is None else asked)


def test_what_was_written_again_is_read_again(repository: Repository, tmp_path: Path) -> None:
    """A manifest or proof that another one of the same size has replaced is seen, and so is a damaged manifest."""
    made, _ = write_backup(repository, {"notes": some_rows(2)})
    label, memory = made.metadata.label, tmp_path / "memory"
    record_proof(repository, proof_of(made, repository))
    (name,) = (file.name for file in repository.store.list(PROOFS))
    for host in ("demo", "till"):
        changed = msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, host=host))
        proof = msgspec.structs.replace(proof_of(made, repository), host=host)
        repository.store.put(manifest_name(label), manifest_file.encode(changed)[1])
        repository.store.put(name, msgspec.json.encode(proof))
        assert read_outlines(repository, memory=memory).outlines[label].metadata.host == host
        assert read_proofs(repository, memory=memory).attempts[label][0].host == host
    data = repository.store.get(manifest_name(label))
    repository.store.put(manifest_name(label), flip_bit(data, 8 * len(data) // 2))
    for _ in range(2):
        found = read_outlines(repository, memory=memory)
        assert found.outlines == {}
        assert isinstance(found.unreadable[label], DamageError)
    repository.store.put(manifest_name(label), data)
    assert label in read_outlines(repository, memory=memory).outlines


def test_a_manifest_damaged_in_place_with_its_time_put_back(tmp_path: Path) -> None:
    """A file that was written in place is read again, even where size and time of its last change are as before."""
    repository = Repository.open(LocalStore(tmp_path / "store"), create=True)
    made, _ = write_backup(repository, {"notes": some_rows(2)})
    path = tmp_path / "store" / manifest_name(made.metadata.label)
    assert read_outlines(repository, memory=tmp_path / "memory").outlines
    before = path.stat()
    path.write_bytes(flip_bit(path.read_bytes(), 4000))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not read_outlines(repository, memory=tmp_path / "memory").outlines


def test_a_file_of_this_very_moment_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be written again within the same tick of a file system's clock is read again until it is older."""
    monkeypatch.undo()
    repository = Repository.open(LocalStore(tmp_path / "store"), create=True)
    made, _ = write_backup(repository, {"notes": some_rows(2)})
    read = reading(repository, monkeypatch)
    for _ in range(2):
        assert read_outlines(repository, memory=tmp_path / "memory").outlines
    assert read.count(manifest_name(made.metadata.label)) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "folder"])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, damage: str) -> None:
    """Whatever is in the file, a list says what the repository says, and the file is made anew where that can be."""
    repository = Repository.open(LocalStore(tmp_path / "store"), create=True)
    made, _ = write_backup(repository, {"notes": some_rows(2)})
    wanted = {made.metadata.label: outline_of(made)}
    memory = tmp_path / "memory"
    read_outlines(repository, memory=memory)
    (file,) = memory.iterdir()
    whole = file.read_bytes()
    data = {"cut": whole[:-9], "flipped": flip_bit(whole, 8 * 200), "empty": b"", "foreign": b"x" * 500}
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        file.write_bytes(data[damage])
    assert read_outlines(repository, memory=memory).outlines == wanted
    assert damage == "folder" or file.read_bytes() == whole


def test_repositories_do_not_know_each_others(tmp_path: Path) -> None:
    """A directory that was copied is another place: what was read of the first one says nothing of it."""
    repository = Repository.open(LocalStore(tmp_path / "store"), create=True)
    write_backup(repository, {"notes": some_rows(2)})
    other = Repository.open(LocalStore(tmp_path / "other"), create=True)
    memory = tmp_path / "memory"
    assert len(read_outlines(repository, memory=memory).outlines) == 1
    assert read_outlines(other, memory=memory).outlines == {}
    assert len(read_outlines(repository, memory=memory).outlines) == 1


def test_a_vanished_backup_is_told(repository: Repository, tmp_path: Path) -> None:
    """A backup whose manifest something else removed is among those that cannot be read, remembered or not."""
    made, _ = write_backup(repository, {"notes": some_rows(2)})
    label = made.metadata.label
    read_outlines(repository, memory=tmp_path)
    repository.store.delete(manifest_name(label))
    assert list(read_outlines(repository, memory=tmp_path).unreadable) == [label]


def test_an_outline_says_what_the_manifest_says() -> None:
    """Damage, another label and a later format are refused as by whoever reads the whole manifest."""
    label = "20261120T020000Z-nightly-business"
    sealed, data = manifest_file.encode(manifest_of(label, []))
    assert manifest_file.outline(data, label=label, file="f") == outline_of(sealed)
    with pytest.raises(InputError, match="calls itself"):
        manifest_file.outline(data, label=f"{label}-2", file="f")
    for bit in range(0, 8 * len(data), 997):
        with pytest.raises((DamageError, InputError)):
            manifest_file.outline(flip_bit(data, bit), label=label, file="f")


def listed(files: Iterator[StoredFile]) -> dict[str, str]:
    """Names and versions."""
    return {file.name: file.version for file in files}


def test_versions_change_with_what_is_written(repository: Repository) -> None:
    """The version of a file is the same as long as nobody writes it; where a store knows none it is empty."""
    store = repository.store
    store.put("pins/a.json", b"1")
    before = listed(store.list())
    assert before == listed(store.list())
    store.put("pins/a.json", b"2")
    after = listed(store.list())
    if store.one_file:
        assert set(after.values()) == {""}
    else:
        assert {name for name in after if after[name] != before[name]} == {"pins/a.json"}
