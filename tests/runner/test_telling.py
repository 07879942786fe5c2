"""`on_failure`, `on_success` and `on_recovery`: who is told of what, through a real web server."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.runner.playbooks import CONTROL, Ran, run_text
from tests.runner.test_runs import run_with
from toolkit.actions.context import Context
from toolkit.app.commands import run
from toolkit.app.control import Control
from toolkit.model.outcome import Outcome
from toolkit.runner import telling


@dataclass
class Endpoint:
    """A web server that is told something: /hang never answers, /gone is 404."""

    url: str = ""
    told: list[tuple[str, Any]] = field(default_factory=list)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A web server on this machine."""
    made, released = Endpoint(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.told.append((self.path, body))
            if self.path == "/hang":
                released.wait(60)
            self.send_response(404 if self.path == "/gone" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A control directory of one's own, with the hosts one, two and three."""
    shutil.copytree(CONTROL.directory / "inventory", tmp_path / "control" / "inventory")
    return Control(directory=tmp_path / "control")


def play(endpoint: Endpoint, *tasks: str, hosts: str = "all", more: str = "") -> str:
    """A playbook that tells of everything, with these tasks in YAML flow style."""
    lines = [f"- name: Nightly\n  hosts: {hosts}\n  vars: {{url: '{endpoint.url}'}}\n{more}  tasks:\n"]
    lines += [f"    - {task}\n" for task in tasks]
    for name in ("failure", "success", "recovery"):
        lines.append(
            f"  on_{name}:\n    - http: {{url: '{{{{ url }}}}/{name}', method: POST, json: '{{{{ run }}}}'}}\n"
        )
    return "".join(lines)


def went(text: str, tmp_path: Path, control: Control, **options: Any) -> Ran:
    """Run a playbook with these options."""
    return run_text(text, tmp_path, run.Options(**options) if options else None, control)


def failing(name: str, when: str = "true") -> str:
    """A task that fails."""
    return f"{{name: {name}, assert: {{that: 'false', fail_msg: the disk is full}}, when: \"{when}\"}}"


GUILTY = "inventory_hostname == 'one'"
OK = "{debug: {msg: all is well}}"


def test_each_end_is_told_once(endpoint: Endpoint, tmp_path: Path, control: Control) -> None:
    """A success, failures, and the first success after them, each once for all hosts; a later one is none."""
    assert went(play(endpoint, OK), tmp_path, control).code == 0
    assert went(play(endpoint, failing("Back up", "inventory_hostname == 'two'")), tmp_path, control).code == 1
    assert went(play(endpoint, failing("Back up")), tmp_path, control).code == 1
    assert went(play(endpoint, OK), tmp_path, control).code == 0
    assert went(play(endpoint, OK), tmp_path, control).code == 0
    assert [path for path, _ in endpoint.told] == [
        "/success",
        "/failure",
        "/failure",
        "/success",
        "/recovery",
        "/success",
    ]
    failed, recovered = endpoint.told[1][1], endpoint.told[4][1]
    assert (failed["exit_code"], failed["failed_hosts"], failed["hosts"]) == (1, ["two"], ["one", "two", "three"])
    [task] = failed["failed_tasks"]
    assert (task["host"], task["task"], task["message"].splitlines()[0]) == ("two", "Back up", "the disk is full")
    assert failed["message"].startswith("playbook failed on two, exit code 1; Back up: the disk is full")
    assert "well again: it had failed since" in recovered["message"]
    assert recovered["failing_since"] == failed["started"]
    assert failed["duration"] >= 0


def test_what_is_told_changes_nothing(endpoint: Endpoint, tmp_path: Path, control: Control) -> None:
    """A task that cannot tell is a warning, keeps no other from telling, and the run ends as it would have."""
    text = (
        f"- hosts: one\n  tasks: [{OK}]\n  on_success:\n"
        f"    - {{name: Tell them, http: {{url: '{endpoint.url}/gone', method: POST, json: 1}}}}\n"
        f"    - {{http: {{url: '{endpoint.url}/next', method: POST, json: 2}}}}\n"
        "    - {name: Nonsense, debug: {msg: '{{ nobody.made.this }}'}}\n"
    )
    report = tmp_path / "report.json"
    ran = went(text, tmp_path, control, report=str(report))
    assert (ran.code, endpoint.told) == (0, [("/gone", 1), ("/next", 2)])
    assert "[WARNING]: on_success: Tell them failed: the answer's status is 404" in ran.out
    assert "[WARNING]: on_success: Nonsense failed: " in ran.out
    assert "one : ok=1    changed=0    skipped=0    failed=0" in ran.out
    [played] = json.loads(report.read_text(encoding="utf-8"))["plays"]
    assert [(task["name"], task["results"][0]["status"]) for task in played["told"]] == [
        ("on_success: Tell them", "failed"),
        ("on_success: http", "changed"),
        ("on_success: Nonsense", "failed"),
    ]


def test_an_endpoint_that_hangs(
    endpoint: Endpoint, tmp_path: Path, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up after its time, whatever its own timeout is, and the next one is told."""
    monkeypatch.setattr(telling, "SECONDS", 1)
    text = (
        f"- hosts: one\n  tasks: [{failing('Back up')}]\n  on_failure:\n"
        f"    - {{http: {{url: '{endpoint.url}/hang', method: POST, json: 1, timeout: 3600}}}}\n"
        f"    - {{http: {{url: '{endpoint.url}/next', method: POST, json: 2}}}}\n"
    )
    started = time.monotonic()
    ran = went(text, tmp_path, control)
    assert time.monotonic() - started < 20
    assert (ran.code, endpoint.told) == (1, [("/hang", 1), ("/next", 2)])
    assert "on_failure: http failed: given up after 1 s" in ran.out


def test_rescued_and_ignored_failures_are_none(endpoint: Endpoint, tmp_path: Path, control: Control) -> None:
    """What a block has rescued, and what was ignored, is a success; an unreachable host is a failure."""
    rescued = f"{{block: [{failing('Try')}], rescue: [{OK}]}}"
    ignored = "{assert: {that: 'false'}, ignore_errors: true}"
    assert went(play(endpoint, rescued, ignored, hosts="one"), tmp_path, control).code == 0
    hosts = "all: {hosts: {one: {database: 'host=127.0.0.1 port=1 dbname=x'}}}"
    (control.directory / "inventory" / "hosts.yml").write_text(hosts, encoding="utf-8")
    assert went(play(endpoint, "{sql: {query: SELECT 1}}", hosts="one"), tmp_path, control).code == 1
    assert [path for path, _ in endpoint.told] == ["/success", "/failure"]
    assert endpoint.told[1][1]["failed_tasks"][0]["unreachable"] is True


def test_later_plays_of_hosts_that_are_out(endpoint: Endpoint, tmp_path: Path, control: Control) -> None:
    """A play whose hosts all failed before it has not come to its end: it is told as a failure, never as a success."""
    text = f"- hosts: one\n  tasks: [{failing('Back up')}]\n" + play(endpoint, OK, hosts="one")
    assert went(text, tmp_path, control).code == 1
    [(path, told)] = endpoint.told
    assert (path, told["failed_hosts"]) == ("/failure", ["one"])
    assert told["failed_tasks"][0]["task"] == "Back up"
    fatal = f"- hosts: one, two\n  any_errors_fatal: true\n  tasks: [{failing('Stop', GUILTY)}]\n"
    assert went(fatal + play(endpoint, OK, hosts="two"), tmp_path, control).code == 1
    assert [path for path, _ in endpoint.told] == ["/failure", "/failure"]


def test_check_mode_tells_nobody(endpoint: Endpoint, tmp_path: Path, control: Control) -> None:
    """Neither success nor failure of a rehearsal is told or remembered."""
    assert went(play(endpoint, failing("Back up")), tmp_path, control, check=True).code == 1
    assert went(play(endpoint, OK), tmp_path, control).code == 0
    assert [path for path, _ in endpoint.told] == ["/success"]


def test_secrets_are_masked_in_what_is_told(
    endpoint: Endpoint, tmp_path: Path, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message with a secret is told without it; the secret that an endpoint needs reaches the endpoint alone."""
    monkeypatch.setenv("NIGHT_TOKEN", "Zx81-q9-secret")
    program = "import sys; sys.exit('no ' + sys.argv[1])"
    text = (
        "- hosts: one\n  vars: {token: {env: NIGHT_TOKEN}}\n"
        f"  tasks:\n    - command: {{argv: ['{{{{ python }}}}', -c, {json.dumps(program)}, '{{{{ token }}}}']}}\n"
        f"  on_failure:\n    - http: {{url: '{endpoint.url}/{{{{ token }}}}', method: POST, json: '{{{{ run }}}}'}}\n"
    )
    ran = went(text, tmp_path, control)
    [(path, told)] = endpoint.told
    assert path == "/Zx81-q9-secret"
    assert "Zx81" not in json.dumps(told)
    assert "Zx81" not in ran.text
    assert "***" in told["message"]


def test_an_interruption_is_told_by_every_play(endpoint: Endpoint, tmp_path: Path) -> None:
    """The play that was interrupted and those that never began are failures; what had ended before is not."""

    def interrupted(arguments: Any, context: Context) -> Outcome:
        raise KeyboardInterrupt

    text = play(endpoint, OK, hosts="one") + play(endpoint, "{demo: {}}", hosts="one") + play(endpoint, OK, hosts="two")
    ran = run_with(interrupted, text, tmp_path)
    assert ran.code == 130
    assert [path for path, _ in endpoint.told] == ["/success", "/failure", "/failure"]
    assert endpoint.told[1][1]["message"].startswith("playbook was interrupted on ")
    assert endpoint.told[2][1]["exit_code"] == 130


def test_a_task_that_is_told_of_sees_what_the_first_host_has(endpoint: Endpoint, tmp_path: Path) -> None:
    """What tasks registered is at hand, a condition decides, and tags of the run leave nobody untold."""
    text = (
        "- hosts: one, two\n  tasks: [{debug: {msg: 7 rows}, register: said, tags: quick}]\n  on_success:\n"
        f"    - http: {{url: '{endpoint.url}/{{{{ run.hook }}}}', method: POST, json: '{{{{ said.msg }}}}'}}\n"
        "      when: run.exit_code == 0\n"
        "    - {debug: {msg: never}, when: run.failed_hosts | length > 0}\n"
    )
    assert run_text(text, tmp_path, run.Options(tags="quick")).code == 0
    assert endpoint.told == [("/on_success", "7 rows")]


def test_names_in_them_are_checked_before_anything_runs(endpoint: Endpoint, tmp_path: Path) -> None:
    """A misspelt action and a handler, which would come too late, are found by lint."""
    text = f"- hosts: one\n  tasks: [{OK}]\n  on_failure: [{{htp: {{}}}}]\n"
    assert "did you mean http?" in run_text(text, tmp_path).err
    text = (
        "- hosts: one\n  handlers: [{name: h, debug: {msg: x}}]\n  tasks: [{debug: {msg: x}}]\n"
        "  on_failure: [{debug: {msg: x}, notify: h}]\n"
    )
    assert "[0].on_failure[0].notify" in run_text(text, tmp_path).err
