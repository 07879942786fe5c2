"""One backup into several repositories."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.control import execute, rows
from tests.product.shop import Shop, pruning
from tests.sweeps import covering
from toolkit.errors import InputError, LockedError, StorageError, TaskError
from toolkit.model.outcome import SilentProgress
from toolkit.storage.check import check
from toolkit.storage.chunks import file_of
from toolkit.storage.repository import Repository


@pytest.fixture
def shop(tmp_path: Path, new_database: Callable[[], str]) -> Shop:
    """An application with the repositories `near` and `far`."""
    return Shop.make(tmp_path, new_database(), "near", "far")


def is_sound(repository: Repository) -> bool:
    """Whether a check finds nothing."""
    return check(repository, progress=SilentProgress()).findings == ()


def test_both_get_the_same_backup(shop: Shop) -> None:
    """Every destination has the backup under one label, with the same content, and checks clean."""
    outcome = shop.run("backup", repository=["near", "far"])
    label = str(outcome.facts["label"])
    near, far = shop.repository("near"), shop.repository("far")
    assert near.manifest(label) == far.manifest(label)
    assert is_sound(near)
    assert is_sound(far)
    assert outcome.exit_code == 0
    assert outcome.facts["repositories"] == ["near", "far"]
    assert "near: 2 new chunks of 2; far: 2 new chunks of 2" in outcome.message
    assert [moved.what.rpartition("/")[2] for moved in outcome.moved] == ["near", "far"]


def scans(database: str) -> int:
    """How often the tables were scanned so far, by all sessions: the server counts what one did when it has gone."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while rows(database, f"{others} AND backend_type = 'client backend'") != [(0,)]:
        time.sleep(0.02)
    ((count,),) = rows(database, "SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_user_tables")
    return int(count)


def test_the_database_is_read_once(shop: Shop) -> None:
    """Two destinations cost the database exactly what one costs."""
    execute(shop.database, "ANALYZE")
    shop.run("backup", repository="near")
    counts = []
    for repositories in (["near"], ["near", "far"]):
        before = scans(shop.database)
        shop.run("backup", repository=repositories)
        counts.append(scans(shop.database) - before)
    assert counts[0] == counts[1] > 0


def unreachable(shop: Shop) -> str:
    """A file stands where a directory must be."""
    shop.path("far").parent.mkdir(exist_ok=True)
    shop.path("far").write_bytes(b"")
    return "a file stands where a directory is needed"


def failing_at_the_first_chunk(shop: Shop) -> str:
    """The repository opens, but takes no chunk."""
    shop.run("backup", repository="far")
    packs = shop.path("far") / "packs"
    packs.rename(shop.path("far") / "moved")
    packs.write_bytes(b"")
    return "a file stands where a directory is needed"


def failing_at_the_manifest(shop: Shop) -> str:
    """The repository takes chunks, but no manifest."""
    shop.run("backup", repository="far")
    backups = shop.path("far") / "backups"
    backups.rename(shop.path("far") / "moved")
    backups.write_bytes(b"")
    return "a file stands where a directory is needed"


def of_a_later_format(shop: Shop) -> str:
    """The repository is of a version to come."""
    shop.path("far").mkdir(parents=True)
    (shop.path("far") / "playback.json").write_text('{"format": 99, "id": "0"}')
    return "use the version of Playback that wrote it"


@pytest.mark.parametrize(
    ("fault", "order"),
    covering(
        [unreachable, failing_at_the_first_chunk, failing_at_the_manifest, of_a_later_format],
        [["near", "far"], ["far", "near"]],
    ),
)
def test_one_that_fails_does_not_cost_the_other(shop: Shop, fault: Callable[[Shop], str], order: list[str]) -> None:
    """The other destination has a whole backup; the task is partial, and says which failed, why, and what to do."""
    remedy = fault(shop)
    shop.change(1)
    outcome = shop.run("backup", repository=order)
    assert outcome.exit_code == 3
    assert "far FAILED: " in outcome.message
    assert str(shop.path("far")) in outcome.message
    assert any(detail.startswith("far: ") and remedy in detail for detail in outcome.details)
    assert outcome.facts["repositories"] == ["near"]
    assert list(dict(outcome.facts["failed_repositories"])) == ["far"]  # type: ignore[call-overload]
    near = shop.repository("near")
    assert near.labels() == [outcome.facts["label"]]
    assert is_sound(near)


