"""Live progress: a redrawn line per action on a terminal, now and then a line in a pipe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from toolkit.app.console import Output
from toolkit.app.meter import Meter
from toolkit.config.masking import mask_own

LINE_SECONDS = 10.0
"""How long a pipe waits for the next line of progress."""


class LineProgress:
    """Prints a line every LINE_SECONDS; an action that is faster prints none."""

    def __init__(self, output: Output, host: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._host = host
        self._clock = clock
        self._meter = Meter(clock=clock)
        self._lock = threading.Lock()
        self._next = clock() + LINE_SECONDS

    def start(self, what: str, *, rows: int | None = None, bytes: int | None = None) -> None:
        """Begin a phase."""
        self._meter.begin(what, rows=rows, bytes=bytes)

    def advance(self, *, rows: int = 0, bytes: int = 0) -> None:
        """Count rows and bytes, and print a line when it is time."""
        self._meter.add(rows=rows, bytes=bytes)
        if self._clock() < self._next:
            return
        with self._lock:
            if self._clock() < self._next:
                return
            self._next = self._clock() + LINE_SECONDS
        self._output.line(f"    [{self._host}] {self._meter.text()}")

    def note(self, text: str) -> None:
        """Say where it stands."""
        self._meter.note = text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class LiveDisplay:
    """The redrawn lines at the bottom of a terminal, one for every action that is running."""

    def __init__(self, output: Output) -> None:
        self._progress = Progress(BarColumn(bar_width=24), _MeterColumn(), console=output.console, transient=True)
        self._lock = threading.Lock()

    def add(self, meter: Meter) -> TaskID:
        """Show a line for a meter."""
        with self._lock:
            shown = self._progress.add_task("", total=None, meter=meter)
            self._progress.start()
        return shown

    def update(self, shown: TaskID, meter: Meter) -> None:
        """Move the bar of a line; its words are read from the meter whenever it is drawn."""
        fraction = meter.fraction
        self._progress.update(shown, total=None if fraction is None else 1.0, completed=fraction or 0.0)

    def remove(self, shown: TaskID) -> None:
        """Take a line away; without any left nothing is redrawn any more."""
        with self._lock:
            self._progress.remove_task(shown)
            if not self._progress.tasks:
                self._progress.stop()


class LiveProgress:
    """An action's line in a LiveDisplay; it appears with the first phase."""

    def __init__(self, display: LiveDisplay, host: str) -> None:
        self._display = display
        self._host = host
        self._meter = Meter()
        self._shown: TaskID | None = None

    def start(self, what: str, *, rows: int | None = None, bytes: int | None = None) -> None:
        """Begin a phase."""
        self._meter.begin(f"[{self._host}] {what}", rows=rows, bytes=bytes)
        if self._shown is None:
            self._shown = self._display.add(self._meter)
        self._display.update(self._shown, self._meter)

    def advance(self, *, rows: int = 0, bytes: int = 0) -> None:
        """Count rows and bytes."""
        self._meter.add(rows=rows, bytes=bytes)
        if self._shown is not None:
            self._display.update(self._shown, self._meter)

    def note(self, text: str) -> None:
        """Say where it stands."""
        self._meter.note = text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._display.remove(self._shown)
            self._shown = None


class _MeterColumn(ProgressColumn):
    """A meter in words."""

    def render(self, task: Task) -> Text:
        meter: Meter = task.fields["meter"]
        return Text(mask_own(meter.text()))
