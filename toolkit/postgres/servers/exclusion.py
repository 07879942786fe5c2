"""One process at a time: a lock file that the system gives back when its holder ends, however that ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.errors import DatabaseError
from toolkit.stopping import pause

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_PATIENCE = 300.0
"""Seconds for which others may hold it: to make a server takes a few, to recover one after a crash longer."""


@contextmanager
def exclusively(file: Path) -> Iterator[None]:
    """Hold a lock file, made where it is missing; wait for others.

    Raises:
        DatabaseError: others hold it for too long.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _take(descriptor):
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"{file} is held by another process for more than {_PATIENCE:.0f} s",
                    hint="see which runs use this control directory, and end the one that hangs",
                )
            pause(0.02)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
