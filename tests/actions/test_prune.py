"""The action prune: what it says, what it removes, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.control import Control, execute
from tests.product.shop import CATALOG, SCHEMA, pruning
from tests.storage.faults import flip_bit
from tests.storage.s3.servers import S3Server
from tests.storage.samples import some_rows, write_backup
from toolkit.errors import InputError, LockedError, RefusedError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.model.proof import Trial
from toolkit.storage.chunks import file_of
from toolkit.storage.layout import CHUNKS, chunk_name, manifest_name
from toolkit.storage.local import LocalStore
from toolkit.storage.proofs import proof_of, read_proofs, record_proof
from toolkit.storage.records import pin, read_records, record_verified
from toolkit.storage.repository import Repository
from toolkit.storage.s3.store import S3Store

NEWEST = datetime(2026, 11, 20, 2, tzinfo=UTC)


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A control directory with a new repository `local`."""
    control = Control(tmp_path)
    control.add_host("one", "embedded:none")
    Repository.open(LocalStore(tmp_path / "repository"), create=True)
    return control


def nights(repository: Repository, count: int) -> list[Manifest]:
    """Backups of so many nights, the newest first, each with chunks of its own."""
    return [
        write_backup(repository, {"notes": some_rows(2, seed)}, now=NEWEST - timedelta(days=seed))[0]
        for seed in range(count)
    ]


def pruned(control: Control, *, check: bool = False, **arguments: Any) -> Outcome:
    """Run the action."""
    return control.run("prune", "one", arguments, check=check)


def labels(*manifests: Manifest) -> list[str]:
    """The labels, sorted."""
    return sorted(manifest.metadata.label for manifest in manifests)


def test_the_table_and_what_is_removed(control: Control) -> None:
    """Every backup is listed with its reasons; check mode says the same and removes nothing."""
    made = nights(control.repository, 6)
    pin(control.repository, made[5].metadata.label, until=date(2099, 1, 1), now=NEWEST)
    wanted: dict[str, Any] = {"keep_daily": 2, "minimum": 3, "grace": "0h", "time_zone": "Asia/Tokyo"}
    would = pruned(control, check=True, **wanted)
    assert would.message.startswith("would remove 2 of 6 backups and ")
    assert control.repository.labels() == labels(*made)
    done = pruned(control, **wanted)
    assert would.details == done.details
    assert done.message == would.message.replace("would remove", "removed")
    assert done.changed
    assert [" ".join(line.split()) for line in done.details] == [
        "host demo, job nightly, business (b1, demo exclude):",
        f"{made[0].metadata.label} 2026-11-20 11:00 keep daily 1/2, newest of its group",
        f"{made[1].metadata.label} 2026-11-19 11:00 keep daily 2/2, one of the newest 3 (minimum)",
        f"{made[2].metadata.label} 2026-11-18 11:00 keep one of the newest 3 (minimum)",
        f"{made[3].metadata.label} 2026-11-17 11:00 remove no rule keeps it",
        f"{made[4].metadata.label} 2026-11-16 11:00 remove no rule keeps it",
        f"{made[5].metadata.label} 2026-11-15 11:00 keep pinned until 2099-01-01",
    ]
    assert control.repository.labels() == labels(*made[:3], made[5])
    assert sorted(done.facts["removed"]) == labels(made[3], made[4])  # type: ignore[call-overload]
    assert done.facts["chunks"] == would.facts["chunks"] == 2
    assert done.facts["freed_bytes"] == done.facts["bytes"]
    again = pruned(control, **wanted)
    assert (again.changed, again.facts["removed"], again.facts["chunks"]) == (False, [], 0)


def test_of_many_groups_those_that_stay_are_counted(control: Control) -> None:
    """What goes is named all the same, and the facts have every decision."""
    rows = {"notes": some_rows(2)}
    for number in range(21):
        write_backup(control.repository, rows, job=f"job-{number:02}", now=NEWEST)
    old, _ = write_backup(control.repository, rows, job="job-07", now=NEWEST - timedelta(days=9))
    done = pruned(control, keep_daily=1, minimum=1)
    assert [" ".join(line.split()) for line in done.details] == [
        "host demo, job job-07, business (b1, demo exclude):",
        f"{old.metadata.label} 2026-11-11 02:00 remove no rule keeps it",
        "21 backups of 21 groups kept; a report names each with its reasons",
    ]
    assert len(done.facts["decisions"]) == 22  # type: ignore[arg-type]


