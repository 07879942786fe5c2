"""What commands print with --json: the same facts as their text, under the keys that the guide names."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.invoking import ROOT, Invoked, Place, invoke
from tests.conftest import Servers
from tests.control import Control
from tests.storage.samples import sample_rows, write_backup
from toolkit.app.command import JSON
from toolkit.app.commands import commands
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

GUIDE = (ROOT / "docs" / "guide" / "commands.md").read_text(encoding="utf-8")
KEYS = {
    command: set(re.findall(r"`(\w+)`", told)) for command, told in re.findall(r"^\| `(\S+)` \| (.*) \|$", GUIDE, re.M)
}
"""By command: the keys that the guide names."""

UNREAD = {"repository", "error", "hint"}
"""The keys of a repository that cannot be read, wherever it stands in a list."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A control directory whose repository `local` holds a backup."""
    shutil.copy(ROOT / "tasks.py", tmp_path)
    Control(tmp_path).add_host("one", "embedded:none")
    write_backup(Repository.open(LocalStore(tmp_path / "repository"), create=True), sample_rows())
    return tmp_path


def run(directory: Path, *words: str) -> Invoked:
    """Run a command in a control directory of its own, which remembers its own repositories."""
    return invoke(*words, cwd=directory, env={"PYTHONPATH": str(ROOT)})


def document(directory: Path, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command with --json; gives the document, whose keys the guide names."""
    ran = run(directory, *words, "--json")
    assert ran.code == code, ran.text
    found: dict[str, Any] = json.loads(ran.out)
    for key, value in found.items():
        assert key in KEYS[words[0]], key
        if isinstance(value, list) and value and isinstance(value[0], dict) and words[0] != "backups":
            assert set(value[0]) <= KEYS[words[0]] | UNREAD
    return found


WITHOUT = {"console": "it serves pages", "init": "it asks and writes", "psql": "it is another program"}
"""The commands without --json, each with the reason."""


def test_every_command_lists_and_shows_for_programs() -> None:
    """Every command has --json, but those that neither list nor show."""
    assert {command.name for command in commands() if JSON not in command.needs} == set(WITHOUT)


def test_every_command_with_json_is_in_the_guide() -> None:
    """The guide names each command that has --json, and no other."""
    assert set(KEYS) == {command.name for command in commands() if JSON in command.needs}


def test_what_is_in_repositories_as_json(directory: Path) -> None:
    """Backups, a backup, checks, locks, pins and quarantine, each with the numbers that its text has."""
    [entry] = document(directory, "backups")["backups"]
    label = entry["label"]
    assert entry["repository"] == "local"
    assert f"{label}  local " in run(directory, "backups").out
    shown = document(directory, "show", label)
    standing = ("proven", "proven_businesses", "failed", "hindered")
    assert shown["metadata"] == {
        key: value for key, value in entry.items() if key not in ("repository", "put_aside", "pinned", *standing)
    }
    assert [shown[key] for key in standing] == [entry[key] for key in standing] == [None, {}, None, None]
    assert sum(table["rows"] for table in shown["tables"]) == entry["stats"]["totalRecords"]
    [checked] = document(directory, "check")["repositories"]
    assert (checked["damaged"], checked["backups"], checked["findings"]) == (False, 1, [])
    [pinned] = document(directory, "pin", label, "--until", "2099-12-31")["pins"]
    assert pinned == {"label": label, "repository": "local", "pinned": True, "until": "2099-12-31", "error": None}
    assert document(directory, "show", label)["pins"][0]["until"] == "2099-12-31"
    assert document(directory, "unpin", label)["pins"][0]["was_pinned"] is True
    assert document(directory, "unlock")["repositories"] == [{"repository": "local", "locks": []}]
    assert document(directory, "quarantine.list")["quarantines"] == []
    assert document(directory, "doctor.storage", "--repository", "local")["usable"] is True


def test_what_is_wrong_as_json(directory: Path) -> None:
    """Damage, and a repository that is not there, stand in the document, and the exit code is that of the text."""
    chunk = next((directory / "repository" / "chunks").glob("*/*"))
    chunk.write_bytes(b"rotten")
    [checked] = document(directory, "check", code=6)["repositories"]
    assert checked["damaged"] is True
    assert list(checked["repair"]["backups"]) == checked["findings"][0]["labels"]
    (directory / "repository").rename(directory / "unmounted")
    for command, key in (("backups", "errors"), ("check", "repositories"), ("unlock", "repositories")):
        [lost] = document(directory, command, code=4)[key]
        assert lost["repository"] == "local"
        assert "there is none now" in lost["error"]


def test_a_verification_and_a_database_as_json(
    tmp_path: Path, servers: Servers, demo_template: Callable[[int], str]
) -> None:
    """verify gives the report of its run, the others their numbers; standard output has nothing else."""
    place = Place(tmp_path)
    shutil.copy(ROOT / "tasks.py", tmp_path)
    ran = place.run(servers.database(18, template=demo_template(18)), "{backup: {scope: business, job: first}}")
    assert ran.code == 0, ran.text
    [entry] = document(tmp_path, "backups")["backups"]
    assert (entry["repository"], entry["host"], entry["job"]) == ("here", "shop", "first")
    verified = json.loads(run(tmp_path, "verify", entry["label"], "--host", "shop", "--json").out)
    assert verified["exit_code"] == 0
    [result] = verified["plays"][0]["tasks"][0]["results"]
    assert result["facts"]["exact"] is True
    file = tmp_path / "graph.svg"
    drawn = document(tmp_path, "graph", "--host", "shop", "--output", str(file))
    assert (drawn["file"], file.exists()) == (str(file), True)
    assert len(document(tmp_path, "leaks", "--host", "shop")["tenants"]) == 8
    counted = document(tmp_path, "businesses", "--host", "shop")
    assert [each["key"] for each in counted["businesses"] if each["demo"]] == ["biz-demo-cafe", "biz-demo-hardware"]
    assert {each["table"]: each["rows"] for each in counted["optional"]} == {"audit_logs": 720}


def test_the_control_directory_as_json(directory: Path) -> None:
    """lint gives each problem with its place, doctor what is installed; with problems lint ends with 2 as ever."""
    assert document(directory, "lint") == {"problems": []}
    wrong = directory / "wrong.yml"
    wrong.write_text("- hosts: one\n  tasks:\n    - debug: {mgs: hello}\n", encoding="utf-8")
    [problem] = document(directory, "lint", "wrong.yml", code=2)["problems"]
    assert (problem["file"], problem["line"]) == ("wrong.yml", 3)
    assert document(directory, "doctor.machine")["libraries"]["psycopg"]
    wrong.unlink()
    found = document(directory, "doctor")
    assert ("repository local", "repository", "ok") in {
        (each["about"], each["check"], each["level"]) for each in found["findings"]
    }
