"""Statements of threads that no signal reaches: what runs beside others is asked to end, too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_asked = threading.local()


@contextmanager
def stopped_when(due: Callable[[], bool]) -> Iterator[None]:
    """Inside, a wait for the server in this thread raises KeyboardInterrupt when `due` says so, looked at now and then.

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