@pytest.mark.parametrize("fault", [unreachable, failing_at_the_first_chunk, failing_at_the_manifest])
def test_a_single_destination_fails_as_it_does(shop: Shop, fault: Callable[[Shop], str]) -> None:
    """With one repository its own error ends the task."""
    remedy = fault(shop)
    shop.change(1)
    with pytest.raises(StorageError) as raised:
        shop.run("backup", repository="far")
    assert remedy in raised.value.hint


def test_all_that_fail_are_named(shop: Shop) -> None:
    """When none is left the task fails with exit code 1 and names every one with its reason."""
    unreachable(shop)
    shop.path("near").write_bytes(b"")
    with pytest.raises(TaskError) as raised:
        shop.run("backup", repository=["near", "far"])
    assert raised.value.exit_code == 1
    assert f"near: cannot read {shop.path('near')}" in raised.value.message
    assert f"far: cannot read {shop.path('far')}" in raised.value.message


def test_a_locked_one_is_left_out(shop: Shop) -> None:
    """A repository that a prune holds is a failed destination of several, and exit 5 as the only one."""
    shop.run("backup", repository=["near", "far"])
    with pruning(shop.path("far")):
        outcome = shop.run("backup", repository=["near", "far"])
        assert outcome.exit_code == 3
        assert "far FAILED" in outcome.message
        assert "prune (weekly)" in outcome.message
        with pytest.raises(LockedError, match=r"prune \(weekly\)"):
            shop.run("backup", repository="far")
    assert len(shop.repository("near").labels()) == 2
    assert len(shop.repository("far").labels()) == 1


def test_locks_are_given_back(shop: Shop) -> None:
    """After a backup, whichever way it ended, no lock is left."""
    failing_at_the_first_chunk(shop)
    shop.change(1)
    shop.run("backup", repository=["near", "far"])
    assert list(shop.repository("near").store.list("locks/")) == []
    assert list(shop.repository("far").store.list("locks/")) == []


def test_a_label_is_free_in_all(shop: Shop) -> None:
    """A label that one of them has already is not used for the other either."""
    moment = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    shop.run("backup", repository="far", now=moment)
    outcome = shop.run("backup", repository=["near", "far"], now=moment)
    assert outcome.facts["label"] == "20261120T020000Z-nightly-business-2"
    assert shop.repository("near").labels() == ["20261120T020000Z-nightly-business-2"]


def test_backups_of_one_second_take_labels_of_their_own(shop: Shop) -> None:
    """Backups that begin in the same second under the same job all succeed, each under another label."""
    moment = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: shop.run("backup", repository="near", now=moment), range(8)))
    labels = {str(outcome.facts["label"]) for outcome in outcomes}
    assert len(labels) == 8
    assert set(shop.repository("near").labels()) == labels
    assert is_sound(shop.repository("near"))


def test_a_repository_named_twice_is_an_error(shop: Shop) -> None:
    """Two names for one place do not pass for two copies."""
    local = {"type": "local", "path": str(shop.path("near"))}
    shop.name_repositories({"near": local, "again": local})
    outcome = shop.run("backup", repository=["near", "again"])
    assert outcome.exit_code == 3
    assert f"again FAILED: {shop.path('near')} is named twice" in outcome.message
    with pytest.raises(InputError, match="nowhere"):
        shop.run("backup", repository=["near", "nowhere"])


def test_what_one_holds_damaged_is_stored_there_anew(shop: Shop) -> None:
    """Each destination decides for itself which chunks are new; with a pack all chunks in it are lost."""
    outcome = shop.run("backup", repository="near")
    manifest = shop.repository("near").manifest(str(outcome.facts["label"]))
    (shop.path("near") / file_of(manifest.tables[0].chunks[0], manifest.packs)).unlink()
    outcome = shop.run("backup", repository=["near", "far"])
    assert "near: 2 new chunks of 2; far: 2 new chunks of 2" in outcome.message
    assert is_sound(shop.repository("near"))
    assert is_sound(shop.repository("far"))


def test_check_mode_touches_no_repository(shop: Shop) -> None:
    """In check mode nothing is made or locked."""
    assert shop.run("backup", check=True, repository=["near", "far"]).changed
    assert not shop.path("near").exists()
    assert not shop.path("far").exists()
