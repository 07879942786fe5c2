"""Rows written to a file, whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import TaskError


def save_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSON Lines in UTF-8: one object per line, with columns in their order. Folders are made.

    Whoever reads the file sees the whole old one or the whole new one.

    Raises:
        TaskError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                for row in rows:
                    file.write(json.dumps(dict(row), ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TaskError(
            f"{path} cannot be written: {error.strerror}", hint="name another file under `save`; nothing was changed"
        ) from error
