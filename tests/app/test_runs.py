"""The record that every run makes of itself, `invoke runs`, and stopping a run from outside."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.app.invoking import ROOT
from tests.app.test_json import KEYS
from tests.app.test_scheduled_runs import CATALOG, written
from tests.control import Control as Files
from tests.control import execute
from toolkit.app.commands import run as run_command
from toolkit.app.commands import runs as runs_command
from toolkit.app.commands import schedule_run, show, verify
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.app.runs import record as records
from toolkit.app.runs.record import Known, State
from toolkit.errors import ExitCode
from toolkit.output.streams import Output

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs modes of files")
PYTHON = json.dumps(sys.executable)
Begin = Callable[..., subprocess.Popen[bytes]]
SLEEP = f"{{command: {{argv: [{PYTHON}, -c, 'import time; time.sleep(60)']}}}}"


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Control:
    """A control directory with a host that has no database."""
    monkeypatch.delenv("PLAYBACK_RUN", raising=False)
    monkeypatch.delenv("PLAYBACK_BY", raising=False)
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yml").write_text("all: {hosts: {one: {database: 'host=none'}}}", encoding="utf-8")
    return Control(directory=tmp_path)


def run(control: Control, **options: Any) -> tuple[int, str]:
    """`invoke run nightly.yml` in this process; gives the exit code and what was printed."""
    out = io.StringIO()
    given = run_command.Options(playbook=(str(control.directory / "nightly.yml"),), **options)
    return perform(run_command.COMMAND, given, control, output=Output(out, out)), out.getvalue()


def runs(control: Control, *words: str, as_json: bool = True, **options: Any) -> Any:
    """`invoke runs`; gives its document, or its exit code and text."""
    out = io.StringIO()
    given = runs_command.Options(run=words, **options)
    code = perform(runs_command.COMMAND, given, control, json=as_json, output=Output(out, out))
    return json.loads(out.getvalue()) if as_json else (code, out.getvalue())


def only(control: Control) -> Known:
    """The one run that is recorded."""
    [known] = records.runs(control.directory)
    return known


def begun(control: Control, **environment: str) -> subprocess.Popen[bytes]:
    """`playback run nightly.yml` in a process of its own, standard input a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "toolkit.app.program", "run", "nightly.yml"],
        cwd=control.directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def running(control: Control) -> Known:
    """Wait until the task of the run has begun."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for known in records.runs(control.directory):
            if any(event["event"] == "host_started" for event in known.events()):
                return known
        time.sleep(0.05)
    raise AssertionError("no run began")


def test_a_run_keeps_its_playbook_events_output_and_report(control: Control) -> None:
    """All of it is there afterwards, the playbook to the byte and the output as it was printed."""
    written(control, "{name: say, debug: {msg: 'häh?'}}")
    file = control.directory / "nightly.yml"
    file.write_bytes(b"# \xc3\xa4 comment\r\n" + file.read_bytes())
    code, printed = run(control, tags="", extra_vars=())
    known = only(control)
    assert (code, known.state, known.run.exit_code, known.run.hosts) == (0, State.OK, 0, ("one",))
    assert (known.run.origin, known.run.command, known.run.check) == ("command line", "run", False)
    assert (known.directory / records.PLAYBOOK).read_bytes() == file.read_bytes()
    assert known.text(records.OUTPUT) == printed
    report = known.report()
    assert report is not None
    assert report["recap"]["one"]["ok"] == 1
    events = list(known.events())
    assert (events[0]["event"], events[-1]["event"]) == ("run_started", "run_ended")
    assert events[-1]["recap"] == report["recap"]


@posix
def test_records_are_private(control: Control) -> None:
    """Nobody else can read what a run printed."""
    written(control, "{debug: {msg: hello}}")
    run(control)
    directory = only(control).directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o600}


def test_runs_that_fail_or_are_refused_keep_what_was_printed(control: Control) -> None:
    """A failure, a playbook with a fault in it, and one that is interrupted have their error and exit code."""
    for task, expected in (
        ("{assert: {that: false}}", ExitCode.FAILED),
        ("{debgu: {msg: x}}", ExitCode.INPUT),
    ):
        written(control, task)
        code, printed = run(control)
        known = next(records.runs(control.directory))
        assert (code, known.run.exit_code, known.state) == (expected, expected, State.FAILED)
        assert known.text(records.OUTPUT) == printed
        assert printed
        report = known.report()
        assert report is not None
        assert report["exit_code"] == expected
    assert "did you mean debug?" in printed


@pytest.mark.parametrize("more", ["", ", msgg: x"])
def test_a_secret_in_a_playbook_is_not_kept(control: Control, more: str) -> None:
    """A playbook that is refused for a secret that is written in it leaves no copy of that, with another fault too."""
    written(control, f"{{command: {{argv: [curl, -u, 'me:Zx-81-hunter', '{{{{ x }}}}']{more}}}}}")
    assert run(control)[0] == ExitCode.INPUT
    assert "curl, -u, 'me:***', '{{ x }}'" in only(control).text(records.PLAYBOOK)
    for file in only(control).directory.iterdir():
        assert "hunter" not in file.read_text("utf-8"), file


def test_what_is_no_run_is_not_recorded(control: Control, tmp_path: Path) -> None:
    """A list of tasks, a playbook that is not there and a directory without an inventory leave nothing behind."""
    written(control, "{debug: {msg: hello}}")
    assert run(control, list_tasks=True)[0] == 0
    (control.directory / "inventory").rename(tmp_path / "elsewhere")
    assert run(control)[0] == ExitCode.INPUT
    (control.directory / "nightly.yml").unlink()
    assert run(control)[0] == ExitCode.INPUT
    assert not (control.directory / ".playback").exists()


def test_options_are_kept_without_secrets(control: Control) -> None:
    """What a run was asked is known, but for what is secret."""
    written(control, "{debug: {msg: '{{ colour }}{{ shop_password }}'}}")
    run(control, check=True, extra_vars=("colour=red", "shop_password=hunter2-hunter2"), limit="one")
    known = only(control)
    assert known.run.check
    assert known.run.options == {
        "check": True,
        "limit": "one",
        "extra_vars": ["colour=red", "shop_password=***"],
    }
    for file in known.directory.iterdir():
        assert b"hunter2" not in file.read_bytes(), file


def test_a_record_that_cannot_be_made_stops_no_run(control: Control) -> None:
    """The run goes on to its end, and says once that nothing is kept of it."""
    written(control, "{debug: {msg: hello}}", "{debug: {msg: again}}")
    (control.directory / ".playback").mkdir()
    (control.directory / records.FOLDER).write_text("in the way", encoding="utf-8")
    code, printed = run(control)
    assert (code, printed.count("WARNING"), printed.count("this run is not recorded")) == (0, 1, 1)
    assert "again" in printed


def test_the_environment_gives_the_id_and_the_person(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the console begins has its ID and its user; what the run itself starts does not take the ID for its own."""
    monkeypatch.setenv("PLAYBACK_RUN", "20261128T120000Z-0000ab")
    monkeypatch.setenv("PLAYBACK_BY", "Ann\n O'Shea")
    told = "import os; print(os.environ.get('PLAYBACK_RUN'), os.environ.get('PLAYBACK_BY'))"
    written(
        control,
        f"{{command: {{argv: [{PYTHON}, -c, {json.dumps(told)}]}}, register: it}}",
        "{debug: {msg: '{{ it.stdout }}'}}",
    )
    assert "None Ann" in run(control)[1]
    known = only(control)
    assert (known.run.id, known.run.by, known.run.origin) == ("20261128T120000Z-0000ab", "Ann O'Shea", "console")
    monkeypatch.setenv("PLAYBACK_RUN", "../../../../tmp/x")
    run(control)
    assert next(records.runs(control.directory)).run.origin == "command line"


