"""Several things asked at once, none of which can keep the others, or the program, from coming to an end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 16


def ask_all(questions: Mapping[str, Callable[[], T]], *, seconds: float) -> dict[str, T | None]:
    """Ask each in a thread of its own; gives the answers, None for one that has not come in time.

    A thread that never ends is left behind: it ends with the program.

    Args:
        questions: they raise nothing.
        seconds: for one answer.
    """
    answers: dict[str, T | None] = dict.fromkeys(questions)
    turns = threading.Semaphore(AT_ONCE)

    def ask(name: str, question: Callable[[], T]) -> None:
        with turns:
            answers[name] = question()

    threads = [
        threading.Thread(target=ask, args=each, name=f"doctor-{each[0]}", daemon=True) for each in questions.items()
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds * max(1, math.ceil(len(threads) / AT_ONCE))
    for thread in threads:
        while thread.is_alive() and time.monotonic() < end:
            # short, so that Ctrl-C is heard on Windows as well
            thread.join(timeout=0.1)
    return dict(answers)
