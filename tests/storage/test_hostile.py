"""Whatever is in a repository: errors instead of tracebacks, no hang, no flood, and nothing outside is touched."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.storage.hostile import OPERATIONS, Mutation, fingerprint, make, make_outside
from tests.sweeps import SEED, examples
from toolkit.errors import DamageError, PlaybackError
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

SECONDS = 20
"""For all that is done with one repository; a hang takes for ever."""

MEMORY = 400 * 1024
"""KiB by which the process may grow."""


def memory() -> int:
    """The most KiB that the process has had."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415 - there is none on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextmanager
def limited(what: str) -> Iterator[None]:
    """Ends what takes too long."""
    if sys.platform == "win32":
        yield
        return

    def end(*_: object) -> None:
        raise AssertionError(f"it hangs: {what}")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_nothing_in_a_repository_does_harm(tmp_path: Path) -> None:
    """Repositories spoilt at random: every command ends soon, with a result or one of the documented errors."""
    outside = tmp_path / "outside"
    make(tmp_path / "model")
    make_outside(outside, tmp_path / "model")
    before, grown = fingerprint(outside), memory()
    for number in range(examples(30)):
        chance = random.Random(f"{SEED} {number}")
        root = tmp_path / f"repository{number}"
        shutil.copytree(tmp_path / "model", root)
        mutation = Mutation(root, outside, chance)
        mutation.spoil()
        said = f"seed {SEED}, case {number}: {'; '.join(mutation.done)}"
        todo = list(OPERATIONS.items())
        chance.shuffle(todo)
        for name, operation in todo:
            began = time.monotonic()
            with limited(f"{name}, {said}"):
                try:
                    operation(Repository.open(LocalStore(root), create=False))
                except PlaybackError:
                    pass
                except Exception as error:
                    raise AssertionError(f"{name} gives {type(error).__name__}: {error} ({said})") from error
            assert time.monotonic() - began < SECONDS, f"{name}, {said}"
        assert fingerprint(outside) == before, said
    assert memory() - grown < MEMORY, f"seed {SEED}"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize("name", ["chunks", "backups", "locks", "published", "pins", "quarantine"])
def test_a_linked_directory_is_not_followed(tmp_path: Path, name: str) -> None:
    """A directory of the repository that is a link is named, and what it leads to is neither read nor removed."""
    make(tmp_path / "repository")
    make_outside(tmp_path / "outside", tmp_path / "repository")
    before = fingerprint(tmp_path / "outside")
    part = tmp_path / "repository" / name
    part.rename(tmp_path / "away")
    part.symlink_to(tmp_path / "outside" / name)
    store = LocalStore(tmp_path / "repository")
    with pytest.raises(PlaybackError, match=rf"{name} is a symbolic link"):
        list(store.list(f"{name}/"))
    for operation in OPERATIONS.values():
        with suppress(PlaybackError):
            operation(Repository.open(store, create=False))
    assert fingerprint(tmp_path / "outside") == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none of these in directories")
@pytest.mark.parametrize("what", ["a named pipe", "a socket", "a symbolic link", "a directory"])
def test_what_is_no_file_is_named(tmp_path: Path, what: str) -> None:
    """Whatever stands in the place of a file is said by its kind, before it is opened; a write takes its place."""
    store = LocalStore(tmp_path / "store")
    store.put("a/b", b"1")
    at = tmp_path / "store" / "a" / "b"
    at.rename(tmp_path / "elsewhere")
    if what == "a named pipe":
        os.mkfifo(at)
    elif what == "a socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(at))
    elif what == "a symbolic link":
        at.symlink_to(tmp_path / "elsewhere")
    else:
        at.mkdir()
    for ask in (store.get, store.size, store.exists):
        with limited(what), pytest.raises(DamageError, match=f"b is {what}; a repository holds ordinary files"):
            ask("a/b")
    if what != "a directory":
        store.put("a/b", b"2")
        assert store.get("a/b") == b"2"
    assert (tmp_path / "elsewhere").read_bytes() == b"1"
