"""Which rows of two runs of chunks in the same order are not in both: ranges of equal id are not looked into.

A chunk's borders depend on its rows alone, so two tables that differ in some rows have most chunks in common. The rows
of the others are lines of text, and a line that is on both sides is the same row. Which chunks are laid side by side is
told by their keys: that is a matter of how much is held at a time, never of the result.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from toolkit.model.manifest import Chunk, TableEntry, chunk_id
from toolkit.planning import chunking
from toolkit.planning.chunking import RawChunk
from toolkit.planning.in_order import InOrder

HELD_BYTES = 96 << 20
"""About how much memory the lines may need that are found on one side only; more is not worth being told apart."""

LINE_BYTES = 150
"""About how much memory a line needs beside its bytes."""

Fetch = Callable[[TableEntry], Iterator[bytes]]
"""Gives the rows of the chunks of an entry, chunk by chunk."""

Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """The rows of a table that are not on both sides, each with its newline.

    Attributes:
        ours: rows of the backup that the other side does not have.
        theirs: rows of the other side that the backup does not have.
        rows: how many the other side has in all.
    """

    ours: Sequence[bytes]
    theirs: Sequence[bytes]
    rows: int

    @property
    def nothing(self) -> bool:
        """Whether both sides have the same rows."""
        return not self.ours and not self.theirs


class Room:
    """The memory that is left for lines which are found on one side only; several tables may share it."""

    def __init__(self) -> None:
        self._left = HELD_BYTES

    def take(self, size: int) -> None:
        """Take some of it, or with less than 0 give it back."""
        self._left -= size

    @property
    def none(self) -> bool:
        """Whether there is none left."""
        return self._left < 0


def differing(
    theirs: Iterable[RawChunk], entry: TableEntry, fetch: Fetch, key_of: Callable[[bytes], Key], room: Room
) -> Differing | None:
    """Tell which rows a backup has of a table and another side, and which only one of them.

    Args:
        theirs: the chunks of the other side, read to the end in any case.
        fetch: is asked for those chunks of the backup that the other side does not have.
        key_of: the key of a row of the other side, in the form in which the manifest has it.
        room: for the lines that are found on one side only.

    Returns:
        None where more differs than can be held; equal lines count as often as they occur.
    """
    return _Beside(entry, fetch, key_of, room).run(theirs)


class _TooMuchError(Exception):
    """More lines differ than can be held."""


class _Beside:
    def __init__(self, entry: TableEntry, fetch: Fetch, key_of: Callable[[bytes], Key], room: Room) -> None:
        self._entry = entry
        self._fetch = fetch
        self._key_of = key_of
        self._native = [key.sort == "native" for key in entry.key]
        self._chunks = entry.chunks
        self._next = 0  # the first chunk of the backup that has not had its turn
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, chunk in enumerate(entry.chunks):
            self._places[chunk.id].append(place)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._ours: dict[bytes, int] = {}
        self._theirs: dict[bytes, int] = {}
        self._room = room
        self._held = 0

    def run(self, theirs: Iterable[RawChunk]) -> Differing | None:
        rows, left = 0, iter(theirs)
        try:
            for raw in left:
                rows += raw.rows
                self._take(raw)
            self._settle(len(self._chunks))
        except BaseException as error:
            self._hold(-self._held)
            if not isinstance(error, _TooMuchError):
                raise
            for _ in left:  # the server is amid a COPY
                continue
            return None
        return Differing(ours=_repeated(self._ours), theirs=_repeated(self._theirs), rows=rows)

    def _take(self, raw: RawChunk) -> None:
        """Pass over a chunk that both sides have, or keep it until the backup's rows of that range are at hand."""
        place = self._place_of(chunk_id(raw.data))
        if place is not None:
            self._settle(place)
            self._next = place + 1
            return
        self._waiting.append(raw.data)
        self._waiting_bytes += len(raw.data)
        if self._waiting_bytes >= chunking.FORMAT_1.maximum:
            self._settle(self._reached(raw))

    def _place_of(self, identity: str) -> int | None:
        """Where the backup has that chunk, from the place on that has been come to."""
        places = self._places.get(identity, ())
        at = bisect_left(places, self._next)
        return places[at] if at < len(places) else None

    def _reached(self, raw: RawChunk) -> int:
        """The place of the first chunk of the backup that goes beyond a row of the other side."""
        if not self._entry.key:  # rows do not show it
            return min(self._next + len(self._waiting), len(self._chunks))
        place, last = self._next, self._rank(self._key_of(raw.last_row))
        while place < len(self._chunks) and self._rank(self._chunks[place].last) <= last:
            place += 1
        return place

    def _rank(self, key: Key) -> list[tuple[int, float, str]]:
        """What a key is about ordered by."""
        return [_rank(text, native=native) for text, native in zip(key, self._native, strict=True)]

    def _settle(self, end: int) -> None:
        """Lay the backup's chunks up to a place beside what waits of the other side."""
        chunks, self._next = self._chunks[self._next : end], end
        theirs, left = InOrder(b"".join(self._waiting)), None
        self._waiting, self._waiting_bytes = [], 0
        ours = list[bytes]()
        for data in self._rows(chunks):
            if left is None:
                ours.extend(theirs.beside(data))
                if not theirs.lost:
                    continue
                left = _Lines(theirs.left())
                self._cancel(left.less(ours), self._theirs, self._ours)
            else:
                self._cancel(left.less(data.splitlines(keepends=True)), self._theirs, self._ours)
        if left is None:
            left = _Lines(theirs.left())
            self._cancel(left.less(ours), self._theirs, self._ours)
        self._cancel(left.rest(), self._ours, self._theirs)

    def _rows(self, chunks: Sequence[Chunk]) -> Iterator[bytes]:
        return self._fetch(structs.replace(self._entry, chunks=tuple(chunks))) if chunks else iter(())

    def _cancel(self, found: Iterable[bytes], against: dict[bytes, int], into: dict[bytes, int]) -> None:
        """Take lines off those that only the other side had so far, and keep what is left for this one."""
        for line in found:
            size = len(line) + LINE_BYTES
            if line in against:
                _less_one(against, line)
                self._hold(-size)
            else:
                into[line] = into.get(line, 0) + 1
                self._hold(size)
                if self._room.none:
                    raise _TooMuchError

    def _hold(self, size: int) -> None:
        self._held += size
        self._room.take(size)


