"""One at a time: a lock among processes of this machine that the operating system takes back when its holder dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from toolkit.private.files import make_directory

_POLL: Final = 0.5

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def turn(file: Path, *, wait: Callable[[float], None] | None = None) -> Iterator[bool]:
    """Hold the lock of a file for the length of the block; gives whether it is held.

    Args:
        wait: sleeps between two attempts, and may raise; None for a single attempt.
    """
    make_directory(file.parent)
    # never removed: whoever waits for a file that is gone would hold another lock than who comes later
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        held = _take(handle)
        while not held and wait is not None:
            wait(_POLL)
            held = _take(handle)
        yield held
    finally:
        os.close(handle)
