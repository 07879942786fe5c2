"""Files and directories that nobody but their owner can use.

On POSIX systems files have mode 0600 and directories 0700. Windows has no modes: there they inherit the access lists of
the directory they are in, which below a user's profile let in nobody else either.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MASK = 0o077
"""What a process takes from everyone else in all it makes."""


def keep_private() -> None:
    """Have this process, and those it starts, make all files and directories for their owner alone."""
    os.umask(MASK)


def make_directory(path: Path) -> None:
    """Make a private directory, and private ones above it where they are missing; nothing happens where it is there."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def write(path: Path, data: bytes) -> None:
    """Write a private file, replacing one of that name: it is there whole or not at all, and durable.

    Raises:
        OSError: as the operating system says.
    """
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a private file piece by piece; it replaces one of that name when all is written, and only then.

    What is no file, such as a pipe or a device (`/dev/stdout`), is written to.

    Raises:
        OSError: as the operating system says.
    """
    if _is_special(path):
        # a file in its place would take it away from all who use it, and root can do that to /dev/null
        with path.open("wb") as special:
            yield special
        return
    make_directory(path.parent)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with created(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _is_special(path: Path) -> bool:
    """Whether a path, or what it links to, is there and neither a file nor a directory."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def create(path: Path, data: bytes, *, folder: int | None = None) -> None:
    """Write a private file where there is none, flushed to the disk; FileExistsError where there is anything.

    Args:
        folder: as for `created`.
    """
    with created(path, folder) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def created(path: Path, folder: int | None = None) -> BinaryIO:
    """Open a new private file for writing; FileExistsError where there is anything.

    Args:
        folder: the descriptor of the directory in which a relative path is; the working directory when not given.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600, dir_fd=folder), "wb")


def is_private(path: Path, owner: int | None = None) -> bool:
    """Say whether a path is a real directory that only its owner can enter; on Windows, whether it is a directory.

    Args:
        owner: the user it has to belong to; the one who runs this when not given.
    """
    try:
        found = path.lstat()
    except OSError:
        return False
    if os.name == "nt":
        return stat.S_ISDIR(found.st_mode)
    mine = os.geteuid() if owner is None else owner
    return stat.S_ISDIR(found.st_mode) and found.st_uid == mine and not stat.S_IMODE(found.st_mode) & MASK
