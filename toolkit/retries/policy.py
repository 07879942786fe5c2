"""Retrying what may succeed the next time: named errors only, bounded by attempts and by time, with jitter."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from toolkit.stopping import pause

T = TypeVar("T")


def retrying(
    errors: tuple[type[BaseException], ...] | Callable[[BaseException], bool], *, attempts: int, seconds: float
) -> Callable[[Callable[[], T]], T]:
    """Give a runner that calls a function again when it raises one of these errors.

    Args:
        errors: their types, or what tells whether an error is one of them.
        attempts: how often it is called at most.
        seconds: no new attempt begins after this time.

    Returns:
        What the function gives; the last error is raised as it is.
    """
    retried = errors if callable(errors) else _one_of(errors)

    def run(function: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return function()
        except Exception as error:
            if not retried(error):
                raise
            failed: list[Exception] = [error]

        def again() -> T:
            if failed:
                raise failed.pop()
            return function()

        # nearly everything succeeds at once, and then this library is not loaded
        from toolkit.retries.again import tried  # noqa: PLC0415

        return tried(again, retried, attempts=attempts, seconds=seconds - (time.monotonic() - began))

    return run


def _one_of(errors: tuple[type[BaseException], ...]) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, errors)


def pauses(*, seconds: float) -> Iterator[None]:
    """Tries, with a growing and random pause before each but the first, until the time is over."""
    yield
    deadline, longest = time.monotonic() + seconds, 0.05
    while time.monotonic() < deadline:
        pause(random.uniform(0, longest))  # nobody has to be unable to guess it
        longest = min(longest * 2, 2.0)
        yield
