"""`backups`: which backups are listed, and how quickly."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.app.many_backups import make_many
from tests.control import Control
from tests.storage.samples import NOW, manifest_of
from tests.storage.test_proofs import proof_of
from tests.sweeps import EVERYTHING
from toolkit.app.command import Call
from toolkit.app.commands import backups
from toolkit.app.commands.backups import Backups, Options
from toolkit.app.control import Control as CommandControl
from toolkit.errors import InputError
from toolkit.output.streams import Output
from toolkit.storage import remembered
from toolkit.storage.local import LocalStore
from toolkit.storage.proofs import record_proof
from toolkit.storage.records import pin
from toolkit.storage.repository import Repository


def listing(directory: Path, given: Options, *, host: str = "") -> Backups:
    """What the command answers."""
    control = CommandControl(directory=directory)
    (answer,) = backups.COMMAND.body(given, Call(command=backups.COMMAND, control=control, output=Output(), host=host))
    assert isinstance(answer, Backups)
    return answer


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four backups: one proven, one of which a restore failed, one pinned, one of another host, job, scope and tag."""
    directory = tmp_path_factory.mktemp("place")
    Control(directory).add_host("demo", "embedded:none")
    repository = Repository.open(LocalStore(directory / "repository"), create=True)
    for day in range(4):
        label = f"2026112{day}T020000Z-nightly-business"
        manifest = manifest_of(label, [], now=NOW + timedelta(days=day))
        if day == 3:
            other = replace(
                manifest.metadata, host="till", job="weekly", backup_type="full-device", tags=("nightly", "moved")
            )
            selection = replace(manifest.selection, tenants={"b2": "Thyme & Salt"})
            manifest = replace(manifest, metadata=other, selection=selection)
        made = repository.write_manifest(manifest)
        if day < 2:
            record_proof(repository, proof_of(made, repository, failure="1 row differs" if day else ""))
    pin(repository, "20261122T020000Z-nightly-business", until=date(2099, 1, 1), now=NOW)
    return directory


@pytest.mark.parametrize(
    ("given", "host", "days"),
    [
        (Options(), "", "0123"),
        (Options(), "till", "3"),
        (Options(job="nightly"), "", "012"),
        (Options(scope="full-device"), "", "3"),
        (Options(business="b1"), "", "012"),
        (Options(business="thyme"), "", "3"),
        (Options(business="CAFÉ"), "demo", "012"),
        (Options(tag=("nightly", "moved")), "", "3"),
        (Options(since="2026-11-21", until="2026-11-22"), "", "12"),
        (Options(proven=True), "", "0"),
        (Options(unproven=True), "", "123"),
        (Options(failed=True), "", "1"),
        (Options(pinned=True), "", "2"),
        (Options(pinned=True, job="weekly"), "", ""),
    ],
)
def test_only_what_is_asked_for_is_listed(place: Path, given: Options, host: str, days: str) -> None:
    """Each option narrows the list down, and how many are left out is known."""
    answer = listing(place, given, host=host)
    assert [each["label"][7] for each in answer.document()["backups"]] == list(days)
    assert answer.others == 4 - len(days)
    if not days:
        assert [line.text for line in answer.lines()] == ["none of 4 backups is like that"]


def test_a_host_that_nobody_knows_is_a_mistake(place: Path) -> None:
    """One of the inventory or of a backup may have none that is asked for; any other is misspelt."""
    assert listing(place, Options(job="weekly"), host="demo").others == 4
    with pytest.raises(InputError, match=r"--host: unknown host tlil; did you mean till\? \(known: demo, till\)"):
        listing(place, Options(), host="tlil")


def test_a_pin_is_part_of_the_document(place: Path) -> None:
    """JSON says until when a backup is pinned, and null for one that is not."""
    pins = [each["pinned"] for each in listing(place, Options()).document()["backups"]]
    assert pins == [None, None, {"until": "2099-01-01", "text": "pinned until 2099-01-01"}, None]


@pytest.mark.parametrize(
    "given",
    [Options(scope="all"), Options(since="soon"), Options(until="2026-02-30"), Options(proven=True, failed=True)],
)
def test_what_cannot_be_asked_for(place: Path, given: Options) -> None:
    """It is said, and nothing is listed."""
    with pytest.raises(InputError, match="--"):
        listing(place, given)


def test_ten_thousand_backups_are_listed_in_under_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once they were read, a list costs what it takes to see that nothing has changed; every run tries a sample."""
    number = 10_000 if EVERYTHING else 2_500
    monkeypatch.setattr(remembered, "_FRESH", timedelta(days=-1))
    Control(tmp_path).add_host("demo", "embedded:none")
    make_many(tmp_path / "repository", number, until=datetime.fromisoformat("2026-11-20T02:00:00Z"))
    first = listing(tmp_path, Options())
    began = time.process_time()
    again = listing(tmp_path, Options())
    assert time.process_time() - began < number / 10_000
    assert len(again.backups) == number
    assert again == first
