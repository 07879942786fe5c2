"""Reading the rows of a backup: small tables ahead of who asks for them, everything checked on the way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType
from typing import Self

from toolkit.errors import DamageError
from toolkit.model.manifest import Chunk, Manifest, TableEntry
from toolkit.model.outcome import Progress
from toolkit.storage.chunks import DamagedChunkError, rows_in, stored_file
from toolkit.storage.prefetch import IN_FLIGHT, prefetch
from toolkit.storage.repository import Repository

_SMALL = 1 << 20
"""Bytes of rows up to which a table is read ahead together with others. A larger one fills the line by itself."""

_AHEAD = 2
"""So many chunks behind the one that is wanted, and before it, for each file that a store reads at once."""


class BackupReader:
    """Reads the rows of one backup; its methods may be called from any thread.

    Whoever restores asks for one table after another, about as the manifest lists them. From a store that is far away
    each small table would wait for an answer of its own, so the files of those beside it are fetched meanwhile.
    """

    def __init__(self, repository: Repository, manifest: Manifest) -> None:
        self._store = repository.store
        self._manifest = manifest
        self._what = f"of backup {manifest.metadata.label}"
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None
        small = (part for entry in manifest.tables for part in (entry, *entry.supporting) if part.bytes <= _SMALL)
        self._order = list({chunk.id: chunk for part in small for chunk in part.chunks}.values())
        self._places = {chunk.id: place for place, chunk in enumerate(self._order)}
        self._begun: set[str] = set()
        self._fetched: dict[str, Future[bytes]] = {}

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
                yield self._rows(entry, chunk, self._fetched_file(chunk))
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
        parts = (
            (part, chunk, part is entry)
            for entry in self._manifest.tables
            for part in (entry, *entry.supporting)
            for chunk in part.chunks
        )

        def read(part: tuple[TableEntry, Chunk, bool]) -> tuple[str, int, int]:
            entry, chunk, counts = part
            return entry.name, chunk.rows if counts else 0, len(self._rows(entry, chunk, None))

        for name, rows, size in prefetch(parts, read, size=lambda part: part[1].raw, workers=self._store.parallel):
            progress.note(name)
            progress.advance(rows=rows, bytes=size, table=name)

    def _rows(self, entry: TableEntry, chunk: Chunk, stored: bytes | None) -> bytes:
        try:
            return rows_in(stored_file(self._store, chunk) if stored is None else stored, chunk, entry)
        except DamagedChunkError as damage:
            raise DamageError(f"table {entry.name} {self._what}: {damage.message}", hint=damage.hint) from damage

    def _fetch_ahead(self, wanted: Chunk) -> None:
        """Begin to fetch the files of a chunk and of those beside it, unless they were fetched before."""
        with self._lock:
            place = self._places.get(wanted.id)
            if place is None:
                return
            if wanted.id in self._begun and wanted.id not in self._fetched:
                self._begun = set(self._fetched)  # who asks a second time may ask for all of it again
            waiting = sum(self._order[self._places[each]].stored for each in self._fetched)
            ahead = _AHEAD * self._store.parallel
            for chunk in (*self._order[place : place + ahead], *self._order[max(0, place - ahead) : place][::-1]):
                if chunk.id in self._begun:
                    continue
                waiting += chunk.stored
                if waiting > IN_FLIGHT and chunk.id != wanted.id:
                    return
                self._pool = self._pool or ThreadPoolExecutor(self._store.parallel, thread_name_prefix="backup-reader")
                self._begun.add(chunk.id)
                self._fetched[chunk.id] = self._pool.submit(stored_file, self._store, chunk)

    def _fetched_file(self, chunk: Chunk) -> bytes | None:
        """The file of a chunk if it was fetched ahead; it is given once."""
        with self._lock:
            fetched = self._fetched.pop(chunk.id, None)
        try:
            return fetched.result() if fetched else None
        except (CancelledError, DamagedChunkError):
            return None  # what is wrong is said by who reads it now
