"""Where one chunk of rows ends and the next begins: the border function of repository format 1.

Borders depend on the rows alone, never on their position, so a row inserted, changed or deleted moves only the borders
near it and every other chunk keeps its content and its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from zlib import crc32

from msgspec import Struct

MIB = 1024 * 1024


class ChunkSizes(Struct, frozen=True, kw_only=True):
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


class RawChunk(Struct, frozen=True, kw_only=True):
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


def cut(batches: Iterable[Sequence[bytes | memoryview]], sizes: ChunkSizes | None = None) -> Iterator[RawChunk]:
    """Cut rows that come in batches into chunks.

    A chunk ends after a row of L bytes when it has reached the minimum and crc32(row) * beyond < L * 2**32, so a long
    row ends a chunk as often as many short ones of the same size; it ends before a row that would take it over the
    maximum. A row above the maximum therefore is a chunk of its own. How rows are put in batches changes nothing.

    Args:
        batches: COPY text, one row each, with its newline; what they point at may change once the next batch is asked
            for.
        sizes: by default those of format 1.

    Returns:
        The chunks, in the order of the rows; none when there are no rows.
    """
    sizes = sizes or FORMAT_1
    minimum, beyond, maximum = sizes.minimum, sizes.beyond, sizes.maximum
    blocks = list[bytes]()
    count = size = first = start = 0  # `first`: size of the first row; `start`: where the last row begins
    for batch in filter(None, batches):
        lengths = list(map(len, batch))
        total = sum(lengths)
        # most batches have no border, which is told for all of their rows at once
        if size + total <= maximum and (
            size + total < minimum or min(map(crc32, batch)) * beyond >= max(lengths) << 32
        ):
            first = first if count else lengths[0]
            blocks.append(b"".join(batch))
            count += len(batch)
            size += total
            start = size - lengths[-1]
            continue
        begin = 0  # the first row of the batch that is in no block yet
        for place, length in enumerate(lengths):
            if count and size + length > maximum:
                blocks.append(b"".join(batch[begin:place]))
                yield _chunk(blocks, count, first, start)
                begin, count, size = place, 0, 0
            first = first if count else length
            start = size
            size += length
            count += 1
            if size >= minimum and crc32(batch[place]) * beyond < length << 32:
                blocks.append(b"".join(batch[begin : place + 1]))
                yield _chunk(blocks, count, first, start)
                begin, count, size = place + 1, 0, 0
        blocks.append(b"".join(batch[begin:]))
    if count:
        yield _chunk(blocks, count, first, start)


class Opening(Struct, frozen=True, kw_only=True):
    """The first rows of a run that begins somewhere in the rows of a table.

    Attributes:
        rows: in batches; those up to a border that is one wherever the chunk before it began, or all there are.
        rest: the rows behind that border in the batch that was read last; None where there is no such border.
    """

    rows: list[list[bytes]]
    rest: Sequence[bytes | memoryview] | None


def opening(
    batches: Iterable[Sequence[bytes | memoryview]], *, limit: int, sizes: ChunkSizes | None = None
) -> Opening | None:
    """Read rows up to the first border that does not depend on the rows before them.

    A row that could end a chunk by its content does so when the chunk has reached the minimum. That is sure where the
    row alone has that size; and where the row before it that could end one is so far away, since a chunk ends between
    the two only for having reached the maximum, for which there must be more than the maximum less the minimum.

    Args:
        batches: as `cut` takes them. No further one is asked for once the border is found.
        limit: bytes.

    Returns:
        None where so many bytes have no such border.
    """
    sizes = sizes or FORMAT_1
    minimum, beyond, longest = sizes.minimum, sizes.beyond, sizes.maximum - sizes.minimum
    held = list[list[bytes]]()
    position = 0
    last: int | None = None  # where the last row that could end a chunk has its end
    for batch in batches:
        for place, row in enumerate(batch):
            length = len(row)
            position += length
            if crc32(row) * beyond < length << 32:
                if length >= minimum or (last is not None and minimum <= position - last <= longest):
                    held.append([bytes(each) for each in batch[: place + 1]])
                    return Opening(rows=held, rest=batch[place + 1 :])
                last = position
        if position > limit:
            return None
        held.append([bytes(each) for each in batch])
    return Opening(rows=held, rest=None)


def chunks(rows: Iterable[bytes | memoryview], sizes: ChunkSizes | None = None) -> Iterator[RawChunk]:
    """Cut rows that come one by one as `cut` does; what one points at may change once the next is asked for."""
    return cut(((row,) for row in rows), sizes)


def _chunk(blocks: list[bytes], count: int, first: int, start: int) -> RawChunk:
    """The chunk that blocks of rows make; they are taken out of the list, or they would be held while it grows anew."""
    data = b"".join(blocks)
    blocks.clear()
    return RawChunk(data=data, rows=count, first_row=data[:first], last_row=data[start:])
