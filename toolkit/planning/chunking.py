"""Where one chunk of rows ends and the next begins: the border function of repository format 1.

Borders depend on the rows alone, never on their position, so a row inserted, changed or deleted moves only the borders
near it and every other chunk keeps its content and its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSizes:
    """The sizes that place the borders, in bytes of raw rows.

    Attributes:
        minimum: a chunk does not end by its content before it has this size.
        beyond: how much more it grows on average until its content ends it.
        maximum: a chunk of several rows is never larger.
    """

    minimum: int
    beyond: int
    maximum: int


FORMAT_1 = ChunkSizes(minimum=1 * MIB, beyond=3 * MIB, maximum=16 * MIB)
"""The sizes of repository format 1. Other sizes give valid chunks that are not shared with those of other backups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawChunk:
    """A run of rows, not yet compressed.

    Attributes:
        data: the rows, joined; each ends with its newline.
        rows: how many.
        first_row: the first row with its newline.
        last_row: the last row with its newline.
    """

    data: bytes
    rows: int
    first_row: bytes
    last_row: bytes


def chunks(rows: Iterable[bytes | memoryview], sizes: ChunkSizes = FORMAT_1) -> Iterator[RawChunk]:
    """Cut rows into chunks.

    A chunk ends after a row of L bytes when it has reached the minimum and crc32(row) * beyond < L * 2**32, so a long
    row ends a chunk as often as many short ones of the same size; it ends before a row that would take it over the
    maximum. A row above the maximum therefore is a chunk of its own.

    Args:
        rows: COPY text, one row each, with its newline; what they point at may change once the next row is asked for.

    Returns:
        The chunks, in the order of the rows; none when there are no rows.
    """
    minimum, beyond, maximum = sizes.minimum, sizes.beyond, sizes.maximum
    buffer = bytearray()
    count = size = first = start = 0  # `first`: size of the first row; `start`: where the last row begins
    for row in rows:
        length = len(row)
        if size + length > maximum and count:
            finished, buffer = _chunk(buffer, count, first, start), bytearray()
            count = size = 0
            yield finished
            del finished  # or it would be held while the next one grows
        if not count:
            first = length
        start = size
        buffer += row
        size += length
        count += 1
        if size >= minimum and crc32(row) * beyond < length << 32:
            finished, buffer = _chunk(buffer, count, first, start), bytearray()
            count = size = 0
            yield finished
            del finished
    if count:
        yield _chunk(buffer, count, first, start)


def _chunk(buffer: bytearray, count: int, first: int, start: int) -> RawChunk:
    data = bytes(buffer)
    return RawChunk(data=data, rows=count, first_row=data[:first], last_row=data[start:])
