"""Ctrl-C at every moment of a real command.

A sample of the moments runs every time; every 50 ms of the first three seconds, and every printed line, with
PLAYBACK_SLOW_TESTS=1.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.app.invoking import INVENTORY, ROOT
from tests.sweeps import EVERYTHING, covering

if sys.platform == "win32":
    CTRL_C, CREATION, OTHERS = signal.CTRL_BREAK_EVENT, subprocess.CREATE_NEW_PROCESS_GROUP, ()
else:
    CTRL_C, CREATION, OTHERS = signal.SIGINT, 0, (signal.SIGTERM, signal.SIGHUP)

STARTER = """
import sys
def watch(event, details):
    if event == "import" and details[0] == "toolkit.app.commands" and not told:
        told.append(True)
        print("ready", file=sys.stderr, flush=True)
told = []
sys.addaudithook(watch)
import invoke.main
sys.argv = ["invoke", *sys.argv[1:]]
invoke.main.program.run()
"""
"""Says `ready` when the commands are about to be imported: what is before that is Python's and invoke's own start."""

PLAY = """
- name: Play
  hosts: all
  handlers:
    - {{name: handler, command: {{argv: &argv [{python}, -c, {child!r}, handler]}}}}
  tasks:
    - name: outer
      block:
        - {{name: first, command: {{argv: [{python}, -c, {child!r}, first]}}, notify: handler}}
        - {{name: second, command: {{argv: [{python}, -c, {child!r}, second]}}}}
      always:
        - {{name: tidy, command: {{argv: [{python}, -c, {child!r}, tidy]}}}}
    - {{name: third, command: {{argv: [{python}, -c, {child!r}, third]}}}}
