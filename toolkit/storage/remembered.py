"""What files of a repository held when they were last read, so that lists of ten thousand backups are quick.

It is kept beside the control directory's other private files, never in the repository, and is no source of truth: a
file counts as the same only as long as the store gives it the same size and version, and whatever is missing or
damaged here is read again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final, Generic, TypeVar

import msgspec

from toolkit.private import files
from toolkit.storage.repository import Repository
from toolkit.storage.store import StoredFile

Value = TypeVar("Value")

_FRESH = timedelta(seconds=3)
"""A file this young may be written again without a new time: file systems count in steps of up to two seconds."""

_DIGEST = hashlib.sha256().digest_size

_Held = Mapping[str, tuple[int, str, Value]]
"""Name → size, version and what the file held."""

_lock: Final = Lock()
_loaded: Final[dict[Path, tuple[tuple[int, ...], _Held[object]]]] = {}
"""What this process has read or written already, with what tells whether the file has changed since."""

_KEEP: Final = 30.0
"""Seconds of reading after which what was read until then is kept."""

_turns: Final[dict[Path, Lock]] = {}
_TURN: Final = 60.0
"""Seconds that one waits for another one who reads the same, who may wait for a store that does not answer."""


def memory_of(control: Path) -> Path:
    """Say where a control directory keeps it."""
    return control / ".playback" / "remembered"


class Remembered(Generic[Value]):
    """Files of one kind of one repository, and what was made of each.

    Args:
        folder: where it is kept; None for nowhere.
        kind: names the kind; another way to read such files is another kind.
        made: the type of what is made of a file, which can be written as msgpack.
    """

    def __init__(self, folder: Path | None, repository: Repository, kind: str, made: type[Value]) -> None:
        place = hashlib.sha256(f"{repository.store.place}\n{repository.id}".encode()).hexdigest()[:32]
        self._file = folder / f"{place}-{kind}" if folder else None
        # made once for each, before threads use it
        self._decoder = msgspec.msgpack.Decoder(dict[str, tuple[int, str, made]])  # type: ignore[valid-type]

    def read(
        self, listed: Sequence[StoredFile], read: Callable[[Sequence[str]], Iterable[tuple[str, Value]]]
    ) -> dict[str, Value]:
        """Give what each of these files holds.

        Args:
            listed: all files of the kind that there are now.
            read: gives, for the names of some of them, what is made of each; one that it leaves out is left out.
        """
        if self._file is None:
            return dict(read([file.name for file in listed]))
        with _lock:
            turn = _turns.setdefault(self._file, Lock())
        # whoever comes second has what the first one reads, in place of reading and holding all of it once more
        mine = turn.acquire(timeout=_TURN)
        try:
            return self._read(self._file, listed, read)
        finally:
            if mine:
                turn.release()

    def _read(
        self, path: Path, listed: Sequence[StoredFile], read: Callable[[Sequence[str]], Iterable[tuple[str, Value]]]
    ) -> dict[str, Value]:
        held = self._held(path)
        same = {
            file.name: known
            for file in listed
            if (known := held.get(file.name)) is not None and file.version and known[:2] == (file.size, file.version)
        }
        found = {name: known[2] for name, known in same.items()}
        unread = {file.name: file for file in listed if file.name not in same}
        # by the clock of this machine, before anything is read: what is written from now on is read again
        settled, kept = datetime.now(UTC) - _FRESH, time.monotonic()
        for name, value in read(list(unread)) if unread else ():
            file, found[name] = unread[name], value
            if file.version and file.modified < settled:
                same[name] = file.size, file.version, value
            if time.monotonic() - kept > _KEEP:
                # whoever ends this process meanwhile does not have to begin anew
                self._keep(path, dict(same))
                kept = time.monotonic()
        if same.keys() != held.keys() or any(name in same for name in unread):
            self._keep(path, same)
        return found

    def _held(self, path: Path) -> _Held[Value]:
        try:
            identity = _identity(path)
            with _lock:
                loaded = _loaded.get(path)
            if loaded is not None and loaded[0] == identity:
                return loaded[1]  # type: ignore[return-value]  # a path is of one kind
            data = path.read_bytes()
            if hashlib.sha256(memoryview(data)[_DIGEST:]).digest() != data[:_DIGEST]:
                return {}
            held = self._decoder.decode(memoryview(data)[_DIGEST:])
        except (OSError, ValueError, RecursionError):  # DecodeError is a ValueError
            return {}
        with _lock:
            _loaded[path] = identity, held
        return held

    def _keep(self, path: Path, held: _Held[Value]) -> None:
        body = msgspec.msgpack.encode(held)
        # where it cannot be written, files are read again
        with suppress(OSError):
            files.write(path, hashlib.sha256(body).digest() + body)
            identity = _identity(path)
            with _lock:
                _loaded[path] = identity, held


def _identity(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
