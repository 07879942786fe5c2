"""One large table read in parts, by several sessions, with the chunks that one session would make of it.

Each part but the first begins to make chunks at a border that is one whatever the rows before it are
(`planning.chunking.opening`). The rows up to there are handed to whoever reads the part before. A part that nobody has
begun when that one ends, or in which no such border is found, is read on by the same session.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from enum import Enum, auto
from threading import Condition
from typing import Any, Generic, TypeVar

import psycopg
from msgspec import Struct

from toolkit.planning.chunking import Opening, RawChunk, cut, opening
from toolkit.planning.seams import OPENING_BYTES
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.rows import read_copies
from toolkit.postgres.session.connection import Connection

_LOOK_SECONDS = 0.1

Made = TypeVar("Made")


class _State(Enum):
    FREE = auto()
    TAKEN = auto()


class SplitTable(Generic[Made]):
    """A table in parts.

    Args:
        queries: of the rows of each part, in the order of the key; together they give every row once.
        make: makes something of each chunk as soon as it is read.
    """

    def __init__(self, name: str, queries: Sequence[Sql], make: Callable[[RawChunk], Made]) -> None:
        self.name = name
        self.parts = [TablePart(table=self, place=place) for place in range(len(queries))]
        self._queries = queries
        self._make = make
        self._changed = Condition()
        self._states = [_State.FREE for _ in queries]
        self._openings = dict[int, Opening]()
        self._made = [list[Made]() for _ in queries]

    @property
    def made(self) -> list[Made]:
        """What was made of all chunks, in their order."""
        return [each for part in self._made for each in part]

    def read(self, connection: Connection, place: int) -> None:
        """Read a part, unless another session does or has done so."""
        if not self._take(place):
            return
        taken, used = [place], list[int]()
        made = self._made[place] = []
        try:
            with closing(self._rows(connection, place, taken, used)) as rows:
                for raw in cut(rows):
                    made.append(self._make(raw))
                    del raw  # or it would be held while the next one grows
        except psycopg.errors.LockNotAvailable:  # somebody else does all of it again
            with self._changed:
                made.clear()
                for each in taken:
                    self._free(each)
            raise
        for each in used:
            self._openings.pop(each, None)

    def _rows(
        self, connection: Connection, place: int, taken: list[int], used: list[int]
    ) -> Generator[Sequence[bytes | memoryview], None, None]:
        """Give the rows that a part makes chunks of: from its own border to that of the next part that has one.

        Args:
            taken: gets the parts that are read as well.
            used: gets the parts whose openings are read.
        """
        with closing(self._batches(connection, place, partly=place > 0)) as batches:
            if place:
                begin = opening(batches, limit=OPENING_BYTES)
                if begin is None:
                    with self._changed:
                        self._free(place)
                    return
                with self._changed:
                    self._openings[place] = begin
                    self._changed.notify_all()
                if begin.rest is None:
                    return  # all its rows belong to the part before
                yield begin.rest
            yield from batches
        for after in range(place + 1, len(self.parts)):
            begin = self._opening(connection, after)
            if begin is None:
                taken.append(after)
                with closing(self._batches(connection, after)) as batches:
                    yield from batches
                continue
            used.append(after)
            yield from begin.rows
            if begin.rest is not None:
                return

    def _batches(
        self, connection: Connection, place: int, *, partly: bool = False
    ) -> Generator[Sequence[memoryview], None, None]:
        with closing(read_copies(connection, [self._queries[place]], partly=partly)) as copies:
            for _, batch in copies:
                yield batch

    def _take(self, place: int) -> bool:
        with self._changed:
            free = self._states[place] is _State.FREE
            self._states[place] = _State.TAKEN
            return free

    def _free(self, place: int) -> None:
        self._states[place] = _State.FREE
        self._openings.pop(place, None)
        self._changed.notify_all()

    def _opening(self, connection: Connection, place: int) -> Opening | None:
        """The opening of a part once it is known; None when nobody reads the part, which is taken then."""
        while True:
            with self._changed:
                if place in self._openings:
                    return self._openings[place]
                if self._states[place] is _State.FREE:
                    self._states[place] = _State.TAKEN
                    return None
                self._changed.wait(_LOOK_SECONDS)
            if connection.watch is not None:
                connection.watch.check()


class TablePart(Struct, frozen=True, kw_only=True):
    """A part of a table, by its place."""

    table: SplitTable[Any]
    place: int
