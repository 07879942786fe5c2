"""A command that is forked does what one with an interpreter of its own does, byte for byte."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.app.forking import can_fork, forked
from tests.app.invoking import INVENTORY, ROOT, interpreted, playbook

pytestmark = pytest.mark.skipif(not can_fork({}), reason="commands are not forked here")


def test_it_prints_and_ends_as_with_an_interpreter_of_its_own(tmp_path: Path) -> None:
    """Exit codes, both streams, words beyond ASCII, and the working directory."""
    shutil.copy(ROOT / "tasks.py", tmp_path)
    playbook(tmp_path, 'debug: {msg: "ø {{ 7 * 7 }}"}', 'assert: {that: "1 > 2"}')
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    inventory = ("--inventory", str(INVENTORY))
    for number, (words, code, said) in enumerate(
        (
            (("run", "playbook.yml", *inventory), 1, "ø 49"),
            (("run", "playbook.yml", *inventory, "--list-tasks", "--json"), 0, "assert"),
            (("run", "playbook.yml", "--nonsense"), 2, "no option --nonsense"),
            (("--help", "run"), 0, "--extra-vars"),
        )
    ):
        streams = tmp_path / f"streams-{number}"
        streams.mkdir()
        ended = forked(words, tmp_path, environment, streams)
        out, err = ((streams / name).read_bytes() for name in ("stdout", "stderr"))
        assert (ended, said in (out + err).decode("utf-8")) == (code, True), (out, err)
        assert (ended, out, err) == interpreted(words, tmp_path, environment)
