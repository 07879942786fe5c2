"""A store that goes wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from threading import Lock

from toolkit.errors import StorageError
from toolkit.storage.store import Ability, OneFile, Store, StoredFile


def flip_bit(data: bytes, bit: int) -> bytes:
    """The data with one bit the other way."""
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


class FaultyStore:
    """A store in front of another one.

    Attributes:
        calls: how many calls it has had.
        fail_at: the number of the call that fails, counted from 1; 0 for none. All later ones fail too.
        damage: what `get` makes of every file's content.
        late: what deletes has its effect before it fails, as where an answer is lost.
        once: later calls succeed.
    """

    def __init__(
        self,
        store: Store,
        *,
        fail_at: int = 0,
        damage: Callable[[str, bytes], bytes] = lambda _, data: data,
        late: bool = False,
        once: bool = False,
    ) -> None:
        self._store = store
        self._lock = Lock()
        self.calls = 0
        self.fail_at = fail_at
        self.damage = damage
        self.late = late
        self.once = once

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

    def put_new(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Put a new file unless it is time to fail."""
        self._count(name)
        return self._store.put_new(name, data, durable=durable)

    def make_durable(self, names: Iterable[str]) -> None:
        """Make files durable unless it is time to fail."""
        listed = list(names)
        self._count(", ".join(listed))
        self._store.make_durable(listed)

    def put(self, name: str, data: bytes) -> None:
        """Put unless it is time to fail."""
        self._count(name)
        self._store.put(name, data)

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Get, damaged, unless it is time to fail."""
        self._count(name)
        return self.damage(name, self._store.get(name, limit=limit))

    def get_part(self, name: str, at: int, size: int, *, limit: int) -> bytes:
        """Get a part of what is damaged, unless it is time to fail."""
        self._count(name)
        return self.damage(name, self._store.get(name, limit=limit))[at : at + size]

    def size(self, name: str) -> int | None:
        """Size unless it is time to fail."""
        self._count(name)
        return self._store.size(name)

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """Sizes unless it is time to fail."""
        self._count(", ".join(names))
        return self._store.sizes(names)

    def exists(self, name: str) -> bool:
        """Exists unless it is time to fail."""
        self._count(name)
        return self._store.exists(name)

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """List unless it is time to fail."""
        self._count(prefix)
        return self._store.list(prefix)

    def delete(self, name: str) -> None:
        """Delete unless it is time to fail."""
        self._deleting(name, lambda: self._store.delete(name))

    def delete_many(self, names: Iterable[str]) -> None:
        """Delete several unless it is time to fail."""
        listed = list(names)
        self._deleting(", ".join(listed), lambda: self._store.delete_many(listed))

    def sweep(self, before: datetime) -> int:
        """Sweep unless it is time to fail."""
        self._count("")
        return self._store.sweep(before)

    def probe(self, prefix: str) -> Iterator[Ability]:
        """Probe."""
        return self._store.probe(prefix)

    def _deleting(self, name: str, delete: Callable[[], None]) -> None:
        if self.late:
            delete()
        self._count(name)
        if not self.late:
            delete()

    def _count(self, name: str) -> None:
        with self._lock:
            self.calls += 1
            if self.fail_at and (self.calls == self.fail_at or (self.calls > self.fail_at and not self.once)):
                raise StorageError(f"call {self.calls} fails on purpose: {name}")
