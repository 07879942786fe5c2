"""Scheduled playbooks that are paused: by the command, by the action, what their runs do then, and who says so."""

from __future__ import annotations

import io
import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acting import act, context_of
from toolkit.app.commands import schedule, schedule_run
from toolkit.app.control import Control
from toolkit.app.doctoring.schedules import examine_schedules
from toolkit.app.performing import perform
from toolkit.app.scheduling import record as records
from toolkit.app.scheduling.asked import Asked
from toolkit.app.scheduling.record import Record
from toolkit.config import inventory
from toolkit.errors import InputError
from toolkit.model.finding import Level
from toolkit.output.streams import Output
from toolkit.private.pauses import FOLDER, Pause, pause_of


def now() -> datetime:
    """The moment; a test may begin long after this file was read, on another day."""
    return datetime.now().astimezone()


def today() -> date:
    """The day here."""
    return now().date()


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A control directory with a playbook that leaves a file, scheduled since two days ago."""
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yml").write_text("all: {hosts: {one: {database: 'host=none'}}}", encoding="utf-8")
    playbook = "- hosts: all\n  tasks: [{debug: {msg: it ran}}]\n"
    (tmp_path / "nightly.yml").write_text(playbook, encoding="utf-8")
    records.write(
        tmp_path, Record(name="night.ly", playbook="nightly.yml", since=now() - timedelta(days=2), at="02:00")
    )
    return Control(directory=tmp_path)


def command(control: Control, *words: str, **options: Any) -> tuple[int, str]:
    """Run `schedule`."""
    out = io.StringIO()
    as_json = options.pop("json", False)
    given = Asked(playbook=words, **options)
    return perform(schedule.COMMAND, given, control, output=Output(out, out), json=as_json), out.getvalue()


def timer(control: Control, **options: Any) -> tuple[int, str]:
    """Run it as its timer does; gives the exit code and the log."""
    given = schedule_run.Options(playbook=("nightly.yml",), name="night.ly", **options)
    out = io.StringIO()
    code = perform(schedule_run.COMMAND, given, control, output=Output(out, out))
    assert out.getvalue() == ""
    return code, records.log_file(control.directory, "night.ly").read_text("utf-8")


def known(control: Control) -> Record:
    """What is known of it."""
    found = records.read(control.directory, "night.ly")
    assert found is not None
    return found


def warned(control: Control) -> list[str]:
    """What doctor warns of."""
    found = examine_schedules(control.directory, now()).findings
    return [each.message for each in found if each.level is not Level.OK]


def test_a_paused_one_does_nothing_and_everybody_says_so(control: Control) -> None:
    """No run begins, which its log, its record, the list and doctor say; resumed, the next one does."""
    assert "was missed" in warned(control)[0]
    code, said = command(control, "night.ly", pause=True)
    assert (code, said.splitlines()[0]) == (0, "night.ly is paused until it is resumed: no run of it begins")
    assert "already" in command(control, "night.ly", pause=True)[1]
    code, log = timer(control)
    assert (code, "it ran" in log) == (0, False)
    assert "night.ly is paused until it is resumed, so no run begins" in log
    assert known(control).last is None
    [message] = warned(control)
    assert re.match("nightly.yml is paused until it is resumed, since [0-9]+ min by ", message)
    _, listed = command(control, list=True)
    assert "  paused    never\n" in listed
    assert "`invoke schedule night.ly --resume` ends it" in listed
    [entry] = json.loads(command(control, list=True, json=True)[1])["schedules"]
    assert (entry["next"], entry["paused"]["until"], bool(entry["held"])) == (None, None, True)
    assert command(control, "night.ly", resume=True) == (0, "night.ly is resumed: its runs begin again\n")
    assert "is not paused" in command(control, "night.ly", resume=True)[1]
    # what was held back is not made up for
    timer(control, at="02:00")
    assert (known(control).last, warned(control)) == (None, [])
    assert "it ran" in timer(control)[1]
    assert known(control).held is None


def test_a_pause_ends_by_itself(control: Control) -> None:
    """Through its last day no run begins; after it they do, and the list knows the first of them."""
    assert command(control, name="night.ly", pause=True, until=str(today()))[0] == 0
    [entry] = json.loads(command(control, list=True, json=True)[1])["schedules"]
    coming = datetime.fromisoformat(entry["next"]).astimezone()
    assert f"{coming:%Y-%m-%d %H:%M}" == f"{today() + timedelta(days=1)} 02:00"
    assert pause_of(control.directory, "night.ly", today()) is not None
    assert pause_of(control.directory, "night.ly", today() + timedelta(days=1)) is None
    file = control.directory / FOLDER / "night.ly.paused"
    file.write_text(json.dumps({"since": str(now()), "until": str(today() - timedelta(days=1))}), encoding="utf-8")
    _, log = timer(control)
    assert "the pause of night.ly is over" in log
    assert "it ran" in log
    assert not file.exists()
    file.write_text("{]", encoding="utf-8")
    assert timer(control)[1].count("it ran") == 2


def test_what_cannot_be_paused(control: Control) -> None:
    """Nothing, an unknown one, a day that is none or has passed, two wishes at once: exit 2, and nothing is paused."""
    wrong: tuple[tuple[tuple[str, ...], dict[str, Any], str], ...] = (
        ((), {"pause": True}, "nothing to pause or to resume is named"),
        (("nightlee",), {"pause": True}, "nothing called nightlee is scheduled"),
        (("night.ly",), {"pause": True, "until": "tomorrow"}, "'tomorrow' is not a day"),
        (("night.ly",), {"pause": True, "until": "2020-01-01"}, "2020-01-01 has passed"),
        (("night.ly",), {"pause": True, "resume": True}, "--pause and --resume: give one of them"),
        (("night.ly",), {"resume": True, "until": "2099-01-01"}, "--until goes with --pause"),
    )
    for words, options, message in wrong:
        code, said = command(control, *words, **options)
        assert (code, message in said) == (2, True), said
    assert pause_of(control.directory, "night.ly", today()) is None
    assert command(control, "night.ly", pause=True)[0] == 0
    records.forget(control.directory, "night.ly")
    assert pause_of(control.directory, "night.ly", today()) is None


def test_the_action(control: Control) -> None:
    """It pauses and resumes as the command does, changes nothing twice or in check mode, and refuses what is wrong."""
    loaded = inventory.load(control.directory / "inventory")

    def run(*, check: bool = False, **arguments: Any) -> tuple[bool, str]:
        done = act("schedule", {"name": "night.ly", **arguments}, context_of(loaded, "one", check=check))
        return done.changed, done.message

    until = str(today() + timedelta(days=3))
    assert run(check=True, state="paused") == (True, "night.ly would be paused")
    assert run(state="active") == (False, "night.ly is active already")
    assert run(state="paused", until=until) == (True, f"night.ly is paused until the end of {until}")
    assert run(state="paused", until=until) == (False, f"night.ly is paused until the end of {until} already")
    found = pause_of(control.directory, "night.ly", today())
    assert isinstance(found, Pause)
    assert (str(found.until), bool(found.by)) == (until, True)
    assert run(check=True, state="active") == (True, "night.ly would be active")
    assert run(state="active") == (True, "night.ly is active")
    mistakes: tuple[dict[str, Any], ...] = (
        {"name": "../x"},
        {"until": "2020-01-01"},
        {"until": "2026-02-30"},
        {"state": "active", "until": until},
    )
    for wrong in mistakes:
        with pytest.raises(InputError):
            run(**({"state": "paused"} | wrong))
