"""Beginning a run: a playbook's text becomes a file, and a process of its own runs it as `invoke run` does."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from toolkit.app.control import Control
from toolkit.private.files import make_directory

FOLDER = Path(".playback") / "runs"
"""Where the directories of runs are, below the control directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """Begins runs.

    Attributes:
        began: processes by run, as long as they may be running.
    """

    control: Control
    now: Callable[[], datetime]
    began: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The directory with a directory for each run."""
        return self.control.directory / FOLDER

    def begin(self, playbook: str, words: Sequence[str], *, by: str) -> str:
        """Begin a run.

        Args:
            playbook: the text of the playbook.
            words: options of `run`.
            by: who asked for it.

        Returns:
            The run's ID.
        """
        self._forget_ended()
        run = f"{self.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        place = self.directory / run
        make_directory(place)
        (place / "playbook.yml").write_text(playbook, encoding="utf-8", newline="\n")
        named = ["--inventory", self.control.inventory] if self.control.inventory else []
        file = (FOLDER / run / "playbook.yml").as_posix()
        self.began[run] = subprocess.Popen(
            [sys.executable, "-m", "toolkit.app.program", "run", file, *words, *named],
            cwd=self.control.directory,
            env={**os.environ, "PLAYBACK_RUN": run, "PLAYBACK_BY": by},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return run

    def _forget_ended(self) -> None:
        for run, process in list(self.began.items()):
            if process.poll() is not None:
                del self.began[run]
