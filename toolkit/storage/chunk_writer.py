"""Writing chunks: several at once, those that are stored already not again, and none trusted unread."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Condition, Lock
from types import TracebackType
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from toolkit.errors import DamageError, MissingError
from toolkit.model.manifest import chunk_id
from toolkit.planning.chunking import RawChunk
from toolkit.storage import frame
from toolkit.storage.chunks import YOUNG
from toolkit.storage.layout import chunk_name
from toolkit.storage.prefetch import IN_FLIGHT
from toolkit.storage.repository import Repository

FEW_AT_ONCE = 2
"""A store that reads and writes more files at once waits for a network."""

WRITERS = 4
"""Fewest chunks that are written at once: a disk flushes several files in the time of one."""

QUESTIONS_PER_PAGE = 20
"""So many questions for one chunk each cost about as much as a page of a list, which has a thousand."""


class StoredChunk(Struct, frozen=True, kw_only=True):
    """A chunk that is known to be stored.

    Attributes:
        id: SHA-256 of the rows as hex.
        rows: how many.
        raw: their size in bytes.
        stored: size of the file in bytes.
        new: False when it was stored before, by this backup or another.
    """

    id: str
    rows: int
    raw: int
    stored: int
    new: bool


class ChunkWriter:
    """Stores chunks in a few threads while the caller reads the next rows.

    `submit` returns at once unless `in_flight` bytes of rows wait already. The first error of any chunk is raised by
    the next `submit` or by the end of the `with` block; it ends everything. At the end of the block all chunks are
    durable, for which directories are flushed once for all of them. Whichever way it ends, what was stored stays:
    without a manifest it is no backup, and the next run uses it.
    """

    def __init__(self, repository: Repository, *, workers: int | None = None, in_flight: int = IN_FLIGHT) -> None:
        self._store = repository.store
        self._recorded = repository.recorded_chunks()
        self._known = frozenset(identity for identity, _ in self._recorded)
        self._asking = Lock()
        self._asked = 0
        self._listed: dict[str, int] | None = None
        self._limit = in_flight
        self._pool = ThreadPoolExecutor(
            workers or max(WRITERS, self._store.parallel), thread_name_prefix="chunk-writer"
        )
        self._changed = Condition()
        self._in_flight = 0
        self._error: BaseException | None = None
        self._begun: dict[str, Future[StoredChunk]] = {}
        self._fleeting: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)

    def submit(self, raw: RawChunk) -> Future[StoredChunk]:
        """Hand a chunk over; gives what becomes of it. Raises the first error of any chunk so far."""
        size = len(raw.data)
        with self._changed:
            while self._error is None and self._in_flight and self._in_flight + size > self._limit:
                # with a timeout, because on Windows Ctrl-C does not interrupt a wait without one
                self._changed.wait(timeout=0.5)
            self._raise_first_error()
            self._in_flight += size
        return self._pool.submit(self._run, raw)

    def finish(self, error: BaseException | None = None) -> None:
        """End: wait until every chunk is stored, or, given an error, give up those not begun.

        Raises:
            The first error of any chunk, unless an error was given.
        """
        self._pool.shutdown(wait=True, cancel_futures=error is not None)
        if error is None:
            self._raise_first_error()
            self._store.make_durable(self._fleeting)

    def _run(self, raw: RawChunk) -> StoredChunk:
        try:
            self._raise_first_error()
            return self._once(raw)
        except BaseException as error:
            with self._changed:
                self._error = self._error or error
            raise
        finally:
            with self._changed:
                self._in_flight -= len(raw.data)
                self._changed.notify_all()

    def _raise_first_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _once(self, raw: RawChunk) -> StoredChunk:
        """Store a chunk unless an equal one was begun: then share its fate."""
        identity = chunk_id(raw.data)
        mine: Future[StoredChunk] = Future()
        with self._changed:
            first = self._begun.setdefault(identity, mine)
        if first is not mine:
            # cannot wait for ever: whoever put it there is already running
            return replace(first.result(), new=False)
        try:
            stored = self._store_chunk(identity, raw)
        except BaseException as error:
            mine.set_exception(error)
            raise
        mine.set_result(stored)
        return stored

    def _store_chunk(self, identity: str, raw: RawChunk) -> StoredChunk:
        name = chunk_name(identity)
        if identity not in self._known:
            # most likely new: to try to make it is one question less than to ask first
            compressed = frame.compress(raw.data)
            # where it is there already, its writer may not have come to flush it
            self._fleeting.append(name)
            if self._store.put_new(name, compressed, durable=False):
                return StoredChunk(id=identity, rows=raw.rows, raw=len(raw.data), stored=len(compressed), new=True)
        size = self._known_size(name) if identity in self._known else self._size(name)
        if size is None or not self._holds(identity, size, raw.data):
            compressed = frame.compress(raw.data)
            self._store.put(name, compressed)
            return StoredChunk(id=identity, rows=raw.rows, raw=len(raw.data), stored=len(compressed), new=True)
        return StoredChunk(id=identity, rows=raw.rows, raw=len(raw.data), stored=size, new=False)

    def _known_size(self, name: str) -> int | None:
        """The size of a chunk that some backup has; all are asked for together once that is worth it."""
        with self._asking:
            pages = len(self._known) // 1000
            if (
                self._listed is None
                and self._store.parallel > FEW_AT_ONCE
                and self._asked >= pages * QUESTIONS_PER_PAGE
            ):
                self._listed = self._store.sizes([chunk_name(identity) for identity in self._known])
            self._asked += 1
            if self._listed is not None:
                return self._listed.get(name)
        return self._size(name)

    def _size(self, name: str) -> int | None:
        try:
            return self._store.size(name)
        except DamageError:  # something else stands there, and makes way
            return None

    def _holds(self, identity: str, size: int, data: bytes) -> bool:
        """Whether a stored file of that size holds the rows: known from a backup, or young, read and compared.

        An older file that no backup references is one that a prune may remove soon: it is written anew.
        """
        if (identity, size) in self._recorded:
            return True
        try:
            written = next(file.modified for file in self._store.list(chunk_name(identity)))
            if written < datetime.now(UTC) - YOUNG:
                return False
            stored = self._store.get(chunk_name(identity), limit=frame.longest(len(data)))
            return frame.decompress(stored, len(data)) == data
        except (MissingError, DamageError, ValueError, StopIteration):
            return False
