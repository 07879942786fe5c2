"""The action `copy`: which backups, what it says, and what becomes of those that cannot be copied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any

import msgspec
import pytest

from tests.actions.running import act
from tests.planning.test_proving import tried
from tests.product.shop import pruning
from tests.storage.faults import flip_bit
from tests.storage.samples import NOW, some_rows, write_backup
from toolkit.errors import DamageError, InputError, LockedError, PlaybackError, RefusedError, StorageError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome, SilentProgress
from toolkit.storage import manifest_file
from toolkit.storage.check import check
from toolkit.storage.layout import chunk_name, manifest_name
from toolkit.storage.local import LocalStore
from toolkit.storage.proofs import read_proofs, record_proof
from toolkit.storage.repository import Repository
from toolkit.wording import size


@pytest.fixture
def source(tmp_path: Path) -> Repository:
    """The repository `near`; the inventory names `far` too, which is not there yet."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    stores = {name: {"type": "local", "path": str(tmp_path / name)} for name in ("near", "far")}
    (folder / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    return Repository.open(LocalStore(tmp_path / "near"), create=True)


def far(directory: Path) -> Repository:
    """The repository that is copied to."""
    return Repository.open(LocalStore(directory / "far"), create=True)


def backup(repository: Repository, *, age: int = 0, job: str = "nightly", host: str = "one", seed: int = 1) -> Manifest:
    """A backup of so many days ago; its label does not tell its age."""
    manifest, _ = write_backup(repository, {"orders": some_rows(120, seed)}, job=job)
    moment = (NOW - timedelta(days=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = msgspec.structs.replace(manifest.metadata, timestamp=moment, host=host)
    sealed, data = manifest_file.encode(msgspec.structs.replace(manifest, metadata=metadata))
    repository.store.put(manifest_name(sealed.metadata.label), data)
    repository.record_published(sealed)
    return sealed


def copy(directory: Path, *, check: bool = False, **arguments: Any) -> Outcome:
    """Copy from near to far."""
    given: Mapping[str, Any] = {"from": "near", "to": "far", **arguments}
    return act("copy", given, directory, check=check)


def damage(repository: Repository, manifest: Manifest) -> None:
    """Flip a bit of a chunk."""
    name = chunk_name(manifest.tables[0].chunks[0].id)
    repository.store.put(name, flip_bit(repository.store.get(name), 60))


def test_all_are_copied_oldest_first(source: Repository, tmp_path: Path) -> None:
    """Without `backups` all are copied by their recorded time; the second time all are there and nothing changes."""
    ages = [backup(source, age=age, seed=age).metadata.label for age in (1, 5, 3)]
    outcome = copy(tmp_path)
    assert outcome.changed
    assert outcome.facts["copied"] == [ages[1], ages[2], ages[0]]
    assert "3 backups copied to far" in outcome.message
    assert outcome.moved[0].stored == outcome.facts["bytes"] == sum(f.size for f in source.store.list("chunks/"))
    again = copy(tmp_path)
    assert (again.changed, again.moved, again.exit_code) == (False, (), 0)
    assert again.facts["present"] == [ages[1], ages[2], ages[0]]
    assert "0 backups copied to far, 0 chunks sent; 3 there already" in again.message


def test_proofs_are_copied_along(source: Repository, tmp_path: Path) -> None:
    """A proof comes with its backup, a later one with the next copy, and what fails here outweighs those from there."""
    made = backup(source)
    first = msgspec.structs.replace(tried(3), label=made.metadata.label, checksum=made.checksum, repository=source.id)
    record_proof(source, first)
    copy(tmp_path)
    assert read_proofs(far(tmp_path)).standing(made).proven == first
    later = msgspec.structs.replace(first, time="2026-11-21T03:00:00.000Z")
    record_proof(source, later)
    assert "1 there already (1 record of proofs lacking)" in copy(tmp_path, check=True).message
    again = copy(tmp_path)
    assert (again.changed, again.facts["proofs"]) == (True, 1)
    assert read_proofs(far(tmp_path)).standing(made).proven == later
    assert not copy(tmp_path).changed
    record_proof(far(tmp_path), msgspec.structs.replace(first, repository=far(tmp_path).id, failure="damaged"))
    assert read_proofs(far(tmp_path)).standing(made).proven is None
    assert check(far(tmp_path), progress=SilentProgress()).findings == ()


def test_latest_is_this_hosts_newest(source: Repository, tmp_path: Path) -> None:
    """`latest` is the newest backup of the task's host, by its recorded time."""
    wanted = backup(source, age=2).metadata.label
    backup(source, age=4)
    backup(source, age=0, host="another")
    assert copy(tmp_path, backups="latest").facts["copied"] == [wanted]


def test_latest_of_several_jobs_is_refused(source: Repository, tmp_path: Path) -> None:
    """Where several jobs qualify, `latest` is refused with the list."""
    backup(source)
    backup(source, job="weekly")
    with pytest.raises(InputError, match="several jobs"):
        copy(tmp_path, backups="latest")


def test_labels_choose(source: Repository, tmp_path: Path) -> None:
    """A label or a list of labels copies those; all that do not exist are named."""
    labels = [backup(source, seed=seed).metadata.label for seed in range(3)]
    assert copy(tmp_path, backups=labels[1]).facts["copied"] == [labels[1]]
    assert copy(tmp_path, backups=labels[1:]).facts["copied"] == [labels[2]]
    nowhere = ["20200101T000000Z-nightly-business", "20200102T000000Z-nightly-business"]
    with pytest.raises(InputError) as raised:
        copy(tmp_path, backups=[*nowhere, labels[0]])
    assert [problem.message.split()[4] for problem in raised.value.problems] == nowhere
    assert far(tmp_path).labels() == labels[1:]


def test_check_mode_says_what_would_be_sent(source: Repository, tmp_path: Path) -> None:
    """Check mode gives backups, chunks and bytes as the copy then has them, and makes nothing."""
    label = backup(source, seed=1).metadata.label
    would = copy(tmp_path, check=True)
    assert not (tmp_path / "far").exists()
    done = copy(tmp_path)
    assert {name: would.facts[name] for name in ("copied", "chunks", "bytes")} == {
        name: done.facts[name] for name in ("copied", "chunks", "bytes")
    }
    assert would.message.startswith(f"would copy 1 backup to far: {done.facts['chunks']} chunks")
    assert would.details == (f"{label}: {done.facts['chunks']} chunks, {size(int(str(done.facts['bytes'])))}",)
    again = copy(tmp_path, check=True)
    assert (again.changed, again.facts["present"]) == (False, [label])


def test_a_damaged_backup_does_not_keep_the_others(source: Repository, tmp_path: Path) -> None:
    """The others are copied, the task is partial, and the damage is named; alone it is the task's error."""
    hurt, good = backup(source, age=2, seed=1), backup(source, age=1, seed=2)
    damage(source, hurt)
    outcome = copy(tmp_path)
    assert (outcome.exit_code, outcome.facts["copied"]) == (3, [good.metadata.label])
    assert "1 backup copied" in outcome.message
    assert "1 failed" in outcome.message
    assert any(hurt.metadata.label in detail and "is damaged" in detail for detail in outcome.details)
    assert far(tmp_path).labels() == [good.metadata.label]
    with pytest.raises(DamageError, match=hurt.metadata.label):
        copy(tmp_path)


def test_an_unreadable_manifest_does_not_keep_the_others(source: Repository, tmp_path: Path) -> None:
    """A manifest that is not what was written is named, and all the others are copied."""
    hurt, good = backup(source, seed=1), backup(source, seed=2)
    name = manifest_name(hurt.metadata.label)
    source.store.put(name, flip_bit(source.store.get(name), 1000))
    outcome = copy(tmp_path)
    assert (outcome.exit_code, outcome.facts["copied"]) == (3, [good.metadata.label])
    assert list(dict(outcome.facts["refused"])) == [hurt.metadata.label]  # type: ignore[call-overload]


def test_another_backup_of_that_name_is_refused(source: Repository, tmp_path: Path) -> None:
    """A label that the target has for another backup is refused by name, in check mode too; the others are copied."""
    backup(far(tmp_path), host="till-2", seed=9)
    ours = backup(source, age=1, seed=1)
    for check_mode in (True, False):
        with pytest.raises(RefusedError, match=f"another backup {ours.metadata.label}: of host till-2"):
            copy(tmp_path, check=check_mode)
    more = backup(source, seed=2)
    assert copy(tmp_path, check=True).exit_code == 3
    outcome = copy(tmp_path)
    assert (outcome.exit_code, outcome.facts["copied"]) == (3, [more.metadata.label])
    assert far(tmp_path).manifest(ours.metadata.label).metadata.host == "till-2"


def test_several_failures_are_all_told(source: Repository, tmp_path: Path) -> None:
    """Where nothing could be copied for several reasons, all are told, with the exit code of the first."""
    for age in (1, 2):
        damage(source, backup(source, age=age, seed=age))
    outcome = copy(tmp_path)
    assert (outcome.exit_code, outcome.changed, len(outcome.details)) == (DamageError.exit_code, False, 2)


def test_a_target_that_takes_nothing_ends_it(source: Repository, tmp_path: Path) -> None:
    """When the target cannot be written, the reason is the task's error, and nothing is half there."""
    backup(source)
    far(tmp_path)
    (tmp_path / "far" / "chunks").write_bytes(b"")
    with pytest.raises(StorageError) as raised:
        copy(tmp_path)
    assert "chunks" in raised.value.message
    assert raised.value.exit_code == 1


def test_a_repository_is_not_copied_to_itself(source: Repository, tmp_path: Path) -> None:
    """`from` and `to` are different repositories, and the one to read from exists."""
    backup(source)
    with pytest.raises(InputError, match="the same repository"):
        copy(tmp_path, to="near")
    with pytest.raises(StorageError, match="no repository"):
        act("copy", {"from": "far", "to": "near"}, tmp_path)
    assert not (tmp_path / "far").exists()


def test_what_names_nothing_makes_nothing(source: Repository, tmp_path: Path) -> None:
    """Nothing to copy is no success, and no repository is made for it; in check mode a backup may be still to come."""
    assert copy(tmp_path, check=True).exit_code == 0
    for backups, message in (("all", "has no backup to copy"), (["20200101T000000Z-x-business"], "there is no backup")):
        with pytest.raises(InputError, match=message):
            copy(tmp_path, backups=backups)
    assert not (tmp_path / "far").exists()
    assert source.labels() == []


@pytest.mark.parametrize("held", ["near", "far"])
def test_a_prune_on_either_side_keeps_it_away(source: Repository, tmp_path: Path, held: str) -> None:
    """While a prune holds one of both, the copy ends with exit 5 and says who; no lock of its own is left."""
    backup(source)
    far(tmp_path)
    with pruning(tmp_path / held), pytest.raises(LockedError, match=r"prune \(weekly\)"):
        copy(tmp_path)
    assert copy(tmp_path).changed
    assert list(source.store.list("locks/")) == list(far(tmp_path).store.list("locks/")) == []


def test_the_copy_checks_clean(source: Repository, tmp_path: Path) -> None:
    """Nothing but the backups is in the target afterwards."""
    for seed in range(3):
        backup(source, seed=seed)
    copy(tmp_path)
    report = check(far(tmp_path), progress=SilentProgress())
    assert (report.findings, report.orphans, report.backups) == ((), 0, 3)


def test_check_mode_before_the_first_backup(source: Repository, tmp_path: Path) -> None:
    """Where the repository to copy from is not there yet, check mode passes over the task; a run says so and fails."""
    rmtree(tmp_path / "near")
    would = copy(tmp_path, check=True)
    assert would.skipped == f"there is no repository at {source.store.place} yet"
    with pytest.raises(PlaybackError, match="there is no repository at"):
        copy(tmp_path)
