"""Rows written to a file, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import TaskError
from toolkit.private import files


def save_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSON Lines in UTF-8: one object per line, with columns in their order. Folders are made.

    Whoever reads the file sees the whole old one or the whole new one.

    Raises:
        TaskError: it cannot be written.
    """
    try:
        with files.replacing(path) as file:
            for row in rows:
                file.write(json.dumps(dict(row), ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        raise TaskError(
            f"{path} cannot be written: {error.strerror}", hint="name another file under `save`; nothing was changed"
        ) from error
