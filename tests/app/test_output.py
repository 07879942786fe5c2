"""What a run prints, where it prints it, and what it never prints."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.app.invoking import INVENTORY, ROOT, Invoked, invoke, playbook, run
from tests.sweeps import covering

SCHEMA = json.loads((ROOT / "schemas" / "run-report.schema.json").read_text(encoding="utf-8"))
SECRET = "s3cr3t/wörd+1"


def test_a_pipe_gets_plain_lines(tmp_path: Path) -> None:
    """In a pipe there is no escape sequence and no carriage return, whatever the data hold."""
    ran = run(playbook(tmp_path, r'debug: {msg: "a\e[31mred\e[0m bell\a text"}'), env={"TERM": "xterm-256color"})
    assert ran.code == 0
    assert "\x1b" not in ran.text
    assert "\x07" not in ran.text


@pytest.mark.skipif(os.name == "nt", reason="Windows says it in another way")
@pytest.mark.parametrize("words", [("doctor",), ("doctor", "--json")])
def test_a_pipe_that_nobody_reads_ends_a_command_without_a_word(words: tuple[str, ...]) -> None:
    """As with `invoke backups | head -1`: exit code 1, and neither a message nor a trace."""
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows says it in another way")
def test_help_that_nobody_reads_ends_without_a_word() -> None:
    """As with `invoke run --help | head -1`, which invoke itself prints."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "invoke", "run", "--help"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="a shell closes the streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_keep_nothing_from_running(closed: str, tmp_path: Path) -> None:
    """Some starters of jobs close standard output and error: what is to be done is done."""
    made = tmp_path / "made"
    program = json.dumps([sys.executable, "-c", f"open({str(made)!r}, 'x')"])
    path = playbook(tmp_path, f"command: {{argv: {program}}}")
    words = shlex.join([sys.executable, "-m", "invoke", "run", str(path), "--inventory", str(INVENTORY)])
    done = subprocess.run(f"{words} {closed}", shell=True, cwd=ROOT, check=False)
    assert done.returncode == 0
    assert made.exists()


