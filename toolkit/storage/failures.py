"""What the operating system says when it refuses a file, with what to do about it."""

from __future__ import annotations

import errno
from pathlib import Path

from toolkit.errors import StorageError

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


def storage_error(verb: str, path: Path, error: OSError, *, others: int = 0) -> StorageError:
    """Give the error a user sees when the operating system refuses to write, read, list or remove a path.

    Args:
        others: to how many more paths something like it happened.
    """
    reason = (error.strerror or str(error)).lower()
    what = f"{path} and {others} more" if others else str(path)
    return StorageError(f"cannot {verb} {what}: {reason}", hint=_HINTS.get(error.errno or 0, ""))
