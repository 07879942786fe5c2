"""How far a sequence has to go: the furthest of where it stands, where the backup's stood, and what rows hold."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR

from msgspec.structs import replace

from toolkit.model.sequence import Counter, Extreme, Position, SequenceMove


def move_of(counter: Counter, recorded: Sequence[Position], extreme: Extreme) -> tuple[SequenceMove | None, list[str]]:
    """Give the move of one sequence, None where it stays, and what is to be said of its limits.

    Forward is the direction of its increment, and it never goes back. Values past its limits are no reason to move: it
    never gives them. A sequence that cycles has given every value many times, so that rows say nothing of where it
    stands; it goes by the backup alone.

    Args:
        recorded: where the backup says that it stood.
        extreme: how far the values have come in the columns that it numbers.
    """
    said = []
    wanted = [_within(counter, position) for position in recorded]
    if not counter.cycle:
        if extreme.within is not None:
            rounding = ROUND_FLOOR if counter.increment > 0 else ROUND_CEILING
            value = int(extreme.within.to_integral_value(rounding))
            wanted.append(_within(counter, Position(value=value, is_called=True)))
        if extreme.beyond is not None:
            furthest, column = extreme.beyond
            said.append(f"sequence {counter.name} ends at {_end(counter)}: {column} holds {furthest:f}, past its end")
        said.extend(
            f"sequence {counter.name} ends at {_end(counter)}, and stood at {position.value} in the backup: it has no"
            " values left"
            for position in recorded
            if _is_past(counter, position.value)
        )
    there = counter
    for position in wanted:
        if there.is_behind(position):
            there = replace(there, position=position)
    if there is counter:
        return None, said
    move = SequenceMove(
        name=counter.name,
        value=there.position.value,
        is_called=there.position.is_called,
        descending=counter.increment < 0,
    )
    return move, said


def steps_to(counter: Counter, wanted: Position) -> int | None:
    """Count the values to be taken until a sequence stands there; None where taking values does not lead there."""
    if counter.cycle or counter.cache != 1 or not (wanted.is_called or counter.position.is_called):
        return None
    last = wanted.value if wanted.is_called else wanted.value - counter.increment
    steps, rest = divmod(last - counter.position.next(counter.increment), counter.increment)
    return None if rest else steps + 1


def _end(counter: Counter) -> int:
    return counter.maximum if counter.increment > 0 else counter.minimum


def _is_past(counter: Counter, value: int) -> bool:
    return value > counter.maximum if counter.increment > 0 else value < counter.minimum


def _within(counter: Counter, position: Position) -> Position:
    """The position, or, where it lies past an end, that end with its value given out."""
    if counter.may_give(position.value):
        return position
    if _is_past(counter, position.value):
        return Position(value=_end(counter), is_called=True)
    return counter.position
