"""What is in a bundle: its table of contents, read once, and its files, read where they stand. Nothing is unpacked.

Whatever is in a file that somebody brings along, the answer is its contents or one error that says where it is damaged.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from msgspec import Struct

from toolkit.errors import DamageError, StorageError
from toolkit.storage.bundle.headers import HEADER, HEADER_MARK, expected, flaw
from toolkit.storage.failures import storage_error
from toolkit.storage.folder import too_large
from toolkit.wording import counted

_TABLE_LIMIT = 64 * 1024 * 1024
"""The most bytes a table of contents has: that of two terabytes of backups."""

_SLICE = 1024 * 1024
"""Bytes of a file that are read at once, and inflated at once."""

_END_MARK, _END_SIZE, _COMMENT_LIMIT = b"PK\x05\x06", 22, 65535
_ENCRYPTED = 0x1
_CARRY_AGAIN = "carry it again from where it came from, or take another copy of it"
_MADE_BY_COPY = "a bundle is made by `copy: {from: …, to: {bundle: FILE}}`; name one, or another file"

Identity = tuple[int, int, int, int]
"""By what a file is known to be the one that was read: device, number, size, time of its last change."""


class Member(Struct, frozen=True, kw_only=True):
    """A file in a bundle.

    Attributes:
        at: byte of the bundle at which its header stands.
        stored: how many bytes it takes in the bundle.
        size: how many bytes it has.
        crc: its CRC-32.
        deflated: somebody unpacked the bundle and made it anew with another program.
        header: what the header says.
    """

    name: str
    at: int
    stored: int
    size: int
    crc: int
    deflated: bool
    header: bytes

    @classmethod
    def of(cls, info: zipfile.ZipInfo) -> Member:
        """Give the member that the standard library's description means."""
        return cls(
            name=info.filename,
            at=info.header_offset,
            stored=info.compress_size,
            size=info.file_size,
            crc=info.CRC,
            deflated=info.compress_type == zipfile.ZIP_DEFLATED,
            header=expected(info),
        )


class Contents:
    """The files of a bundle as it was at one time.

    Attributes:
        members: by name.
        identity: of the file that was read.
        modified: when that was last written.
    """

    def __init__(self, members: Mapping[str, Member], found: os.stat_result) -> None:
        self.members = members
        self.identity = identity(found)
        self.modified = datetime.fromtimestamp(found.st_mtime, UTC)
        self._names = sorted(members)

    def beginning(self, prefix: str) -> Iterator[Member]:
        """Give the members whose names begin so, sorted by name."""
        for name in islice(self._names, bisect_left(self._names, prefix), None):
            if not name.startswith(prefix):
                return
            yield self.members[name]


def identity(found: os.stat_result) -> Identity:
    """Give by what a file is known again."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def contents_of(path: Path) -> Contents:
    """Read the table of contents of a bundle.

    Raises:
        FileNotFoundError: there is no such file.
        DamageError: it is no bundle, or a damaged one.
        StorageError: it cannot be read.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            hint = "a directory is a repository of `type: local`; a bundle is a file"
            raise DamageError(f"{path} is a directory", hint=hint)
        if not stat.S_ISREG(found.st_mode):
            raise DamageError(f"{path} is no ordinary file", hint=_MADE_BY_COPY)
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            _check_end(file, found.st_size, path)
            return Contents(_checked(_table(file, path), found.st_size, path), found)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise storage_error("read", path, error) from error


def content(
    file: BinaryIO, member: Member, path: Path, *, limit: int | None, part: tuple[int, int] | None = None
) -> bytes:
    """Give the content of a member.

    Args:
        file: the bundle, open for reading.
        limit: how many bytes such a file has at most.
        part: where the bytes that are wanted begin, and how many they are; their CRC-32 is nobody's then.

    Raises:
        DamageError: it has more, or is not what was written.
    """
    if limit is not None and member.size > limit:
        raise too_large(f"{path}/{member.name}", member.size, limit)
    if part and not member.deflated:
        _find(file, member, path)
        file.seek(part[0], os.SEEK_CUR)
        return file.read(max(0, min(part[1], member.stored - part[0])))
    data = b"".join(pieces(file, member, path))
    return data[part[0] : sum(part)] if part else data


def pieces(file: BinaryIO, member: Member, path: Path) -> Iterator[bytes]:
    """Give the content of a member piece by piece, in little memory whatever it claims to be.

    Raises:
        DamageError: it is not what was written; pieces of it were given then.
    """
    _find(file, member, path)
    inflating = zlib.decompressobj(-zlib.MAX_WBITS) if member.deflated else None
    left, given, crc = member.stored, 0, 0
    while left and not (inflating and inflating.eof):
        data = file.read(min(_SLICE, left))
        if not data:
            raise _damaged(path, member, f"the bundle has {member.stored - left} of its {member.stored} bytes")
        left -= len(data)
        for piece in _inflated(data, inflating, member, path) if inflating else (data,):
            given += len(piece)
            if given > member.size:
                break
            crc = zlib.crc32(piece, crc)
            yield piece
    if given != member.size or (inflating and not inflating.eof):
        raise _damaged(path, member, f"it does not inflate to {member.size} bytes")
    if crc != member.crc:
        raise _damaged(path, member, "its CRC-32 is another one")


