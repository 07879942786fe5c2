"""Several things asked at once, none of which can keep the others, or the program, from coming to an end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

AT_ONCE = 16


class Asking(Generic[T]):
    """Questions that are being asked, each in a thread of its own.

    A thread that never ends is left behind: it ends with the program.

    Args:
        questions: they raise nothing.
        seconds: for one answer.
    """

    def __init__(self, questions: Mapping[str, Callable[[], T]], *, seconds: float) -> None:
        self._answers: dict[str, T] = {}
        turns = threading.Semaphore(AT_ONCE)

        def ask(name: str, question: Callable[[], T]) -> None:
            with turns:
                self._answers[name] = question()

        self._threads = [
            threading.Thread(target=ask, args=each, name=f"doctor-{each[0]}", daemon=True) for each in questions.items()
        ]
        for thread in self._threads:
            thread.start()
        self._end = time.monotonic() + seconds * max(1, math.ceil(len(self._threads) / AT_ONCE))

    @property
    def answers(self) -> Mapping[str, T]:
        """Those that have come by now."""
        return dict(self._answers)

    @property
    def running(self) -> bool:
        """Whether something is still being asked, though nobody may wait for it any more."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def over(self) -> bool:
        """Whether all have come, or nobody waits any more."""
        return time.monotonic() >= self._end or not self.running

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait until it is over, for so many seconds at most; says whether it is."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < min(end, self._end):
                # short, so that Ctrl-C is heard on Windows as well
                thread.join(timeout=min(0.1, max(0.0, end - time.monotonic())))
        return self.over
