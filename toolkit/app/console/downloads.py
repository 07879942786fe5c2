"""Backups as one file to download: made by `copy` below `.playback/downloads`, few of them, and gone after a day."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from toolkit.storage.layout import check_label

KEPT: Final = timedelta(days=1)
"""How long a file stays."""

MOST: Final = 3
"""So many of the newest files stay, whatever their age."""

_FOLDER: Final = Path(".playback") / "downloads"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")


def file_of(repository: str, label: str) -> Path:
    """Say where the file of a backup is made, below the control directory. Raises InputError for no label."""
    check_label(label)
    plain = _PLAIN.fullmatch(repository) is not None
    folder = repository if plain else f".{hashlib.sha256(repository.encode()).hexdigest()[:32]}"
    return _FOLDER / folder / f"{label}.playback"


def ready(control: Path, repository: str, label: str) -> Path | None:
    """Give the file of a backup; None where there is none. A file is there whole or not at all."""
    path = control / file_of(repository, label)
    return path if path.is_file() else None


def remove_old(control: Path, now: datetime, *, most: int = MOST) -> None:
    """Remove files that are older than a day, and all but the newest few; what cannot be removed stays."""
    found: list[tuple[float, Path]] = []
    for path in (control / _FOLDER).glob("*/*.playback"):
        with suppress(OSError):
            found.append((path.stat().st_mtime, path))
    for place, (modified, path) in enumerate(sorted(found, reverse=True)):
        if place >= most or modified < (now - KEPT).timestamp():
            with suppress(OSError):
                path.unlink()
