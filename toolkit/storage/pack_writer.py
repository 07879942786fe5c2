"""Writing packs: small chunks of one backup, one after the other in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock

from toolkit.errors import DamageError, MissingError
from toolkit.model.manifest import Place
from toolkit.planning.packs import PACK_SIZE
from toolkit.storage.chunks import YOUNG
from toolkit.storage.layout import pack_name
from toolkit.storage.store import Store


class PackWriter:
    """Collects the stored forms of chunks, and writes a pack when there are enough; from any thread.

    In a pack chunks are sorted by id: the same chunks make the same pack, in whatever order they come.

    Attributes:
        places: chunk id → where it stands, as far as packs are written.
        new: the ids of packs that were not there before.
        names: the files of all packs, which are not durable yet.
    """

    def __init__(self, store: Store) -> None:
        self.places: dict[str, Place] = {}
        self.new = set[str]()
        self.names: list[str] = []
        self._store = store
        self._lock = Lock()
        self._held: dict[str, bytes] = {}
        self._size = 0

    def add(self, identity: str, stored: bytes) -> None:
        """Take a chunk in."""
        full: dict[str, bytes] = {}
        with self._lock:
            if self._held and self._size + len(stored) > PACK_SIZE:
                full, self._held, self._size = self._held, {}, 0
            self._held[identity] = stored
            self._size += len(stored)
        if full:
            self._write(full)

    def finish(self) -> None:
        """Write what is left."""
        with self._lock:
            left, self._held, self._size = self._held, {}, 0
        if left:
            self._write(left)

    def _write(self, chunks: dict[str, bytes]) -> None:
        order = sorted(chunks)
        content = b"".join(chunks[identity] for identity in order)
        pack = sha256(content).hexdigest()
        name = pack_name(pack)
        # where it is there already, its writer may not have come to flush it
        self.names.append(name)
        new = self._store.put_new(name, content, durable=False)
        if not new and not self._is_there(name, content):
            self._store.put(name, content)
            new = True
        at = 0
        with self._lock:
            if new:
                self.new.add(pack)
            for identity in order:
                stored = len(chunks[identity])
                self.places[identity] = Place(pack=pack, size=len(content), at=at, stored=stored)
                at += stored

    def _is_there(self, name: str, content: bytes) -> bool:
        """Whether the file is whole, and not one that a prune may remove soon."""
        try:
            written = next(file.modified for file in self._store.list(name))
            return written >= datetime.now(UTC) - YOUNG and self._store.get(name, limit=len(content)) == content
        except (MissingError, DamageError, StopIteration):
            return False
