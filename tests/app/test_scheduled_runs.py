"""`schedule.run`: runs as a timer begins them, from an empty environment, two at a time, and when they were missed."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.app.invoking import ROOT
from tests.app.test_schedule import job
from tests.control import Control as Files
from tests.control import execute
from toolkit.app.commands import schedule_run
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.app.scheduling import crontab, log
from toolkit.app.scheduling import record as records
from toolkit.app.scheduling.record import Record
from toolkit.output.streams import Output

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs /bin/sh and signals")
CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id}
business: {core: {shops: tenant}}
"""


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A control directory with a host that has no database."""
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yml").write_text("all: {hosts: {one: {database: 'host=none'}}}", encoding="utf-8")
    return Control(directory=tmp_path)


def written(control: Control, *tasks: str, more: str = "") -> str:
    """A playbook with these tasks, each in YAML flow style."""
    text = "- hosts: all\n  tasks:\n" + "".join(f"    - {task}\n" for task in tasks) + more
    (control.directory / "nightly.yml").write_text(text, encoding="utf-8")
    return "nightly.yml"


def run(control: Control, **options: Any) -> tuple[int, str]:
    """Run it as a timer does; gives the exit code and what cron would send by mail."""
    out = io.StringIO()
    given = schedule_run.Options(playbook=(str(control.directory / "nightly.yml"),), **options)
    return perform(schedule_run.COMMAND, given, control, output=Output(out, out)), out.getvalue()


def known(control: Control) -> Record:
    """What is known of it."""
    found = records.read(control.directory, "nightly")
    assert found is not None
    return found


def logged(control: Control) -> str:
    """Its log."""
    return records.log_file(control.directory, "nightly").read_text(encoding="utf-8")


@posix
def test_from_an_empty_environment(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """What cron starts, from another directory and without any variable, makes the backup."""
    directory = tmp_path / "50% 'of' it"
    directory.mkdir()
    database = new_database()
    execute(database, "CREATE TABLE shops (id text PRIMARY KEY)", "INSERT INTO shops VALUES ('north')")
    files = Files(directory, catalog=CATALOG)
    files.add_host("shop", database)
    (directory / "playbooks").mkdir()
    (directory / "playbooks" / "nightly.yml").write_text(
        '- hosts: all\n  tasks: [{backup: {scope: business, job: "{{ called }}"}}]\n', encoding="utf-8"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    made = dataclasses.replace(job(directory, "--extra-vars=called=by-night"), environment=environment)
    line = crontab.block(made).splitlines()[1].split(" ", 5)[5].replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", line], cwd="/", env={}, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    [label] = files.repository.labels()
    assert label.endswith("-by-night-business")
    found = records.read(directory, "nightly")
    assert found is not None
    assert found.last is not None
    assert (found.last.exit_code, found.succeeded) == (0, found.last.started)


def test_every_end_is_recorded(control: Control) -> None:
    """Good, failed and refused runs: their exit codes, the last good one, the log, and a line for cron's mail."""
    written(control, "{debug: {msg: all is well}}")
    assert run(control) == (0, "")
    good = known(control).succeeded
    assert good is not None
    assert "ok: [one] => all is well" in logged(control)
    written(control, "{assert: {that: 'false'}}")
    code, mail = run(control)
    assert (code, "nightly ended with exit code 1; see " in mail) == (1, True)
    (control.directory / "inventory" / "hosts.yml").write_text("all: {hsts: {}}", encoding="utf-8")
    assert run(control)[0] == 2
    last = known(control)
    assert last.last is not None
    assert (last.last.exit_code, last.last.running, last.succeeded) == (2, False, good)
    assert "unknown key hsts" in logged(control)
    assert logged(control).count("ended with exit code") == 3


def test_a_run_that_does_not_begin_is_told(control: Control) -> None:
    """With an inventory that cannot be read `on_failure` runs all the same, and the first good run is a recovery."""
    hosts = control.directory / "inventory" / "hosts.yml"
    before = hosts.read_text("utf-8")
    more = "  vars: {whom: you}\n" + "".join(
        f"  {name}: [{{debug: {{msg: '{name} to {{{{ whom }}}}: {{{{ run.message }}}}'}}}}]\n"
        for name in ("on_failure", "on_recovery")
    )
    written(control, "{debug: {msg: x}}", more=more)
    hosts.write_text("all: {hsts: {}}", encoding="utf-8")
    assert run(control)[0] == 2
    assert "on_failure to you: nightly failed on localhost, exit code 2; " in logged(control)
    assert "unknown key hsts" in logged(control).partition("on_failure to you")[2].partition("\n")[0]
    hosts.write_text(before, encoding="utf-8")
    assert run(control)[0] == 0
    assert "on_recovery to you: nightly is well again" in logged(control)


