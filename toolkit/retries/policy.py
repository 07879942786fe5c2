"""Retrying what may succeed the next time: named errors only, bounded by attempts and by time, with jitter."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_none,
)
from tenacity.wait import wait_base, wait_random_exponential

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
    return Retrying(
        retry=retry_if_exception_type(errors) if isinstance(errors, tuple) else retry_if_exception(errors),
        stop=stop_after_attempt(attempts) | stop_after_delay(seconds),
        wait=_wait(),
        reraise=True,
    )


def pauses(*, seconds: float) -> Iterator[None]:
    """Tries, with a growing and random pause before each but the first, until the time is over."""
    yield
    deadline, longest = time.monotonic() + seconds, 0.05
    while time.monotonic() < deadline:
        time.sleep(random.uniform(0, longest))  # nobody has to be unable to guess it
        longest = min(longest * 2, 2.0)
        yield


def _wait() -> wait_base:
    # tests provoke every error on purpose and need not wait for it
    return wait_none() if os.environ.get("PLAYBACK_NO_BACKOFF") else wait_random_exponential(multiplier=0.1, max=5)
