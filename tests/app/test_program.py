"""The commands as a program of their own, for a control directory without a tasks.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.invoking import ROOT, Invoked

STARTER = """
import sys
sys.argv = ["playback", *sys.argv[1:]]
from toolkit.app.program import main
main()
"""


def playback(*words: str, cwd: Path) -> Invoked:
    """Run the program as its console script does."""
    done = subprocess.run(
        [sys.executable, "-c", STARTER, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    return Invoked(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A control directory with one host and no tasks.py."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text('all: {hosts: {one: {database: "embedded:none"}}}\n', encoding="utf-8")
    play = "- hosts: one\n  tasks:\n    - {debug: {msg: hello}, tags: greeting}\n"
    (tmp_path / "hello.yml").write_text(play, encoding="utf-8")
    return tmp_path


def test_the_control_directory_is_the_nearest_one_with_an_inventory(directory: Path) -> None:
    """In it, and anywhere below it, the program runs its playbooks."""
    below = directory / "notes" / "old"
    below.mkdir(parents=True)
    for cwd in (directory, below):
        ran = playback("run", "hello.yml", cwd=cwd)
        assert ran.code == 0, ran
        assert "=> hello" in ran.out


def test_the_program_has_the_commands_of_invoke(directory: Path) -> None:
    """Its help lists them, and shows one with its options and by its own name."""
    listed = playback("--help", cwd=directory)
    assert listed.code == 0
    for command in ("run", "backups", "doctor.storage", "quarantine.retry"):
        assert command in listed.out
    helped = playback("run", "--help", cwd=directory)
    assert "Run a playbook: playback run PLAYBOOK" in helped.out
    assert "--extra-vars" in helped.out


def test_what_it_says_names_the_program(directory: Path) -> None:
    """Hints at commands say `playback`, whichever part of the program they come from; wrong words are exit 2."""
    for words, message in (
        (("run", "hello.yml", "--chekc"), "run has no option --chekc\nHINT: did you mean --check?"),
        (("run", "hello.yml", "--nonsense-option"), "HINT: see playback run --help"),
        (("run",), "HINT: playback run PLAYBOOK, e.g. playback run playbooks/nightly.yml"),
        (("show",), "HINT: playback show LABEL; `playback backups` lists the labels"),
        (("run", "hello.yml", "--tags", "greeting", "--skip-tags", "greeting"), "--list-tasks shows the tasks"),
    ):
        ran = playback(*words, cwd=directory)
        assert (ran.code, message in ran.err, "invoke" in ran.err) == (2, True, False), ran
