"""Works that are whole playbooks: the shipped nightly run of the demo, and one backup on each of many hosts."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from benchmarks.measuring import Command, run
from benchmarks.place import HOME, ROOT, DiffersError, NotBuiltError, Place, invoke, remove
from toolkit.app.commands.run import Options

HOSTS = 200
"""Hosts of the fleet at full scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nightly:
    """The shipped nightly run in a control directory of its own, after one that is not timed.

    Attributes:
        commit: the version of the product that runs it; this checkout as it is when empty.
    """

    commit: str = ""

    def prepare(self, place: Place) -> Command:
        """Make the control directory and the run before this one, where this is the first."""
        home, toolkit = HOME / f"nightly-{self.commit or 'now'}", _checkout(self.commit)
        command = invoke("run", "playbooks/nightly.yml", directory=home, toolkit=toolkit)
        if place.first_time(home):
            remove(home)
            home.mkdir()
            # older commits have it at the top
            places = (toolkit / "toolkit" / "demo" / "inventory", toolkit / "inventory")
            shutil.copytree(next(place for place in places if place.is_dir()), home / "inventory")
            shutil.copy(toolkit / "tasks.py", home)
            run(command, place.postmaster)
        return command

    def check(self, place: Place) -> int | None:
        """Check nothing: the run has verified the restore itself."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A backup of each of many hosts, each of which is a database of its own on one server.

    Attributes:
        options: how the hosts are shared out.
    """

    options: Sequence[str] = ()

    def prepare(self, place: Place) -> Command:
        """Have the databases, and an empty repository."""
        if "--executor" in self.options and not _has_executor():
            raise NotBuiltError("`run --executor dask`, or the package distributed is not installed")
        home = HOME / "fleet"
        if place.first_time(home):
            remove(home)
            (home / "inventory" / "catalogs").mkdir(parents=True)
            shutil.copy(ROOT / "tasks.py", home)
            shutil.copy(HOME / "inventory" / "catalogs" / "H.yml", home / "inventory" / "catalogs")
            store = {"fleet": {"type": "local", "path": str(home / "repository")}}
            (home / "inventory" / "repositories.yml").write_text(json.dumps(store), encoding="utf-8")
            hosts = {
                name: {"database": place.conninfo(name), "catalog": "H", "repository": "fleet"}
                for name in place.copies("H", self._hosts(place))
            }
            (home / "inventory" / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
            task = {"name": "Back up", "backup": {"job": "fleet"}}
            play = [{"name": "Fleet", "hosts": "all", "tasks": [task]}]
            (home / "fleet.yml").write_text(json.dumps(play), encoding="utf-8")
        remove(home / "repository")
        remove(home / ".playback")
        return invoke("run", "fleet.yml", *self.options, directory=home)

    def check(self, place: Place) -> int | None:
        """See that there is a backup of every host."""
        found = len(list((HOME / "fleet" / "repository" / "backups").glob("*/manifest.json")))
        if found != self._hosts(place):
            raise DiffersError(f"{found} backups of {self._hosts(place)} hosts")
        return None

    def _hosts(self, place: Place) -> int:
        return max(int(HOSTS * place.scale), 4)


def _has_executor() -> bool:
    named = {field.name for field in dataclasses.fields(Options)}
    return "executor" in named and find_spec("distributed") is not None


def _checkout(commit: str) -> Path:
    """Give the files of a commit of this project; of none, this checkout."""
    if not commit:
        return ROOT
    folder = HOME / "checkouts" / commit
    if not folder.is_dir():
        done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
        if done.returncode:
            raise NotBuiltError(f"commit {commit} is not in this checkout")
        draft = folder.with_suffix(".draft")
        remove(draft)
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(draft, filter="data")
        draft.rename(folder)
    return folder
