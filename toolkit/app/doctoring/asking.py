"""Several things asked at once, none of which can keep the others, or the program, from coming to an end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from functools import partial
from typing import Generic, TypeVar

from toolkit.stopping import begun

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
        turns = threading.Semaphore(AT_ONCE)

        def ask(question: Callable[[], T]) -> T:
            with turns:
                return question()

        self._asked = {name: begun(partial(ask, each), name=f"doctor-{name}") for name, each in questions.items()}
        self._end = time.monotonic() + seconds * max(1, math.ceil(len(questions) / AT_ONCE))

    @property
    def answers(self) -> Mapping[str, T]:
        """Those that have come by now."""
        return {name: each.result() for name, each in self._asked.items() if each.done()}

    @property
    def running(self) -> bool:
        """Whether something is still being asked, though nobody may wait for it any more."""
        return not all(each.done() for each in self._asked.values())

    @property
    def over(self) -> bool:
        """Whether all have come, or nobody waits any more."""
        return time.monotonic() >= self._end or not self.running

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait until it is over, for so many seconds at most; says whether it is."""
        end = min(time.monotonic() + seconds, self._end)
        while self.running and (left := end - time.monotonic()) > 0:
            # short, so that Ctrl-C is heard on Windows as well
            wait(self._asked.values(), min(0.1, left))
        return self.over
