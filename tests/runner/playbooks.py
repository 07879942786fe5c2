"""Runs playbooks as `invoke run` does, in this process."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.app.commands import run
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.output.streams import Output

HERE = Path(__file__).parent
CONTROL = Control(directory=HERE / "control")
CASES = HERE / "cases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything a person saw."""
        return f"{self.out}{self.err}exit code {self.code}\n"


def run_file(path: Path, tmp: Path, options: run.Options | None = None, control: Control = CONTROL) -> Ran:
    """Run a playbook file; its templates have `python` and `tmp`."""
    given = options or run.Options()
    text = path.read_text(encoding="utf-8")
    own = (f"{name}={value}" for name, value in (("python", sys.executable), ("tmp", tmp)) if name in text)
    extra_vars = (*own, *given.extra_vars)
    out, err = io.StringIO(), io.StringIO()
    options = replace(given, playbook=(str(path),), extra_vars=extra_vars)
    code = perform(run.COMMAND, options, control, output=Output(out, err))
    return Ran(code=code, out=out.getvalue(), err=err.getvalue())


def run_text(text: str, tmp: Path, options: run.Options | None = None, control: Control = CONTROL) -> Ran:
    """Run a playbook given as text."""
    path = tmp / "playbook.yml"
    path.write_text(text, encoding="utf-8")
    return run_file(path, tmp, options, control)
