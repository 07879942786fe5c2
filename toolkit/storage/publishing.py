"""How a file of a directory gets its name: only once all of it is there."""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from toolkit.storage.folder import Folder

Naming = Callable[[Folder, str, str], bool]
"""Gives a temporary file its name, and says whether it did; OSError as the system says."""

TEMPORARY: Final = re.compile(r"\.[0-9a-f]{32}\.tmp")
"""What names look like of files that are not whole yet."""

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""What file systems without hard links say, exFAT and some network ones among them."""


def temporary_name() -> str:
    """Give a name that no other file has."""
    return f".{uuid.uuid4().hex}.tmp"


def publish(folder: Folder, name: str, data: bytes, naming: Naming, *, durable: bool) -> bool:
    """Write a file and let `naming` name it; gives what that says, and leaves no temporary file.

    Args:
        durable: flush the directory, too.
    """
    temporary = temporary_name()
    try:
        folder.create(temporary, data)
        published = naming(folder, temporary, name)
        if durable:
            folder.flush()
    finally:
        with suppress(OSError):
            folder.remove(temporary)
    return published


def replace(folder: Folder, temporary: str, target: str) -> bool:
    """Give a file its name, whatever has had it."""
    folder.rename(temporary, target)
    return True


def name_new(folder: Folder, temporary: str, target: str) -> bool:
    """Give a file its name unless that is taken; atomic where `link` can."""
    try:
        if link(folder, temporary, target):
            return True
        folder.look(target)
    except FileExistsError:
        return False
    except FileNotFoundError:
        return replace(folder, temporary, target)
    return False


def link(folder: Folder, temporary: str, target: str) -> bool:
    """Give a file a name nothing has yet; False where the file system cannot.

    Raises:
        FileExistsError: something has that name.
    """
    if os.name == "nt":
        folder.rename_new(temporary, target)  # which refuses an existing target there, and only there
        return True
    try:
        folder.link(temporary, target)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True
