"""Lines of text as a multiset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


class Lines:
    """Some lines, of which others are taken off, each as often as it occurs."""

    def __init__(self, every: Sequence[bytes]) -> None:
        self._single = set(every)
        self._several: Counter[bytes] | None = None if len(self._single) == len(every) else Counter(every)

    def less(self, lines: Sequence[bytes]) -> Iterable[bytes]:
        """Take lines off; gives those that are not among these."""
        taken = set(lines)
        if self._several is None and len(taken) < len(lines):
            self._several = Counter(self._single)
        if self._several is not None:
            wanted = Counter(lines)
            absent = wanted - self._several
            self._several -= wanted
            return absent.elements()
        absent_lines = taken - self._single
        self._single -= taken
        return sorted(absent_lines)

    def rest(self) -> Iterable[bytes]:
        """Give those that are left."""
        return sorted(self._single) if self._several is None else self._several.elements()
