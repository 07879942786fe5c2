"""Beginning a run: a playbook's text becomes a file, and a process of its own runs it as `invoke run` does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import toolkit
from toolkit.app.control import Control
from toolkit.app.runs import record as records
from toolkit.app.runs.record import Origin, Run
from toolkit.app.runs.recorder import RUN
from toolkit.errors import ExitCode, StorageError
from toolkit.private import files
from toolkit.storage.processes import BY

PATIENCE: Final = 15.0
"""Seconds that a process may take to begin its record; it is shown without one then."""
_LOOK: Final = 0.02
_SAID: Final = "said.txt"
"""What a process printed to standard error, where it died before it kept a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """Begins runs.

    Attributes:
        began: processes by run, as long as they may be running. They end with this process, which holds the other end
            of their standard input.
    """

    control: Control
    now: Callable[[], datetime]
    began: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The directory with a directory for each run."""
        return self.control.directory / records.FOLDER

    def begin(self, playbook: str, words: Sequence[str], *, by: str) -> str:
        """Begin a run, and wait until it keeps its own record.

        Args:
            playbook: the text of the playbook.
            words: options of `run`.
            by: who asked for it.

        Returns:
            The run's ID.

        Raises:
            StorageError: the playbook cannot be written, or no process can be begun.
        """
        self._forget_ended()
        now = self.now()
        run = records.new_id(now)
        place = records.directory_of(self.control.directory.absolute(), run)
        file = f"{records.FOLDER}/{run}/{records.PLAYBOOK}"
        try:
            files.write(place / records.PLAYBOOK, playbook.encode())
            with (place / _SAID).open("wb") as said:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "toolkit.app.program", "run", file, *words, *self._inventory()],
                    cwd=self.control.directory,
                    env=_environment(run, by),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    **_apart(),
                )
        except OSError as error:
            raise StorageError(f"no run can be begun: {error.strerror or error}") from error
        self.began[run] = process
        self._wait(run, process)
        if (place / records.RUN).exists():
            with suppress(OSError):  # Windows removes no file that is open
                (place / _SAID).unlink()
        if process.poll() is not None and records.read(self.control.directory, run) is None:
            self._died(place, Run(id=run, playbook=file, command="run", by=by, origin=Origin.CONSOLE, started=now))
        return run

    def _inventory(self) -> list[str]:
        if not self.control.inventory:
            return []
        # where it is found from the console's working directory, it is from nowhere else
        found = self.control.existing(self.control.inventory)
        return ["--inventory", str(found.absolute() if found.exists() else self.control.inventory)]

    def _wait(self, run: str, process: subprocess.Popen[bytes]) -> None:
        """Wait until a run says what it is about, which is when it has read its playbook, or has ended."""
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            known = records.read(self.control.directory, run)
            if known is not None and known.run.title:
                return
            time.sleep(_LOOK)

    def _died(self, place: Path, run: Run) -> None:
        """Keep the record of a run whose process ended before it did so itself."""
        code = self.began[run.id].returncode
        (place / _SAID).replace(place / records.OUTPUT)
        # a process that was killed has less than 0
        ended = records.ended(run, now=self.now(), code=code if code > 0 else ExitCode.FAILED)
        records.write(place, ended)

    def _forget_ended(self) -> None:
        for run, process in list(self.began.items()):
            if process.poll() is not None:
                del self.began[run]
                if process.stdin is not None:
                    process.stdin.close()


def _environment(run: str, by: str) -> dict[str, str]:
    """The environment of a run, which is of this very package wherever the console was started."""
    home = str(Path(toolkit.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, RUN: run, BY: by}


def _apart() -> dict[str, Any]:
    """What keeps Ctrl-C in the terminal of the console from reaching a run beside the console itself."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
