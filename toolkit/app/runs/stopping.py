"""Listening for whoever wants this run to stop: a file beside its record, and the end of the console that began it.

Neither needs a signal from one process to another, which Windows does not have.
"""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from toolkit.private import files
from toolkit.runner.interruption import Interruption

CONSOLE_GONE: Final = "the end of the console"
"""Who stopped a run whose console has ended."""
POLL: Final = 0.5
"""Seconds between two looks."""
_STDIN: Final = 0


class Stopping:
    """Interrupts this run as Ctrl-C does, for as long as the block lasts."""

    def __init__(self, file: Path, interruption: Interruption, *, console: bool) -> None:
        """Take what to listen to.

        Args:
            file: asks the run to end, each time it is written.
            console: whether the end of standard input, where that is a pipe, is the end of the console.
        """
        self._file, self._interruption = file, interruption
        self._console = console and _is_pipe(_STDIN)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._look, name="stopping", daemon=True)]
        if self._console:
            self._threads.append(threading.Thread(target=self._read, name="console", daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # the one that reads standard input cannot be woken; it does nothing any more
        self._over.set()
        self._threads[0].join()

    def _look(self) -> None:
        asked = 0
        while not self._over.wait(POLL):
            with suppress(OSError):
                written = self._file.stat().st_mtime_ns
                if written != asked:
                    asked = written
                    self._interruption.ask()

    def _read(self) -> None:
        with suppress(OSError):
            while os.read(_STDIN, 1024):
                pass
        if not self._over.is_set():
            with suppress(OSError):
                files.write(self._file, CONSOLE_GONE.encode())
            self._interruption.ask()


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False
