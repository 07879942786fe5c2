"""How everything stands in one look: newest backups, proofs, coming runs, and what to do, in plain words."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acting import act, context_of
from tests.control import Control, execute
from tests.places import ROOT
from toolkit.app.control import Control as CommandControl
from toolkit.app.overview.advice import MEANINGS, advice_on
from toolkit.app.overview.standing import JobStanding, Overview
from toolkit.app.overview.watching import Watch
from toolkit.app.scheduling.record import Record, write
from toolkit.config import inventory
from toolkit.model.finding import Finding, Level
from toolkit.model.manifest import Manifest
from toolkit.model.proof import Trial
from toolkit.storage.proofs import proof_of, record_proof

CATALOG = {
    "catalog": "application",
    "tenant": {"table": "tenants", "key": "id"},
    "business": {"all": {"tenants": "tenant"}},
}
NIGHTLY = """
- hosts: all
  tasks:
    - block:
        - backup: {scope: business, demo: include}
        - backup: {job: "{{ inventory_hostname }}"}
"""


@pytest.fixture
def control(tmp_path: Path, new_database: Callable[[], str]) -> Control:
    """A control directory with a host `shop`, of which a backup is expected."""
    made = Control(tmp_path, catalog=json.dumps(CATALOG))
    database = new_database()
    execute(database, "CREATE TABLE tenants (id text PRIMARY KEY)", "INSERT INTO tenants VALUES ('a')")
    made.add_host("shop", database, expect={"newest": "26h", "proven": "8d"})
    return made


def watching(control: Control) -> Watch:
    """Watch a control directory."""
    return Watch(
        control=CommandControl(directory=control.directory), now=lambda: datetime.now(UTC), seconds=60, pause=0
    )


def look(control: Control) -> Overview:
    """Look until everything has answered."""
    return watching(control).overview(wait=120)


def back_up(control: Control, host: str, age: timedelta, job: str = "nightly") -> Manifest:
    """Back up, by a clock that shows another time."""
    context = context_of(inventory.load(control.directory / "inventory"), host, now=datetime.now(UTC) - age)
    outcome = act("backup", {"job": job, "demo": "include"}, context)
    return control.repository.manifest(str(outcome.facts["label"]))


def jobs(found: Overview, host: str = "shop") -> dict[str, JobStanding]:
    """The jobs of a host, by name."""
    [standing] = [each for each in found.hosts if each.name == host]
    return {each.job: each for each in standing.jobs}


def test_jobs_with_their_newest_backup_proof_and_next_run(control: Control) -> None:
    """Of each job the newest backup, which proof holds, when the next one comes, and what to do where it is late."""
    before = look(control)
    assert jobs(before) == {}
    [said] = before.hosts[0].advice
    assert (said.level, said.page) == (Level.CRITICAL, "/backup?host=shop")
    assert before.sentence == "2 things need you now."
    assert "the first backup makes it" in before.things[0].advice[0].text
    back_up(control, "shop", timedelta(hours=50), "by-hand")
    assert [each.said for each in look(control).hosts[0].advice] == [
        "there is no backup of it but those of by-hand in repository local"
    ]
    back_up(control, "shop", timedelta(hours=60))
    back_up(control, "shop", timedelta(hours=30), "weekly")
    newest = back_up(control, "shop", timedelta(hours=2))
    back_up(control, "shop", timedelta(hours=1), "once")
    trial = proof_of(control.repository, newest, Trial(), now=datetime.now(UTC) - timedelta(hours=1))
    record_proof(control.repository, trial)
    (control.directory / "nightly.yml").write_text(NIGHTLY, encoding="utf-8")
    write(control.directory, Record(name="nights", playbook="nightly.yml", since=datetime.now(UTC), at="02:00"))
    found = jobs(look(control))
    assert list(found) == ["once", "nightly", "weekly", "by-hand"]
    assert found["by-hand"].advice == ()
    nightly, weekly = found["nightly"], found["weekly"]
    assert nightly.newest is not None
    assert (nightly.newest.metadata.label, nightly.backups) == (newest.metadata.label, 2)
    assert (nightly.repositories, nightly.advice) == (("local",), ())
    assert nightly.proof is not None
    assert nightly.proof.label == newest.metadata.label
    assert nightly.coming is not None
    assert nightly.coming.schedule == "nights"
    assert nightly.coming.at is not None
    assert timedelta() < nightly.coming.at - datetime.now(UTC) <= timedelta(hours=25)
    assert weekly.coming is None
    assert [each.said.partition(" in ")[0] for each in weekly.advice if "newest" in each.said] == [
        "newest backup of weekly"
    ]
    record_proof(control.repository, proof_of(control.repository, newest, Trial(failure="it differs"), now=_now()))
    failed = jobs(look(control))["nightly"]
    assert failed.failed is not None
    assert failed.level is Level.CRITICAL
    assert ["failed its trial" in each.text for each in failed.advice] == [True]


def test_a_host_that_does_not_answer_holds_nobody(control: Control) -> None:
    """What has answered is given at once, the rest later; what was known stays while all is looked at again."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        control.add_host("silent", f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=shop user=me")
        back_up(control, "shop", timedelta(hours=1))
        watch = watching(control)
        while not (first := watch.overview(wait=0.1)).jobs_known:
            assert first.going_on
        assert first.going_on
        assert [each.answered for each in first.hosts if each.name == "silent"] == [False]
        assert "nightly" in jobs(first)
        silent.close()
        last = watch.overview(wait=120)
        [host] = [each for each in last.hosts if each.name == "silent"]
        assert "does not answer" in host.advice[0].text
        assert not last.going_on
        assert watch.overview(wait=0) is last
        back_up(control, "shop", timedelta(), "again")
        known = watch.overview(wait=0)
        assert (known.at, known.going_on) == (last.at, True)
        while "again" not in jobs(known := watch.overview(wait=0.1)):
            assert known.going_on
        [host] = [each for each in known.hosts if each.name == "silent"]
        assert "does not answer" in host.advice[0].text


def test_backups_of_computers_that_are_gone(control: Control) -> None:
    """Backups of a host that is no more in the inventory are shown, and one that is not set up right says so."""
    control.add_host("old", control.hosts["shop"]["database"])
    back_up(control, "old", timedelta(days=3))
    del control.hosts["old"]
    control.add_host("wrong", "no database at all")
    found = {each.name: each for each in look(control).hosts}
    assert not found["old"].known
    assert found["old"].jobs[0].newest is not None
    assert found["wrong"].advice[0].level is Level.CRITICAL


def test_everything_that_doctor_says_has_plain_words() -> None:
    """Of every check there is a sentence for whoever runs the shop, and no sentence is of no check."""
    found: set[tuple[str, str]] = set()
    doctoring = ROOT / "toolkit" / "app" / "doctoring"
    for kind, files in (
        ("host", (doctoring / "hosts.py", doctoring / "examining.py", ROOT / "toolkit" / "planning" / "expecting.py")),
        ("repository", (doctoring / "repositories.py",)),
        ("schedule", (doctoring / "schedules.py",)),
    ):
        text = "".join(file.read_text("utf-8") for file in files)
        found |= {(kind, name) for name in re.findall(r'(?:\.finding\(\s*|check=)"(\w+)"', text)}
    found -= {("host", "record")}  # of the schedules, in examining.py
    assert found == set(MEANINGS)
    hint = "`invoke drill`"
    told = advice_on(Finding(about="host a/b", check="proven", message="late", level=Level.CRITICAL, hint=hint))
    assert (told.page, told.said) == ("/verify?host=a%2Fb", "late")


def _now() -> datetime:
    return datetime.now(UTC)