def test_missed_runs(control: Control) -> None:
    """With times a run begins only if one of them has passed without a run; what nobody asked for is not missed."""
    written(control, "{debug: {msg: x}}")
    now = datetime.now().astimezone()
    times = {"at": f"{now - timedelta(minutes=2):%H:%M}"}
    assert run(control, **times) == (0, "")
    assert known(control).last is None
    records.write(control.directory, replace(known(control), since=now - timedelta(days=2)))
    assert run(control, **times) == (0, "")
    first = known(control).last
    assert first is not None
    assert run(control, **times) == (0, "")
    assert known(control).last == first
    assert run(control) == (0, "")
    assert known(control).last != first


def test_variables_from_a_file(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run has them, and a file that is not there is exit code 2."""
    monkeypatch.setenv("NIGHT_WORD", "")
    written(
        control, "{command: {argv: [python, -c, 'import os; print(len(os.environ[\"NIGHT_WORD\"]))']}, register: r}"
    )
    text = (control.directory / "nightly.yml").read_text("utf-8").replace("[python,", f"['{sys.executable}',")
    (control.directory / "nightly.yml").write_text(f"{text}    - debug: {{msg: 'long {{{{ r.stdout }}}}'}}\n", "utf-8")
    (control.directory / "night.env").write_text("NIGHT_WORD=seven77\n", encoding="utf-8")
    assert run(control, env_file="night.env") == (0, "")
    assert "long 7" in logged(control)
    assert run(control, env_file="day.env")[0] == 2


def test_a_log_is_rotated(tmp_path: Path) -> None:
    """A full one is put aside, five older ones are kept, and every line has its time."""
    file = tmp_path / "logs" / "nightly.log"
    for number in range(10):
        with log.Log(file, size=500) as stream:
            stream.write(f"run {number}\n{'x' * 300}\nno line end")
    assert sorted(each.name for each in file.parent.iterdir()) == [
        "nightly.log",
        *(f"nightly.log.{n}" for n in range(1, 6)),
    ]
    newest = file.read_text("utf-8").splitlines()
    assert newest[-1].endswith(" no line end")
    assert all(datetime.fromisoformat(line.partition(" ")[0]).tzinfo for line in newest)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is said once, beside the log, and stops nothing."""
    monkeypatch.setattr(sys, "__stderr__", said := io.StringIO())
    with log.logging_to(Path("/dev/full"), None):
        for _ in range(3):
            print("a line")
    assert said.getvalue().splitlines() == ["the log /dev/full cannot be written: [Errno 28] No space left on device"]


def test_two_that_change_a_record(tmp_path: Path) -> None:
    """Nobody loses what another one says of the same schedule at the same time."""
    now = datetime.now().astimezone()
    fresh = Record(name="nightly", playbook="nightly.yml", since=now)

    def change(field: str) -> None:
        for number in range(5):
            records.change(tmp_path, fresh, **{field: str(number)})

    threads = [threading.Thread(target=change, args=(field,)) for field in ("at", "on", "every", "kind")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = records.read(tmp_path, "nightly")
    assert found is not None
    assert (found.at, found.on, found.every, found.kind) == ("4", "4", "4", "4")


@posix
def test_two_at_a_time(control: Control) -> None:
    """While a run goes on one is skipped, one waits, and a further one is skipped; a dead run keeps nobody waiting."""
    script = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)"
    gate = control.directory / "gate"
    argv = json.dumps([sys.executable, "-c", script, str(gate)])
    written(control, f"{{command: {{argv: {argv}}}}}")

    def begin(*options: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "toolkit.app.program", "schedule.run", "nightly.yml", *options]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(words, cwd=control.directory, env=env, stderr=subprocess.PIPE, start_new_session=True)

    def until(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.02)

    dead = begin()
    until(lambda: "TASK [command]" in _logged(control))
    os.killpg(dead.pid, signal.SIGKILL)
    dead.communicate()
    killed = known(control).last
    assert killed is not None
    assert killed.ended_with == records.DIED
    first = begin()
    until(lambda: _logged(control).count("TASK [command]") == 2)
    assert "died without an end" in logged(control)
    assert run(control, overlap="skip") == (0, "")
    assert known(control).skipped is not None
    waiting = begin("--overlap", "wait", "--name", "second")
    second = records.log_file(control.directory, "second")
    until(lambda: second.exists() and "waiting for its end" in second.read_text("utf-8"))
    assert run(control, overlap="wait") == (0, "")
    assert "one waits already; skipped" in logged(control)
    gate.touch()
    assert [(process.communicate()[1], process.returncode) for process in (first, waiting)] == [(b"", 0), (b"", 0)]
    began, ended = records.read(control.directory, "second"), known(control).last
    assert began is not None
    assert began.last is not None
    assert ended is not None
    assert ended.finished is not None
    assert began.last.started >= ended.finished


def _logged(control: Control) -> str:
    file = records.log_file(control.directory, "nightly")
    return file.read_text("utf-8") if file.exists() else ""
