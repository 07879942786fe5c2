"""What only a file system can tell of itself as a place for backups."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from toolkit.storage.probing import median_ms
from toolkit.storage.store import Ability

_SCARCE = 0.1
"""The share of a file system below which free space is soon used up."""


def free_bytes(directory: Path) -> int:
    """Say how much space is free where a directory is or would be."""
    return _usage(directory).free


def disk_of(path: Path) -> int | None:
    """Give what tells the file system of a path from others; None where the system does not say."""
    try:
        return path.stat().st_dev or None
    except OSError:
        return None


def probe_disk(directory: Path, flush: Callable[[], object]) -> Iterator[Ability]:
    """Say how much space is free where a directory is or would be, and how long flushing takes.

    Args:
        flush: writes a small file durably and removes it.
    """
    usage = _usage(directory)
    share = usage.free / usage.total if usage.total else 0.0
    yield Ability(
        what="free space",
        found=f"{usage.free / 2**30:.1f} GiB, {share:.0%} of the file system",
        meaning="soon full: prune, or use another place" if share < _SCARCE else "",
    )
    yield Ability(what="flush to disk", found=f"{median_ms(flush):.1f} ms for a small file")


def _usage(directory: Path) -> shutil._ntuple_diskusage:
    return shutil.disk_usage(next(folder for folder in (directory, *directory.parents) if folder.exists()))
