"""Live progress on a terminal: a redrawn line for every action that is running. Loads rich."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from toolkit.config.masking import mask_own
from toolkit.output.meter import Meter
from toolkit.output.streams import Output


class LiveDisplay:
    """The redrawn lines at the bottom of a terminal, one for every action that is running."""

    def __init__(self, output: Output) -> None:
        self._progress = Progress(BarColumn(bar_width=24), _MeterColumn(), console=output.console, transient=True)
        self._lock = threading.Lock()

    def progress(self, host: str) -> LiveProgress:
        """Give the progress of an action on a host."""
        return LiveProgress(self, host)

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

    def start(
        self,
        what: str,
        *,
        rows: int | None = None,
        bytes: int | None = None,
        tables: Mapping[str, int] | None = None,
    ) -> None:
        """Begin a phase."""
        del tables
        self._meter.begin(f"[{self._host}] {what}", rows=rows, bytes=bytes)
        if self._shown is None:
            self._shown = self._display.add(self._meter)
        self._display.update(self._shown, self._meter)

    def advance(self, *, rows: int = 0, bytes: int = 0, table: str = "") -> None:
        """Count rows and bytes."""
        del table
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
