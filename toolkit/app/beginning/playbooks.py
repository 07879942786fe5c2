"""The shipped playbooks that a control directory has copies of, and what was shipped when they were copied."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from toolkit import __version__, shipped
from toolkit.errors import InputError, Problem
from toolkit.wording import by_program

RECORD: Final = "playbooks/.shipped.json"
"""The file that says which shipped text each copy was made of."""

NOT_FOR_ALL: Final = frozenset(("demo-data", "offsite", "seed"))
"""Playbooks that are not copied, since they need what only some have: demo businesses, a repository, tables."""


def shipped_playbooks() -> dict[str, str]:
    """Give the texts of the playbooks that a control directory gets copies of, by file name."""
    return {
        f"playbooks/{path.name}": by_program(path.read_text(encoding="utf-8"))
        for path in sorted(shipped.PLAYBOOKS.glob("*.yml"))
        if path.stem not in NOT_FOR_ALL
    }


def digest(text: str) -> str:
    """Give what tells one text from another, however its lines end."""
    return hashlib.sha256("\n".join(text.splitlines()).encode()).hexdigest()


def record(directory: Path) -> dict[str, str]:
    """Read which shipped text each copy was made of: by file name, its digest.

    Raises:
        InputError: the record is damaged.
    """
    path = directory / RECORD
    if not path.is_file():
        return {}
    try:
        return {str(name): str(value) for name, value in json.loads(path.read_text("utf-8"))["sha256"].items()}
    except (ValueError, KeyError, AttributeError, TypeError):
        problem = Problem(file=RECORD, message="is damaged: it is not what `init` wrote")
        raise InputError([problem], hint="delete it; all playbooks are then taken for yours") from None


def record_text(digests: dict[str, str]) -> str:
    """Give the text of the record."""
    document = {
        "about": "made by playback: which shipped text each playbook was copied from, for `playback init --update`",
        "playback": __version__,
        "sha256": dict(sorted(digests.items())),
    }
    return json.dumps(document, indent=2) + "\n"
