"""What commands print with --json: the same facts as their text, under the keys that the guide names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.invoking import ROOT, Place, invoke
from tests.conftest import Servers
from toolkit.app.command import JSON
from toolkit.app.commands import COMMANDS

GUIDE = (ROOT / "docs" / "guide" / "commands.md").read_text(encoding="utf-8")
KEYS = {
    command: set(re.findall(r"`(\w+)`", told)) for command, told in re.findall(r"^\| `(\S+)` \| (.*) \|$", GUIDE, re.M)
}
"""By command: the keys that the guide names."""

UNREAD = {"repository", "error", "hint"}
"""The keys of a repository that cannot be read, wherever it stands in a list."""


@pytest.fixture
def shop(tmp_path: Path, servers: Servers, demo_template: Callable[[int], str]) -> Place:
    """A place with a copy of the small demo and a backup of it."""
    place = Place(tmp_path)
    ran = place.run(servers.database(18, template=demo_template(18)), "{backup: {scope: business, job: first}}")
    assert ran.code == 0, ran.text
    return place


def document(place: Place, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command with --json; gives the document, whose keys the guide names."""
    given = () if words[0] in ("lint", "doctor") else ("--inventory", str(place.inventory))
    ran = invoke(*words, *given, "--json")
    assert ran.code == code, ran.text
    found: dict[str, Any] = json.loads(ran.out)
    for key, value in found.items():
        assert key in KEYS[words[0]], key
        if isinstance(value, list) and value and isinstance(value[0], dict) and words[0] != "backups":
            assert set(value[0]) <= KEYS[words[0]] | UNREAD
    return found


def test_every_command_with_json_is_in_the_guide() -> None:
    """The guide names each command that has --json, and no other."""
    assert set(KEYS) == {command.name for command in COMMANDS if JSON in command.needs}


def test_what_is_in_repositories_as_json(shop: Place) -> None:
    """Backups, a backup, checks, locks, pins and quarantine, each with the numbers that its text has."""
    [entry] = document(shop, "backups")["backups"]
    label = entry["label"]
    assert (entry["repository"], entry["host"], entry["job"]) == ("here", "shop", "first")
    shown = document(shop, "show", label)
    assert shown["metadata"] == {key: value for key, value in entry.items() if key != "repository"}
    assert sum(table["rows"] for table in shown["tables"]) == entry["stats"]["totalRecords"]
    [checked] = document(shop, "check")["repositories"]
    assert (checked["damaged"], checked["backups"], checked["findings"]) == (False, 1, [])
    [pinned] = document(shop, "pin", label, "--until", "2099-12-31")["pins"]
    assert pinned == {"label": label, "repository": "here", "pinned": True, "until": "2099-12-31", "error": None}
    assert document(shop, "show", label)["pins"][0]["until"] == "2099-12-31"
    assert document(shop, "unpin", label)["pins"][0]["was_pinned"] is True
    assert document(shop, "unlock")["repositories"] == [{"repository": "here", "locks": []}]
    assert document(shop, "quarantine.list")["quarantines"] == []
    assert document(shop, "doctor.storage", "--repository", "here")["usable"] is True


def test_what_is_wrong_as_json(shop: Place) -> None:
    """Damage, and a repository that is not there, stand in the document, and the exit code is that of the text."""
    chunk = next((shop.repository / "chunks").glob("*/*"))
    chunk.write_bytes(b"rotten")
    [checked] = document(shop, "check", code=6)["repositories"]
    assert checked["damaged"] is True
    assert list(checked["repair"]["backups"]) == checked["findings"][0]["labels"]
    shop.repository.rename(shop.directory / "unmounted")
    for command, key in (("backups", "errors"), ("check", "repositories"), ("unlock", "repositories")):
        [lost] = document(shop, command, code=4)[key]
        assert lost["repository"] == "here"
        assert "there is none now" in lost["error"]


def test_a_verification_and_a_database_as_json(shop: Place) -> None:
    """verify gives the report of its run, leaks and graph their numbers; nothing else is on standard output."""
    [entry] = document(shop, "backups")["backups"]
    given = ("--host", "shop", "--inventory", str(shop.inventory), "--json")
    verified = json.loads(invoke("verify", entry["label"], *given).out)
    assert verified["exit_code"] == 0
    [result] = verified["plays"][0]["tasks"][0]["results"]
    assert result["facts"]["exact"] is True
    file = shop.directory / "graph.svg"
    drawn = document(shop, "graph", "--host", "shop", "--output", str(file))
    assert (drawn["file"], file.exists()) == (str(file), True)
    assert len(document(shop, "leaks", "--host", "shop")["tenants"]) == 8


def test_the_control_directory_as_json(shop: Place, tmp_path: Path) -> None:
    """lint gives each problem with its place, doctor what is installed; with problems lint ends with 2 as ever."""
    assert document(shop, "lint") == {"problems": []}
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("- hosts: demo\n  tasks:\n    - debug: {mgs: hello}\n", encoding="utf-8")
    [problem] = document(shop, "lint", str(wrong), code=2)["problems"]
    assert (problem["file"], problem["line"]) == (str(wrong), 3)
    found = document(shop, "doctor")
    assert found["libraries"]["psycopg"]
    assert "local" in [each["repository"] for each in found["repositories"]]
