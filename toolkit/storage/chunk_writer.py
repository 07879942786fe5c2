"""Writing chunks: several at once, those that are stored already not again, and none trusted unread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

SMALL = 64 * 1024
"""Bytes of a file up to which flushing costs more than writing."""

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


class _New(Struct, frozen=True, kw_only=True):
    """A chunk that is most likely not stored yet.

    Attributes:
        rows: how many.
        raw: their size in bytes.
        file: its file's content.
    """

    id: str
    rows: int
    raw: int
    file: bytes
    becoming: Future[StoredChunk]

    def stored(self, size: int | None = None) -> StoredChunk:
        """Give it as newly stored or, with the size of the file that was there, as reused."""
        stored = len(self.file) if size is None else size
        return StoredChunk(id=self.id, rows=self.rows, raw=self.raw, stored=stored, new=size is None)


class ChunkWriter:
    """Stores chunks in a few threads while the caller reads the next rows.

    `submit` returns at once unless `in_flight` bytes of rows wait already. Small chunks are kept until there are as
    many as the store likes to be given together. So what becomes of a chunk is known at the end of the `with` block.
    The first error of any chunk is raised by the next `submit` or by the end of the block; it ends everything.
    Whichever way it ends, what was stored stays: without a manifest it is no backup, and the next run uses it.
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
        self._kept: list[_New] = []
        self._together = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)

    def submit(self, raw: RawChunk) -> Future[StoredChunk]:
        """Hand a chunk over; gives what has become of it at the end. Raises the first error of any chunk so far."""
        size = len(raw.data)
        with self._changed:
            while self._error is None and self._in_flight and self._in_flight + size > self._limit:
                # with a timeout, because on Windows Ctrl-C does not interrupt a wait without one
                self._changed.wait(timeout=0.5)
            self._raise_first_error()
            self._in_flight += size
        becoming: Future[StoredChunk] = Future()
        self._pool.submit(self._run, raw, becoming)
        return becoming

    def finish(self, error: BaseException | None = None) -> None:
        """End: wait until every chunk is stored, or, given an error, give up those not begun.

        Raises:
            The first error of any chunk, unless an error was given.
        """
        self._pool.shutdown(wait=True, cancel_futures=error is not None)
        if error is None:
            self._raise_first_error()
            if self._kept:
                self._put(self._kept)
            self._raise_first_error()

    def _run(self, raw: RawChunk, becoming: Future[StoredChunk]) -> None:
        try:
            self._raise_first_error()
            new = self._once(raw, becoming)
            if new is not None:
                self._keep(new)
        except BaseException as error:
            self._failed([becoming], error)
        finally:
            with self._changed:
                self._in_flight -= len(raw.data)
                self._changed.notify_all()

    def _raise_first_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _failed(self, chunks: Iterable[Future[StoredChunk]], error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()
        for each in chunks:
            if not each.done():
                each.set_exception(error)

    def _once(self, raw: RawChunk, becoming: Future[StoredChunk]) -> _New | None:
        """Give a chunk that has to be stored; one that some backup has is settled at once.

        If an equal one was begun, it shares its fate.
        """
        identity = chunk_id(raw.data)
        with self._changed:
            first = self._begun.setdefault(identity, becoming)
        if first is not becoming:
            first.add_done_callback(lambda done: _share(done, becoming))
            return None
        if identity in self._known:
            size = self._known_size(chunk_name(identity))
            if size is not None and self._holds(identity, size, len(raw.data)):
                becoming.set_result(StoredChunk(id=identity, rows=raw.rows, raw=len(raw.data), stored=size, new=False))
                return None
        file = frame.compress(raw.data)
        return _New(id=identity, rows=raw.rows, raw=len(raw.data), file=file, becoming=becoming)

    def _keep(self, new: _New) -> None:
        """Keep a small chunk until there are enough of them."""
        if len(new.file) > SMALL or self._store.together == 1:
            self._put([new])
            return
        with self._changed:
            self._kept.append(new)
            if len(self._kept) < self._store.together:
                return
            full, self._kept = self._kept, []
        with self._together:  # one after the other, for they take many open files
            self._put(full)

    def _put(self, chunks: Sequence[_New]) -> None:
        """Store chunks; most likely they are new, and to try to make them is one question less than to ask first."""
        try:
            new = self._store.put_all_new({chunk_name(each.id): each.file for each in chunks})
            for each in chunks:
                each.becoming.set_result(each.stored(None if chunk_name(each.id) in new else self._reused(each)))
        except BaseException as error:
            self._failed([each.becoming for each in chunks], error)

    def _reused(self, chunk: _New) -> int | None:
        """Give the size of the file that is there; None where it was not good and is written again."""
        name = chunk_name(chunk.id)
        size = self._size(name)
        if size is not None and self._holds(chunk.id, size, chunk.raw):
            # who has written it may not have come to flush it
            self._store.make_durable(name)
            return size
        self._store.put(name, chunk.file)
        return None

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

    def _holds(self, identity: str, size: int, raw: int) -> bool:
        """Whether a stored file of that size holds the rows: known from a backup, or young, read and checked.

        An older file that no backup references is one that a prune may remove soon: it is written anew.
        """
        if (identity, size) in self._recorded:
            return True
        try:
            written = next(file.modified for file in self._store.list(chunk_name(identity)))
            if written < datetime.now(UTC) - YOUNG:
                return False
            stored = self._store.get(chunk_name(identity), limit=frame.longest(raw))
            return chunk_id(frame.decompress(stored, raw)) == identity
        except (MissingError, DamageError, ValueError, StopIteration):
            return False


def _share(first: Future[StoredChunk], other: Future[StoredChunk]) -> None:
    error = first.exception()
    if error is not None:
        other.set_exception(error)
    else:
        other.set_result(replace(first.result(), new=False))