def misleading(contents: Contents, path: Path) -> Iterator[str]:
    """Give what would mislead other programs, which go by the headers: where, which file, and what it is.

    Raises:
        OSError: as the operating system says.
    """
    with path.open("rb") as file:
        for member in sorted(contents.members.values(), key=lambda each: each.at):
            if fact := flaw(file, member.at, member.header):
                yield _damaged(path, member, fact).message


def _find(file: BinaryIO, member: Member, path: Path) -> None:
    """Go to where the content of a member begins."""
    file.seek(member.at)
    header = file.read(HEADER.size)
    if len(header) < HEADER.size or not header.startswith(HEADER_MARK):
        raise _damaged(path, member, "no file begins there")
    *_, name_size, extra_size = HEADER.unpack(header)
    file.seek(name_size + extra_size, os.SEEK_CUR)


def _inflated(data: bytes, inflating: Any, member: Member, path: Path) -> Iterator[bytes]:
    """What some bytes of a member hold that another program compressed."""
    try:
        while data:
            yield inflating.decompress(data, min(_SLICE, member.size + 1))
            data = inflating.unconsumed_tail
    except zlib.error as error:
        raise _damaged(path, member, "it cannot be inflated") from error


def _damaged(path: Path, member: Member, fact: str) -> DamageError:
    return DamageError(f"{path} is damaged at byte {member.at}, {member.name}: {fact}", hint=_CARRY_AGAIN)


def _check_end(file: BinaryIO, size: int, path: Path) -> None:
    """Refuse a file that does not end as a zip does."""
    file.seek(max(0, size - _COMMENT_LIMIT - _END_SIZE))
    tail = file.read()
    end = tail.rfind(_END_MARK)
    if end < 0 or len(tail) - end < _END_SIZE:
        raise _no_end(file, size, path)


def _no_end(file: BinaryIO, size: int, path: Path) -> StorageError:
    file.seek(0)
    if file.read(len(HEADER_MARK)) == HEADER_MARK:
        fact = f"{path} ends at byte {size}, without its table of contents: it was not copied whole"
        return DamageError(fact, hint=_CARRY_AGAIN)
    return DamageError(f"{path} is no bundle: it is {'empty' if not size else 'no zip file'}", hint=_MADE_BY_COPY)


class _Limited:
    """A file of which nobody reads more at once than a table of contents has, whatever the file itself says."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._path = path
        self._file = file
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        if size > _TABLE_LIMIT:
            raise DamageError(
                f"the table of contents of {self._path} claims {size} bytes; such a table has {_TABLE_LIMIT} at most",
                hint=_CARRY_AGAIN,
            )
        # what is read to its end is the file's own end, and the comment there
        return self._file.read(2 * _COMMENT_LIMIT if size < 0 else size)


def _table(file: BinaryIO, path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(cast("BinaryIO", _Limited(file, path))) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise DamageError(
            f"the table of contents of {path} cannot be read: {str(error).lower()}", hint=_CARRY_AGAIN
        ) from error


def _checked(infos: list[zipfile.ZipInfo], size: int, path: Path) -> dict[str, Member]:
    """The members by name; DamageError for what can be understood in two ways, or not at all."""
    members: dict[str, Member] = {}
    problems = []
    for info in infos:
        if info.is_dir():
            continue
        problem = f"{info.filename!r} is there twice" if info.filename in members else _problem(info, size)
        if problem:
            problems.append(problem)
        members[info.filename] = Member.of(info)
    if problems:
        more = f", and {counted(len(problems) - 1, 'more problem')}" if problems[1:] else ""
        raise DamageError(f"{path} is no bundle as Playback writes it: {problems[0]}{more}", hint=_MADE_BY_COPY)
    return members


def _problem(info: zipfile.ZipInfo, size: int) -> str:
    """What is wrong with an entry of the table; empty when nothing is."""
    name = info.filename
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or parts[0].endswith(":"):
        return f"{name!r} leads out of it"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return f"{name!r} is a link or another special file"
    if info.flag_bits & _ENCRYPTED:
        return f"{name!r} is encrypted by another program, which has to unpack it"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"{name!r} is compressed in a way that is not known here (method {info.compress_type})"
    return _wrong_place(info, size)


def _wrong_place(info: zipfile.ZipInfo, size: int) -> str:
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        return f"{info.filename!r} claims two sizes, {info.compress_size} and {info.file_size} bytes"
    if info.compress_size > 2 * info.file_size + HEADER.size:
        # an empty file takes two bytes when it is deflated, and nothing becomes much larger by it
        return f"{info.filename!r} claims {info.compress_size} bytes in it for {info.file_size} bytes"
    if not 0 <= info.header_offset <= size - HEADER.size - info.compress_size:
        return f"{info.filename!r} stands outside of the file"
    return ""
