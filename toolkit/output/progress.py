"""Progress in a pipe: now and then a line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from toolkit.output.meter import Meter
from toolkit.output.streams import Output

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
        self._meter.begin(what, rows=rows, bytes=bytes)

    def advance(self, *, rows: int = 0, bytes: int = 0, table: str = "") -> None:
        """Count rows and bytes, and print a line when it is time."""
        del table
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
