"""Reading the rows of a backup: small tables ahead of who asks for them, everything checked on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType
from typing import Self

from msgspec import Struct

from toolkit.errors import DamageError
from toolkit.model.manifest import Chunk, Manifest, Pack, TableEntry
from toolkit.model.outcome import Progress
from toolkit.storage.chunks import DamagedChunkError, pack_content, rows_in, stored_form
from toolkit.storage.prefetch import IN_FLIGHT, prefetch
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

_SMALL = 1 << 20
"""Bytes of rows up to which a table is read ahead together with others. A larger one fills the line by itself."""

_AHEAD = 2
"""So many files behind the one that is wanted, and before it, for each file that a store reads at once."""

_SPARSE = 4
"""A pack of which less than such a part is wanted is not read as a whole."""


class _Load(Struct, frozen=True, eq=False):
    """What is read by one request: a chunk, or a pack with several.

    Attributes:
        size: bytes that are read.
        pack: None for a chunk alone, whether it is a file of its own or not.
    """

    chunks: tuple[Chunk, ...]
    size: int
    pack: Pack | None = None

    def read(self, store: Store, packs: Sequence[Pack]) -> bytes:
        """Read it; raises as `stored_form` does."""
        if self.pack is None:
            return stored_form(store, self.chunks[0], packs)
        return pack_content(store, self.pack.id, self.chunks[0].id)

    def form(self, content: bytes, chunk: Chunk) -> bytes:
        """Give the stored form of one of its chunks."""
        return content if self.pack is None else content[chunk.at : chunk.at + chunk.stored]


class _Fetched(Struct, eq=False):
    """A load that was begun ahead.

    Attributes:
        left: the ids of its chunks with rows of tables that nobody has asked for yet.
    """

    load: _Load
    content: Future[bytes]
    left: set[str]


class BackupReader:
    """Reads the rows of one backup; its methods may be called from any thread.

    Whoever restores asks for one table after another, about as the manifest lists them. From a store that is far away
    each small table would wait for an answer of its own, so the files of those beside it are fetched meanwhile, and a
    pack is fetched once for all tables in it.
    """

    def __init__(self, repository: Repository, manifest: Manifest) -> None:
        self._store = repository.store
        self._manifest = manifest
        self._packs = manifest.packs
        self._what = f"of backup {manifest.metadata.label}"
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None
        small = (part for entry in manifest.tables for part in (entry, *entry.supporting) if part.bytes <= _SMALL)
        self._order = _loads((chunk for part in small for chunk in part.chunks), self._packs)
        self._places = {chunk.id: place for place, load in enumerate(self._order) for chunk in load.chunks}
        # what supports rows is hardly ever asked for
        self._own = {chunk.id for entry in manifest.tables for chunk in entry.chunks}
        self._begun: set[int] = set()
        self._fetched: dict[int, _Fetched] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def rows_of(self, entry: TableEntry) -> Iterator[bytes]:
        """Give the rows of a table chunk by chunk, each checked against its SHA-256 and what the manifest says of it.

        Raises:
            DamageError: a chunk is not what was written; it is named, and its table.
        """
        if entry.bytes <= _SMALL:
            for chunk in entry.chunks:
                self._fetch_ahead(chunk)
                yield self._rows(entry, chunk, self._fetched_form(chunk))
        else:
            yield from prefetch(
                entry.chunks,
                lambda chunk: self._rows(entry, chunk, None),
                size=lambda chunk: chunk.raw,
                workers=self._store.parallel,
            )

    def check(self, progress: Progress) -> None:
        """Read every chunk of the backup and check it.

        Raises:
            DamageError: a chunk is missing or is not what was written; it is named, and its table.
        """
        stats = self._manifest.metadata.stats
        tables = {entry.name: entry.rows for entry in self._manifest.tables}
        progress.start("check", rows=stats.total_records, bytes=stats.uncompressed_size, tables=tables)
        uses: dict[str, list[tuple[TableEntry, Chunk, bool]]] = {}
        for entry in self._manifest.tables:
            for part in (entry, *entry.supporting):
                for chunk in part.chunks:
                    uses.setdefault(chunk.id, []).append((part, chunk, part is entry))

        def read(load: _Load) -> list[tuple[str, int, int]]:
            try:
                content = load.read(self._store, self._packs)
            except DamagedChunkError as damage:
                raise self._said(uses[load.chunks[0].id][0][0], damage) from damage
            return [
                (entry.name, chunk.rows if counts else 0, len(self._rows(entry, chunk, load.form(content, chunk))))
                for each in load.chunks
                for entry, chunk, counts in uses[each.id]
            ]

        loads = _loads((chunk for _, chunk in self._manifest.stored_chunks), self._packs)
        for done in prefetch(loads, read, size=_needed, workers=self._store.parallel):
            for name, rows, size in done:
                progress.note(name)
                progress.advance(rows=rows, bytes=size, table=name)

    def _rows(self, entry: TableEntry, chunk: Chunk, stored: bytes | None) -> bytes:
        try:
            return rows_in(stored_form(self._store, chunk, self._packs) if stored is None else stored, chunk, entry)
        except DamagedChunkError as damage:
            raise self._said(entry, damage) from damage

    def _said(self, entry: TableEntry, damage: DamagedChunkError) -> DamageError:
        return DamageError(f"table {entry.name} {self._what}: {damage.message}", hint=damage.hint)

    def _fetch_ahead(self, wanted: Chunk) -> None:
        """Begin to fetch the file of a chunk and those beside it, unless they were fetched before.

        A pack that finds no room beside what waits is not fetched: its chunks are read one by one then.
        """
        with self._lock:
            place = self._places.get(wanted.id)
            if place is None:
                return
            if place in self._begun and place not in self._fetched:
                self._begun = set(self._fetched)  # who asks a second time may ask for all of it again
            waiting = sum(each.load.size for each in self._fetched.values())
            ahead = _AHEAD * self._store.parallel
            end = min(place + ahead, len(self._order))
            for number in (*range(place, end), *range(max(0, place - ahead), place)[::-1]):
                if number in self._begun:
                    continue
                load = self._order[number]
                waiting += load.size
                if waiting > IN_FLIGHT and (number != place or (load.pack and len(self._fetched))):
                    return
                self._pool = self._pool or ThreadPoolExecutor(self._store.parallel, thread_name_prefix="backup-reader")
                self._begun.add(number)
                content = self._pool.submit(load.read, self._store, self._packs)
                self._fetched[number] = _Fetched(load, content, {chunk.id for chunk in load.chunks} & self._own)

    def _fetched_form(self, chunk: Chunk) -> bytes | None:
        """The stored form of a chunk if it was fetched ahead; what holds it goes when all in it were asked for."""
        with self._lock:
            number = self._places.get(chunk.id, -1)
            fetched = self._fetched.get(number)
            if fetched is not None:
                fetched.left.discard(chunk.id)
                if not fetched.left:
                    del self._fetched[number]
        try:
            return fetched.load.form(fetched.content.result(), chunk) if fetched else None
        except (CancelledError, DamagedChunkError):
            return None  # what is wrong is said by who reads it now


def _loads(chunks: Iterable[Chunk], packs: Sequence[Pack]) -> list[_Load]:
    """Give by which requests these chunks are read, each once, in the order in which they are wanted."""
    once = {chunk.id: chunk for chunk in chunks}
    inside: dict[int, list[Chunk]] = {}
    for chunk in once.values():
        if chunk.pack is not None:
            inside.setdefault(chunk.pack, []).append(chunk)
    loads = []
    for chunk in once.values():
        together = inside.get(-1 if chunk.pack is None else chunk.pack)
        if together is None or _SPARSE * sum(each.stored for each in together) < packs[chunk.pack or 0].size:
            loads.append(_Load((chunk,), chunk.stored))
        elif chunk is together[0]:
            pack = packs[chunk.pack or 0]
            loads.append(_Load(tuple(together), pack.size, pack))
    return loads


def _needed(load: _Load) -> int:
    """How many bytes are in memory while a load is checked: chunk by chunk."""
    return max(chunk.raw for chunk in load.chunks) + load.size * (load.pack is not None)
