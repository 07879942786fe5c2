"""A store in a directory of a local or mounted file system."""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from toolkit.errors import MissingError, StorageError
from toolkit.storage.store import StoredFile, check_name

_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp")

_HINTS = {
    errno.ENOSPC: "free space on that file system or use a repository elsewhere, then run again",
    errno.EDQUOT: "the user's disk quota is used up; free space or raise it, then run again",
    errno.EROFS: "the file system is mounted read-only; mount it writable or use a repository elsewhere",
    errno.EACCES: "give the user who runs this access to that directory, or use a repository elsewhere",
    errno.EPERM: "give the user who runs this access to that directory, or use a repository elsewhere",
    errno.ENOTDIR: "a file stands where a directory is needed; move it away or correct the repository's path",
    errno.EISDIR: "a directory stands where a file is needed; move it away or correct the repository's path",
    errno.EIO: "the disk or the connection to it fails; look at the system's log before anything else",
}


class LocalStore:
    """A directory; it is made when the first file is put.

    A file is written under a temporary name beside its target, flushed to the disk, renamed, and the directory flushed
    too (Windows cannot do the last and needs no such call).
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def place(self) -> str:
        """The directory."""
        return str(self._directory)

    def put(self, name: str, data: bytes) -> None:
        """Store a file durably and atomically."""
        target = self._path(name)
        temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            try:
                _write(temporary, data)
            except FileNotFoundError:
                _make_directory(target.parent)
                _write(temporary, data)
            temporary.replace(target)
            _flush_directory(target.parent)
        except BaseException as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise storage_error("write", target, error) from error
            raise

    def get(self, name: str) -> bytes:
        """A file's content; MissingError when there is none."""
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise MissingError(f"{path} does not exist") from error
        except OSError as error:
            raise storage_error("read", path, error) from error

    def size(self, name: str) -> int | None:
        """A file's size in bytes, or None."""
        path = self._path(name)
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error("read", path, error) from error

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self.size(name) is not None

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """The files whose names begin with `prefix`, sorted by name."""
        folder, _, _ = prefix.rpartition("/")
        for name, entry in self._walk(folder):
            if name.startswith(prefix) and not _TEMPORARY.fullmatch(entry.name):
                try:
                    status = entry.stat()
                except FileNotFoundError:  # removed since the directory was read
                    continue
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield StoredFile(name=name, size=status.st_size, modified=modified)

    def delete(self, name: str) -> None:
        """Remove a file durably; nothing happens when there is none."""
        path = self._path(name)
        try:
            path.unlink()
            _flush_directory(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise storage_error("remove", path, error) from error

    def sweep(self, before: datetime) -> int:
        """Remove temporary files last written before that time; gives how many."""
        removed = 0
        for name, entry in self._walk(""):
            if not _TEMPORARY.fullmatch(entry.name):
                continue
            try:
                if entry.stat().st_mtime < before.timestamp():
                    Path(entry.path).unlink()
                    removed += 1
            except FileNotFoundError:  # its writer has just finished
                continue
            except OSError as error:
                raise storage_error("remove", self._directory / name, error) from error
        return removed

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._directory.joinpath(*name.split("/"))

    def _walk(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Every file below a folder with its name in the store, temporary ones included, sorted by name."""
        directory = self._directory / folder
        try:
            with os.scandir(directory) as scan:
                entries = [(f"{entry.name}/" if entry.is_dir() else entry.name, entry) for entry in scan]
        except FileNotFoundError:
            return
        except OSError as error:
            raise storage_error("list", directory, error) from error
        for sortable, entry in sorted(entries, key=lambda pair: pair[0]):
            name = f"{folder}/{entry.name}" if folder else entry.name
            if sortable.endswith("/"):
                yield from self._walk(name)
            else:
                yield name, entry


def storage_error(verb: str, path: Path, error: OSError) -> StorageError:
    """The error a user sees when the operating system refuses to write, read, list or remove a path."""
    reason = (error.strerror or str(error)).lower()
    return StorageError(f"cannot {verb} {path}: {reason}", hint=_HINTS.get(error.errno or 0, ""))


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _make_directory(directory: Path) -> None:
    """Make a directory and those above it, each one durable in its parent."""
    if directory.is_dir():
        return
    _make_directory(directory.parent)
    directory.mkdir(exist_ok=True)
    _flush_directory(directory.parent)


def _flush_directory(directory: Path) -> None:
    """Make renames and removals in a directory durable; Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # some network file systems do not know the call and need none
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
