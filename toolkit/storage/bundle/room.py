"""Whether a bundle has room where it is: free space, and how large a file may be there."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from toolkit.errors import StorageError
from toolkit.private import files
from toolkit.storage.disk import free_bytes
from toolkit.storage.failures import storage_error
from toolkit.wording import size

_LARGE = 4 * 1024**3 - 1
"""The most bytes a file has on FAT32, as most sticks are formatted."""

_TOO_LARGE = (errno.EFBIG, errno.EINVAL, errno.EOVERFLOW)
"""What systems say of a file that is larger than their file system has them."""


def check_room(folder: Path, path: Path, needed: int) -> None:
    """See that a bundle of that many bytes can be written.

    Args:
        folder: where it is written first; made when it is not there.

    Raises:
        StorageError: it cannot; nothing was changed.
    """
    free = free_bytes(path.parent)
    if needed > free:
        raise StorageError(
            f"{path} cannot be written: it takes {size(needed)}, and {size(free)} are free beside it",
            hint="a bundle is written anew as a whole, beside the old one: make room there, copy fewer `backups`, or"
            " name a file elsewhere",
        )
    if needed > _LARGE:
        _try_size(folder / "size.tmp", path, needed)


def failed(path: Path, error: OSError) -> StorageError:
    """Give the error of who could not write a bundle."""
    if error.errno in _TOO_LARGE:
        return _too_large(path)
    return storage_error("write", path, error)


def _try_size(trial: Path, path: Path, needed: int) -> None:
    """Let an empty file claim that size, which takes no space where it is allowed."""
    try:
        files.make_directory(trial.parent)
        trial.unlink(missing_ok=True)
        with files.created(trial) as file:
            os.ftruncate(file.fileno(), needed)
    except OSError as error:
        # where there is space enough, as was seen, Windows means the size, too, when it says that the disk is full
        raise _too_large(path) if error.errno == errno.ENOSPC else failed(path, error) from error
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)


def _too_large(path: Path) -> StorageError:
    return StorageError(
        f"{path} cannot be written: the file system there has no files as large as that; FAT32 ends at 4 GiB",
        hint="format the stick with exFAT or NTFS, copy fewer `backups` into one bundle, or copy into a directory there"
        " (a repository of `type: local` is many small files)",
    )
