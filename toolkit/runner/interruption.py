"""Stopping a run: Ctrl-C reaches the main thread only, so the others are told through an event."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from toolkit.model.outcome import Progress

_SLICE = 0.2


class StoppableProgress:
    """Progress that raises KeyboardInterrupt in the action's own thread once the run is being stopped.

    An action tells of its progress for every chunk, which makes it the place where one that runs beside others can
    end early. Threads the action itself started are left alone: it ends them when it is interrupted.
    """

    def __init__(self, progress: Progress, stop: threading.Event) -> None:
        self._progress = progress
        self._stop = stop
        self._owner = threading.get_ident()

    def start(self, what: str, *, rows: int | None = None, bytes: int | None = None) -> None:
        """Begin a phase."""
        self._check()
        self._progress.start(what, rows=rows, bytes=bytes)

    def advance(self, *, rows: int = 0, bytes: int = 0) -> None:
        """Count rows and bytes."""
        self._check()
        self._progress.advance(rows=rows, bytes=bytes)

    def note(self, text: str) -> None:
        """Say where it stands."""
        self._check()
        self._progress.note(text)

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)

    def _check(self) -> None:
        if self._stop.is_set() and threading.get_ident() == self._owner:
            raise KeyboardInterrupt


def sleep(seconds: float, stop: threading.Event) -> None:
    """Sleep, but raise KeyboardInterrupt soon after the run is being stopped."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if stop.is_set():
            raise KeyboardInterrupt
        # in slices, since a lock's wait cannot be interrupted on Windows
        time.sleep(min(left, _SLICE))
