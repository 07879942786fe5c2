"""Writing chunks: several at once, those that are stored already not again, and none trusted unread."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Condition, Lock
from types import TracebackType
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from toolkit.errors import DamageError, MissingError
from toolkit.model.manifest import Pack, Place, chunk_id
from toolkit.planning.chunking import RawChunk
from toolkit.planning.packs import PACKED, used_on
from toolkit.storage import frame
from toolkit.storage.chunks import YOUNG, check_form
from toolkit.storage.layout import chunk_name, pack_name
from toolkit.storage.pack_writer import PackWriter
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
        stored: size in bytes as it is stored.
        new: False when it was stored before, by this backup or another.
        place: where it stands in a pack; None where it is a file of its own.
    """

    id: str
    rows: int
    raw: int
    stored: int
    new: bool
    place: Place | None = None


class _Waiting(Struct, frozen=True):
    """A chunk of which it is not known yet in which pack it will stand."""

    rows: int
    raw: int
    done: Future[StoredChunk]


class ChunkWriter:
    """Stores chunks in a few threads while the caller reads the next rows; small ones go into packs.

    `submit` returns at once unless `in_flight` bytes of rows wait already. The first error of any chunk is raised by
    the next `submit` or by the end of the `with` block; it ends everything. At the end of the block all chunks are
    durable, for which directories are flushed once for all of them, and what became of each is known. Whichever way it
    ends, what was stored stays: without a manifest it is no backup, and the next run uses it.

    Args:
        leads: it learns of all chunks of the backup, and so decides which packs of earlier ones are used on.
        packed: chunks whose stored form has fewer bytes go into packs; `PACKED` by default.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        workers: int | None = None,
        in_flight: int = IN_FLIGHT,
        leads: bool = True,
        packed: int | None = None,
    ) -> None:
        self._store = repository.store
        self._recorded = repository.recorded_chunks()
        self._known = frozenset(identity for identity, _ in self._recorded.files)
        self._asking = Lock()
        self._asked = 0
        self._listed: dict[str, int] | None = None
        self._packs_there: frozenset[tuple[str, int]] | None = None
        self._limit = in_flight
        self._leads = leads
        self._packed = PACKED if packed is None else packed
        self._pool = ThreadPoolExecutor(
            workers or max(WRITERS, self._store.parallel), thread_name_prefix="chunk-writer"
        )
        self._changed = Condition()
        self._in_flight = 0
        self._error: BaseException | None = None
        self._begun: dict[str, Future[StoredChunk]] = {}
        self._fleeting: list[str] = []
        self._packs = PackWriter(self._store)
        self._to_pack: dict[str, _Waiting] = {}
        self._in_packs: dict[str, tuple[_Waiting, frozenset[Place]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)

    @property
    def packs(self) -> tuple[Pack, ...]:
        """The packs that chunks stand in, sorted by id; complete at the end."""
        done = (each.result() for each in self._begun.values() if each.done() and not each.exception())
        places = (stored.place for stored in done if stored.place is not None)
        return tuple(Pack(id=pack, size=size) for pack, size in sorted({(each.pack, each.size) for each in places}))

    def submit(self, raw: RawChunk) -> Future[StoredChunk]:
        """Hand a chunk over; gives what becomes of it, which for a small one is known at the end.

        Raises the first error of any chunk so far.
        """
        size = len(raw.data)
        with self._changed:
            while self._error is None and self._in_flight and self._in_flight + size > self._limit:
                # with a timeout, because on Windows Ctrl-C does not interrupt a wait without one
                self._changed.wait(timeout=0.5)
            self._raise_first_error()
            self._in_flight += size
        done: Future[StoredChunk] = Future()
        self._pool.submit(self._run, raw, done).add_done_callback(lambda job: job.cancelled() and done.cancel())
        return done

    def adopt(self, stored: StoredChunk) -> Future[StoredChunk]:
        """Take in a chunk that another process has stored for this backup; gives what is to be made of it."""
        done: Future[StoredChunk] = Future()
        if self._is_first(stored.id, done):
            if stored.place is None or stored.new:
                done.set_result(stored)
            else:
                waiting = _Waiting(stored.rows, stored.raw, done)
                self._in_packs[stored.id] = waiting, self._places(stored.id) | {stored.place}
        return done

    def finish(self, error: BaseException | None = None) -> None:
        """End: wait until every chunk is stored, or, given an error, give up those not begun.

        Raises:
            The first error of any chunk, unless an error was given.
        """
        self._pool.shutdown(wait=True, cancel_futures=error is not None)
        try:
            if error is None:
                self._raise_first_error()
                self._finish_packs()
                self._store.make_durable([*self._fleeting, *self._packs.names])
        except BaseException as failure:
            self._error = error = failure
            raise
        finally:
            for done in self._begun.values() if error else ():
                if not done.done():
                    done.set_exception(error or RuntimeError())

    def _run(self, raw: RawChunk, done: Future[StoredChunk]) -> None:
        try:
            self._raise_first_error()
            identity = chunk_id(raw.data)
            if self._is_first(identity, done):
                self._store_chunk(identity, raw, done)
        except BaseException as error:
            with self._changed:
                self._error = self._error or error
            done.set_exception(error)
        finally:
            with self._changed:
                self._in_flight -= len(raw.data)
                self._changed.notify_all()

    def _raise_first_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _is_first(self, identity: str, done: Future[StoredChunk]) -> bool:
        """Whether no equal chunk was begun; otherwise it shares that one's fate."""
        with self._changed:
            first = self._begun.setdefault(identity, done)
        if first is done:
            return True

        def share(first: Future[StoredChunk]) -> None:
            if failure := first.exception():
                done.set_exception(failure)
            else:
                done.set_result(replace(first.result(), new=False))

        first.add_done_callback(share)
        return False

    def _store_chunk(self, identity: str, raw: RawChunk, done: Future[StoredChunk]) -> None:
        def stored(size: int, *, new: bool) -> None:
            done.set_result(StoredChunk(id=identity, rows=raw.rows, raw=len(raw.data), stored=size, new=new))

        name = chunk_name(identity)
        known = identity in self._known
        if known:
            size = self._known_size(name)
            if size is not None and self._holds(identity, size, raw.data):
                stored(size, new=False)
                return
        elif places := self._places(identity):
            self._in_packs[identity] = _Waiting(raw.rows, len(raw.data), done), places
            return
        compressed = frame.compress(raw.data)
        if len(compressed) < self._packed:
            self._to_pack[identity] = _Waiting(raw.rows, len(raw.data), done)
            self._packs.add(identity, compressed)
            return
        if not known:
            # most likely new: to try to make it is one question less than to ask first
            # where it is there already, its writer may not have come to flush it
            self._fleeting.append(name)
            if self._store.put_new(name, compressed, durable=False):
                stored(len(compressed), new=True)
                return
            size = self._size(name)
            if size is not None and self._holds(identity, size, raw.data):
                stored(size, new=False)
                return
        self._store.put(name, compressed)
        stored(len(compressed), new=True)

    def _places(self, identity: str) -> frozenset[Place]:
        """Where a chunk stands in packs that backups have and that are there."""
        places = self._recorded.places.get(identity)
        if not places:
            return frozenset()
        with self._asking:
            if self._packs_there is None:
                names = {pack_name(pack): pack for pack, _ in self._recorded.packs}
                sizes = self._store.sizes(list(names))
                self._packs_there = frozenset((names[name], size) for name, size in sizes.items())
        return frozenset(each for each in places if (each.pack, each.size) in self._packs_there)

    def _finish_packs(self) -> None:
        """Settle in which pack each small chunk stands."""
        wanted = {identity: places for identity, (_, places) in self._in_packs.items()}
        found = used_on(wanted) if self._leads else {identity: min(places) for identity, places in wanted.items()}
        again = {identity: min(places) for identity, places in wanted.items() if identity not in found}
        self._pack_again(again)
        self._packs.finish()
        self._to_pack.update((identity, self._in_packs[identity][0]) for identity in again)
        for identity, waiting in self._to_pack.items():
            place = self._packs.places[identity]
            self._tell(identity, waiting, place, new=place.pack in self._packs.new)
        for identity, place in found.items():
            self._tell(identity, self._in_packs[identity][0], place, new=False)

    def _tell(self, identity: str, waiting: _Waiting, place: Place, *, new: bool) -> None:
        waiting.done.set_result(
            StoredChunk(id=identity, rows=waiting.rows, raw=waiting.raw, stored=place.stored, new=new, place=place)
        )

    def _pack_again(self, chunks: Mapping[str, Place]) -> None:
        """Put chunks into a new pack that stand in one which is not used on."""
        packs: dict[tuple[str, int], list[str]] = {}
        for identity, place in chunks.items():
            packs.setdefault((place.pack, place.size), []).append(identity)
        for (pack, size), inside in sorted(packs.items()):
            content = self._store.get(pack_name(pack), limit=size)
            for identity in inside:
                place = chunks[identity]
                stored = content[place.at : place.at + place.stored]
                check_form(stored, identity, self._in_packs[identity][0].raw)
                self._packs.add(identity, stored)

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
        if (identity, size) in self._recorded.files:
            return True
        try:
            written = next(file.modified for file in self._store.list(chunk_name(identity)))
            if written < datetime.now(UTC) - YOUNG:
                return False
            stored = self._store.get(chunk_name(identity), limit=frame.longest(len(data)))
            return frame.decompress(stored, len(data)) == data
        except (MissingError, DamageError, ValueError, StopIteration):
            return False
