"""What an action has done so far, counted and put into words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from toolkit import wording

FORESEEABLE = 0.01
"""So much has to be done before anybody is told how long the rest takes: the first rows wait for workers, and locks."""


class Meter:
    """Counts rows and bytes of one phase after the other; safe to use from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.begin("", rows=None, bytes=None)

    def begin(self, what: str, *, rows: int | None, bytes: int | None) -> None:
        """Begin a phase with its expected rows and bytes."""
        with self._lock:
            self.what = what
            self.total_rows, self.total_bytes = rows, bytes
            self.rows = self.bytes = 0
            self.note = ""
            self.started = self._clock()

    def add(self, *, rows: int, bytes: int) -> None:
        """Count rows and bytes."""
        with self._lock:
            self.rows += rows
            self.bytes += bytes

    @property
    def fraction(self) -> float | None:
        """How much of the phase is done, from 0 to 1; None when nobody knows."""
        for done, total in ((self.rows, self.total_rows), (self.bytes, self.total_bytes)):
            if total:
                return min(1.0, done / total)
        return None

    def text(self) -> str:
        """Say where it stands, e.g. `read: 1,200 of 4,800 rows, 3.10 MiB, 600 rows/s, 6.00 s left, memory 80.1 MiB`."""
        import psutil  # noqa: PLC0415 - most commands show no progress

        passed = max(self._clock() - self.started, 1e-6)
        total = self.total_rows or 0
        of_rows = f" of {wording.count(total)}" if total and total >= self.rows else ""
        parts = []
        if self.rows or self.total_rows:
            parts += [f"{wording.count(self.rows)}{of_rows} rows"]
        if self.bytes:
            parts += [wording.size(self.bytes)]
        if self.rows:
            parts += [f"{wording.count(round(self.rows / passed))} rows/s"]
        elif self.bytes:
            parts += [f"{wording.size(self.bytes / passed)}/s"]
        fraction = self.fraction
        if fraction and FORESEEABLE <= fraction < 1:
            parts += [f"{wording.seconds(passed / fraction - passed)} left"]
        parts += [f"memory {wording.size(psutil.Process().memory_info().rss)}"]
        head = " ".join(part for part in (self.what, self.note) if part)
        return f"{head}: {', '.join(parts)}" if head else ", ".join(parts)
