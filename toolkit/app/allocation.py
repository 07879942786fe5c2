"""Keeping the memory of a run from growing with the size of its chunks."""

from __future__ import annotations

import ctypes
import sys

M_MMAP_THRESHOLD = -3
"""mallopt's parameter, from glibc's <malloc.h>."""

LARGE = 1024 * 1024
"""From this size on, in bytes, a block of memory is given back to the system as soon as it is free."""


def give_back_large_blocks() -> None:
    """Tell glibc to map large blocks by themselves; elsewhere do nothing.

    By default its threshold rises to the largest block that was ever freed, and from then on chunks come from heaps,
    one per thread, that keep what was freed: a restore of 2.5 million rows peaked at 172 MiB instead of 123.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
