"""What an action has done so far, counted and put into words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from toolkit import wording

_SOON: Final = 3.0
_SURE: Final = 60.0
_MUCH: Final = 0.05


def seconds_left(fraction: float, *, gained: float, seconds: float) -> float | None:
    """Give how long the rest of a phase will take; None while there is too little to go by.

    A server that sorts gives nothing for a while and much at once then, so what counts is the time since the first rows
    came. As restic does, nothing is said for the first seconds.

    Args:
        fraction: how much of the phase is done, from 0 to 1.
        gained: how much of that came after the first rows, in these seconds.
    """
    if gained <= 0 or seconds < _SOON or (fraction < _MUCH and seconds < _SURE):
        return None
    return seconds * (1 - fraction) / gained


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
            self._first: tuple[float, float] | None = None

    def add(self, *, rows: int, bytes: int) -> None:
        """Count rows and bytes."""
        with self._lock:
            self.rows += rows
            self.bytes += bytes
            if self._first is None and (rows or bytes):
                self._first = self._clock(), self.fraction or 0.0

    @property
    def fraction(self) -> float | None:
        """How much of the phase is done, from 0 to 1; None when nobody knows."""
        for done, total in ((self.rows, self.total_rows), (self.bytes, self.total_bytes)):
            if total:
                return min(1.0, done / total)
        return None

    @property
    def left(self) -> float | None:
        """Seconds that the phase will take yet; None while nobody knows."""
        fraction, first = self.fraction, self._first
        if fraction is None or first is None or fraction >= 1:
            return None
        return seconds_left(fraction, gained=fraction - first[1], seconds=self._clock() - first[0])

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
        if (left := self.left) is not None:
            parts += [f"{wording.seconds(left)} left"]
        parts += [f"memory {wording.size(psutil.Process().memory_info().rss)}"]
        head = " ".join(part for part in (self.what, self.note) if part)
        return f"{head}: {', '.join(parts)}" if head else ", ".join(parts)
