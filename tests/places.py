"""Where the test servers and the tests keep their files: in memory where there is room, else on the disk.

Making and removing small files is a third of what a server does here, and nothing in them is to outlive a power cut.
The weekly run, which tries everything, uses the disk. PLAYBACK_TEST_FILES names a directory of one's own.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import Final

import psutil

from tests.sweeps import EVERYTHING
from toolkit.private import files

ROOT: Final = Path(__file__).parent.parent
_MEMORY: Final = Path("/dev/shm")
_CHECKOUT: Final = hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:12]
_IN_MEMORY: Final = _MEMORY / f"playback-tests-{_CHECKOUT}"
_ROOM: Final = 4 << 30
"""Bytes; a run of all tests takes a fourth of them."""


def _home() -> Path:
    given = os.environ.get("PLAYBACK_TEST_FILES")
    if given:
        return Path(given)
    with suppress(OSError):
        if not EVERYTHING and min(disk_usage(_MEMORY).free, psutil.virtual_memory().available) >= _ROOM:
            files.make_directory(_IN_MEMORY)
            if files.is_private(_IN_MEMORY):
                return _IN_MEMORY
    return ROOT / ".playback"


HOME: Final = _home()
"""The directory with the data of the test servers, kept between runs."""


def keep_temporary_files() -> None:
    """Have pytest make its temporary directories there, too, and its helper processes agree on the place."""
    os.environ["PLAYBACK_TEST_FILES"] = str(HOME)
    if HOME == _IN_MEMORY:
        # no longer than the usual one: the path of a server's socket must not be
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


if __name__ == "__main__":  # make clean
    rmtree(_IN_MEMORY, ignore_errors=True)
