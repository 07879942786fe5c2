"""A directory inside a repository, entered step by step so that no link and no special file leads out of it.

Where the system can, every step holds the directory it came to: what is moved or replaced by a link meanwhile is not
followed either. Elsewhere (Windows) every step is looked at before it is made.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from toolkit.errors import DamageError
from toolkit.private import files

_DESCRIPTORS = {os.open, os.stat, os.unlink, os.rename, os.mkdir, os.rmdir} <= os.supports_dir_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_READ = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_SURROGATE = 0x20000000
"""The bit of a reparse tag of Windows by which it stands for something elsewhere, as links and junctions do."""

_NAMES = {
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Entry(Struct, frozen=True, kw_only=True):
    """One thing in a directory.

    Attributes:
        is_folder: it is a directory, and no link to one.
        size: in bytes.
        modified: seconds since 1970.
        version: tells whether the file is the same and was not written since: its number and times as the system says.
    """

    name: str
    is_folder: bool
    size: int = 0
    modified: float = 0
    version: str = ""


class Folder:
    """A directory that was entered. Every method raises OSError as the system says.

    Attributes:
        path: for messages.
    """

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    def read(self, name: str, limit: int | None, at: int = 0, size: int | None = None) -> bytes:
        """Give a file's content, or so many bytes of it from byte `at` on.

        Raises:
            DamageError: it is no ordinary file, or has more than `limit` bytes.
        """
        self._check_ordinary(name, self.look(name))
        descriptor = os.open(self._at(name), _READ, dir_fd=self._descriptor)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            self._check_ordinary(name, found)
            if limit is not None and found.st_size > limit:
                raise too_large(str(self.path / name), found.st_size, limit)
            file.seek(at)
            most = limit if size is None else size
            return file.read() if most is None else file.read(most)

    def size(self, name: str) -> int:
        """Give a file's size in bytes; DamageError when it is no ordinary file."""
        found = self.look(name)
        self._check_ordinary(name, found)
        return found.st_size

    def look(self, name: str) -> os.stat_result:
        """Give what a name stands for; a link stands for itself."""
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def create(self, name: str, data: bytes) -> None:
        """Write a new private file, flushed to the disk."""
        files.create(Path(self._at(name)), data, folder=self._descriptor)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, replacing a file that has it."""
        os.replace(self._at(old), self._at(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def rename_new(self, old: str, new: str) -> None:
        """Give a file another name; FileExistsError where something has it. On Windows alone."""
        Path(self._at(old)).rename(self._at(new))

    def link(self, old: str, new: str) -> None:
        """Give a file a second name; FileExistsError where something has it."""
        os.link(self._at(old), self._at(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself."""
        os.unlink(self._at(name), dir_fd=self._descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove an empty directory."""
        os.rmdir(self._at(name), dir_fd=self._descriptor)

    def make_folder(self, name: str, *, flush: bool = True) -> None:
        """Make a private directory, durably unless the caller will flush; nothing happens where it is there."""
        try:
            os.mkdir(self._at(name), 0o700, dir_fd=self._descriptor)
        except FileExistsError:
            return
        if flush:
            self.flush()

    def entries(self, *, whole: bool = True) -> list[Entry]:
        """Give what is in it, sorted as the names of files in a store are; what vanishes meanwhile is left out.

        Args:
            whole: of directories as well when they were modified; else only that they are there.
        """
        found = []
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as scan:
            for each in scan:
                if not whole and self._descriptor is not None and each.is_dir(follow_symlinks=False):
                    found.append(Entry(name=each.name, is_folder=True))
                    continue
                try:
                    status = self.look(each.name)
                except FileNotFoundError:
                    continue
                is_folder = stat.S_ISDIR(status.st_mode) and not _leads_away(status)
                found.append(
                    Entry(
                        name=each.name,
                        is_folder=is_folder,
                        size=status.st_size,
                        modified=status.st_mtime,
                        version=f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}",
                    )
                )
        return sorted(found, key=lambda each: f"{each.name}/" if each.is_folder else each.name)

    def flush(self) -> None:
        """Make renames and removals in it durable; Windows has no such call and needs none."""
        if self._descriptor is None:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            # some network file systems do not know the call and need none
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise

    def enter(self, name: str) -> Folder:
        """Give a directory in it.

        Raises:
            DamageError: the name is a link.
        """
        if self._descriptor is None:
            self._check_folder(name)
            return Folder(self.path / name, None)
        try:
            descriptor = os.open(name, _DIRECTORY | _NO_LINK, dir_fd=self._descriptor)
        except OSError:
            self._check_folder(name)
            raise
        return Folder(self.path / name, descriptor)

    def close(self) -> None:
        """Leave it."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else str(self.path / name)

    def _check_folder(self, name: str) -> None:
        found = self.look(name)
        if stat.S_ISLNK(found.st_mode) or _leads_away(found):
            raise _astray(self.path / name, "a symbolic link")
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))

    def _check_ordinary(self, name: str, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode) or _leads_away(found):
            raise _astray(self.path / name, _NAMES.get(stat.S_IFMT(found.st_mode), "no ordinary file"))


@contextmanager
def entered(root: Path, parts: Sequence[str], *, make: bool = False, flush: bool = True) -> Iterator[Folder]:
    """Enter a directory below a repository's root, which may be a link; made where `make` is given, durably by `flush`.

    Raises:
        DamageError: a directory on the way is a link.
        OSError: as the system says.
    """
    if make and not root.is_dir():
        _make_root(root)
    folder = _root(root)
    try:
        for part in parts:
            try:
                inner = folder.enter(part)
            except FileNotFoundError:
                if not make:
                    raise
                folder.make_folder(part, flush=flush)
                inner = folder.enter(part)
            folder.close()
            folder = inner
        yield folder
    finally:
        folder.close()


def too_large(file: str, size: int, limit: int) -> DamageError:
    """Give the error about a file that is larger than such a file can be."""
    return DamageError(
        f"{file} has {size} bytes; such a file has {limit} at most",
        hint="it is not what was written: restore it from a copy of the repository",
    )


def _root(root: Path) -> Folder:
    if _DESCRIPTORS:
        return Folder(root, os.open(root, _DIRECTORY))
    if not root.is_dir():
        kind = NotADirectoryError if root.exists() else FileNotFoundError
        raise kind(errno.ENOTDIR if root.exists() else errno.ENOENT, "no such directory")
    return Folder(root, None)


def _make_root(root: Path) -> None:
    """Make a directory and those above it, each one durable in its parent."""
    if root.is_dir():
        return
    _make_root(root.parent)
    with entered(root.parent, ()) as folder:
        folder.make_folder(root.name)


def _leads_away(found: os.stat_result) -> bool:
    return bool(getattr(found, "st_reparse_tag", 0) & _SURROGATE)


def _astray(path: Path, what: str) -> DamageError:
    return DamageError(
        f"{path} is {what}; a repository holds ordinary files and directories only",
        hint="remove it, or put what belongs there in its place",
    )
