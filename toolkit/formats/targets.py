"""Where an export is written: a file, a directory or a zip. It is there whole or not at all, for its owner alone."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from toolkit.formats.contents import Target
from toolkit.private import files

README = "README.md"
"""The file of a directory, or of a zip, that says what the others are."""

TITLE = b"# Export of backup "
"""What it begins with: by this an export is known."""

_BUFFER = 1 << 20


class _OneFile:
    """The one file of a form that has no others."""

    def __init__(self, file: BinaryIO, *, compress: bool) -> None:
        self._file, self._compress = file, compress

    def called(self, name: str) -> str:
        """Give the name as it is."""
        return name

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """Give the file, whatever it is called."""
        with _packed(self._file, compress=self._compress) as packed:
            yield packed


class _Directory:
    """A directory that is not yet under its name."""

    def __init__(self, place: Path, *, compress: bool) -> None:
        self._place, self._compress = place, compress

    def called(self, name: str) -> str:
        """What is compressed says so in its name."""
        return f"{name}.gz" if self._compress and name != README else name

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """Begin a file."""
        path, compress = self._place / self.called(name), self._compress and name != README
        with files.replacing(path) as file, _packed(file, compress=compress) as packed:
            yield packed


class _Zip:
    """A zip that any tool opens."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def called(self, name: str) -> str:
        """Give the name as it is."""
        return name

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """Begin a file; its size need not be known."""
        with self._archive.open(name, "w", force_zip64=True) as file:
            buffer = io.BufferedWriter(cast("io.RawIOBase", file), _BUFFER)
            yield cast("BinaryIO", buffer)
            buffer.flush()
            buffer.detach()


@contextmanager
def _packed(file: BinaryIO, *, compress: bool) -> Iterator[BinaryIO]:
    if not compress:
        yield file
        return
    # neither a name nor a time: the same rows give the same bytes
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        buffer = io.BufferedWriter(cast("io.RawIOBase", packed), _BUFFER)
        yield cast("BinaryIO", buffer)
        buffer.flush()
        buffer.detach()


def target_at(path: Path, *, several: bool, compress: bool) -> AbstractContextManager[Target]:
    """Open the place of an export; it appears under its name when the block has ended well.

    Args:
        several: it has several files: a directory, or where the name ends in `.zip` a zip.
        compress: its files are compressed by gzip.

    Raises:
        OSError: as the operating system says.
    """
    if not several:
        return _one_file(path, compress=compress)
    return _zip(path) if is_zip(path) else _directory(path, compress=compress)


def is_zip(path: Path) -> bool:
    """Tell whether a name is that of a zip."""
    return path.suffix.lower() == ".zip"


def is_compressed(path: Path) -> bool:
    """Tell whether a name is that of a file that gzip compressed."""
    return path.suffix.lower() == ".gz"


@contextmanager
def _one_file(path: Path, *, compress: bool) -> Iterator[Target]:
    with files.replacing(path) as file:
        yield _OneFile(file, compress=compress)


@contextmanager
def _zip(path: Path) -> Iterator[Target]:
    with files.replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        yield _Zip(archive)


@contextmanager
def _directory(path: Path, *, compress: bool) -> Iterator[Target]:
    files.make_directory(path.parent)
    begun = path.with_name(f".{uuid.uuid4().hex}.tmp")
    begun.mkdir(mode=0o700)
    try:
        yield _Directory(begun, compress=compress)
        _put_in_place(begun, path)
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def _put_in_place(begun: Path, path: Path) -> None:
    """Give a directory its name; one that had it goes when the new one is there."""
    if not path.exists():
        begun.replace(path)
        return
    old = path.with_name(f".{uuid.uuid4().hex}.tmp")
    path.replace(old)
    try:
        begun.replace(path)
    except OSError:
        with suppress(OSError):
            old.replace(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def other_thing(path: Path) -> str:
    """Give the name of something in a directory that is no part of an export there; empty where there is nothing.

    Raises:
        OSError: as the operating system says.
    """
    names = sorted(entry.name for entry in os.scandir(path))
    if not names:
        return ""
    text = (path / README).read_bytes() if README in names else b""
    if not text.startswith(TITLE):
        return names[0]
    # a line of its table of files begins with the name
    return next((name for name in names if name != README and f"\n| {name} |".encode() not in text), "")
