"""Which rows of two runs of chunks in the same order are not in both: ranges of equal id are not looked into.

A chunk's borders depend on its rows alone, so two tables that differ in some rows have most chunks in common. The rows
of the others are lines of text, and a line that is on both sides is the same row. Which chunks are laid side by side is
told by their keys: that is a matter of how much is held at a time, never of the result.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from toolkit.model.manifest import Chunk, TableEntry, chunk_id
from toolkit.planning import chunking
from toolkit.planning.chunking import RawChunk
from toolkit.planning.in_order import InOrder
from toolkit.planning.lines import Lines

HELD_BYTES = 48 << 20
"""About how much memory the lines may need that are found on one side only; more is not worth being told apart."""

LINE_BYTES = 150
"""About how much memory a line needs beside its bytes."""

AT_ONCE = 2
"""So many chunks of usual size are laid beside those of the backup at once; each needs three times its bytes then."""

Fetch = Callable[[TableEntry], Iterator[bytes]]
"""Gives the rows of the chunks of an entry, chunk by chunk."""

Key = tuple[str | None, ...]


class Differing(Struct, frozen=True, kw_only=True):
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
        theirs: the chunks of the other side, in their order; read to the end in any case.
        fetch: is asked for those chunks of the backup that the other side does not have.
        key_of: the key of a row of the other side, in the form in which the manifest has it.
        room: for the lines that are found on one side only.

    Returns:
        None where more differs than can be held; equal lines count as often as they occur.
    """
    beside = _Beside(entry, fetch, key_of, room)
    for raw in theirs:
        enough = beside.take(raw)
        # all of it is in what waits by now
        del raw
        if enough:
            beside.look()
    return beside.end()


def together(parts: Sequence[Differing | None], room: Room) -> Differing | None:
    """Put together what was found of parts of a table, each beside some of the backup's chunks.

    A line that is in one part of the backup and in another one of the other side is on both sides.

    Args:
        room: in which the lines were held.

    Returns:
        None where it is not known of every part.
    """
    known = [part for part in parts if part is not None]
    mine = Counter(line for part in known for line in part.ours)
    others = Counter(line for part in known for line in part.theirs)
    if len(known) < len(parts):
        room.take(-sum(map(_held, (*mine.elements(), *others.elements()))))
        return None
    return Differing(
        ours=list((mine - others).elements()),
        theirs=list((others - mine).elements()),
        rows=sum(part.rows for part in known),
    )


class _TooMuchError(Exception):
    """More lines differ than can be held."""


class _Beside:
    """A table of a backup, beside which the chunks of another side are laid in their order."""

    def __init__(self, entry: TableEntry, fetch: Fetch, key_of: Callable[[bytes], Key], room: Room) -> None:
        self._entry = entry
        self._fetch = fetch
        self._key_of = key_of
        self._native = [key.sort == "native" for key in entry.key]
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, chunk in enumerate(entry.chunks):
            self._places[chunk.id].append(place)
        self._left = [True] * len(entry.chunks)  # chunks that have not had their turn
        self._next = 0  # before this one none is left but those that were found to be equal later
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._last_row = b""
        self._ours: dict[bytes, int] = {}
        self._theirs: dict[bytes, int] = {}
        self._rows = self._held = 0
        self._room = room
        self._too_much = False

    def take(self, raw: RawChunk) -> bool:
        """Pass over a chunk that both sides have, or keep it; gives whether what waits has to be looked at."""
        if self._too_much:
            return False
        self._rows += raw.rows
        self._last_row = raw.last_row
        try:
            place = self._find(chunk_id(raw.data))
            if place is None:
                self._waiting.append(raw.data)
                self._waiting_bytes += len(raw.data)
            elif place >= self._next:
                self._settle(place)
                self._next = place + 1
        except _TooMuchError:
            self._give_up()
        sizes = chunking.FORMAT_1
        return self._waiting_bytes >= AT_ONCE * (sizes.minimum + sizes.beyond)

    def look(self) -> None:
        """Lay what waits beside the backup's rows of that range."""
        try:
            self._settle(self._reached())
        except _TooMuchError:
            self._give_up()

    def end(self) -> Differing | None:
        """Give the rows that not both sides have, once all of the other side has been laid beside it."""
        try:
            if not self._too_much:
                self._settle(len(self._left))
        except _TooMuchError:
            self._give_up()
        if self._too_much:
            return None
        return Differing(ours=_repeated(self._ours), theirs=_repeated(self._theirs), rows=self._rows)

    def _find(self, identity: str) -> int | None:
        """Give the place of a chunk that is left, at or after the next one if there is one, and take it."""
        places = [place for place in self._places.get(identity, ()) if self._left[place]]
        found = next((place for place in places if place >= self._next), places[0] if places else None)
        if found is not None:
            self._left[found] = False
        return found

    def _give_up(self) -> None:
        """Let go of all lines: others may need the room while this side is read to its end."""
        self._too_much = True
        self._hold(-self._held)
        self._ours, self._theirs = {}, {}

    def _reached(self) -> int:
        """Give the place of the first chunk that goes beyond the last row of the other side."""
        chunks = self._entry.chunks
        if not self._entry.key:
            return min(self._next + len(self._waiting), len(chunks))
        place, key = self._next, self._rank(self._key_of(self._last_row))
        while place < len(chunks) and self._rank(chunks[place].last) <= key:
            place += 1
        return place

    def _rank(self, key: Key) -> list[tuple[int, float, str]]:
        """What a key is about ordered by."""
        return [_rank(text, native=native) for text, native in zip(key, self._native, strict=True)]

    def _settle(self, end: int) -> None:
        """Lay the backup's chunks up to a place beside what waits of the other side."""
        chunks = self._come_to(end)
        theirs, left = InOrder(b"".join(self._waiting)), None
        self._waiting, self._waiting_bytes = [], 0
        ours = list[bytes]()
        for data in self._fetch(structs.replace(self._entry, chunks=tuple(chunks))) if chunks else ():
            if left is None:
                ours.extend(theirs.beside(data))
                if not theirs.lost:
                    continue
                left = Lines(theirs.left())
                self._cancel(left.less(ours), ours=True)
            else:
                self._cancel(left.less(data.splitlines(keepends=True)), ours=True)
        if left is None:
            left = Lines(theirs.left())
            self._cancel(left.less(ours), ours=True)
        self._cancel(left.rest(), ours=False)

    def _come_to(self, end: int) -> Sequence[Chunk]:
        """Give the chunks up to a place that have not had their turn."""
        places = [place for place in range(self._next, end) if self._left[place]]
        for place in places:
            self._left[place] = False
        self._next = max(end, self._next)
        return [self._entry.chunks[place] for place in places]

    def _cancel(self, found: Iterable[bytes], *, ours: bool) -> None:
        """Take lines of one side off those that only the other one had so far, and keep what is left for this one."""
        into, against = (self._ours, self._theirs) if ours else (self._theirs, self._ours)
        for line in found:
            if line in against:
                _less_one(against, line)
                self._hold(-_held(line))
            else:
                into[line] = into.get(line, 0) + 1
                self._hold(_held(line))
                if self._room.none:
                    raise _TooMuchError

    def _hold(self, size: int) -> None:
        self._held += size
        self._room.take(size)


def _held(line: bytes) -> int:
    return len(line) + LINE_BYTES


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
