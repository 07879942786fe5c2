"""The actions `check` and `unlock`: what the commands of their names do, in a playbook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import control as controls
from tests.acting import act, context_of
from tests.storage.faults import flip_bit
from tests.storage.samples import sample_rows, write_backup
from toolkit.config import inventory
from toolkit.errors import InputError, LockedError
from toolkit.model.outcome import Outcome
from toolkit.storage.checks import checks
from toolkit.storage.layout import CHECKS, chunk_name
from toolkit.storage.local import LocalStore
from toolkit.storage.lock_files import LockContent, LockKind, list_locks, lock_name, new_lock_id
from toolkit.storage.processes import Process, this_process
from toolkit.storage.repository import Repository


class Place:
    """A control directory with a repository `local` that holds one backup."""

    def __init__(self, directory: Path) -> None:
        controls.Control(directory).add_host("one", "embedded:none")
        self.inventory = inventory.load(directory / "inventory")
        self.repository = Repository.open(LocalStore(directory / "repository"), create=True)
        self.manifest, _ = write_backup(self.repository, sample_rows())

    def act(self, action: str, *, check: bool = False, **arguments: Any) -> Outcome:
        """Run an action."""
        context = context_of(self.inventory, "one", check=check, playbook="keeping")
        return act(action, {"repository": "local", **arguments}, context)

    def lock(self, holder: Process, kind: LockKind = LockKind.EXCLUSIVE) -> str:
        """Leave a lock of some process; gives its id."""
        now = "2020-11-20T02:00:00.000000Z"
        content = LockContent(holder=holder, purpose="prune (nightly)", since=now, refreshed=now)
        identity = new_lock_id()
        self.repository.store.put(lock_name(kind, identity), msgspec.json.encode(content))
        return identity


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A control directory with a repository."""
    return Place(tmp_path)


ELSEWHERE = Process(host="till.example", user="operator", process=4711)


def facts(outcome: Outcome) -> Mapping[str, Any]:
    """The facts of an outcome, as `register` keeps them: JSON."""
    kept: Mapping[str, Any] = json.loads(json.dumps(outcome.facts))
    return kept


def test_a_check_is_remembered_whatever_it_finds(place: Place) -> None:
    """Sound, in part, damaged and repaired: the outcome says it, and the repository knows each, the newest first."""
    label = place.manifest.metadata.label
    sound = place.act("check")
    assert (sound.exit_code, sound.changed) == (0, False)
    assert sound.message.startswith("repository local is sound: 1 backup, ")
    part = place.act("check", read_data_subset="50%")
    assert (part.exit_code, facts(part)["damaged"]) == (0, False)
    chunk = chunk_name(place.manifest.tables[0].chunks[0].id)
    place.repository.store.put(chunk, flip_bit(place.repository.store.get(chunk), 300))
    would = place.act("check", check=True, repair=True)
    assert (would.exit_code, would.changed) == (6, True)
    assert "`--repair` would take away 1 backup and 1 damaged chunk:" in would.details
    assert len(list(place.repository.store.list(CHECKS))) == 2
    damaged = place.act("check")
    assert (damaged.exit_code, damaged.changed) == (6, False)
    assert facts(damaged)["repair"]["backups"] == {label: ["orders"]}
    assert damaged.details[:2] == (damaged.details[0], f"    backups: {label}")
    repaired = place.act("check", repair=True)
    assert (repaired.exit_code, repaired.changed, facts(repaired)["repaired"]) == (6, True, True)
    assert place.repository.labels() == []
    assert place.act("check", repair=True).exit_code == 0
    known = sorted(checks(place.repository), key=lambda each: (each.damaged, each.repaired, each.subset))
    assert [(each.damaged, each.repaired, bool(each.subset)) for each in known] == [
        (False, False, False),
        (False, False, False),
        (False, False, True),
        (True, False, False),
        (True, True, False),
    ]
    assert known[-1].harmed == (label,)
    assert {each.playbook for each in known} == {"keeping"}


def test_what_a_check_is_refused_for(place: Place) -> None:
    """A part that is none is refused by the schema or by its value; a repair waits for nobody."""
    for part in ("half", "0%", "101%", -1):
        with pytest.raises(InputError, match=r"read_data_subset|part"):
            place.act("check", read_data_subset=part)
    place.lock(ELSEWHERE, LockKind.SHARED)
    with pytest.raises(LockedError, match=r"operator on till\.example"):
        place.act("check", repair=True)
    assert place.act("check", read_data_subset=1).exit_code == 0


def test_unlock_takes_what_is_dead_and_what_is_named(place: Place) -> None:
    """Check mode removes none; then the dead one goes; a living one goes by its id, and again is no mistake."""
    assert (place.act("unlock").message, place.act("unlock").changed) == ("repository local is not locked", False)
    place.lock(msgspec.structs.replace(this_process(), process=2**22 - 1))
    alive, other = place.lock(ELSEWHERE), place.lock(ELSEWHERE, LockKind.SHARED)
    would = place.act("unlock", check=True)
    assert (would.message, would.changed) == ("local: 1 of 3 locks would be removed", True)
    assert len(list_locks(place.repository.store)) == 3
    done = place.act("unlock")
    assert done.message == "local: 1 of 3 locks removed"
    dead, *_ = [each for each in facts(done)["locks"] if each["stale"]]
    assert (dead["purpose"], dead["removed"], dead["kind"]) == ("prune (nightly)", True, "exclusive")
    named = place.act("unlock", remove=[alive])
    assert (named.changed, [each.id for each in list_locks(place.repository.store)]) == (True, [other])
    again = place.act("unlock", remove=[alive])
    assert (again.changed, again.details[-1]) == (False, f"there is no lock {alive} any more")
    assert place.act("unlock", force=True).changed
    assert list_locks(place.repository.store) == []
