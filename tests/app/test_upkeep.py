"""The commands pin, unpin, unlock and check, as tasks.py calls them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests import control as controls
from tests.app.invoking import invoke
from tests.storage.faults import flip_bit
from tests.storage.samples import sample_rows, write_backup
from toolkit import wording
from toolkit.app.command import NoOptions
from toolkit.app.commands import check, pin, repositories, show, unlock, unpin
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.model.manifest import Manifest
from toolkit.storage.layout import chunk_name
from toolkit.storage.local import LocalStore
from toolkit.storage.lock_files import LockContent, LockKind, list_locks, lock_name, new_lock_id
from toolkit.storage.processes import Process, this_process
from toolkit.storage.records import read_records, record_verified
from toolkit.storage.repository import Repository

Captured = pytest.CaptureFixture[str]


class Place:
    """A control directory with a repository `local` that holds one backup."""

    def __init__(self, directory: Path) -> None:
        controls.Control(directory).add_host("one", "embedded:none")
        self.control = Control(directory=directory)
        self.repository = Repository.open(LocalStore(directory / "repository"), create=True)
        self.manifest: Manifest = write_backup(self.repository, sample_rows())[0]
        self.label = self.manifest.metadata.label

    def check(self, *, subset: str = "", read_data: bool = False, repairing: bool = False, name: str = "local") -> int:
        """Run the command."""
        options = check.Options(read_data=read_data, read_data_subset=subset, repair=repairing)
        return perform(check.COMMAND, options, self.control, repository=name)

    def pin(self, *labels: str, until: str = "") -> int:
        """Run the command."""
        return perform(pin.COMMAND, pin.Options(label=labels, until=until), self.control)

    def unlock(self, *, name: str = "local", remove: str = "", force: bool = False) -> int:
        """Run the command."""
        return perform(unlock.COMMAND, unlock.Options(remove=remove, force=force), self.control, repository=name)

    def lock(self, holder: Process, kind: LockKind = LockKind.EXCLUSIVE) -> str:
        """Leave a lock of some process; gives its id."""
        now = "2020-11-20T02:00:00.000000Z"
        content = LockContent(holder=holder, purpose="prune (nightly)", since=now, refreshed=now)
        identity = new_lock_id()
        self.repository.store.put(lock_name(kind, identity), msgspec.json.encode(content))
        return identity

    def damage(self) -> None:
        """Let the first chunk rot."""
        name = chunk_name(self.manifest.tables[0].chunks[0].id)
        self.repository.store.put(name, flip_bit(self.repository.store.get(name), 300))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A control directory with a repository."""
    return Place(tmp_path)


ELSEWHERE = Process(host="till.example", user="operator", process=4711)


def test_pinning_and_unpinning(place: Place, capsys: Captured) -> None:
    """A pin is set with or without a day, replaced, and taken away; each time it is said."""
    until = datetime.now(UTC).date() + timedelta(days=30)
    assert place.pin(place.label, until=str(until)) == 0
    assert f"{place.label} in local is pinned until the end of {until}" in capsys.readouterr().out
    assert read_records(place.repository).pins[place.label].until == until
    record_verified(place.repository, place.manifest, against="repository", host="", now=datetime.now(UTC))
    assert perform(show.COMMAND, show.Options(label=(place.label,)), place.control) == 0
    assert f"pinned until {until}, verified" in capsys.readouterr().out
    assert place.pin(place.label) == 0
    assert read_records(place.repository).pins[place.label].until is None
    for said in ("is not pinned any more", "was not pinned"):
        assert perform(unpin.COMMAND, unpin.Options(label=(place.label,)), place.control) == 0
        assert said in capsys.readouterr().out
    assert read_records(place.repository).pins == {}


def test_what_cannot_be_pinned(place: Place, capsys: Captured) -> None:
    """No label, an unknown one, and a day that is none or has passed are refused: exit 2."""
    assert place.pin() == 2
    assert place.pin("20200101T000000Z-nightly-business") == 2
    assert "there is no backup 20200101T000000Z-nightly-business in any repository" in capsys.readouterr().err
    for day in ("tomorrow", "2020-01-01", "2027-02-30"):
        assert place.pin(place.label, until=day) == 2
        assert "--until" in capsys.readouterr().err
    assert read_records(place.repository).pins == {}


def test_unlock_removes_what_no_longer_counts_and_shows_the_rest(place: Place, capsys: Captured) -> None:
    """Locks of dead processes go; of others one reads who holds them; then one can be removed by its id, or all."""
    assert place.unlock() == 0
    assert "repository local is not locked" in capsys.readouterr().out
    dead = place.lock(msgspec.structs.replace(this_process(), process=2**22 - 1))
    alive, other = place.lock(ELSEWHERE), place.lock(ELSEWHERE, LockKind.SHARED)
    assert place.unlock() == 0
    shown = capsys.readouterr().out
    assert f"{dead}: prune (nightly)" in shown
    assert "no longer counts: its process has ended" in shown
    assert "by operator on till.example (process 4711)" in shown
    assert "1 of 3 locks removed" in shown
    assert "--repository local --remove ID" in shown
    assert place.unlock(remove=alive) == 0
    assert [lock.id for lock in list_locks(place.repository.store)] == [other]
    assert place.unlock(force=True) == 0
    assert list_locks(place.repository.store) == []


