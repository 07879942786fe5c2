"""A command is added as CONTRIBUTING.md says: its file, and its line in the list."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.app.invoking import ROOT, Invoked, invoke
from tests.control import Control
from tests.storage.samples import sample_rows, write_backup
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

FILE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINE = '"show",\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the command `sizes` of CONTRIBUTING.md, and a repository with a backup."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "toolkit", copy / "toolkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas", copy / "schemas")
    shutil.copy(ROOT / "tasks.py", copy)
    shown = FILE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    (source,) = (each for each in shown if "COMMAND = " in each)
    commands = copy / "toolkit" / "app" / "commands"
    (commands / "sizes.py").write_text(source, encoding="utf-8")
    listed = (commands / "__init__.py").read_text(encoding="utf-8")
    assert LINE in listed
    (commands / "__init__.py").write_text(listed.replace(LINE, f'{LINE}    "sizes",\n'), encoding="utf-8")
    Control(copy).add_host("one", "embedded:none")
    write_backup(Repository.open(LocalStore(copy / "repository"), create=True), sample_rows())
    return copy


def run(project: Path, *words: str) -> Invoked:
    """Run a command of the copy, not of the project that the tests belong to."""
    return invoke(*words, cwd=project, env={"PYTHONPATH": str(project)})


def test_it_is_listed_with_its_options(project: Path) -> None:
    """The list has its summary, its help its own options and those it shares."""
    assert "Say how large repositories are: invoke sizes" in " ".join(run(project, "--list").out.split())
    helped = run(project, "sizes", "--help").out
    for option in ("--below", "--repository", "--inventory", "--json", "--debug"):
        assert option in helped


def test_it_answers_in_words_and_as_json(project: Path) -> None:
    """Both say the same, and its options reach it."""
    size = sum(file.stat().st_size for file in (project / "repository" / "chunks").rglob("*") if file.is_file())
    [found] = json.loads(run(project, "sizes", "--below", "chunks/", "--json").out)["repositories"]
    assert found == {"repository": "local", "bytes": size}
    assert run(project, "sizes", "--below", "chunks/").out.startswith("local: ")


def test_its_words_are_checked(project: Path) -> None:
    """A misspelt option is exit 2 with the option that was meant."""
    wrong = run(project, "sizes", "--beloww", "x")
    assert (wrong.code, "did you mean --below?" in wrong.err) == (2, True)
