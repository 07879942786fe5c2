"""Lines of two texts in the same order: what both have in a row is passed over at once, and not looked at line by line.

Two lines that are passed over are equal. Lines that are given back may be on both sides all the same, elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

STOPS = 64
"""So many lines may differ before it is asked whether going on like this is worth it."""

WORTH_BYTES = 2000
"""About how many bytes have to be passed over from one line that differs to the next."""

_FIRST, _MOST = 256, 1 << 16
"""Bytes that are compared at once, where a line differed just before, and after long equality."""


class InOrder:
    """A text beside which others are laid, one after the other.

    Attributes:
        lost: so many lines differ that going on like this is not worth it.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0
        self._left = list[bytes]()
        self._passed = self._stops = 0
        self.lost = False

    def beside(self, other: bytes) -> Sequence[bytes]:
        """Go on beside another text; gives its lines that are not in the same place in this one."""
        text, at, place, end = self._text, self._at, 0, len(other)
        left = list[bytes]()
        while place < end and at < len(text):
            same = _equal(text, at, other, place)
            if (lines := text.rfind(b"\n", at, at + same) + 1 - at) > 0:
                at, place = at + lines, place + lines
                self._passed += lines
                continue
            self._stops += 1
            if self._stops > STOPS and self._passed < self._stops * WORTH_BYTES:
                self.lost = True
                break
            line, theirs = _line(text, at), _line(other, place)
            if theirs == _line(text, at + len(line)):
                self._left.append(line)
                at += len(line)
            elif line == _line(other, place + len(theirs)):
                left.append(theirs)
                place += len(theirs)
            else:
                self._left.append(line)
                left.append(theirs)
                at, place = at + len(line), place + len(theirs)
        self._at = at
        left.extend(other[place:].splitlines(keepends=True))
        return left

    def left(self) -> Sequence[bytes]:
        """Give, once, the lines of the text that have not been passed over; the text is let go."""
        rest, self._text = self._text[self._at :], b""
        return [*self._left, *rest.splitlines(keepends=True)]


def _line(text: bytes, at: int) -> bytes:
    return text[at : text.find(b"\n", at) + 1] if at < len(text) else b""


def _equal(one: bytes, at: int, other: bytes, place: int) -> int:
    """How many bytes are equal from two places on."""
    most, same, size = min(len(one) - at, len(other) - place), 0, _FIRST
    while same < most:
        size = min(size, most - same)
        begin, end = at + same, place + same
        if one[begin : begin + size] == other[end : end + size]:
            same += size
            size = min(2 * size, _MOST)
        elif size == 1:
            break
        else:
            size //= 2
            most = same + 2 * size + 1  # the first difference is before that
    return same
