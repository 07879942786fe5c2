"""A store in a directory of a local or mounted file system."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from toolkit.errors import MissingError
from toolkit.storage.disk import probe_disk
from toolkit.storage.failures import storage_error
from toolkit.storage.folder import Entry, Folder, entered
from toolkit.storage.layout import LOCKS
from toolkit.storage.publishing import TEMPORARY, Naming, link, name_new, publish, replace, temporary_name
from toolkit.storage.store import Ability, StoredFile, check_name

_DEEPEST = 8
"""How many directories deep a list looks: twice as deep as a repository is."""

_ATTEMPTS = 5
"""How often a write begins anew because the directory was removed meanwhile."""

_FLUSHES = 4
"""Directories that are flushed at the same time: the file system writes its journal once for all of them."""


class LocalStore:
    """A directory; it is made when the first file is put.

    A file is written under a temporary name beside its target, flushed to the disk, renamed, and the directory flushed
    too (Windows cannot do the last and needs no such call). No link below the directory is followed.
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
        target = temporary_name()
        try:
            return self._publish(temporary_name(), b"", lambda folder, temporary, _: link(folder, temporary, target))
        finally:
            with suppress(OSError), entered(self._directory, ()) as folder:
                folder.remove(target)

    @property
    def keeps_deleted(self) -> bool:
        """Never: a removed file's space is free."""
        return False

    @property
    def one_file(self) -> None:
        """None: each file is one of its own."""

    def put(self, name: str, data: bytes) -> None:
        """Store a file durably and atomically; a lock, which is worth nothing once its machine is down, atomically."""
        check_name(name)
        self._publish(name, data, replace, durable=not name.startswith(LOCKS))

    def put_new(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Store a file atomically, its content durably, unless there is one of that name."""
        check_name(name)
        return self._publish(name, data, name_new, durable=durable)

    def make_durable(self, names: Iterable[str]) -> None:
        """Flush the directories that files are in, each once; a content was flushed before it got its name."""
        inside: dict[tuple[str, ...], set[str]] = {}
        for within in {name.rpartition("/")[0] for name in names}:
            parts = within.split("/") if within else []
            for depth, part in enumerate(parts):
                inside.setdefault(tuple(parts[:depth]), set()).add(part)
        with ThreadPoolExecutor(_FLUSHES) as pool:
            for above, folders in inside.items():
                try:
                    with entered(self._directory, above) as outer:
                        if not above:
                            outer.flush()
                        for _ in pool.map(partial(_flush_in, outer), folders):
                            pass
                except OSError as error:
                    raise storage_error("write", self._directory.joinpath(*above), error) from error

    def _publish(self, name: str, data: bytes, naming: Naming, *, durable: bool = True) -> bool:
        """Write a temporary file and give it its name; gives what `naming` says.

        Args:
            durable: flush the directories that have changed.
        """
        *parts, last = name.split("/")
        attempt = 0
        while True:
            attempt += 1
            try:
                with entered(self._directory, parts, make=True, flush=durable) as folder:
                    return publish(folder, last, data, naming, durable=durable)
            except FileNotFoundError as error:
                # a directory that was empty may be removed at this very moment
                if attempt == _ATTEMPTS:
                    raise storage_error("write", self._path(name), error) from error
            except OSError as error:
                raise storage_error("write", self._path(name), error) from error

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Give a file's content; MissingError when there is none."""
        return self._read(name, limit)

    def get_part(self, name: str, at: int, size: int, *, limit: int) -> bytes:
        """Give some bytes of a file; MissingError when there is none."""
        return self._read(name, limit, at, size)

    def _read(self, name: str, limit: int | None, at: int = 0, size: int | None = None) -> bytes:
        check_name(name)
        *parts, last = name.split("/")
        try:
            with entered(self._directory, parts) as folder:
                return folder.read(last, limit, at, size)
        except FileNotFoundError as error:
            raise MissingError(f"{self._path(name)} does not exist") from error
        except OSError as error:
            raise storage_error("read", self._path(name), error) from error

    def size(self, name: str) -> int | None:
        """Give a file's size in bytes, or None."""
        return self.sizes((name,)).get(name)

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """Give the sizes of those files that there are; each directory is entered once."""
        folders: dict[str, list[tuple[str, str]]] = {}
        for name in names:
            check_name(name)
            within, _, last = name.rpartition("/")
            folders.setdefault(within, []).append((name, last))
        found: dict[str, int] = {}
        for within, inside in folders.items():
            found.update(self._sizes_in(within, inside))
        return found

    def _sizes_in(self, within: str, names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, int]]:
        """The sizes of files of one directory, each given with its name in the store and its name there."""
        try:
            with entered(self._directory, within.split("/") if within else ()) as folder:
                for name, last in names:
                    with suppress(FileNotFoundError):
                        yield name, folder.size(last)
        except FileNotFoundError:
            return
        except OSError as error:
            raise storage_error("read", self._path(within) if within else self._directory, error) from error

    def exists(self, name: str) -> bool:
        """Say whether there is a file of that name."""
        return self.size(name) is not None

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Give the files whose names begin with `prefix`, sorted by name; links and special files among them."""
        for name, entry in self._walk(tuple(prefix.split("/")[:-1]), prefix=prefix):
            if name.startswith(prefix) and not TEMPORARY.fullmatch(entry.name):
                modified = datetime.fromtimestamp(entry.modified, UTC)
                yield StoredFile(name=name, size=entry.size, modified=modified, version=entry.version)

    def delete(self, name: str) -> None:
        """Remove a file durably; nothing happens when there is none."""
        self.delete_many((name,))

    def delete_many(self, names: Iterable[str]) -> None:
        """Remove files durably; each directory is flushed once, and removed when it is empty now."""
        folders: dict[tuple[str, ...], list[str]] = {}
        for name in names:
            check_name(name)
            *parts, last = name.split("/")
            folders.setdefault(tuple(parts), []).append(last)
        failures: list[tuple[Path, OSError]] = []
        for within, lasts in folders.items():
            failures += self._delete_in(within, lasts)
            self._remove_empty(within)
        if failures:
            path, first = failures[0]
            raise storage_error("remove", path, first, others=len(failures) - 1) from first

    def _delete_in(self, parts: Sequence[str], names: Sequence[str]) -> Sequence[tuple[Path, OSError]]:
        """Remove files of one directory; gives what could not be removed."""
        failures: list[tuple[Path, OSError]] = []
        directory = self._directory.joinpath(*parts)
        try:
            with entered(self._directory, parts) as folder:
                for name in names:
                    try:
                        folder.remove(name)
                    except FileNotFoundError:
                        continue
                    except OSError as error:
                        failures.append((directory / name, error))
                folder.flush()
        except FileNotFoundError:
            pass
        except OSError as error:
            failures.append((directory, error))
        return failures

    def _remove_empty(self, parts: Sequence[str]) -> None:
        """Remove a directory and those above it as far as they are empty, but for the topmost ones."""
        for depth in range(len(parts) - 1, 0, -1):
            try:
                with entered(self._directory, parts[:depth]) as folder:
                    folder.remove_folder(parts[depth])
                    folder.flush()
            except OSError:
                return

    def sweep(self, before: datetime) -> int:
        """Remove temporary files last written before that time, and empty directories; gives how many files."""
        removed = 0
        for name, entry in self._walk((), folders=True):
            *parts, last = name.split("/")
            if entry.modified >= before.timestamp():
                continue
            try:
                if entry.is_folder and parts:
                    self._remove_empty((*parts, last))
                elif TEMPORARY.fullmatch(last):
                    with entered(self._directory, parts) as folder:
                        folder.remove(last)
                    removed += 1
            except FileNotFoundError:  # its writer has just finished
                continue
            except OSError as error:
                raise storage_error("remove", self._path(name), error) from error
        return removed

    def probe(self, prefix: str) -> Iterator[Ability]:
        """Free space, and how long flushing takes."""

        def flush() -> None:
            self.put(f"{prefix}flushed", b"1")
            self.delete(f"{prefix}flushed")

        return probe_disk(self._directory, flush)

    def _path(self, name: str) -> Path:
        return self._directory.joinpath(*name.split("/"))

    def _walk(self, parts: tuple[str, ...], *, folders: bool = False, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """Every file below a directory with its name in the store, temporary ones included, sorted by name.

        Args:
            prefix: of the names that are wanted; no directory is entered in which there are none.
            folders: give directories, too, each after what is in it.
        """
        try:
            with entered(self._directory, parts) as folder:
                yield from self._below(folder, parts, folders, prefix)
        except FileNotFoundError:
            return
        except OSError as error:
            raise storage_error("list", self._directory.joinpath(*parts), error) from error

    def _below(self, folder: Folder, parts: tuple[str, ...], folders: bool, prefix: str) -> Iterator[tuple[str, Entry]]:
        """The same of a directory that was entered. Those below it are entered from there, not from the top."""
        try:
            entries = folder.entries(whole=folders)
        except FileNotFoundError:
            return
        except OSError as error:
            raise storage_error("list", folder.path, error) from error
        for entry in entries:
            name = "/".join((*parts, entry.name))
            inside = entry.is_folder and len(parts) < _DEEPEST
            if inside and f"{name}/".startswith(prefix[: len(name) + 1]):
                try:
                    inner = folder.enter(entry.name)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise storage_error("list", folder.path / entry.name, error) from error
                with closing(inner):
                    yield from self._below(inner, (*parts, entry.name), folders, prefix)
            if folders or not inside:
                yield name, entry


def _flush_in(outer: Folder, name: str) -> None:
    folder = outer.enter(name)
    try:
        folder.flush()
    finally:
        folder.close()
