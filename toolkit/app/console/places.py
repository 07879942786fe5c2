"""Places for backups, asked each by itself: one that does not answer keeps no other, and no page, from coming."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from toolkit.app.doctoring.asking import Asking

T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds that a place has for its answer."""

BRIEF: Final = 1.0
"""The same for one that has not answered what it was asked before."""

GIVEN_UP: Final = 900.0
"""Seconds after which what has never been answered is asked once more: a large place is not read twice at once."""

_STEP: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    asking: Asking[Any]
    began: float = field(default_factory=time.monotonic)


@dataclass(slots=True, kw_only=True)
class Places:
    """What places are being asked, for all pages."""

    _left: dict[tuple[str, str], _Asked] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, what: str, names: Iterable[str], question: Callable[[str], T]) -> dict[str, T]:
        """Ask each of some places the same; gives the answers of those that have one in time.

        Args:
            what: a name of the question: a place that has not answered it yet is not asked it twice at once.
            question: it raises nothing.
        """
        asked, eager = self._asked(what, tuple(names), question)
        began = time.monotonic()
        while (passed := time.monotonic() - began) < PATIENCE:
            waiting = [name for name, one in asked.items() if one.asking.running]
            if not waiting or (passed >= BRIEF and not eager.intersection(waiting)):
                break
            asked[waiting[0]].asking.wait(_STEP)
        with self._turn:
            for name, one in asked.items():
                if one.asking.running:
                    self._left[what, name] = one
                else:
                    self._left.pop((what, name), None)
        return {name: one.asking.answers[name] for name, one in asked.items() if name in one.asking.answers}

    def _asked(
        self, what: str, names: tuple[str, ...], question: Callable[[str], T]
    ) -> tuple[dict[str, _Asked], set[str]]:
        """Begin to ask; gives what is asked by place, and the places that are asked just now."""
        asked, eager = {}, set()
        with self._turn:
            for name in names:
                left = self._left.get((what, name))
                if left is None or not left.asking.running or time.monotonic() - left.began > GIVEN_UP:
                    left = _Asked(asking=Asking({name: partial(question, name)}, seconds=GIVEN_UP))
                    eager.add(name)
                asked[name] = left
        return asked, eager
