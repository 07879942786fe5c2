"""An action is added as CONTRIBUTING.md says: its file, its line in the registry, and the schemas written anew."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.invoking import ROOT, Invoked, invoke

FILE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINE = '"wait_for",\n'

PLAYBOOK = """
- hosts: one
  tasks:
    - touch: {path: done}
      register: made
    - debug: {msg: "{{ made.path }} is made"}
"""
WRONG = """
- hosts: one
  vars: {many: several}
  tasks:
    - touch: {path: never, lines: "{{ many }}"}
"""
MISSPELT = """
- hosts: one
  tasks:
    - touch: {pth: done}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the action `touch` of CONTRIBUTING.md, and playbooks that use it."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "toolkit", copy / "toolkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas", copy / "schemas")
    shutil.copy(ROOT / "tasks.py", copy)
    shutil.copytree(ROOT / "tests" / "runner" / "control" / "inventory", copy / "inventory")
    shown = FILE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    (source,) = (each for each in shown if "ACTION = " in each)
    (copy / "toolkit" / "actions" / "touch.py").write_text(source, encoding="utf-8")
    registry = copy / "toolkit" / "actions" / "registry.py"
    listed = registry.read_text(encoding="utf-8")
    assert LINE in listed
    registry.write_text(listed.replace(LINE, f'"touch",\n    {LINE}'), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "toolkit.app.schemas"], cwd=copy, check=True)
    for name, text in {"good": PLAYBOOK, "wrong": WRONG, "misspelt": MISSPELT}.items():
        (copy / f"{name}.yml").write_text(text, encoding="utf-8")
    return copy


def run(project: Path, *words: str) -> Invoked:
    """Run a command of the copy, not of the project that the tests belong to."""
    return invoke(*words, cwd=project, env={"PYTHONPATH": str(project)})


def test_it_runs(project: Path) -> None:
    """A playbook that names it runs it, and later tasks see its facts."""
    ran = run(project, "run", "good.yml")
    assert ran.code == 0, ran.text
    assert "made done" in ran.out
    assert "done is made" in ran.out
    assert (project / "done").exists()


def test_the_linter_knows_its_arguments(project: Path) -> None:
    """A misspelt argument is a problem with its line, and with the argument that was meant."""
    linted = run(project, "lint", "misspelt.yml")
    assert linted.code == 2
    assert "misspelt.yml:4: [0].tasks[0].touch.pth: unknown key pth; did you mean path?" in linted.err


def test_rendered_arguments_are_checked(project: Path) -> None:
    """What a template gives is checked before it runs."""
    ran = run(project, "run", "wrong.yml")
    assert ran.code == 2
    assert 'touch.lines: expected a whole number, found "several"' in ran.text
    assert not (project / "never").exists()
