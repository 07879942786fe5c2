"""Labels that were seen last in repositories that are no directory of this machine, for completion to offer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from toolkit.private import files

_FILE: Final = Path(".playback") / "labels.json"


def remember(control: Path, labels: Mapping[str, Sequence[str]]) -> None:
    """Keep the labels of repositories; where they cannot be kept, nothing is lost but completion."""
    path, known = control / _FILE, remembered(control)
    wanted = known | {name: list(each) for name, each in labels.items()}
    if wanted != known:
        with suppress(OSError):
            files.write(path, json.dumps(wanted).encode())


def remembered(control: Path) -> dict[str, list[str]]:
    """Give the labels that were kept, by repository."""
    known: dict[str, list[str]] = {}
    with suppress(OSError, ValueError):
        known = json.loads((control / _FILE).read_text(encoding="utf-8"))
    return known
