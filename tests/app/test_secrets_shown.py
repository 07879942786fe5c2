"""What a whole run shows of its secrets, and of everything that only looks like one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.app.invoking import ROOT, Invoked, invoke

SCHEMA = json.loads((ROOT / "schemas" / "run-report.schema.json").read_text(encoding="utf-8"))
KEY = "s3cr3t&K\"y'ü\\x9"
PEM = "-----BEGIN KEY-----\nMIIEabc123def456\nq9w8e7r6t5=\n-----END KEY-----"
SECRETS = {"WORD": "demo", "FACT": "message", "SHORT": "zq7", "KEY": KEY, "PEM": PEM, "URL": "https://u:t0p-h4t@h/x"}

PRINTER = """
import base64, json, os, shlex, sys, urllib.parse
for name in ("WORD", "FACT", "SHORT", "KEY", "PEM", "URL", "PGPASSWORD"):
    value = os.environ[name]
    print(name + "=" + value, file=sys.stderr if "err" in sys.argv else sys.stdout)
    for form in (json.dumps(value), repr(value), urllib.parse.quote(value, safe=""), shlex.quote(value)):
        print("as", form)
    print("as", base64.b64encode(b"user:" + value.encode()).decode(), urllib.parse.quote_plus(value))
sys.exit("err" in sys.argv)
"""


@pytest.fixture
def shown(tmp_path: Path) -> tuple[Invoked, dict[str, Any]]:
    """A run whose first task prints every secret that the inventory names and no task uses, in many forms."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    variables = {name.lower(): {"env": name} for name in SECRETS}
    hosts = {"all": {"vars": variables, "hosts": {"demo": {"database": "embedded:demo"}}}}
    (inventory / "hosts.yml").write_text(json.dumps(hosts), encoding="utf-8")
    (tmp_path / "printer.py").write_text(PRINTER, encoding="utf-8")
    argv = [sys.executable, str(tmp_path / "printer.py")]
    tasks = [
        {"name": "print the demo", "command": {"argv": argv}, "register": "printed"},
        {"debug": {"msg": "{{ printed.stdout }}"}},
        {"debug": {"msg": "a demo of demonstrations, message included"}},
        {"set_fact": {"made": "{{ key | upper }}", "message": "{{ word }}"}},
        {"command": {"argv": [*argv, "err"], "environment": {"AGAIN": {"env": "KEY"}}}, "ignore_errors": True},
        {"debug": {"var": "printed.stdout_lines"}},
        {"name": "fail", "assert": {"that": "printed.stdout == 'x'", "fail_msg": "{{ printed.stdout }}"}},
    ]
    path = tmp_path / "play.yml"
    path.write_text(json.dumps([{"hosts": "demo", "tasks": tasks}]), encoding="utf-8")
    report = tmp_path / "report.json"
    words = ["run", str(path), "--inventory", str(inventory), "--report", str(report), "--debug"]
    ran = invoke(*words, env={**SECRETS, "PGPASSWORD": "l1bpq-own"})
    return ran, json.loads(report.read_text(encoding="utf-8"))


def test_no_secret_is_shown_and_nothing_else_is_hidden(shown: tuple[Invoked, dict[str, Any]]) -> None:
    """Secrets that no task has used are hidden from the first line on; names, words and report keys are left alone."""
    ran, report = shown
    assert ran.code == 1
    Draft202012Validator(SCHEMA).validate(report)
    results = [result for task in report["plays"][0]["tasks"] for result in task["results"]]
    for text in (ran.text, json.dumps(report, ensure_ascii=False), *results[0]["facts"]["stdout_lines"]):
        for part in ("s3cr3t", "S3CR3T", "K%22y", "K\\", "zq7", "MIIEabc", "q9w8e7", "t0p-h4t", "l1bpq", "END KEY"):
            assert part not in text, part
        for part in ("WORD=demo", "FACT=message", "as demo", 'as "demo"', "czNjcjN0", "ZGVtbw"):
            assert part not in text, part
    for part in (
        "PLAY [demo] ***",
        "TASK [print the demo] ***",
        "ok: [demo] => a demo of demonstrations, message",
    ):
        assert part in ran.out
    assert "\ndemo : ok=6" in ran.out
    assert set(report["recap"]) == {"demo"}
    assert all(result["host"] == "demo" and "message" in result for result in results)
    assert results[3]["facts"] == {"made": "***", "message": "***"}


