"""Waits of threads that no signal reaches: what runs beside others is asked to end, too."""

from __future__ import annotations

import math
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import copy_context
from typing import Final, TypeVar

T = TypeVar("T")

_SLICE: Final = 0.2

_asked = threading.local()


@contextmanager
def stopped_when(due: Callable[[], bool]) -> Iterator[None]:
    """Inside, a wait of this thread for somebody else raises KeyboardInterrupt when `due` says so, asked now and then.

    The main thread needs none of it: a signal reaches it by itself.
    """
    _asked.due = due
    try:
        yield
    finally:
        _asked.due = None


def check() -> None:
    """Raise KeyboardInterrupt where this thread is to stop."""
    due: Callable[[], bool] | None = getattr(_asked, "due", None)
    if due is not None and due():
        raise KeyboardInterrupt


def pause(seconds: float) -> None:
    """Sleep; KeyboardInterrupt soon after this thread is to stop."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        check()
        time.sleep(min(left, _SLICE))


def begun(work: Callable[[], T], *, name: str = "waiting") -> Future[T]:
    """Begin something that may never end, in a thread that ends with the program; gives what comes of it.

    Args:
        name: of the thread.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=copy_context().run, args=(do,), name=name, daemon=True).start()
    return future


def apart(work: Callable[[], T], *, seconds: float | None = None) -> T:
    """Do something that waits for somebody else and cannot be woken; it is left behind where this thread is to stop.

    Args:
        seconds: it is left behind after that, too, and TimeoutError is raised.
    """
    if seconds is None and getattr(_asked, "due", None) is None:
        return work()
    check()
    end = math.inf if seconds is None else time.monotonic() + seconds
    coming = begun(work)
    while not wait((coming,), _SLICE).done:
        check()
        if time.monotonic() > end:
            raise TimeoutError
    check()
    return coming.result()


def output_of(
    process: subprocess.Popen[str], *, seconds: float | None = None, look: Callable[[], None] | None = None
) -> tuple[str, str]:
    """Wait for a program; gives what it printed and complained of.

    Args:
        look: called now and then while it runs; raises where it is not worth to wait.
        seconds: TimeoutExpired is raised after that; None for as long as it takes.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = _SLICE if end is None else min(_SLICE, max(0.0, end - time.monotonic()))
        try:
            found = process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            if end is not None and time.monotonic() >= end:
                raise
            check()
            if look is not None:
                look()
        else:
            # the signal that stops this thread may have ended it, too
            check()
            return found
