"""Writing and reading chunks: rows in, rows out, and nothing is trusted without its SHA-256."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from threading import Condition, Lock
from types import TracebackType
from typing import Self

from toolkit.errors import DamageError, MissingError
from toolkit.model.manifest import Chunk, TableEntry, chunk_id
from toolkit.planning.chunking import FORMAT_1, RawChunk
from toolkit.storage import frame
from toolkit.storage.layout import chunk_name
from toolkit.storage.prefetch import IN_FLIGHT
from toolkit.storage.repository import Repository
from toolkit.storage.row_checks import RowCount, problem_of
from toolkit.storage.store import Store

_HINT = (
    "take another backup, or copy the chunk from a copy of the repository; where the database still has these rows,"
    " remove the damaged file and back up again"
)
_OTHER_ROWS = "its rows have another SHA-256"

FEW_AT_ONCE = 2
"""A store that reads and writes more files at once waits for a network."""

WRITERS = 4
"""Fewest chunks that are written at once: a disk flushes several files in the time of one."""

QUESTIONS_PER_PAGE = 20
"""So many questions for one chunk each cost about as much as a page of a list, which has a thousand."""

YOUNG = timedelta(hours=6)
"""For how long an unreferenced chunk is reused as it is: much less than the time for which a prune spares it."""


class Damage(StrEnum):
    """What can be wrong with a stored chunk, or, where its rows are right, with what the manifest says of them."""

    MISSING = "missing"
    TRUNCATED = "truncated"
    ALTERED = "altered"
    MANIFEST = "manifest"


class DamagedChunkError(DamageError):
    """A chunk is not what was written."""

    def __init__(self, kind: Damage, identity: str, fact: str) -> None:
        super().__init__(f"chunk {identity} {fact}", hint=_HINT)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChunk:
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
    the next `submit` or by the end of the `with` block; it ends everything. Whichever way it ends, what was stored
    stays: without a manifest it is no backup, and the next run uses it.
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
            if self._store.put_new(name, compressed):
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


def load(store: Store, chunk: Chunk, entry: TableEntry | None = None) -> bytes:
    """Give the rows of a chunk.

    Args:
        entry: the table whose rows they have to be.

    Raises:
        DamagedChunkError: they are not what was written, or not what the manifest says of them.
    """
    return rows_in(stored_file(store, chunk), chunk, entry)


def stored_file(store: Store, chunk: Chunk) -> bytes:
    """Give the file of a chunk, not looked into. Raises DamagedChunkError when there is none that could be it."""
    try:
        return store.get(chunk_name(chunk.id), limit=frame.longest(chunk.raw))
    except MissingError as error:
        raise DamagedChunkError(Damage.MISSING, chunk.id, "is missing") from error
    except DamageError as error:
        raise DamagedChunkError(Damage.ALTERED, chunk.id, f"is damaged: {error.message}") from error


def rows_in(stored: bytes, chunk: Chunk, entry: TableEntry | None = None) -> bytes:
    """Give the rows in the file of a chunk; raises as `load` does.

    The SHA-256 of the rows decides. A stored size other than the manifest's is only named as the likely cause: another
    version of the compressor may have written the same rows again.
    """
    try:
        rows = frame.decompress(stored, chunk.raw)
    except ValueError as error:
        raise _damaged(stored, chunk, str(error)) from error
    if chunk_id(rows) != chunk.id:
        raise _damaged(stored, chunk, _OTHER_ROWS)
    _check_rows(chunk, problem_of(rows, chunk, entry))
    return rows


def examine(stored: bytes, chunk: Chunk, entry: TableEntry | None = None) -> None:
    """Check the file of a chunk as `rows_in` does, in bounded memory however large the chunk is."""
    if chunk.raw <= FORMAT_1.maximum:
        rows_in(stored, chunk, entry)
        return
    digest, count = sha256(), RowCount()
    try:
        for piece in frame.pieces(stored, chunk.raw):
            digest.update(piece)
            count.add(piece)
    except ValueError as error:
        raise _damaged(stored, chunk, str(error)) from error
    if digest.hexdigest() != chunk.id:
        raise _damaged(stored, chunk, _OTHER_ROWS)
    _check_rows(chunk, count.problem(chunk))


def _damaged(stored: bytes, chunk: Chunk, reason: str) -> DamagedChunkError:
    kind = Damage.TRUNCATED if len(stored) < chunk.stored else Damage.ALTERED
    cause = f" (its file has {len(stored)} bytes instead of {chunk.stored})" if len(stored) != chunk.stored else ""
    return DamagedChunkError(kind, chunk.id, f"is damaged: {reason}{cause}")


def _check_rows(chunk: Chunk, problem: str) -> None:
    if problem:
        raise DamagedChunkError(Damage.MANIFEST, chunk.id, problem)