def test_what_repositories_hold(place: Place, capsys: Captured) -> None:
    """Number, size and growth by backup, the last check, locks; a backup of the same rows adds nothing; JSON alike."""

    def said(*, json: bool = False) -> str:
        assert perform(repositories.COMMAND, NoOptions(), place.control, json=json) == 0
        return capsys.readouterr().out

    stored = sum(chunk.stored for _, chunk in place.manifest.stored_chunks)
    assert said().startswith(f"local: 1 backup, {wording.size(stored)}; ")
    again = write_backup(place.repository, sample_rows())[0].metadata.label
    alive = place.lock(ELSEWHERE)
    dead = place.lock(msgspec.structs.replace(this_process(), process=2**22 - 1))
    text = said()
    assert text.startswith(f"local: 2 backups, {wording.size(stored)}; ")
    assert "never checked; `invoke check --repository local` reads it back" in text
    assert "lock: prune (nightly) by operator on till.example (process 4711) since" in text
    assert "left behind, its process has ended: `invoke unlock --repository local` removes it" in text
    [held] = msgspec.json.decode(said(json=True))["repositories"]
    assert [(each["label"], each["bytes"]) for each in held["added"]] == [(place.label, stored), (again, 0)]
    assert (held["bytes"], held["backups"], held["check"]) == (stored, 2, None)
    assert {each["id"] for each in held["locks"]} == {alive, dead}
    assert place.check(subset="1") == 5
    assert place.unlock(force=True) == place.check(subset="1") == 0
    assert "in part, never as a whole, no damage" in said()
    assert place.check() == 0
    assert "checked 0 min ago, no damage" in said()
    place.repository.delete_manifest(place.label)
    [held] = msgspec.json.decode(said(json=True))["repositories"]
    assert [(each["label"], each["bytes"]) for each in held["added"]] == [(again, stored)]


def test_unlock_removes_nothing_by_mistake(place: Place, capsys: Captured) -> None:
    """Without a repository, or with an id no lock has, nothing is removed: exit 2."""
    place.lock(ELSEWHERE)
    assert place.unlock(name="", force=True) == 2
    assert place.unlock(remove="nonsense") == 2
    assert "there is no lock nonsense in local" in capsys.readouterr().err
    assert len(list_locks(place.repository.store)) == 1


def test_check_reads_as_much_as_asked(place: Place, capsys: Captured) -> None:
    """All by default, a part with a subset, which is named; 0 reads none, so that rot is not found."""
    assert place.check() == place.check(read_data=True) == 0
    assert place.check(subset="50%") == 0
    assert "of 2 of the chunks, by the day" in capsys.readouterr().out
    place.damage()
    assert place.check(subset="0") == 0
    assert place.check(subset="1000") == 6
    for subset, read_data in (("half", False), ("5%", True)):
        assert place.check(subset=subset, read_data=read_data) == 2
    assert "--read-data-subset" in capsys.readouterr().err


def test_check_says_what_a_repair_would_do_and_does_it(place: Place, capsys: Captured) -> None:
    """Damage is told with backups and tables; the repair takes away what it said before, and a check is clean then."""
    record_verified(place.repository, place.manifest, against="repository", host="", now=datetime.now(UTC))
    place.damage()
    assert place.check() == 6
    told = capsys.readouterr().out
    assert "`--repair` would take away 1 backup and 1 damaged chunk:" in told
    assert f"{place.label}: tables orders cannot be read" in told
    assert read_records(place.repository).verified == {}
    assert place.repository.labels() == [place.label]
    assert place.check(repairing=True) == 6
    assert "repository local is repaired" in capsys.readouterr().out
    assert place.repository.labels() == []
    assert place.check() == 0
    assert place.check(repairing=True, name="") == 2


def test_a_locked_repository_is_not_repaired(place: Place, capsys: Captured) -> None:
    """While another run uses the repository a check may run, a repair may not: exit 5, and who it is."""
    place.lock(ELSEWHERE, LockKind.SHARED)
    place.damage()
    assert place.check() == 6
    assert place.check(repairing=True) == 5
    assert "operator on till.example" in capsys.readouterr().err
    assert place.repository.labels() == [place.label]


def test_the_command_line(place: Place) -> None:
    """The options reach the commands."""
    given = ("--inventory", str(place.control.directory / "inventory"))
    assert invoke("pin", place.label, "--until", "2099-12-31", "--repository", "local", *given).code == 0
    assert invoke("unpin", place.label, *given).code == 0
    assert invoke("unlock", "--repository", "local", "--force", *given).code == 0
    assert invoke("check", "--repository", "local", "--read-data-subset", "5%", "--repair", *given).code == 0


@pytest.mark.parametrize("command", ["unlock", "quarantine.list"])
def test_a_repository_that_is_not_set_up_here_is_no_fault(command: str) -> None:
    """The shipped inventory has one in S3, whose place stands in the environment."""
    done = invoke(command)
    assert done.code == 0
    assert "not set up on this machine: OFFSITE_BUCKET" in done.text
