"""Repositories in which somebody has put anything in the place of anything, and what is done with them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from tests.storage.samples import NOW, sample_rows, some_rows, write_backup
from toolkit.errors import PlaybackError
from toolkit.model.duration import Duration
from toolkit.model.outcome import SilentProgress
from toolkit.model.quarantine import QuarantinedRow
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.check import check
from toolkit.storage.copying import Copying
from toolkit.storage.layout import damaged_name, manifest_name
from toolkit.storage.local import LocalStore
from toolkit.storage.lock_files import list_locks, read_lock
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.prune import prune
from toolkit.storage.quarantine import QuarantineWriter, quarantines, read_rows
from toolkit.storage.records import pin, read_records, record_verified
from toolkit.storage.references import summaries
from toolkit.storage.repair import bring_back, plan_repair, repair
from toolkit.storage.repository import Repository

POSIX = sys.platform != "win32"
DEEP = 2_000
HUGE = 8 * 1024**3

WRONG: tuple[Any, ...] = (
    None, -1, 0, 2**70, 1e300, "", "../../x", "a/b", "NUL", "\ud800", [], {}, [[]], True, "9" * 5_000, 2**30, 2**62
)  # fmt: skip

ODD_NAMES = (
    "back\\slash", "new\nline", "CON", "aux.json", "nul", "x.", ".hidden", "~", "spa ce", "é", "colon:", "a" * 250,
    "20261120T020000Z-nightly-business.json", "20261120T020000Z-NIGHTLY-business", "manifest.json",
)  # fmt: skip


def make(directory: Path) -> Repository:
    """A repository with something of every kind in it."""
    repository = Repository.open(LocalStore(directory), create=True)
    first, _ = write_backup(repository, sample_rows(), packed=500)
    second, _ = write_backup(repository, {"orders": some_rows(120, 2)}, job="other", packed=500)
    label = first.metadata.label
    pin(repository, label, until=None, now=NOW)
    record_verified(repository, first, against="database", host="demo", now=NOW)
    aside, _ = write_backup(repository, {"orders": some_rows(20, 3)}, job="hurt")
    name = aside.metadata.label
    repository.store.put(damaged_name(name), repository.store.get(manifest_name(name)))
    repository.delete_manifest(name)
    writer = QuarantineWriter(repository, second.metadata.label, "demo", NOW, request={"mode": "merge"})
    columns: dict[str, str | None] = {"id": "1"}
    writer.write([QuarantinedRow(table="t", key="1", sqlstate="23505", constraint="c", reason="r", columns=columns)])
    repository.store.put("locks/shared-" + "0" * 32, b"{}")
    return repository


def make_outside(directory: Path, repository: Path) -> None:
    """Files beyond the repository that look like its own."""
    shutil.copytree(repository, directory, symlinks=True)
    for folder, _, names in os.walk(directory):
        for name in names:
            os.utime(Path(folder, name), (1_000_000_000, 1_000_000_000))


def fingerprint(directory: Path) -> dict[str, tuple[int, int, str]]:
    """All that is in a directory: names, modes, times and contents."""
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (status.st_mode, 0 if path.is_dir() else int(status.st_mtime), content)
    return found


class Mutation:
    """Spoils a repository in a few places that chance decides."""

    def __init__(self, root: Path, outside: Path, chance: random.Random) -> None:
        self._root, self._outside, self._chance = root, outside, chance
        self.done: list[str] = []

    def spoil(self) -> None:
        """Do one to three things."""
        for _ in range(self._chance.randint(1, 3)):
            everything = sorted(self._root.rglob("*"))
            # a file that is huge already would be read whole into the memory of the test
            victims = [each for each in everything if not each.is_symlink() and each.stat().st_size < HUGE]
            if not victims:
                return
            # few files are manifests, and much goes through them
            favoured = [each for each in victims if each.suffix == ".json"] or victims
            victim = self._chance.choice(self._chance.choice([victims, favoured]))
            kind = self._chance.choice(list(self._kinds()))
            self.done.append(f"{kind} {victim.relative_to(self._root)}")
            with suppress(FileExistsError):
                self._kinds()[kind](victim)

    def _kinds(self) -> dict[str, Callable[[Path], None]]:
        everywhere: dict[str, Callable[[Path], None]] = {
            "directory": lambda at: self._cleared(at).mkdir(),
            "empty": lambda at: self._write(at, b""),
            "noise": lambda at: self._write(at, self._chance.randbytes(300)),
            "cut": lambda at: self._write(at, at.read_bytes()[:-5] if at.is_file() else b"cut"),
            "huge": self._huge,
            "deep": lambda at: self._write(at, b'{"format":1,"a":' + b"[" * DEEP + b"]" * DEEP + b"}"),
            "very deep": lambda at: self._write(at, b"[" * 1_000_000),
            "twice": self._twice,
            "other type": self._other_type,
            "number": lambda at: self._write(at, b'{"format":' + b"9" * 10_000 + b"}"),
            "bomb": self._bomb,
            "odd name": self._odd_name,
            "swapped": self._swapped,
            "nest": self._nest,
            "gone": self._gone,
        }
        if not POSIX:
            return everywhere
        return everywhere | {
            "pipe": lambda at: os.mkfifo(self._cleared(at)),
            "socket": self._socket,
            "link to its like": self._link,
            "link to a directory": lambda at: self._cleared(at).symlink_to(self._outside),
            "link to nothing": lambda at: self._cleared(at).symlink_to("/nonexistent/file"),
            "link to itself": lambda at: self._cleared(at).symlink_to(at),
            "link to a device": lambda at: self._cleared(at).symlink_to("/dev/zero"),
        }

    def _gone(self, at: Path) -> None:
        self._cleared(at)

    def _cleared(self, at: Path) -> Path:
        if at.is_dir() and not at.is_symlink():
            shutil.rmtree(at)
        else:
            at.unlink(missing_ok=True)
        return at

    def _write(self, at: Path, data: bytes) -> None:
        self._cleared(at).write_bytes(data)

    def _huge(self, at: Path) -> None:
        with self._cleared(at).open("wb") as file:
            file.truncate(HUGE)

    def _document(self, at: Path) -> dict[str, Any] | None:
        try:
            found = json.loads(at.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def _twice(self, at: Path) -> None:
        document = self._document(at)
        if document:
            name = self._chance.choice(sorted(document))
            self._write(at, f"{{{json.dumps(name)}:{json.dumps(document[name])},".encode() + at.read_bytes()[1:])

    def _other_type(self, at: Path) -> None:
        document = self._document(at)
        if not document:
            return
        parts: list[tuple[Any, Any]] = []
        heap: list[Any] = [document]
        while heap:
            part = heap.pop()
            keys = list(part) if isinstance(part, dict) else range(len(part))
            parts += [(part, key) for key in keys]
            heap += [part[key] for key in keys if isinstance(part[key], dict | list)]
        part, key = self._chance.choice(parts)
        part[key] = self._chance.choice(WRONG)
        document.pop("checksum", None)
        with suppress(UnicodeEncodeError):
            sealed = hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()
            self._write(at, msgspec.json.encode(document | {"checksum": sealed}, order="sorted"))

    def _bomb(self, at: Path) -> None:
        self._write(at, zstandard.ZstdCompressor().compress(bytes(64 * 1024 * 1024)))

    def _odd_name(self, at: Path) -> None:
        folder = at if at.is_dir() else at.parent
        with suppress(OSError):
            (folder / self._chance.choice(ODD_NAMES)).write_bytes(b"odd")
        if POSIX:
            with suppress(OSError):
                (folder / os.fsdecode(b"bytes-\xff")).write_bytes(b"odd")

    def _swapped(self, at: Path) -> None:
        other = self._chance.choice([each for each in sorted(self._root.rglob("*")) if each.is_file()] or [at])
        if at.is_file() and not other.is_symlink():
            self._write(at, other.read_bytes() if other.stat().st_size < HUGE else b"")

    def _nest(self, at: Path) -> None:
        inner = self._cleared(at) / Path(*["d"] * 60)
        inner.mkdir(parents=True)
        (inner / "file").write_bytes(b"deep")

    def _socket(self, at: Path) -> None:
        self._cleared(at)
        with socket.socket(socket.AF_UNIX) as made, suppress(OSError):
            made.bind(str(at))

    def _link(self, at: Path) -> None:
        target = self._outside / at.relative_to(self._root)
        self._cleared(at).symlink_to(target if target.exists() else self._outside)


def read(repository: Repository) -> None:
    """Read all rows, as a restore does."""
    for manifest in repository.manifests().manifests.values():
        with BackupReader(repository, manifest) as reader:
            for table in manifest.tables:
                with suppress(PlaybackError):
                    for _ in reader.rows_of(table):
                        pass


def show(repository: Repository) -> None:
    """Read what is beside the backups."""
    read_records(repository)
    for lock in list_locks(repository.store):
        read_lock(repository.store, lock)
    for each in quarantines(repository):
        list(read_rows(repository, each))


def copy(repository: Repository) -> None:
    """Copy all backups to a repository beside it."""
    into = Repository.open(LocalStore(Path(f"{repository.place}-copy")), create=True)
    copying = Copying(repository, into)
    for planned in copying.plan(repository.labels()):
        if not planned.there and not planned.refusal:
            copying.send(planned.label, SilentProgress())


def write(repository: Repository) -> None:
    """Make another backup, of rows that are there and others."""
    write_backup(repository, {"orders": some_rows(150, 2)}, job="new")


def thin_out(repository: Repository) -> None:
    """Prune, a backup and all that nothing needs."""
    with locked(repository, LockKind.EXCLUSIVE, purpose="prune", now=lambda: NOW) as lock:
        found, _ = summaries(repository)
        doomed = [each.label for each in found[:1]]
        prune(repository, doomed, grace=Duration(), lock=lock, progress=SilentProgress())


def look(repository: Repository) -> None:
    """Check everything."""
    check(repository, progress=SilentProgress())


def mend(repository: Repository) -> None:
    """Check and repair, and bring back what is whole again."""
    with locked(repository, LockKind.EXCLUSIVE, purpose="repair", now=lambda: NOW) as lock:
        repair(repository, plan_repair(check(repository, progress=SilentProgress()).findings), lock=lock)
        bring_back(repository, lock=lock)


OPERATIONS: dict[str, Callable[[Repository], None]] = {
    "check": look,
    "read": read,
    "show": show,
    "copy": copy,
    "write": write,
    "prune": thin_out,
    "repair": mend,
}
"""All that is done with a repository, by name."""
