"""What was decoded last: a run that meets the same manifest in several tasks and repositories decodes it once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The last things of a kind, as many as take so much room. Safe to share between threads.

    Args:
        room: of how many bytes they may have been made in all.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._taken = 0
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """Give what was kept under a key; None where nothing is."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Hashable, made: T, size: int) -> None:
        """Keep something, in place of what was not asked for longest; nothing that is larger than the room.

        Args:
            size: of how many bytes it was made.
        """
        with self._lock:
            if size > self._room or key in self._kept:
                return
            self._kept[key] = made, size
            self._taken += size
            while self._taken > self._room:
                self._taken -= self._kept.popitem(last=False)[1][1]