def test_a_scheduled_run_is_recorded_as_such(control: Control) -> None:
    """What a timer began is in the same list, with its output."""
    written(control, "{debug: {msg: hello}}")
    given = schedule_run.Options(playbook=(str(control.directory / "nightly.yml"),))
    assert perform(schedule_run.COMMAND, given, control, output=Output(io.StringIO(), io.StringIO())) == 0
    known = only(control)
    assert (known.run.origin, known.run.command, known.state) == ("schedule", "schedule.run", State.OK)
    assert "hello" in known.text(records.OUTPUT)


def test_old_runs_go(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are kept, and none that is older than allowed; whatever else lies there stays."""
    written(control, "{debug: {msg: hello}}")
    now = datetime.now(UTC)
    folder = control.directory / records.FOLDER
    for age in (*range(1, 8), 89, 91, 400):
        (folder / records.new_id(now - timedelta(days=age))).mkdir(parents=True)
    (folder / "mine").mkdir()
    monkeypatch.setenv("PLAYBACK_RUNS_KEPT", "9")
    run(control)
    assert len(records.ids(control.directory)) == 9
    assert records.ids(control.directory)[-1][:8] == f"{now - timedelta(days=89):%Y%m%d}"
    assert (folder / "mine").is_dir()


@pytest.fixture
def process(control: Control) -> Iterator[Begin]:
    """Begins a run that takes a minute, in a process of its own."""
    begun_here = []

    def begin(**environment: str) -> subprocess.Popen[bytes]:
        written(control, SLEEP)
        begun_here.append(begun(control, **environment))
        return begun_here[-1]

    yield begin
    for each in begun_here:
        each.kill()
        each.wait()
        assert each.stdin is not None
        each.stdin.close()


def test_a_run_whose_process_is_gone_is_killed(control: Control, process: Begin) -> None:
    """It runs while its process is there; killed, the list says so and what that means."""
    began = process()
    known = running(control)
    assert (known.state, known.run.process and known.run.process.process) == (State.RUNNING, began.pid)
    assert [each["id"] for each in runs(control, state="running", host="one")["runs"]] == [known.run.id]
    began.kill()
    began.wait()
    [listed] = runs(control)["runs"]
    assert (listed["state"], listed["exit_code"], listed["hosts"]) == ("killed", None, ["one"])
    assert "taken back by the database" in runs(control, known.run.id)["meaning"]


def test_the_end_of_the_console_stops_its_run(control: Control, process: Begin) -> None:
    """The end of standard input interrupts a run of the console as Ctrl-C does."""
    began = process(PLAYBACK_RUN="20261128T120000Z-0000ab", PLAYBACK_BY="Ann")
    running(control)
    assert began.stdin is not None
    began.stdin.close()
    assert began.wait(50) == ExitCode.INTERRUPTED
    known = only(control)
    assert (known.state, known.run.stopped_by) == (State.INTERRUPTED, "the end of the console")
    assert known.text(records.OUTPUT).endswith("\ninterrupted\n")


def test_a_run_is_stopped_from_another_process(control: Control, process: Begin) -> None:
    """`runs ID --stop` interrupts any run, whoever began it, and not by the end of its standard input."""
    began = process()
    known = running(control)
    assert began.stdin is not None
    began.stdin.close()
    time.sleep(0.3)
    assert began.poll() is None
    assert runs(control, known.run.id[:-2], stop=True)["state"] == "running"
    assert began.wait(50) == ExitCode.INTERRUPTED
    known = only(control)
    assert (known.state, bool(known.run.stopped_by)) == (State.INTERRUPTED, True)
    code, text = runs(control, known.run.id, as_json=False, stop=True)
    assert (code, "does not run: it is interrupted" in text) == (ExitCode.INPUT, True)


def test_the_list_and_one_run_in_words(control: Control) -> None:
    """The list is a table, filtered; one run is told with its output; an ID that is not there is refused."""
    written(control, "{debug: {msg: hello}}")
    run(control)
    written(control, "{assert: {that: false}}")
    run(control)
    new, old = (each["id"] for each in runs(control)["runs"])
    assert {*runs(control), *runs(control)["runs"][0], *runs(control, old)} == KEYS["runs"]
    code, text = runs(control, as_json=False)
    assert (code, text.splitlines()[0].split()[:3]) == (0, ["run", "began", "playbook"])
    assert (text.index(new) < text.index(old), "failed (1)" in text) == (True, True)
    assert [each["id"] for each in runs(control, state="ok", playbook="NIGHT")["runs"]] == [old]
    assert runs(control, by="nobody")["runs"] == runs(control, host="two")["runs"] == []
    assert runs(control, as_json=False, host="two") == (0, "none of 2 runs is like that\n")
    assert runs(control, as_json=False, limit="1")[1].endswith("there are more: --limit N\n")
    code, text = runs(control, old, as_json=False)
    assert (code, "ended:    it ended well" in text, "hello" in text) == (0, True, True)
    assert runs(control, old)["report"]["exit_code"] == 0
    for wrong in ("2", "nope", "../x"):
        assert runs(control, wrong, as_json=False)[0] == ExitCode.INPUT
    assert runs(control, as_json=False, state="bad")[0] == runs(control, as_json=False, limit="x")[0] == ExitCode.INPUT


def test_a_single_action_is_recorded_with_its_playbook(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """What `verify` does is in the list, and the playbook that stands there does the same."""
    files = Files(tmp_path, catalog=CATALOG)
    files.add_host("one", new_database())
    execute(files.hosts["one"]["database"], "CREATE TABLE shops (id int PRIMARY KEY); INSERT INTO shops VALUES (1)")
    control = Control(directory=tmp_path)
    written(control, "{backup: {scope: business}}")
    assert run(control)[0] == 0
    [label] = files.repository.labels()
    given, out = verify.Options(label=(label,)), io.StringIO()
    assert perform(verify.COMMAND, given, control, host="one", output=Output(out, out)) == 0
    known = next(records.runs(tmp_path))
    assert (known.run.command, known.run.title, known.hosts()) == ("verify", f"Verify {label} against one", ("one",))
    assert known.text(records.OUTPUT) == out.getvalue()
    (tmp_path / "nightly.yml").write_bytes((known.directory / records.PLAYBOOK).read_bytes())
    assert run(control)[0] == 0
    same = next(records.runs(tmp_path))
    first, again = known.report(), same.report()
    assert first
    assert again
    results = [each["plays"][0]["tasks"][0]["results"][0] for each in (first, again)]
    assert results[0]["facts"] == results[1]["facts"]


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_backup_says_who_had_it_made(
    tmp_path: Path, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    """`createdBy` of the manifest is the person that the environment names, wherever the task runs; `show` tells."""
    monkeypatch.setenv("PLAYBACK_BY", "Ann <script>")
    files = Files(tmp_path, catalog=CATALOG)
    files.add_host("one", new_database())
    execute(files.hosts["one"]["database"], "CREATE TABLE shops (id int PRIMARY KEY); INSERT INTO shops VALUES (1)")
    control = Control(directory=tmp_path)
    written(control, "{backup: {scope: business}}")
    assert run(control, executor=executor)[0] == 0
    manifest = files.repository.manifest(files.repository.labels()[0])
    assert manifest.metadata.created_by == "Ann <script>"
    out = io.StringIO()
    given = show.Options(label=(manifest.metadata.label,))
    assert perform(show.COMMAND, given, control, output=Output(out, out)) == 0
    assert " by Ann <script>, in " in out.getvalue()
