"""`config`: the effective inventory, and where each value came from."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.app.commands import config
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.config import inventory
from toolkit.output.streams import Output

FILES = {
    "hosts.yml": """\
all:
  vars: {level: hosts-all, database: embedded:x}
  children:
    tills:
      vars: {level: hosts-tills}
      hosts:
        one: {level: hosts-one, greeting: "{{ level }} {{ inventory_hostname }} {{ token }}"}
        two: {later: "{{ backup.label }}"}
""",
    "group_vars/all.yml": "level: vars-all\nrepository: near\n",
    "group_vars/tills.yml": "level: vars-tills\ntoken: {command: [no-such-program, argument]}\n",
    "host_vars/two.yml": "# a comment\nnested: {inner: [1, {password: {env: SECRET_OF_TEST}}]}\nlevel: vars-two\n",
    "repositories.yml": "near: {type: local, path: there}\nfar:\n  type: s3\n  bucket: {env: NO_BUCKET}\n"
    "  secret_key: {env: SECRET_OF_TEST}\n  access_key: {file: key}\n",
}


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Control:
    """A control directory in which values are written in many places."""
    monkeypatch.setenv("SECRET_OF_TEST", "s3cr3t-of-config")
    for name, text in FILES.items():
        path = tmp_path / "inventory" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Control(directory=tmp_path)


def shown(control: Control, *, host: str = "", json: bool = False, extra: tuple[str, ...] = (), code: int = 0) -> str:
    out = io.StringIO()
    given = config.Options(extra_vars=extra)
    assert perform(config.COMMAND, given, control, host=host, json=json, output=Output(out, out)) == code
    assert "s3cr3t" not in out.getvalue()
    return out.getvalue()


def told(control: Control, **given: Any) -> dict[str, Any]:
    """The document."""
    document: dict[str, Any] = json.loads(shown(control, json=True, **given))
    return document


def test_values_and_where_they_came_from(control: Control) -> None:
    """The value that wins is shown with its place, those it is over with theirs, the nearest first."""
    level = told(control)["hosts"]["one"]["variables"]["level"]
    assert level == {
        "value": "hosts-one",
        "source": "host",
        "file": "inventory/hosts.yml",
        "line": 7,
        "overrides": [
            {"source": "group tills", "file": "inventory/group_vars/tills.yml", "line": 1},
            {"source": "group all", "file": "inventory/group_vars/all.yml", "line": 1},
            {"source": "group tills", "file": "inventory/hosts.yml", "line": 5},
            {"source": "group all", "file": "inventory/hosts.yml", "line": 2},
        ],
    }
    text = shown(control, host="two")
    assert "inventory/host_vars/two.yml:3 (host)" in text
    assert "host one" not in text
    assert (
        told(control, host="one", extra=("level=now",))["hosts"]["one"]["variables"]["level"]["source"]
        == "--extra-vars"
    )
    assert told(control, host="one")["hosts"]["one"]["variables"]["catalog"] == {
        "value": None,
        "source": "default",
        "file": None,
        "line": None,
    }


def test_values_are_those_of_a_run(control: Control) -> None:
    """Whichever host it is, the values are those that its variables have in a run."""
    loaded = inventory.load(control.inventory_directory())
    hosts = told(control)["hosts"]
    for name in ("one", "two"):
        variables = loaded.host(name).variables
        own = {key: each for key, each in hosts[name]["variables"].items() if each["source"] != "default"}
        assert own.keys() == variables.keys()
        assert own["level"]["value"] == variables["level"]


def test_templates_and_secrets(control: Control) -> None:
    """Templates are rendered where they can be, secrets are named by their source and never looked up."""
    hosts = told(control)["hosts"]
    greeting = hosts["one"]["variables"]["greeting"]
    assert (greeting["value"], greeting["template"]) == (
        "hosts-one one ***",
        "{{ level }} {{ inventory_hostname }} {{ token }}",
    )
    assert hosts["one"]["variables"]["token"]["secrets"] == {"": "command no-such-program"}
    assert hosts["two"]["variables"]["nested"]["value"] == {"inner": [1, {"password": "***"}]}
    assert hosts["two"]["variables"]["nested"]["secrets"] == {"inner[1].password": "env SECRET_OF_TEST"}
    assert "backup is undefined" in hosts["two"]["variables"]["later"]["problem"]
    repositories = told(control)["repositories"]
    assert repositories["far"]["secret_key"]["value"] == "***"
    assert repositories["far"]["bucket"]["value"] is None
    assert set(told(control, host="one")["repositories"]) == {"near"}
    assert "did you mean one?" in shown(control, host="ome", code=2)
