"""One call of the store goes wrong, whichever it is: a loud error or a right result, a valid repository, a whole rerun.

A sample of the calls runs every time; all of them with PLAYBACK_SLOW_TESTS=1, and `-rP` shows how many there were.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.storage.operations import OPERATIONS, expect_sound, fill, findings
from tests.storage.sweeping import Fault, SweptStore
from tests.sweeps import EVERYTHING
from toolkit.errors import PlaybackError
from toolkit.storage.local import LocalStore

SAMPLE = 3
"""How many calls of each kind go wrong in a quick run."""


@dataclass(frozen=True)
class Directory:
    """Both repositories in a directory."""

    path: Path

    def store(self, name: str) -> LocalStore:
        """The store of one of both."""
        return LocalStore(self.path / name)

    def copy(self, path: Path) -> Directory:
        """The same somewhere else."""
        return Directory(shutil.copytree(self.path, path))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """Backups in both repositories."""
    place = Directory(tmp_path_factory.mktemp("sweep"))
    fill(place)
    return place


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_call_that_goes_wrong(pristine: Directory, tmp_path: Path, name: str, fault: Fault, always: bool) -> None:
    """The error is loud or the result right; what was stored wrong is found; a rerun is complete."""
    operation = OPERATIONS[name]
    counting = SweptStore(pristine.copy(tmp_path / "clean").store(operation.on), fault)
    operation.run(counting, Directory(tmp_path / "clean"))
    assert operation.done(Directory(tmp_path / "clean"))
    loud = 0
    for at in positions(counting.calls, f"{name} {fault} {always}"):
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


def positions(total: int, seed: str) -> list[int]:
    """Which calls go wrong."""
    every = range(1, total + 1)
    return list(every) if EVERYTHING else sorted(random.Random(seed).sample(every, min(SAMPLE, total)))
