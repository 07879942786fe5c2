"""Playbooks in `cases/`, each with what it prints beside it; the first line of each says what it shows."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.runner.playbooks import CASES, run_file
from toolkit.app.commands import run


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yml")), ids=lambda path: path.stem)
def test_playbook_prints_what_stands_beside_it(path: Path, tmp_path: Path) -> None:
    """A playbook prints the lines that are expected of it and ends with the expected exit code."""
    printed = ""
    for number, options in enumerate(_runs(path)):
        tmp = tmp_path / str(number)
        tmp.mkdir()
        ran = run_file(path, tmp, run.Options(**options))
        assert "Traceback" not in ran.text
        printed += f"$ {json.dumps(options)}\n{ran.text}\n".replace(str(tmp), "TMP").replace(sys.executable, "PYTHON")
    expected = path.with_suffix(".out")
    if os.environ.get("PLAYBACK_WRITE_EXPECTED"):
        expected.write_text(printed, encoding="utf-8")
    assert printed == expected.read_text(encoding="utf-8")


def _runs(path: Path) -> list[dict[str, Any]]:
    """The options of each run, from the line `# runs:`; one run without options where there is none."""
    for line in path.read_text(encoding="utf-8").splitlines()[:3]:
        if line.startswith("# runs:"):
            runs = yaml.safe_load(line.removeprefix("# runs:"))
            return [{name: _typed(value) for name, value in run.items()} for run in runs]
    return [{}]


def _typed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
