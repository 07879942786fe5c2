"""Whatever is in a repository: errors instead of tracebacks, no hang, no flood, and nothing outside is touched."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.storage.hostile import HUGE, OPERATIONS, Mutation, fingerprint, make, make_outside
from tests.sweeps import SEED, examples
from toolkit.errors import DamageError, PlaybackError
from toolkit.storage.bundle.store import BundleStore
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

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


def attack(store: Callable[[], Store], chance: random.Random, said: str) -> None:
    """Do all that is done with a repository, in any order: each ends soon, with a result or a documented error."""
    todo = list(OPERATIONS.items())
    chance.shuffle(todo)
    for name, operation in todo:
        began = time.monotonic()
        with limited(f"{name}, {said}"):
            try:
                operation(Repository.open(store(), create=False))
            except PlaybackError:
                pass
            except Exception as error:
                raise AssertionError(f"{name} gives {type(error).__name__}: {error} ({said})") from error
        assert time.monotonic() - began < SECONDS, f"{name}, {said}"


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
        attack(lambda: LocalStore(root), chance, said)  # noqa: B023
        assert fingerprint(outside) == before, said
    assert memory() - grown < MEMORY, f"seed {SEED}"


def packed(path: Path, root: Path, outside: Path, chance: random.Random) -> str:
    """Pack a spoilt repository into a bundle, put something beside it, and flip bytes where its table of contents is.

    Gives what was done.
    """
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)  # the same name twice
        for file in sorted(root.rglob("*")):
            if file.is_file() and not file.is_symlink() and file.stat().st_size < HUGE:
                name = file.relative_to(root).as_posix().encode(errors="replace").decode()
                way = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
                for _ in range(1 + (chance.random() < 0.01)):
                    archive.writestr(zipfile.ZipInfo(name), file.read_bytes(), way)
        table = archive.fp.tell() if archive.fp else 0
    data = bytearray(path.read_bytes())
    flipped = [chance.randrange(table, len(data)) for _ in range(chance.choice((0, 0, 1, 3)))]
    for at in flipped:
        data[at] = chance.choice((0, 255, data[at] ^ 1 << chance.randrange(8)))
    path.write_bytes(data)
    beside, what = path.with_name(f".{path.name}.writing"), chance.choice(("nothing", "link", "pipe", "linked locks"))
    if what == "link":
        beside.symlink_to(outside)
    elif what == "pipe":
        os.mkfifo(beside)
    elif what == "linked locks":
        beside.mkdir()
        (beside / "locks").symlink_to(outside / "locks")
    return f"bytes {flipped} of {table} to {len(data)}, {what} beside it"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_nothing_in_a_bundle_does_harm(tmp_path: Path) -> None:
    """Bundles spoilt at random, and what is beside them: the same."""
    make(tmp_path / "model")
    make_outside(tmp_path / "outside", tmp_path / "model")
    (tmp_path / "outside" / "mine.tmp").write_bytes(b"mine")
    before, grown = fingerprint(tmp_path / "outside"), memory()
    for number in range(examples(5)):
        chance = random.Random(f"bundle {SEED} {number}")
        root = tmp_path / f"repository{number}"
        shutil.copytree(tmp_path / "model", root)
        mutation = Mutation(root, tmp_path / "outside", chance)
        mutation.spoil()
        bundle = tmp_path / f"bundle{number}"
        done = packed(bundle, root, tmp_path / "outside", chance)
        attack(lambda: BundleStore(bundle), chance, f"seed {SEED}, case {number}: {'; '.join(mutation.done)}; {done}")  # noqa: B023
        assert fingerprint(tmp_path / "outside") == before, done
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
