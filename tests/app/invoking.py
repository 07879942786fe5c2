"""The real command line, in a process of its own; most of them are forked off one that has loaded it (forking.py)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.app.forking import can_fork, forked
from toolkit.shipped import DEMO_INVENTORY

ROOT = Path(__file__).parents[2]
INVENTORY = ROOT / "tests" / "runner" / "control" / "inventory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoked:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything a person saw."""
        return self.out + self.err


def invoke(*words: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Invoked:
    """Run `invoke` with these words; no traceback may ever be printed."""
    environment = {**os.environ, **(env or {})}
    if can_fork(env or {}):
        with tempfile.TemporaryDirectory() as streams:
            code = forked(words, cwd, environment, Path(streams))
            out, err = (Path(streams, name).read_bytes() for name in ("stdout", "stderr"))
    else:
        code, out, err = interpreted(words, cwd, environment)
    invoked = Invoked(code=code, out=out.decode("utf-8"), err=err.decode("utf-8"))
    assert "Traceback" not in invoked.text, invoked.text
    return invoked


def interpreted(words: tuple[str, ...], cwd: Path, environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Run `invoke` by an interpreter of its own; gives the exit code, standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def run(playbook: Path, *words: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Invoked:
    """`invoke run` of a playbook, on the hosts one, two and three, which have no database."""
    return invoke("run", str(playbook), "--inventory", str(INVENTORY), *words, cwd=cwd, env=env)


def playbook(directory: Path, *tasks: str, hosts: str = "one", name: str = "playbook.yml") -> Path:
    """A playbook with one play of these tasks, each in YAML flow style."""
    path = directory / name
    path.write_text(f"- hosts: {hosts}\n  tasks:\n" + "".join(f"    - {task}\n" for task in tasks), encoding="utf-8")
    return path


class Place:
    """A directory with an inventory of one host, its repository and a playbook."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.repository = directory / "repository"
        self.inventory = directory / "inventory"
        shutil.copytree(DEMO_INVENTORY / "catalogs", self.inventory / "catalogs")

    def run(self, database: object, *tasks: str, env: Mapping[str, str] | None = None) -> Invoked:
        """Run a playbook with these tasks on a host with this database."""
        variables = {"database": database, "catalog": "multi-business", "repository": "here"}
        hosts: dict[str, Any] = {"all": {"hosts": {"shop": variables}}}
        (self.inventory / "hosts.yml").write_text(json.dumps(hosts), encoding="utf-8")
        store = {"here": {"type": "local", "path": str(self.repository)}}
        (self.inventory / "repositories.yml").write_text(json.dumps(store), encoding="utf-8")
        path = playbook(self.directory, *tasks, hosts="shop")
        return invoke("run", str(path), "--inventory", str(self.inventory), env=env)
