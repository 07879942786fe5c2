"""`run --events`: one JSON object per event, as it happens."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.runner.playbooks import CONTROL, run_text
from tests.sweeps import slow_only
from toolkit.app.commands import run
from toolkit.app.commands.run import Options
from toolkit.app.performing import perform
from toolkit.output.events import EventLog
from toolkit.output.streams import Output
from toolkit.shipped import ROOT, SCHEMAS

_FILES: Registry[Any] = Registry().with_resources(
    (f"file:///{name}", DRAFT202012.create_resource(json.loads((SCHEMAS / name).read_text(encoding="utf-8"))))
    for name in ("run-event.schema.json", "run-report.schema.json")
)
SCHEMA = Draft202012Validator({"$ref": "file:///run-event.schema.json"}, registry=_FILES)


def checked(text: str) -> list[dict[str, Any]]:
    """The events of a stream, each valid, none lost, the first and the last as they should be."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        SCHEMA.validate(event)
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["event"], events[-1]["event"]) == ("run_started", "run_ended")
    for opening, closing in (("play_started", "play_ended"), ("task_started", "task_ended")):
        names = [event["event"] for event in events]
        assert names.count(opening) == names.count(closing)
    return events


def names(events: list[dict[str, Any]]) -> str:
    return " ".join(event["event"] for event in events)


def test_a_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plays, tasks and hosts are told when they begin and end, with the outcome as the report has it."""
    file = tmp_path / "events.jsonl"
    report = tmp_path / "report.json"
    text = """
- name: first
  hosts: tills
  vars: {hidden: {env: HIDDEN_OF_TEST}}
  tasks:
    - name: say
      debug: {msg: "it is {{ hidden }}"}
    - {set_fact: {n: 1}, loop: [1, 2], until: item == 1, retries: 1, delay: 0, ignore_errors: true}
"""
    monkeypatch.setenv("HIDDEN_OF_TEST", "s3cr3t-of-events")
    ran = run_text(text, tmp_path, Options(events=str(file), report=str(report)))
    written = file.read_text(encoding="utf-8")
    events = checked(written)
    assert "s3cr3t" not in written
    results = [event["result"] for event in events if event["event"] == "host_ended"]
    reported = json.loads(report.read_text(encoding="utf-8"))
    assert results == [result for task in reported["plays"][0]["tasks"] for result in task["results"]]
    assert events[-1]["recap"] == reported["recap"]
    assert any(event["event"] == "retrying" for event in events)
    assert "TASK [say]" in ran.out


def test_runs_that_fail(tmp_path: Path) -> None:
    """A failed task, and a playbook that is refused before it runs, end the stream with why."""
    text = "- hosts: one\n  tasks:\n    - command: {argv: ['{{ python }}', '-c', 'exit(3)']}\n    - debug: {msg: no}\n"
    out = io.StringIO()
    file = tmp_path / "p.yml"
    for content, code in ((text, 1), (text.replace("debug", "debgu"), 2)):
        file.write_text(content, encoding="utf-8")
        out, err = io.StringIO(), io.StringIO()
        options = Options(playbook=(str(file),), events="-", extra_vars=(f"python={sys.executable}",))
        assert perform(run.COMMAND, options, CONTROL, output=Output(out, err)) == code
        events = checked(out.getvalue())
        assert events[-1]["exit_code"] == code
    assert "debgu" in events[-1]["problems"][0]["message"]
    assert "debgu" in err.getvalue()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal for a group")
@pytest.mark.parametrize("executor", ["threads", pytest.param("dask", marks=slow_only)])
def test_an_interrupted_run(tmp_path: Path, executor: str) -> None:
    """Events come as they happen, those of Dask workers too; interrupted, the stream ends with 130."""
    play = tmp_path / "p.yml"
    play.write_text(
        "- hosts: one\n  tasks:\n    - debug: {msg: first}\n    - wait_for: {path: nowhere, timeout: 60}\n",
        encoding="utf-8",
    )
    words = [
        "run",
        str(play),
        "--events",
        "-",
        "--inventory",
        str(CONTROL.directory / "inventory"),
        "--executor",
        executor,
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            event = json.loads(line)
            if (event["event"], event.get("task")) == ("host_started", "wait_for"):
                os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
    events = checked("".join(lines))
    assert events[-1]["exit_code"] == 130


def test_a_stream_that_breaks_stops_no_run() -> None:
    """Where one stream takes no events any more the run and other streams go on, and that is known."""

    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    log, whole = EventLog(now=lambda: datetime.now(UTC), held=nullcontext), io.StringIO()
    broken, other = log.to(Broken()), log.to(whole)
    log.emit("play_ended", play="p")
    log.emit("play_ended", play="p")
    assert (broken.failure is not None, other.failure) == (True, None)
    assert [json.loads(line)["number"] for line in whole.getvalue().splitlines()] == [1, 2]


def test_quiet_prints_what_goes_wrong_alone(tmp_path: Path) -> None:
    """With --quiet a run in which all is well prints nothing, and another one its failures and who failed."""
    well = "- hosts: one\n  tasks:\n    - debug: {msg: fine}\n"
    assert run_text(well, tmp_path, Options(quiet=True)).text == "exit code 0\n"
    bad = f"{well}    - {{name: look, assert: {{that: false}}, ignore_errors: true}}\n    - assert: {{that: 1 == 2}}\n"
    ran = run_text(bad, tmp_path, Options(quiet=True))
    assert ran.code == 1
    lines = [line for line in ran.out.splitlines() if line]
    assert [line.split()[0] for line in lines[:2]] == ["PLAY", "TASK"]
    assert "fatal: [one]: FAILED!" in ran.out
    assert "PLAY RECAP" in ran.out
    assert "fine" not in ran.out
    assert "look" not in ran.out
    assert "do not go together" in run_text(well, tmp_path, Options(quiet=True, verbose=True)).err


def test_json_of_a_run_is_its_report(tmp_path: Path) -> None:
    """With --json a run prints its report alone, and --list-tasks the list."""
    file = tmp_path / "p.yml"
    file.write_text(
        "- name: p\n  hosts: one\n  tasks:\n    - {name: t, debug: {msg: fine}, tags: [a]}\n", encoding="utf-8"
    )
    for options in (Options(playbook=(str(file),)), Options(playbook=(str(file),), list_tasks=True)):
        out = io.StringIO()
        assert perform(run.COMMAND, options, CONTROL, json=True, output=Output(out, io.StringIO())) == 0
        document = json.loads(out.getvalue())
        assert document["plays"][0]["tasks"][0]["name"] == "t"
    assert document["plays"][0]["tasks"] == [{"name": "t", "action": "debug", "tags": ["a"]}]
