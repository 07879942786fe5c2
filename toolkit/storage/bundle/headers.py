"""What stands before each file of a bundle, which other programs go by: does it say what the table of contents says?"""

from __future__ import annotations

import struct
import zipfile
from typing import BinaryIO

HEADER = struct.Struct("<4s5H3I2H")
HEADER_MARK = b"PK\x03\x04"

_FACTS = struct.Struct("<4H3I")
_AFTERWARDS = 0x8
"""A flag: sizes and CRC-32 stand behind the file, by a program that did not know them before."""
_UTF_8 = 0x800
_IN_EXTRA = 0xFFFFFFFF
"""Stands for a size of more than four bytes, which is elsewhere."""
_KNOWN_VERSION = 63


def expected(info: zipfile.ZipInfo) -> bytes:
    """Give what the header of a file says by the table of contents: flags, method, time, date, CRC-32, sizes, name."""
    year, month, day, hour, minute, second = info.date_time
    sizes = (min(each, _IN_EXTRA) for each in (info.compress_size, info.file_size))
    facts = _FACTS.pack(
        info.flag_bits & 0xFFFF,
        info.compress_type,
        hour << 11 | minute << 5 | second // 2,
        year - 1980 << 9 | month << 5 | day,
        info.CRC,
        *sizes,
    )
    return facts + info.orig_filename.encode("utf-8" if info.flag_bits & _UTF_8 else "cp437")


def flaw(file: BinaryIO, at: int, said: bytes) -> str:
    """Give what a header says otherwise than expected; empty where nothing is.

    Args:
        file: the bundle, open for reading.
        at: where the header stands.
        said: what is expected of it.
    """
    file.seek(at)
    header = file.read(HEADER.size)
    if len(header) < HEADER.size or not header.startswith(HEADER_MARK):
        return "no file begins there"
    _, version, *facts, name_size, _ = HEADER.unpack(header)
    others = list(_FACTS.unpack_from(said))
    if file.read(name_size) != said[_FACTS.size :]:
        return "its header has another name"
    # the higher byte is the system
    if version & 0xFF > _KNOWN_VERSION:
        return f"its header asks for version {version / 10:g} of the format"
    for number, what in enumerate(("flags", "way of compression", "time", "date", "CRC-32", "stored size", "size")):
        later = number > 3 and ((facts[0] & _AFTERWARDS and not facts[number]) or facts[number] == _IN_EXTRA)
        if facts[number] != others[number] and not later:
            return f"its header has another {what}"
    return ""
