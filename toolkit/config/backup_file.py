"""The bytes of a backup file, compressed with gzip or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator
from pathlib import Path

from toolkit.config.document import show_file, unreadable
from toolkit.errors import InputError, Problem

_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20


def read_blocks(path: Path, *, control: Path) -> Generator[bytes, None, None]:
    """Give what is in a file, block by block, decompressed where it is compressed, whatever its name.

    Raises:
        InputError: it cannot be read, or its compression is damaged.
    """
    shown, read = show_file(path, control), 0
    try:
        with path.open("rb") as raw:
            compressed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            stream = gzip.GzipFile(fileobj=raw) if compressed else raw
            while block := stream.read(_BLOCK):
                read += len(block)
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = f"its compression is damaged behind byte {read:,} of what is in it: {error}"
        raise InputError([Problem(file=shown, message=message)], hint="take another copy of the file") from error
    except OSError as error:
        raise InputError([Problem(file=shown, message=unreadable(path, error))]) from error
