"""Many small files stored together: a disk flushes them in little more than the time of one.

Each is as safe as a file that is stored alone: it gets its name once its content is on the disk. All are written, then
flushed, then named, and in the end every directory is flushed once, and those above, in which it may be new.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from msgspec import Struct

from toolkit.storage.folder import Folder, all_entered

_Item = TypeVar("_Item")

_FLUSHES = 16
"""Files that are flushed at the same time: the file system writes its journal once for all of them."""

_OPEN = 48
"""Files that are open at the same time, each with its directory: macOS lets a program have 256."""


class NewFile(Struct, frozen=True, kw_only=True):
    """A file to be stored: its path from the store's directory, and its content."""

    parts: tuple[str, ...]
    data: bytes


class _Draft(Struct, frozen=True):
    """A file that is written, under a temporary name."""

    new: NewFile
    folder: Folder
    name: str
    file: BinaryIO

    def flush(self) -> None:
        os.fsync(self.file.fileno())
        # Windows renames no file that is open
        self.file.close()

    def remove(self) -> None:
        self.file.close()
        with suppress(OSError):
            self.folder.remove(self.name)


def put_together(
    root: Path,
    files: Sequence[NewFile],
    *,
    temporary_name: Callable[[], str],
    publish: Callable[[Folder, str, str], bool],
) -> Iterator[NewFile]:
    """Store files below a directory; gives those that got their names. They are durable when it has ended.

    Args:
        publish: gives a file of a folder its name; gives False where something has it.

    Raises:
        DamageError: a directory on the way is a link.
        OSError: as the system says. Some files may have their names then, not durably.
    """
    touched = {each.parts[:depth] for each in files for depth in range(len(each.parts))}
    with ThreadPoolExecutor(_FLUSHES) as pool:
        # those of one directory after each other, so that it is entered once
        for some in _in_slices(sorted(files, key=lambda each: each.parts)):
            with all_entered(root, {each.parts[:-1] for each in some}) as folders, ExitStack() as drafts:
                written = [_written(folders[each.parts[:-1]], each, temporary_name(), drafts) for each in some]
                _all(pool, _Draft.flush, written)
                yield from (each.new for each in written if publish(each.folder, each.name, each.new.parts[-1]))
        for part in _in_slices(sorted(touched)):
            with all_entered(root, part) as folders:
                _all(pool, Folder.flush, [folders[each] for each in part])


def _written(folder: Folder, new: NewFile, name: str, drafts: ExitStack) -> _Draft:
    draft = _Draft(new, folder, name, folder.draft(name, new.data))
    drafts.callback(draft.remove)
    return draft


def _in_slices(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for begin in range(0, len(items), _OPEN):
        yield items[begin : begin + _OPEN]


def _all(pool: ThreadPoolExecutor, work: Callable[[_Item], object], items: Sequence[_Item]) -> None:
    for _ in pool.map(work, items):
        pass
