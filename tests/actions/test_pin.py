"""The action `pin`: what it changes and says, and what it refuses."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.control import Control
from tests.storage.faults import flip_bit
from tests.storage.samples import NOW, some_rows, write_backup
from toolkit.errors import InputError, PlaybackError
from toolkit.model.outcome import Outcome
from toolkit.storage.layout import manifest_name, pin_name
from toolkit.storage.local import LocalStore
from toolkit.storage.records import read_records
from toolkit.storage.repository import Repository


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A control directory whose repository has two backups of the host `demo`."""
    control = Control(tmp_path)
    control.add_host("one", "embedded:none")
    repository = Repository.open(LocalStore(tmp_path / "repository"), create=True)
    for day in (1, 0):
        write_backup(repository, {"notes": some_rows(2)}, now=NOW - timedelta(days=day))
    return control


def pinning(control: Control, *, check: bool = False, **arguments: Any) -> Outcome:
    """Run the action."""
    return control.run("pin", "one", arguments, check=check)


def test_a_pin_is_set_replaced_and_taken_away(control: Control) -> None:
    """It changes what is not as asked yet, says how long the backup is kept, and does nothing in check mode."""
    label = control.repository.labels()[0]
    would = pinning(control, backup=label, until="2099-12-31", check=True)
    assert (would.changed, would.message) == (True, f"would pin {label} until the end of 2099-12-31")
    assert read_records(control.repository).pins == {}
    assert pinning(control, backup=label, until="2099-12-31").message == f"pinned {label} until the end of 2099-12-31"
    again = pinning(control, backup=label, until="2099-12-31")
    assert (again.changed, again.message) == (False, f"{label} is pinned until the end of 2099-12-31")
    assert read_records(control.repository).pins[label].until == date(2099, 12, 31)
    assert pinning(control, backup=label).facts == {"label": label, "pinned": True, "until": None}
    assert read_records(control.repository).pins[label].until is None
    assert pinning(control, backup=label, state="absent").message == f"unpinned {label}"
    assert not pinning(control, backup=label, state="absent").changed
    assert read_records(control.repository).pins == {}


def test_the_newest_is_pinned_by_default_and_by_what_narrows_it_down(control: Control) -> None:
    """`latest` and mappings mean the backup that a restore would take."""
    newest = control.repository.labels()[1]
    assert pinning(control, backup={"host": "demo", "job": "nightly"}).facts["label"] == newest
    assert list(read_records(control.repository).pins) == [newest]


def test_a_damaged_backup_and_a_damaged_pin(control: Control) -> None:
    """A backup whose manifest is damaged may be pinned, and a pin that cannot be read is written anew or taken away."""
    label, store = control.repository.labels()[0], control.repository.store
    store.put(manifest_name(label), flip_bit(store.get(manifest_name(label)), 100))
    assert pinning(control, backup=label).changed
    for state in ("present", "absent"):
        store.put(pin_name(label), b"{")
        assert pinning(control, backup=label, state=state).changed
        assert not read_records(control.repository).unreadable


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backup": "20200101T000000Z-nightly-business"}, "there is no backup 20200101T000000Z-nightly-business"),
        ({"backup": "../../x"}, "there is no backup ../../x"),
        ({"until": "2020-01-01"}, "2020-01-01 has passed"),
        ({"until": "2027-02-30"}, "'2027-02-30' is not a day"),
        ({"until": "soon"}, "a day is written as YYYY-MM-DD"),
        ({"until": "2099-01-01", "state": "absent"}, "a day goes with a pin"),
        ({"state": "gone"}, "expected one of absent, present"),
    ],
)
def test_what_is_refused(control: Control, arguments: dict[str, Any], message: str) -> None:
    """Each names what is wrong before anything is pinned."""
    with pytest.raises(PlaybackError) as refused:
        pinning(control, **{"backup": control.repository.labels()[0]} | arguments)
    assert isinstance(refused.value, InputError)
    assert message in str(refused.value)
    assert read_records(control.repository).pins == {}
