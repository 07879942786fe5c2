"""The compressed form of a chunk: exactly one Zstandard frame that records its content's size and checksum.

The frame format is RFC 8878.
"""

from __future__ import annotations

from collections.abc import Iterator

import zstandard

_LEVEL = 2
"""On rows of real applications as small as level 3, at half its cost; on hashes and long documents smaller, too."""

_SLICE = 1024
"""Bytes of a frame that are decompressed at once when it is read piece by piece: they give 32 MiB at most."""


def compress(data: bytes) -> bytes:
    """Give one frame with the data."""
    # a compressor is not safe to share between threads, and a new one costs microseconds
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=True).compress(data)


def longest(size: int) -> int:
    """Give the most bytes that a frame with so many bytes of data has: more than is added to what does not shrink."""
    return size + size // 128 + 1024


def decompress(frame: bytes, size: int) -> bytes:
    """Give the data in a frame; ValueError with the reason unless it is one intact frame of exactly `size` bytes."""
    _check_size(frame, size)
    try:
        data = zstandard.ZstdDecompressor().decompress(frame, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ValueError(f"it does not decompress: {error}") from error
    if len(data) != size:
        raise ValueError(f"it holds {len(data)} bytes, not {size}")
    return data


def pieces(frame: bytes, size: int) -> Iterator[bytes]:
    """Give the data in a frame piece by piece, however large; raises as `decompress` does, maybe after some pieces."""
    _check_size(frame, size)
    reading = zstandard.ZstdDecompressor().decompressobj()
    given = 0
    try:
        for begin in range(0, len(frame), _SLICE):
            piece = reading.decompress(frame[begin : begin + _SLICE])
            given += len(piece)
            if given > size:
                break
            yield piece
            if reading.eof:
                if reading.unused_data or begin + _SLICE < len(frame):
                    raise ValueError("something follows its frame")
                break
    except zstandard.ZstdError as error:
        raise ValueError(f"it does not decompress: {error}") from error
    if given != size or not reading.eof:
        raise ValueError(f"it holds {given} bytes, not {size}")


def _check_size(frame: bytes, size: int) -> None:
    """Look at the recorded size first, because the library allocates what it says whatever limit it is given."""
    try:
        recorded = zstandard.frame_content_size(frame)
    except zstandard.ZstdError as error:
        raise ValueError(f"it does not decompress: {error}") from error
    if recorded != size:
        raise ValueError(f"it says it holds {recorded} bytes, not {size}")