def test_space_is_free_after_the_grace_period(control: Control) -> None:
    """Without a word about it, chunks of removed backups wait for a day; the outcome says how many."""
    made = nights(control.repository, 5)
    done = pruned(control, keep_last=1)
    assert control.repository.labels() == labels(*made[:3])
    assert (done.facts["chunks"], done.facts["waiting_chunks"]) == (0, 2)
    assert any("wait out the grace period" in line for line in done.details)


def test_a_verified_backup_is_worth_more_than_new_ones(control: Control) -> None:
    """The last verified one is kept for as long as nothing newer is verified; a record of another backup counts not."""
    made = nights(control.repository, 5)
    record_verified(control.repository, made[4], against="repository", host="", now=NEWEST)
    forged = msgspec.structs.replace(made[3], checksum="0" * 64)
    record_verified(control.repository, forged, against="repository", host="", now=NEWEST)
    done = pruned(control, keep_last=1, minimum=1)
    assert control.repository.labels() == labels(made[0], made[4])
    assert "verified, while 4 newer are unverified" in done.details[-2]
    assert control.run("verify", "one", {"backup": made[0].metadata.label, "against": "repository"}).exit_code == 0
    pruned(control, keep_last=1, minimum=1)
    assert control.repository.labels() == labels(made[0])


def test_a_proven_backup_is_worth_more_than_new_ones(control: Control) -> None:
    """The newest proven one is kept while nothing newer is proven, until it turns out to be damaged."""
    made = nights(control.repository, 5)
    for manifest in made[3:]:
        record_proof(control.repository, proof_of(control.repository, manifest, Trial(place="here"), now=NEWEST))
    record_verified(control.repository, made[1], against="database", host="one", now=NEWEST)
    would = pruned(control, keep_last=1, minimum=1, check=True)
    assert "newest proven of its group, 3 newer are not" in would.details[4]
    chunk = chunk_name(made[3].tables[0].chunks[0].id)
    control.repository.store.put(chunk, flip_bit(control.repository.store.get(chunk), 30))
    wanted = {"backup": made[3].metadata.label, "against": "repository"}
    assert [control.run("verify", "one", wanted).exit_code for _ in range(2)] == [6, 6]
    known = read_proofs(control.repository).standing(made[3])
    assert (known.proven, len(known.tried)) == (None, 2)
    assert known.failed is not None
    assert "found by verify" in known.failed.failure
    pruned(control, keep_last=1, minimum=1)
    assert control.repository.labels() == labels(made[0], made[1], made[4])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"keep_last": 0}, "no rule"),
        ({"keep_daily": 7, "time_zone": "Europe/Berln"}, "not a time zone"),
        ({"keep_daily": 7, "time_zone": "../../etc/passwd"}, "not a time zone"),
        ({"keep_within": "1d2d"}, "names a unit twice"),
    ],
)
def test_what_makes_no_sense_is_refused(control: Control, wrong: Mapping[str, Any], message: str) -> None:
    """An empty policy and values that mean nothing: exit 2, nothing removed."""
    nights(control.repository, 4)
    with pytest.raises(InputError, match=message) as caught:
        pruned(control, **wrong)
    assert caught.value.exit_code == 2
    assert len(control.repository.labels()) == 4


def test_the_schema_wants_a_rule(control: Control) -> None:
    """A prune that names no rule, and durations that are none, are refused before anything runs."""
    with pytest.raises(InputError, match="no rule says what to keep"):
        pruned(control, minimum=3)
    for within in ("14", "2M", "soon", 14):
        with pytest.raises(InputError, match="keep_within"):
            pruned(control, keep_within=within)
    assert not pruned(control, keep_daily="unlimited", keep_weekly=-1, group_by=[]).changed


def test_one_unreadable_backup_stops_it(control: Control) -> None:
    """When a manifest cannot be read, nothing at all is removed, in check mode neither said so: exit 4."""
    made = nights(control.repository, 5)
    store = control.repository.store
    store.put(manifest_name(made[0].metadata.label), b"{")
    before = [file.name for file in store.list()]
    for check in (True, False):
        with pytest.raises(RefusedError, match=made[0].metadata.label) as caught:
            pruned(control, check=check, keep_last=1, minimum=1, grace="0h")
        assert caught.value.exit_code == 4
    assert [file.name for file in store.list()] == before


