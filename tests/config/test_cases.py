"""Cases are files: what stands in `valid` has no problem, what stands in `invalid` has exactly the problems beside it.

A `.problems` file holds one problem a line, without the file's name: `line: path: message`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from toolkit.config.lint import lint

HERE = Path(__file__).parent
CASES = HERE / "cases"
PLACES = {
    "playbooks": "playbooks/{stem}.yml",
    "inventories": "inventory/hosts.yml",
    "repositories": "inventory/repositories.yml",
    "consoles": "inventory/console.yml",
    "catalogs": "inventory/catalogs/{stem}.yml",
}
"""Where a case of each kind stands in the control directory."""


def problems_of(case: Path, control: Path) -> list[str]:
    """What lint says about a case that has been put in its place in a control directory of its own."""
    shutil.copytree(HERE / "control", control)
    name = PLACES[case.parent.parent.name].format(stem=case.stem)
    (control / name).parent.mkdir(exist_ok=True)
    shutil.copy(case, control / name)
    if (case.parent / "vars").exists():
        shutil.copytree(case.parent / "vars", control / "playbooks" / "vars")
    problems = lint(control, [control / name])
    assert {problem.file for problem in problems} <= {name}
    return [str(problem).removeprefix(f"{name}:").lstrip() for problem in problems]


def cases(kind: str) -> list[Path]:
    """All cases that are `valid` or `invalid`."""
    found = sorted(CASES.glob(f"*/{kind}/*.yml"))
    assert {case.parent.parent.name for case in found} == set(PLACES)
    return found


@pytest.mark.parametrize("case", cases("valid"), ids=lambda case: f"{case.parent.parent.name}/{case.stem}")
def test_valid(case: Path, tmp_path: Path) -> None:
    """A file that is right has no problem."""
    assert problems_of(case, tmp_path / "control") == []


@pytest.mark.parametrize("case", cases("invalid"), ids=lambda case: f"{case.parent.parent.name}/{case.stem}")
def test_invalid(case: Path, tmp_path: Path) -> None:
    """Every problem of a file is reported, each with its line, its path and the remedy, in the order of lines."""
    expected = case.with_suffix(".problems").read_text(encoding="utf-8").splitlines()
    assert problems_of(case, tmp_path / "control") == expected


@pytest.mark.parametrize("case", cases("invalid"), ids=lambda case: f"{case.parent.parent.name}/{case.stem}")
def test_no_secret_is_repeated(case: Path, tmp_path: Path) -> None:
    """A problem about a password never shows it."""
    assert not any("hunter" in line or "AKIA" in line for line in problems_of(case, tmp_path / "control"))
