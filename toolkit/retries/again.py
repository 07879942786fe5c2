"""The attempts after a first one that failed, by tenacity."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay, wait_none
from tenacity.wait import wait_base, wait_random_exponential

from toolkit.stopping import pause

T = TypeVar("T")


def tried(function: Callable[[], T], retried: Callable[[BaseException], bool], *, attempts: int, seconds: float) -> T:
    """Call a function until it succeeds; the last error is raised as it is.

    Args:
        function: raises the error of the first attempt at its first call, so that one policy counts all of them.
        retried: tells whether an error is one after which it is called again.
        attempts: how often it is called at most, that first call included.
        seconds: no new attempt begins after this time.
    """
    call = Retrying(
        retry=retry_if_exception(retried),
        stop=stop_after_attempt(attempts) | stop_after_delay(seconds),
        wait=_wait(),
        sleep=pause,
        reraise=True,
    )
    return call(function)


def _wait() -> wait_base:
    # tests provoke every error on purpose and need not wait for it
    return wait_none() if os.environ.get("PLAYBACK_NO_BACKOFF") else wait_random_exponential(multiplier=0.1, max=5)
