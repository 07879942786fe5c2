"""A table that processes read in parts, none of which hears of another: what each makes of its part, and what is left.

A part makes chunks from the first border that is one whatever the rows before it are (`chunking.opening`) to the last
border that it comes to. What lies between the chunks of two parts is a *seam*: it begins and ends with a border of the
table, and is read once both are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Generic, TypeVar

from msgspec import Struct

from toolkit.planning.chunking import ChunkSizes, RawChunk, cut, opening

OPENING_BYTES = 64 << 20
"""Bytes that are held until a part has a border of its own; nearly always a tenth of it is enough."""

Key = tuple[str | None, ...]
"""The COPY text of the key of a row; empty stands for the begin or the end of a table."""

Made = TypeVar("Made")


class Piece(Struct, Generic[Made], frozen=True, kw_only=True):
    """What one process made of a part.

    Attributes:
        found: it has a border of its own; otherwise nothing was made of it.
        after: the key of the last row before the chunks; empty where the part begins with the table.
        end: the key of their last row, or the same as `after` where there are none.
        made: what was made of each chunk.
    """

    found: bool
    after: Key = ()
    end: Key = ()
    made: Sequence[Made] = ()


class Seam(Struct, frozen=True, kw_only=True):
    """Rows that no piece has.

    Attributes:
        before: the place of the piece that follows; the number of pieces for the end of the table.
        after: the key of the last row before them.
        until: the key of their last row.
    """

    before: int
    after: Key
    until: Key


def piece(
    batches: Iterator[Sequence[bytes | memoryview]],
    *,
    first: bool,
    last: bool,
    key: Callable[[bytes], Key],
    make: Callable[[RawChunk], Made],
    sizes: ChunkSizes | None = None,
) -> Piece[Made]:
    """Make what can be made of a part by itself.

    Args:
        batches: its rows, as `cut` takes them.
        first, last: it begins, or ends, with the table.
        key: gives the key of a row.
        make: makes something of each chunk as soon as it is known to be one.
    """
    after: Key = ()
    if not first:
        begin = opening(batches, limit=OPENING_BYTES, sizes=sizes)
        if begin is None or begin.rest is None:
            return Piece(found=False)
        after = key(begin.rows[-1][-1])
        batches = chain([begin.rest], batches)
        del begin  # or its rows would be held for as long as the part is read
    made, end, waiting = list[Made](), after, None
    for raw in cut(batches, sizes):
        if waiting is not None:
            made.append(make(waiting))
            end = key(waiting.last_row)
        waiting = raw
        del raw
    if last and waiting is not None:
        made.append(make(waiting))
        end = key(waiting.last_row)
    return Piece(found=True, after=after, end=end, made=made)


def seams(pieces: Sequence[Piece[Made]]) -> list[Seam]:
    """Give what lies between the pieces of a table, which are in the order of its rows."""
    found = list[Seam]()
    end: Key = ()
    for place, each in enumerate(pieces):
        if each.found:
            if place:
                found.append(Seam(before=place, after=end, until=each.after))
            end = each.end
    if not pieces[-1].found:
        found.append(Seam(before=len(pieces), after=end, until=()))
    return found


def joined(
    pieces: Sequence[Piece[Made]], between: Sequence[Seam], made: Sequence[Made], last: Callable[[Made], Key]
) -> list[Made]:
    """Give everything in the order of the rows.

    Args:
        made: of the chunks of all seams, in order.
        last: gives the key of the last row.
    """
    waiting, whole = iter(made), list[Made]()
    seam_before = {seam.before: seam for seam in between}
    for place in range(len(pieces) + 1):
        if seam := seam_before.get(place):
            for each in waiting:
                whole.append(each)
                if last(each) == seam.until:
                    break
        if place < len(pieces):
            whole.extend(pieces[place].made)
    return whole
