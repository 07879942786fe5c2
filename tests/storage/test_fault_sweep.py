"""One call of the store goes wrong, whichever it is: a loud error or a right result, a valid repository, a whole rerun.

A sample of the calls runs every time; all of them with PLAYBACK_SLOW_TESTS=1, and `-rP` shows how many there were.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.storage.operations import OPERATIONS, expect_sound, fill, findings
from tests.storage.sweeping import Fault, SweptStore
from tests.sweeps import EVERYTHING
from toolkit.errors import PlaybackError
from toolkit.storage.bundle.store import BundleStore
from toolkit.storage.local import LocalStore
from toolkit.storage.store import Store

SAMPLE = 3
"""How many calls of each kind go wrong in a quick run; of bundles one."""


@dataclass(frozen=True)
class Directory:
    """Both repositories in a directory."""

    path: Path

    def store(self, name: str) -> Store:
        """The store of one of both."""
        return LocalStore(self.path / name)

    def copy(self, path: Path) -> Self:
        """The same somewhere else."""
        return type(self)(shutil.copytree(self.path, path))


@dataclass(frozen=True)
class Bundles(Directory):
    """Both repositories in a file each."""

    def store(self, name: str) -> Store:
        """The store of one of both."""
        return BundleStore(self.path / f"{name}.playback")


@pytest.fixture(scope="module", params=[Directory, Bundles])
def pristine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """Backups in both repositories, in places of every kind."""
    place: Directory = request.param(tmp_path_factory.mktemp("sweep"))
    fill(place)
    return place


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_call_that_goes_wrong(pristine: Directory, tmp_path: Path, name: str, fault: Fault, always: bool) -> None:
    """The error is loud or the result right; what was stored wrong is found; a rerun is complete."""
    operation = OPERATIONS[name]
    clean = pristine.copy(tmp_path / "clean")
    counting = SweptStore(clean.store(operation.on), fault)
    operation.run(counting, clean)
    assert operation.done(clean)
    loud = 0
    sample = 1 if isinstance(pristine, Bundles) else SAMPLE
    for at in positions(counting.calls, sample, f"{name} {fault} {always}"):
        place = pristine.copy(tmp_path / str(at))
        faulty = SweptStore(place.store(operation.on), fault, at=at, always=always)
        try:
            operation.run(faulty, place)
        except PlaybackError:
            loud += 1
        else:
            assert faulty.spoilt or operation.done(place), f"call {at}: nothing was said, and it is not done"
        expect_sound(place, operation.on, faulty.spoilt)
        operation.run(place.store(operation.on), place)
        assert operation.done(place), f"call {at}: the rerun is not complete"
        assert findings(place) == [], f"call {at}: the rerun left damage"
        shutil.rmtree(place.path)
    print(f"{name}, {fault} {'always' if always else 'once'}: {counting.calls} calls, {loud} loud errors")


def positions(total: int, sample: int, seed: str) -> list[int]:
    """Which calls go wrong."""
    every = range(1, total + 1)
    return list(every) if EVERYTHING else sorted(random.Random(seed).sample(every, min(sample, total)))
