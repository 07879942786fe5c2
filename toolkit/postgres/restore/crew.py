"""A few workers that share jobs, the heaviest first; a job may bring further ones."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TypeVar

T = TypeVar("T")

_SLICE = 0.2
"""Seconds after which a wait looks around: a lock's wait cannot be interrupted on Windows."""


class Crew:
    """Runs jobs in several threads, until none is left or one has failed.

    Args:
        interrupt: ends what jobs wait for that cannot be asked whether it goes on.
    """

    def __init__(self, workers: int, *, interrupt: Callable[[], object]) -> None:
        self._interrupt = interrupt
        self._jobs: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._busy = 0
        self._error: BaseException | None = None
        self._ended = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def add(self, weight: int, job: Callable[[], object]) -> None:
        """Add a job; of those that wait the one of the greatest weight is begun next."""
        with self._changed:
            heapq.heappush(self._jobs, (-weight, next(self._numbers), job))
            self._changed.notify_all()

    def watched(self, blocks: Iterable[T]) -> Iterator[T]:
        """Give blocks for as long as they are wanted; InterruptedError once nothing more is to be done."""
        for block in blocks:
            if self._ended or self._error:
                raise InterruptedError
            yield block

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Wait until no job is left.

        Raises:
            The first error of a job; the others have ended, and what waited is not done.
        """
        with self._changed:
            while not self._changed.wait_for(self._done, timeout=_SLICE):
                pass
        if self._error is not None:
            self.stop()
            raise self._error
        self._end()

    def stop(self) -> None:
        """End the jobs that have begun, and begin no other."""
        self._ended = True
        self._interrupt()
        self._end()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            while thread.is_alive():
                thread.join(_SLICE)

    def _done(self) -> bool:
        return self._error is not None or not (self._jobs or self._busy)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            error: BaseException | None = None
            try:
                job()
            except BaseException as failed:  # which is raised where the crew is waited for
                error = failed
            with self._changed:
                self._busy -= 1
                self._error = self._error or error
                self._changed.notify_all()

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            while not (self._jobs or self._ended or self._error):
                self._changed.wait()
            if self._ended or self._error:
                return None
            self._busy += 1
            return heapq.heappop(self._jobs)[2]
