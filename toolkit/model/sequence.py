"""Sequences: where one stands, what it may give, and how far it has to go."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Position(Struct, frozen=True, kw_only=True):
    """Where a sequence stands: its last value, and whether that was given out already."""

    value: int
    is_called: bool

    def next(self, increment: int) -> int:
        """Give the value that it gives next, limits left aside."""
        return self.value + increment if self.is_called else self.value


class Counter(Struct, frozen=True, kw_only=True):
    """A sequence of a database.

    Attributes:
        cache: how many values a session takes at once.
    """

    name: str
    position: Position
    increment: int
    minimum: int
    maximum: int
    cycle: bool = False
    cache: int = 1

    def may_give(self, value: int) -> bool:
        """Say whether a value is within the limits."""
        return self.minimum <= value <= self.maximum

    def is_behind(self, wanted: Position) -> bool:
        """Say whether going to a position is going forward, in the sequence's own direction."""
        sign = 1 if self.increment > 0 else -1
        here = self.position
        if not wanted.is_called:  # nothing of it was given out: what comes next is all that counts
            return sign * wanted.value > sign * here.next(self.increment)
        return (sign * wanted.value, wanted.is_called) > (sign * here.value, here.is_called)


class Extreme(Struct, frozen=True, kw_only=True):
    """How far the values of the columns that a sequence numbers have come, in its direction.

    Attributes:
        within: the furthest value that the sequence could give; None without one.
        beyond: the furthest one past its end, with the column that has it; None without one.
    """

    within: Decimal | None = None
    beyond: tuple[Decimal, str] | None = None


class SequenceMove(Struct, frozen=True, kw_only=True):
    """A sequence that has to go forward.

    Attributes:
        value: its last value afterwards.
        is_called: whether that value counts as given out, so that the next one comes after it.
        descending: forward is down.
    """

    name: str
    value: int
    is_called: bool = True
    descending: bool = False

    @property
    def position(self) -> Position:
        """Where it goes."""
        return Position(value=self.value, is_called=self.is_called)

    def __str__(self) -> str:
        return f"{self.name} to {self.value}"
