"""What is put into a shell's start-up files: a function that asks the program for candidates."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Final

SHELLS: Final[Mapping[str, str]] = {
    "bash": "playback.bash",
    "zsh": "playback.zsh",
    "fish": "playback.fish",
    "powershell": "playback.ps1",
}
"""The shells that there are scripts for, each with its file beside this one."""


def script(shell: str) -> str:
    """Give the script for a shell of SHELLS; it serves `playback` and, in a control directory, `invoke`."""
    return resources.files(__name__).joinpath(SHELLS[shell]).read_text(encoding="utf-8")
