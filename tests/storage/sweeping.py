"""A store in which one call goes wrong: it fails, is cut short, answers too late or has a bit the other way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from functools import partial
from threading import Lock
from typing import TypeVar

from msgspec.structs import replace

from tests.storage.faults import flip_bit
from toolkit.errors import StorageError
from toolkit.storage.store import Ability, OneFile, Store, StoredFile

_Result = TypeVar("_Result")


class Fault(StrEnum):
    """What can go wrong with a call."""

    FAIL = "fail"
    """It does nothing and fails."""

    CUT = "cut"
    """Half is read, or half is written, listed or removed before it fails."""

    LATE = "late"
    """It is done, but the answer does not come before the time-out."""

    FLIP = "flip"
    """One bit of what is read or written is the other way, and nothing is said about it."""


_APPLICABLE = {
    Fault.CUT: {"get", "get_part", "put", "put_new", "list", "delete_many"},
    Fault.FLIP: {"get", "get_part", "put", "put_new", "size", "sizes", "list"},
}
"""The calls that a fault can befall; the others all of them."""


class SweptStore:
    """A store in front of another one.

    Args:
        at: the number of the call that goes wrong, counted from 1 among those that the fault can befall; 0 for none.
        always: whether all later ones go wrong too.

    Attributes:
        calls: how many calls it has had that the fault can befall.
        hit: whether any went wrong.
        spoilt: name → content of each file that it has stored otherwise than it was given.
    """

    def __init__(self, store: Store, fault: Fault, *, at: int = 0, always: bool = False) -> None:
        self._store = store
        self._fault = fault
        self._at = at
        self._always = always
        self._lock = Lock()
        self.calls = 0
        self.hit = False
        self.spoilt: dict[str, bytes] = {}

    @property
    def place(self) -> str:
        """Where the other store is."""
        return self._store.place

    @property
    def parallel(self) -> int:
        """As the other store."""
        return self._store.parallel

    @property
    def conditional(self) -> bool:
        """As the other store."""
        return self._store.conditional

    @property
    def keeps_deleted(self) -> bool:
        """As the other store."""
        return self._store.keeps_deleted

    @property
    def one_file(self) -> OneFile | None:
        """As the other store."""
        return self._store.one_file

    def put(self, name: str, data: bytes) -> None:
        """Put."""
        self._written("put", name, data, self._store.put)

    def put_new(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Put a new file."""
        return self._written("put_new", name, data, partial(self._store.put_new, durable=durable))

    def make_durable(self, names: Iterable[str]) -> None:
        """Make files durable."""
        listed = list(names)
        self._asked("make_durable", ", ".join(listed), lambda: self._store.make_durable(listed))

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Get."""
        return self._read("get", name, lambda: self._store.get(name, limit=limit))

    def get_part(self, name: str, at: int, size: int, *, limit: int) -> bytes:
        """Get a part."""
        return self._read("get_part", name, lambda: self._store.get_part(name, at, size, limit=limit))

    def _read(self, call: str, name: str, read: Callable[[], bytes]) -> bytes:
        if not self._befalls(call):
            return read()
        self._fail_first(name)
        data = read()
        self._fail_late(name)
        return data[: len(data) // 2] if self._fault is Fault.CUT else _flipped(data)

    def size(self, name: str) -> int | None:
        """Size."""
        if not self._befalls("size"):
            return self._store.size(name)
        self._fail_first(name)
        size = self._store.size(name)
        self._fail_late(name)
        return None if size is None else size ^ 1

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """Sizes."""
        if not self._befalls("sizes"):
            return self._store.sizes(names)
        self._fail_first(", ".join(names))
        sizes = self._store.sizes(names)
        self._fail_late(", ".join(names))
        return {name: size ^ 1 for name, size in sizes.items()}

    def exists(self, name: str) -> bool:
        """Whether it exists."""
        return self._asked("exists", name, lambda: self._store.exists(name))

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """List."""
        if not self._befalls("list"):
            yield from self._store.list(prefix)
            return
        self._fail_first(prefix)
        files = list(self._store.list(prefix))
        self._fail_late(prefix)
        if self._fault is Fault.CUT:
            yield from files[: len(files) // 2]
            raise self._error(prefix)
        for file in files:
            yield replace(file, size=file.size ^ 1)

    def delete(self, name: str) -> None:
        """Delete."""
        self._asked("delete", name, lambda: self._store.delete(name))

    def delete_many(self, names: Iterable[str]) -> None:
        """Delete several."""
        listed = list(names)
        if not self._befalls("delete_many"):
            self._store.delete_many(listed)
            return
        what = ", ".join(listed)
        self._fail_first(what)
        self._store.delete_many(listed[: len(listed) // 2] if self._fault is Fault.CUT else listed)
        raise self._error(what)

    def sweep(self, before: datetime) -> int:
        """Sweep."""
        return self._asked("sweep", "", lambda: self._store.sweep(before))

    def probe(self, prefix: str) -> Iterator[Ability]:
        """Probe, without faults."""
        return self._store.probe(prefix)

    def _asked(self, call: str, name: str, ask: Callable[[], _Result]) -> _Result:
        if not self._befalls(call):
            return ask()
        self._fail_first(name)
        answer = ask()
        self._fail_late(name)
        return answer

    def _written(self, call: str, name: str, data: bytes, write: Callable[[str, bytes], _Result]) -> _Result:
        if not self._befalls(call):
            return write(name, data)
        self._fail_first(name)
        if self._fault is Fault.LATE:
            write(name, data)
            raise self._error(name)
        done = write(name, self._spoil(name, data))
        if self._fault is Fault.CUT:
            raise self._error(name)
        return done

    def _spoil(self, name: str, data: bytes) -> bytes:
        spoilt = data[: len(data) // 2] if self._fault is Fault.CUT else _flipped(data)
        with self._lock:
            self.spoilt[name] = spoilt
        return spoilt

    def _befalls(self, call: str) -> bool:
        if call not in _APPLICABLE.get(self._fault, {call}):
            return False
        with self._lock:
            self.calls += 1
            wrong = bool(self._at) and (self.calls == self._at or (self._always and self.calls > self._at))
            self.hit = self.hit or wrong
            return wrong

    def _fail_first(self, name: str) -> None:
        if self._fault is Fault.FAIL:
            raise self._error(name)

    def _fail_late(self, name: str) -> None:
        if self._fault is Fault.LATE:
            raise self._error(name)

    def _error(self, name: str) -> StorageError:
        return StorageError(f"{self._fault} on purpose: {name}", hint="take the fault away")


def _flipped(data: bytes) -> bytes:
    """One bit in the middle the other way; nothing can be the other way in no data."""
    return flip_bit(data, len(data) * 8 // 2) if data else data