"""
CHILD = "import sys, time; open({log!r}, 'a').write(sys.argv[1] + '\\n'); time.sleep(0.15)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """How a command ended that was interrupted, and what tasks its hosts had begun when it was and in the end."""

    code: int
    out: str
    err: str
    before: list[str]
    after: list[str]


def interrupt(
    words: list[str],
    log: Path,
    *,
    seconds: float = 0.0,
    line: int | None = None,
    number: int = CTRL_C,
    times: int = 1,
) -> Interrupted:
    """Run `invoke`; after that long, or when it has printed that many lines, send it the signal so many times."""
    log.write_text("", encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        creationflags=CREATION,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        out = "".join(process.stdout.readline() for _ in range(line or 0))
        time.sleep(seconds)
        process.send_signal(number)
        # not earlier, or a busy machine lets more begin before the signal is sent
        before = log.read_text(encoding="utf-8").split()
        for _ in range(times - 1):
            time.sleep(0.02)
            process.send_signal(number)
        rest, err = process.stdout.read(), process.stderr.read()
        process.wait(timeout=120)
    after = log.read_text(encoding="utf-8").split()
    return Interrupted(code=process.returncode, out=out + rest, err=err, before=before, after=after)


def playbook(tmp_path: Path) -> tuple[list[str], Path]:
    """The words that run a playbook of commands, each of which notes that it has begun, and where."""
    path, log = tmp_path / "play.yml", tmp_path / "begun"
    path.write_text(PLAY.format(python=sys.executable, child=CHILD.format(log=str(log))), encoding="utf-8")
    return ["run", str(path), "--inventory", str(INVENTORY)], log


def ended_well(found: Interrupted, forks: int) -> None:
    """130, one line, and nothing begun but what was under way and what tidies up after it."""
    assert (found.code, found.err) == (130, "interrupted\n"), found
    assert "Traceback" not in found.out
    assert "interrupted" not in found.out.partition("PLAY RECAP")[0]
    begun = [name for name in found.after if name != "tidy"]
    known = [name for name in found.before if name != "tidy"]
    # a child that was started may not have said so yet, and a task may have begun while the signal was sent
    assert len(begun) - len(known) <= 2 * forks, found
    if found.out.count("TASK [third]") == 0:
        assert "third" not in found.after
        assert "handler" not in found.after


WITHIN_TEXT = """
import dataclasses, sys
from pathlib import Path
from toolkit.runner.interruption import PROCESS
PROCESS.install()
from toolkit.app.commands import lint
from toolkit.app.control import Control
from toolkit.app.performing import perform
def body(given, call):
    exec("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    yield
command = dataclasses.replace(lint.COMMAND, body=body)
sys.exit(perform(command, lint.Options(), Control(directory=Path.cwd())))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_an_interruption_within_code_that_libraries_make_is_130(tmp_path: Path) -> None:
    """Also there, as while dataclasses are imported, `python -m` ends by itself, with the exit code."""
    (tmp_path / "within.py").write_text(WITHIN_TEXT, encoding="utf-8")
    words, environment = [sys.executable, "-m", "within"], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


MOMENTS = [each * 0.05 for each in range(60)] if EVERYTHING else [0.0, 0.25, 1.0]


@pytest.mark.parametrize(("forks", "seconds"), covering([1, 2], MOMENTS))
def test_ctrl_c_at_any_time_is_130_and_one_line(seconds: float, forks: int, tmp_path: Path) -> None:
    """However long a run has been going, Ctrl-C ends it with exit code 130 and one line."""
    words, log = playbook(tmp_path)
    found = interrupt([*words, "--forks", str(forks)], log, seconds=seconds)
    if found.code == 0:
        assert found.err == ""
        assert len(found.after) == 12
    else:
        ended_well(found, forks)


LINES = range(1, 32) if EVERYTHING else (6,)


@pytest.mark.parametrize("forks", [1, 2])
@pytest.mark.parametrize("line", LINES)
def test_ctrl_c_while_a_line_is_printed(line: int, forks: int, tmp_path: Path) -> None:
    """Ctrl-C while results are printed keeps all hosts from beginning anything more, also with --forks."""
    words, log = playbook(tmp_path)
    found = interrupt([*words, "--forks", str(forks)], log, line=line)
    if found.code != 0:
        ended_well(found, forks)
    if line < 20:
        assert found.code == 130


@pytest.mark.parametrize("number", OTHERS if EVERYTHING else OTHERS[:1])
def test_other_signals_do_what_ctrl_c_does(number: int, tmp_path: Path) -> None:
    """SIGTERM, as of systemd, and SIGHUP, as of a closed terminal, end a run as Ctrl-C does."""
    words, log = playbook(tmp_path)
    ended_well(interrupt(words, log, line=5, number=number), 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_a_terminal_that_closes_takes_nothing_along(tmp_path: Path) -> None:
    """Nothing can be printed any more, and what is to be done in the end is done: `always`, report, exit code."""
    words, log = playbook(tmp_path)
    report, (ours, theirs) = tmp_path / "report.json", os.openpty()
    words = [sys.executable, "-m", "invoke", *words, "--report", str(report)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        while not log.exists():
            assert os.read(ours, 4096)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
    assert process.returncode == 130
    assert "tidy" in log.read_text(encoding="utf-8").split()
    assert '"exit_code": 130' in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", range(3, 20) if EVERYTHING else (6,))
def test_a_second_ctrl_c_changes_nothing_but_what_it_tidies_up(line: int, tmp_path: Path) -> None:
    """Ctrl-C twice in a row ends a run as once does, its report whole and no file beside it."""
    words, log = playbook(tmp_path)
    report = tmp_path / "reports" / "report.json"
    report.parent.mkdir()
    found = interrupt([*words, "--forks", "2", "--report", str(report)], log, line=line, times=2)
    ended_well(found, 2)
    assert '"exit_code": 130' in report.read_text(encoding="utf-8")
    assert [file.name for file in report.parent.iterdir()] == ["report.json"]


COMMANDS = (["lint"], ["backups"], ["check"], ["doctor"], ["explain", "--host", "one", "t", "k"], ["--list"])


@pytest.mark.parametrize("words", COMMANDS if EVERYTHING else COMMANDS[:1], ids=lambda words: words[0])
@pytest.mark.parametrize("seconds", [each * 0.1 for each in range(20)] if EVERYTHING else [0.1, 0.8])
def test_ctrl_c_in_every_command(words: list[str], seconds: float, tmp_path: Path) -> None:
    """Every command ends with 130 and one line, while it starts, runs and prints."""
    found = interrupt(words, tmp_path / "log", seconds=seconds)
    if found.code == 130:
        assert found.err == "interrupted\n"
    else:
        assert "interrupt" not in (found.out + found.err).lower()
    assert "Traceback" not in found.out + found.err
