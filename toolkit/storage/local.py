"""A store in a directory of a local or mounted file system."""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from toolkit.errors import MissingError, StorageError
from toolkit.private import files
from toolkit.storage.store import StoredFile, check_name

_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp")

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""What file systems without hard links say, exFAT and some network ones among them."""

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

    @property
    def parallel(self) -> int:
        """Two: one flushes while the other compresses."""
        return 2

    @property
    def conditional(self) -> bool:
        """Whether the file system can publish a file only where there is none: it has hard links, or it is Windows."""
        probe = f".{uuid.uuid4().hex}.tmp"
        target = self._directory / f".{uuid.uuid4().hex}.tmp"
        try:
            return self._publish(self._directory / probe, b"", lambda temporary, _: _links(temporary, target))
        finally:
            with suppress(OSError):
                target.unlink(missing_ok=True)

    @property
    def keeps_deleted(self) -> bool:
        """Never: a removed file's space is free."""
        return False

    def put(self, name: str, data: bytes) -> None:
        """Store a file durably and atomically."""
        self._publish(self._path(name), data, _replace)

    def put_new(self, name: str, data: bytes) -> bool:
        """Store a file durably and atomically unless there is one of that name."""
        return self._publish(self._path(name), data, _publish_new)

    def _publish(self, target: Path, data: bytes, publish: Callable[[Path, Path], bool]) -> bool:
        """Write a temporary file and publish it; gives what `publish` says, and leaves no temporary file."""
        temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            try:
                _write(temporary, data)
            except FileNotFoundError:
                _make_directory(target.parent)
                _write(temporary, data)
            published = publish(temporary, target)
            _flush_directory(target.parent)
        except OSError as error:
            raise storage_error("write", target, error) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return published

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

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """The sizes of those files that there are."""
        return {name: size for name in names if (size := self.size(name)) is not None}

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
        self.delete_many((name,))

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove files durably; each directory is flushed once."""
        folders: set[Path] = set()
        failures: list[tuple[Path, OSError]] = []
        for path in map(self._path, names):
            try:
                path.unlink()
                folders.add(path.parent)
            except FileNotFoundError:
                continue
            except OSError as error:
                failures.append((path, error))
        for folder in folders:
            try:
                _flush_directory(folder)
            except OSError as error:
                failures.append((folder, error))
        if failures:
            path, first = failures[0]
            raise storage_error("remove", path, first, others=len(failures) - 1) from first

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


def storage_error(verb: str, path: Path, error: OSError, *, others: int = 0) -> StorageError:
    """The error a user sees when the operating system refuses to write, read, list or remove a path.

    Args:
        others: to how many more paths something like it happened.
    """
    reason = (error.strerror or str(error)).lower()
    what = f"{path} and {others} more" if others else str(path)
    return StorageError(f"cannot {verb} {what}: {reason}", hint=_HINTS.get(error.errno or 0, ""))


def _write(path: Path, data: bytes) -> None:
    files.create(path, data)


def _replace(temporary: Path, target: Path) -> bool:
    temporary.replace(target)
    return True


def _publish_new(temporary: Path, target: Path) -> bool:
    """Give a file its name unless that is taken; atomic where `_links` says so."""
    try:
        if _links(temporary, target):
            return True
    except FileExistsError:
        return False
    return not target.exists() and _replace(temporary, target)


def _links(temporary: Path, target: Path) -> bool:
    """Give a file a name nothing has yet; False where the file system cannot.

    Raises:
        FileExistsError: something has that name.
    """
    if os.name == "nt":
        temporary.rename(target)  # which refuses an existing target there, and only there
        return True
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def _make_directory(directory: Path) -> None:
    """Make a directory and those above it, each one durable in its parent."""
    if directory.is_dir():
        return
    _make_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
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
