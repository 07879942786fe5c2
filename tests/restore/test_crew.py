"""Jobs that a few workers share."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from toolkit.postgres.restore.crew import Crew


def test_the_heaviest_job_is_begun_first() -> None:
    """Jobs are done by weight, further ones that they bring among them, and none is left."""
    done = list[int]()
    crew = Crew(1, interrupt=lambda: None)

    def job(weight: int) -> None:
        done.append(weight)
        if weight == 3:
            crew.add(2, lambda: job(2))

    for weight in (1, 3, 0):
        crew.add(weight, lambda weight=weight: job(weight))  # type: ignore[misc]
    crew.start()
    crew.finish()
    assert done == [3, 2, 1, 0]


def test_the_first_failure_ends_all() -> None:
    """Where a job fails, others are interrupted, what waits is not begun, and the failure is raised."""
    begun, interrupted, done = threading.Event(), threading.Event(), list[str]()
    crew = Crew(2, interrupt=interrupted.set)

    def fails() -> None:
        begun.wait(60)
        raise ValueError("no")

    def blocks() -> Iterator[str]:
        begun.set()
        while True:
            yield "read"

    def reads() -> None:
        for _ in crew.watched(blocks()):
            pass

    crew.add(3, fails)
    crew.add(2, reads)
    crew.add(1, lambda: done.append("last"))
    crew.start()
    with pytest.raises(ValueError, match="no"):
        crew.finish()
    assert interrupted.is_set()
    assert done == []