def test_names_of_every_script_are_printed_everywhere(tmp_path: Path) -> None:
    """Output is UTF-8 whatever the locale says."""
    ran = run(
        playbook(tmp_path, 'debug: {msg: "Café 東京 🧾 ↔"}'),
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert ran.code == 0
    assert "Café 東京 🧾 ↔" in ran.out


@pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal needs POSIX")
@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_told_otherwise(env: dict[str, str], coloured: bool, tmp_path: Path) -> None:
    """On a terminal a status is coloured, with NO_COLOR nothing is styled at all."""
    text = _on_terminal(playbook(tmp_path, "{debug: {msg: hi}, changed_when: true}"), env)
    assert "changed: [one] => hi" in text.replace("\x1b[33m", "").replace("\x1b[0m", "")
    assert ("\x1b[33m" in text) is coloured
    assert bool(re.search(r"\x1b\[[1-9][0-9;]*m", text)) is coloured


def test_a_defect_shows_no_trace_without_debug(tmp_path: Path) -> None:
    """A failure names the file and line of the playbook and comes with a hint, not with a trace."""
    ran = run(playbook(tmp_path, 'debug: {msg: "{{ nowhere }}"}'))
    assert ran.code == 2
    assert "playbook.yml:3: [0].tasks[0].debug.msg: the variable nowhere is undefined" in ran.out


@pytest.mark.parametrize("ending", ["good", "failed", "refused", "wrong option"])
def test_the_report_tells_the_whole_run(ending: str, tmp_path: Path) -> None:
    """The report is written whichever way a run ends, says so, and fits its schema."""
    report = tmp_path / "report.json"
    tasks = ["{name: Say, debug: {msg: hello}, register: said, changed_when: true}", "{debug: {msg: a}, loop: [1, 2]}"]
    if ending == "failed":
        tasks.append("assert: {that: 1 == 2}")
    hosts = "nowhere" if ending == "refused" else "one, two"
    words = ("--forks", "x") if ending == "wrong option" else ()
    ran = run(playbook(tmp_path, *tasks, hosts=hosts), "--report", str(report), *words)
    document = json.loads(report.read_text(encoding="utf-8"))
    Draft202012Validator(SCHEMA).validate(document)
    assert document["exit_code"] == ran.code == {"good": 0, "failed": 1}.get(ending, 2)
    if ending in ("good", "failed"):
        results = document["plays"][0]["tasks"][0]["results"]
        assert [(each["host"], each["status"], each["message"]) for each in results] == [
            ("one", "changed", "hello"),
            ("two", "changed", "hello"),
        ]
        assert document["recap"]["one"]["failed"] == (ending == "failed")
        assert document["problems"] == []
    else:
        assert document["plays"] == []
        assert document["problems"][0]["message"]
    assert list(tmp_path.glob(".report*")) == []


def test_the_schema_of_the_report_refuses_what_it_does_not_know() -> None:
    """The report's schema names every key, so that a new one cannot be forgotten in it."""
    validator = Draft202012Validator(SCHEMA)
    assert not validator.is_valid({"format": 1})
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        assert part["additionalProperties"] is False


def test_a_secret_is_printed_nowhere(tmp_path: Path) -> None:
    """A password from the environment stands in no output, no report and no error, in whatever form it gets there."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text(
        """
all:
  hosts:
    far: {database: {host: 127.0.0.1, port: 1, dbname: shop, user: app, password: {env: SHOP_PASSWORD}}}
  vars: {token: {env: SHOP_PASSWORD}}
""",
        encoding="utf-8",
    )
    path = playbook(
        tmp_path,
        'debug: {msg: "the token is {{ token }}"}',
        "debug: {var: token}",
        f"{{command: {{argv: ['{Path(sys.executable).as_posix()}', -c, 'import os; print(os.environ[\"T\"])'],"
        " environment: {T: '{{ token }}'}}, register: ran}",
        "debug: {var: ran}",
        f"{{command: {{argv: ['{Path(sys.executable).as_posix()}', -c, 'raise SystemExit(\"no {{{{ token }}}}\")']}},"
        " ignore_errors: true}",
        "{assert: {that: token == 'x', fail_msg: '{{ token }} is wrong'}, ignore_errors: true}",
        "{http: {url: 'http://127.0.0.1:1/{{ token }}'}, ignore_errors: true}",
        "{wait_for: {port: '{{ token }}'}, ignore_errors: true}",
        "sql: {query: SELECT 1}",
        hosts="far",
    )
    report = tmp_path / "report.json"
    ran = invoke(
        *("run", str(path), "--inventory", str(inventory), "--report", str(report)), env={"SHOP_PASSWORD": SECRET}
    )
    assert ran.code == 1
    assert "***" in ran.out
    assert "cannot connect to database shop on 127.0.0.1:1 as app" in ran.out
    for text in (ran.text, report.read_text(encoding="utf-8")):
        for form in (SECRET, "s3cr3t", json.dumps(SECRET)[1:-1], "w%C3%B6rd"):
            assert form not in text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
@pytest.mark.parametrize(("number", "forks"), covering([signal.SIGINT, signal.SIGTERM], ["1", "2"]))
def test_an_interrupted_run_tidies_up_and_ends_with_130(number: signal.Signals, forks: str, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM end the task, run what `always` says, print a recap and no trace, and give 130."""
    begun, tidied, report = tmp_path / "begun", tmp_path / "tidied", tmp_path / "report.json"
    script = f"import pathlib, time; pathlib.Path('{begun.as_posix()}').touch(); time.sleep(60)"
    path = tmp_path / "playbook.yml"
    path.write_text(
        f"""
- hosts: one, two
  tasks:
    - block:
        - name: Wait
          wait_for: {{path: "{tmp_path.as_posix()}/never", timeout: 60, delay: 0.05}}
          when: inventory_hostname == 'two' or {forks} == 1
        - command: {{argv: ['{Path(sys.executable).as_posix()}', -c, "{script}"]}}
          when: {forks} == 1
      always:
        - command: {{argv: [touch, '{tidied.as_posix()}']}}
    - debug: {{msg: never}}
""",
        encoding="utf-8",
    )
    words = ["run", str(path), "--inventory", str(INVENTORY), "--report", str(report), "--forks", forks]
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    seen = b""
    while b"TASK [Wait]" not in seen:
        seen += process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    ended = Invoked(code=process.returncode, out=(seen + out).decode(), err=err.decode())
    assert ended.code == 130
    assert "Traceback" not in ended.text
    assert ended.err == "interrupted\n"
    assert "PLAY RECAP" in ended.out
    assert "never" not in ended.out
    assert tidied.exists()
    document = json.loads(report.read_text(encoding="utf-8"))
    Draft202012Validator(SCHEMA).validate(document)
    assert document["exit_code"] == 130


def _on_terminal(path: Path, env: dict[str, str]) -> str:
    import pty  # noqa: PLC0415 - not on Windows

    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", "run", str(path), "--inventory", str(INVENTORY)],
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if name != "NO_COLOR"}, "TERM": "xterm", **env},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    text = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # what Linux says at the end
            break
        if not part:
            break
        text += part
    os.close(leader)
    assert process.wait(timeout=120) == 0
    return text.decode("utf-8")