def test_another_run_keeps_it_away(control: Control) -> None:
    """While someone uses the repository a prune ends with exit 5 and says who; check mode needs no lock."""
    nights(control.repository, 4)
    with pruning(control.directory / "repository"):
        with pytest.raises(LockedError, match=r"prune \(weekly\)") as caught:
            pruned(control, keep_last=1)
        assert caught.value.exit_code == 5
        assert pruned(control, check=True, keep_last=1).changed
    assert pruned(control, keep_last=1).changed


def test_check_mode_without_a_repository(tmp_path: Path) -> None:
    """Where no backup has been made yet, check mode skips it."""
    control = Control(tmp_path)
    control.add_host("one", "embedded:none")
    assert "there is no repository" in pruned(control, check=True, keep_last=1).skipped


def test_a_bucket_that_keeps_what_is_deleted(control: Control, moto_server: S3Server) -> None:
    """In a versioned bucket backups are removed, but no space is reported as freed, and a warning says why."""
    bucket = moto_server.new_bucket()
    moto_server.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    cloud = {"local": moto_server.written(bucket=bucket)}
    (control.directory / "inventory" / "repositories.yml").write_text(json.dumps(cloud), encoding="utf-8")
    repository = Repository.open(S3Store(moto_server.repository(bucket=bucket)), create=True)
    made = nights(repository, 4)
    done = pruned(control, keep_last=1, minimum=1, grace="0h")
    assert repository.labels() == labels(made[0])
    assert done.facts["chunks"] == 3
    assert done.facts["freed_bytes"] == 0
    assert "no space was freed" in done.warnings[0]
    assert len(list(repository.store.list(CHUNKS))) == 1


def test_verify_records_what_it_proved(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """An equal database with whole files counts as verified; differences, lost files and check mode do not."""
    control = Control(tmp_path, catalog=CATALOG)
    database = new_database()
    execute(database, SCHEMA)
    host = control.add_host("one", database)
    manifest = control.backup(host)
    label = manifest.metadata.label
    control.run("verify", host, {"backup": label}, check=True)
    assert read_records(control.repository).verified == {}
    assert control.verify(host, manifest).exit_code == 0
    assert read_records(control.repository).verified == {label: manifest.checksum}

    chunk = file_of(manifest.tables[0].chunks[0], manifest.packs)
    data = control.repository.store.get(chunk)
    control.repository.store.put(chunk, flip_bit(data, 300))
    found = control.run("verify", host, {"backup": label, "against": "repository"})
    assert found.exit_code == 6
    assert read_records(control.repository).verified == {}
    control.repository.store.delete(chunk)
    lost = control.verify(host, manifest)
    assert lost.exit_code == 6
    assert "is missing" in lost.warnings[0]
    control.repository.store.put(chunk, data)
    execute(database, "DELETE FROM orders WHERE id = 1")
    assert control.verify(host, manifest).exit_code == 6
    assert read_records(control.repository).verified == {}


def test_only_what_was_seen_is_removed(control: Control) -> None:
    """With `only` a backup that no rule keeps stays where it is not named, with the reason; a kept one stays too."""
    newest, *_, older, oldest = nights(control.repository, 6)
    only = labels(oldest, newest)
    would = pruned(control, check=True, keep_last=1, minimum=1, only=only)
    assert would.facts["removed"] == labels(oldest)
    done = pruned(control, keep_last=1, minimum=1, only=only)
    assert done.facts["removed"] == labels(oldest)
    reasons = done.facts["reasons"]
    assert isinstance(reasons, dict)
    assert reasons[older.metadata.label] == ["no rule keeps it, but it is not among those to be removed"]
    assert len(control.repository.labels()) == 5
    assert pruned(control, keep_last=1, minimum=1, only=[]).facts["removed"] == []
    (gone,) = only[:1]
    again = pruned(control, keep_last=1, minimum=1, only=[gone])
    assert again.facts["removed"] == []
    assert again.warnings == (f"backup {gone}, which was to be removed, is not there",)