class _Lines:
    """Some lines, of which others are taken off, each as often as it occurs."""

    def __init__(self, every: Sequence[bytes]) -> None:
        self._single = set(every)
        self._several: Counter[bytes] | None = None if len(self._single) == len(every) else Counter(every)

    def less(self, lines: Sequence[bytes]) -> Iterable[bytes]:
        """Take lines off; gives those that are not among these."""
        taken = set(lines)
        if self._several is None and len(taken) < len(lines):
            self._several = Counter(self._single)
        if self._several is not None:
            wanted = Counter(lines)
            absent = wanted - self._several
            self._several -= wanted
            return absent.elements()
        absent_lines = taken - self._single
        self._single -= taken
        return sorted(absent_lines)

    def rest(self) -> Iterable[bytes]:
        """Give those that are left."""
        return sorted(self._single) if self._several is None else self._several.elements()


def _repeated(counts: Mapping[bytes, int]) -> list[bytes]:
    return [line for line, count in counts.items() for _ in range(count)]


def _less_one(counts: dict[bytes, int], line: bytes) -> None:
    if counts[line] == 1:
        del counts[line]
    else:
        counts[line] -= 1


def _rank(text: str | None, *, native: bool) -> tuple[int, float, str]:
    if text is None:
        return 1, 0.0, ""
    if native:
        try:
            return 0, float(text), ""
        except ValueError:
            pass  # a time
    return 0, 0.0, text