PLACES = {
    "backup": ["job", "scope", "repository", "tags", "businesses", "lock_wait"],
    "command": ["argv", "cmd", "chdir", "creates", "timeout"],
    "copy": ["from", "to", "backups"],
    "debug": ["msg"],
    "http": ["url", "method", "body", "json", "headers", "timeout"],
    "orphans": ["action", "businesses"],
    "prune": ["repository", "time_zone", "keep_within", "keep_last", "keep_tags"],
    "restore": ["from", "mode", "businesses", "repository", "identity", "drop_columns"],
    "set_fact": ["anything"],
    "sql": ["query", "file", "args", "save", "database"],
    "verify": ["backup", "repository", "host", "against"],
    "wait_for": ["path", "port", "host", "sql", "timeout"],
    "assert": ["fail_msg", "success_msg"],
    "demo": ["scale"],
    "seed": ["table", "key", "set", "update"],
}
OTHERS: dict[str, dict[str, Any]] = {
    "command": {"argv": ["no-such-program"]},
    "copy": {"from": "local", "to": "local"},
    "http": {"url": "http://127.0.0.1:9/"},
    "restore": {"mode": "merge", "from": "latest"},
    "prune": {"keep_last": 1},
    "sql": {"query": "SELECT 1"},
    "seed": {"table": "t", "key": ["a"], "rows": [{"a": 1}]},
    "wait_for": {"path": "nowhere", "timeout": 0.5},
    "assert": {"that": True},
}
ALONE = {
    ("command", "cmd"),
    ("command", "argv"),
    ("sql", "file"),
    ("wait_for", "port"),
    ("wait_for", "sql"),
    ("wait_for", "host"),
}


def test_a_secret_in_any_argument_is_its_value_or_one_clear_error(tmp_path: Path) -> None:
    """In every argument a secret stands for its value; where it does not fit, an error says so, and not what it is."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    hosts = {"all": {"hosts": {"demo": {"database": "host=127.0.0.1 port=9 connect_timeout=1", "catalog": "x"}}}}
    (inventory / "hosts.yml").write_text(json.dumps(hosts), encoding="utf-8")
    tasks: list[dict[str, Any]] = []
    for action, arguments in PLACES.items():
        for argument in arguments:
            others: dict[str, Any] = {} if (action, argument) in ALONE else OTHERS.get(action, {})
            others |= {"timeout": 0.5} if action == "wait_for" and argument != "timeout" else {}
            others |= {"port": 9} if (action, argument) == ("wait_for", "host") else {}
            task = {action: {**others, argument: "{{ it }}"}, "name": f"{action} {argument}"}
            tasks.append({**task, "ignore_errors": True})
    path = tmp_path / "play.yml"
    play = {"hosts": "demo", "vars": {"it": {"env": "IT_OF_TEST"}}, "tasks": tasks}
    path.write_text(json.dumps([play]), encoding="utf-8")
    store = {"local": {"type": "local", "path": str(tmp_path / "repository")}}
    (inventory / "repositories.yml").write_text(json.dumps(store), encoding="utf-8")
    (inventory / "catalogs").mkdir()
    (inventory / "catalogs" / "x.yml").write_text(
        "catalog: x\nschema: public\ntenant: {table: t, key: id}\nbusiness: {all: {t: tenant}}\n", encoding="utf-8"
    )
    ran = invoke("run", str(path), "--inventory", str(inventory), env={"IT_OF_TEST": "w4tched-value"})
    assert "defect" not in ran.text
    assert "unexpected" not in ran.text
    assert "w4tched" not in ran.text
    assert ran.out.count("TASK [") == len(tasks), ran.text


def test_a_source_where_none_is_taken_is_told_how_to_be_written(tmp_path: Path) -> None:
    """`{env: X}` in an argument that takes no source is refused by lint and by run, with the way that works."""
    path = tmp_path / "play.yml"
    tasks = [{"backup": {"job": {"env": "JOB"}}}, {"verify": {"backup": {"env": "LABEL"}}}]
    path.write_text(json.dumps([{"hosts": "demo", "tasks": tasks}]), encoding="utf-8")
    for words in (("lint", str(path)), ("run", str(path))):
        refused = invoke(*words)
        assert refused.code == 2
        assert refused.err.count("a secret's source is not taken here; put it into a variable") == 2
        assert refused.out == ""


def test_run_refuses_what_lint_refuses(tmp_path: Path) -> None:
    """What lint finds wrong with a playbook ends a run before its first task, with the same words."""
    path = tmp_path / "play.yml"
    tasks: list[dict[str, Any]] = [
        {"debug": {"msg": "fine"}},
        {"http": {"url": "https://u:hunter2@h/", "headers": {"Authorization": "Bearer hunter2"}}},
        {"command": {"argv": ["x"], "environment": {"PGPASSWORD": "hunter2"}}},
        {"debug": {"msg": "{{ unclosed"}},
    ]
    path.write_text(json.dumps([{"hosts": "demo", "tasks": tasks}]), encoding="utf-8")
    linted, ran = invoke("lint", str(path)), invoke("run", str(path))
    assert (linted.code, ran.code) == (2, 2)
    assert linted.err == ran.err
    assert linted.err.count("is written") == 3
    assert "hunter2" not in linted.text
    assert ran.out == ""
