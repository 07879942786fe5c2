"""How many runs are kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from toolkit.app.runs.record import directory_of, goes_on, ids

KEPT: Final = 200
"""How many runs are kept, unless the environment says otherwise."""
SETTING: Final = "PLAYBACK_RUNS_KEPT"
"""The variable of the environment with another number."""
KEPT_FOR: Final = timedelta(days=90)
KEPT_BYTES: Final = 512 * 1024 * 1024
"""How much all of them may take: the reports of a large fleet are large."""
LARGE: Final = 1024 * 1024
"""Bytes of a run after which it is looked how much all of them take."""


def tidy(control: Path, now: datetime, *, own: str, environment: Mapping[str, str] = os.environ) -> None:
    """Remove runs that are too old, or too many; none that goes on.

    Args:
        own: the run that does it, which stays.
    """
    oldest = f"{now.astimezone(UTC) - KEPT_FOR:%Y%m%dT%H%M%SZ}"
    known, most = ids(control), _most(environment)
    gone = {each for index, each in enumerate(known) if index >= most or each < oldest}
    if _size(directory_of(control, own)) >= LARGE:
        taken = 0
        for each in known:
            taken += _size(directory_of(control, each))
            if taken > KEPT_BYTES:
                gone.add(each)
    for each in gone - {own}:
        if not goes_on(directory_of(control, each)):
            shutil.rmtree(directory_of(control, each), ignore_errors=True)


def _most(environment: Mapping[str, str]) -> int:
    said = environment.get(SETTING, "")
    return int(said) if said.isascii() and said.isdigit() and int(said) else KEPT


def _size(directory: Path) -> int:
    with suppress(OSError):
        return sum(file.stat().st_size for file in directory.iterdir())
    return 0
