"""The compressed form of a chunk: exactly one Zstandard frame that records its content's size and checksum.

The frame format is RFC 8878.
"""

from __future__ import annotations

import zstandard

_LEVEL = 3


def compress(data: bytes) -> bytes:
    """One frame with the data."""
    # a compressor is not safe to share between threads, and a new one costs microseconds
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=True).compress(data)


def decompress(frame: bytes, size: int) -> bytes:
    """The data in a frame; ValueError with the reason unless it is one intact frame of exactly `size` bytes of data."""
    try:
        recorded = zstandard.frame_content_size(frame)
        # asked first, because the library allocates what the header says whatever limit it is given
        if recorded != size:
            raise ValueError(f"it says it holds {recorded} bytes, not {size}")
        data = zstandard.ZstdDecompressor().decompress(frame, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ValueError(f"it does not decompress: {error}") from error
    if len(data) != size:
        raise ValueError(f"it holds {len(data)} bytes, not {size}")
    return data
