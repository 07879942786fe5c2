"""A backup whose manifest vanished is missed; one that was removed properly is not."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acting import context_of
from tests.control import Control
from tests.storage.samples import NOW, sample_rows, write_backup
from toolkit.actions.choosing import backup_of
from toolkit.actions.registry import ACTIONS
from toolkit.config import inventory
from toolkit.errors import RefusedError
from toolkit.model.check import FindingKind
from toolkit.model.outcome import SilentProgress
from toolkit.model.playbook import Place
from toolkit.runner.arguments import prepared
from toolkit.storage.check import check
from toolkit.storage.layout import manifest_name, published_name
from toolkit.storage.local import LocalStore
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.prune import GRACE
from toolkit.storage.prune import prune as pruning
from toolkit.storage.repair import plan_repair, repair
from toolkit.storage.repository import Repository

STORES = ("local", "bundle", "moto")


def found(repository: Repository) -> list[tuple[FindingKind, tuple[str, ...]]]:
    """What a check finds, and whom it harms."""
    report = check(repository, progress=SilentProgress())
    return [(finding.kind, finding.labels) for finding in report.findings]


def test_a_manifest_that_is_gone_is_found_by_check_and_given_up_by_repair(repository: Repository) -> None:
    """Deleted by hand, it is damage until a repair gives the backup up; the other backup is whole all the while."""
    gone, _ = write_backup(repository, sample_rows())
    kept, _ = write_backup(repository, sample_rows())
    label = gone.metadata.label
    repository.store.delete(manifest_name(label))
    assert found(repository) == [(FindingKind.VANISHED, (label,))]
    assert list(repository.manifests().unreadable) == [label]
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=lambda: NOW) as lock:
        repair(repository, plan_repair(check(repository, progress=SilentProgress()).findings), lock=lock)
    assert found(repository) == []
    assert repository.labels() == [kept.metadata.label]


def test_a_backup_that_was_removed_is_not_missed(repository: Repository) -> None:
    """A prune removes the note with the backup, leaves no empty directory, and notes backups nobody has noted."""
    removed, _ = write_backup(repository, sample_rows())
    kept, _ = write_backup(repository, sample_rows())
    repository.store.delete(published_name(kept.metadata.label))
    with locked(repository, LockKind.EXCLUSIVE, purpose="prune", now=lambda: NOW) as lock:
        pruning(repository, [removed.metadata.label], grace=GRACE, lock=lock, progress=SilentProgress())
    assert found(repository) == []
    assert repository.vanished() == []
    repository.store.delete(manifest_name(kept.metadata.label))
    assert repository.vanished() == [kept.metadata.label]
    if isinstance(repository.store, LocalStore):
        assert list(Path(repository.store.place, "backups").iterdir()) == []


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A control directory with a new repository `local`."""
    control = Control(tmp_path)
    control.add_host("demo", "embedded:none")
    Repository.open(LocalStore(tmp_path / "repository"), create=True)
    return control


def chosen(control: Control, wanted: Any) -> str:
    """The label of the backup that a task means."""
    context = context_of(inventory.load(control.directory / "inventory"), "demo")
    choice = prepared(ACTIONS["verify"], {"backup": wanted}, Place()).backup
    return backup_of(context, control.repository, choice).metadata.label


@pytest.mark.parametrize("lost", ["deleted", "directory deleted", "damaged"])
def test_an_older_backup_does_not_take_its_place(control: Control, lost: str) -> None:
    """The newest being gone or damaged, `latest` is refused, and of another job only if that could be meant."""
    older, _ = write_backup(control.repository, sample_rows(), now=NOW - timedelta(days=1))
    other, _ = write_backup(control.repository, sample_rows(), now=NOW - timedelta(days=1), job="other")
    newest, _ = write_backup(control.repository, sample_rows())
    file = control.directory / "repository" / manifest_name(newest.metadata.label)
    if lost == "deleted":
        file.unlink()
    elif lost == "directory deleted":
        shutil.rmtree(file.parent)
    else:
        file.write_bytes(file.read_bytes()[:-1])
    for wanted in ("latest", {"job": "nightly"}):
        with pytest.raises(RefusedError, match=newest.metadata.label) as refused:
            chosen(control, wanted)
        assert "--repair" in refused.value.hint
    assert chosen(control, {"job": "other"}) == other.metadata.label
    assert chosen(control, older.metadata.label) == older.metadata.label
    with pytest.raises(RefusedError, match="nothing is removed"):
        control.run("prune", "demo", {"keep_last": 1, "minimum": 1})


def test_a_lost_older_one_is_nobodys_latest(control: Control) -> None:
    """What is lost and older than the newest is left to check."""
    lost, _ = write_backup(control.repository, sample_rows(), now=NOW - timedelta(days=1))
    newest, _ = write_backup(control.repository, sample_rows())
    (control.directory / "repository" / manifest_name(lost.metadata.label)).unlink()
    assert chosen(control, "latest") == newest.metadata.label


def test_a_backup_of_the_future_is_not_the_latest(control: Control) -> None:
    """Whoever asks for the newest is told of it; a prune keeps it, says so, and lets it take no other one's place."""
    future = NOW.replace(year=NOW.year + 60)
    ahead, _ = write_backup(control.repository, sample_rows(), now=future)
    today, _ = write_backup(control.repository, sample_rows())
    yesterday, _ = write_backup(control.repository, sample_rows(), now=NOW - timedelta(days=1))
    for wanted in ("latest", {"job": "nightly"}):
        with pytest.raises(RefusedError, match="is dated in the future"):
            chosen(control, wanted)
    assert chosen(control, today.metadata.label) == today.metadata.label
    outcome = control.run("prune", "demo", {"keep_last": 1, "minimum": 1, "grace": "0h"})
    assert outcome.facts["removed"] == [yesterday.metadata.label]
    assert [ahead.metadata.label in warning for warning in outcome.warnings] == [True]


def test_latest_reads_one_manifest(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many backups of several hosts and jobs the newest that is meant is read, and of those without a note all."""
    for day in range(6):
        for job in ("nightly", "other"):
            write_backup(control.repository, sample_rows(), now=NOW - timedelta(days=day), job=job)
    asked: list[str] = []
    reading = LocalStore.get

    def counted(store: LocalStore, name: str, *, limit: int | None = None) -> bytes:
        asked.append(name)
        return reading(store, name, limit=limit)

    monkeypatch.setattr(LocalStore, "get", counted)
    label = chosen(control, {"job": "nightly"})
    assert [name for name in asked if name.startswith("backups/")] == [manifest_name(label)]
    older = control.repository.labels()[0]
    control.repository.store.delete(published_name(older))
    control.repository.store.delete(published_name(label))
    asked.clear()
    assert chosen(control, {"job": "nightly"}) == label
    assert {name for name in asked if name.startswith("backups/")} == {manifest_name(label), manifest_name(older)}
