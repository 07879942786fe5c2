"""Times: how they are written, read, and told from those that cannot be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

SKEW = timedelta(minutes=10)
"""By how much the clocks of two machines may differ without anybody noticing."""


def is_future(time: datetime, now: datetime) -> bool:
    """Tell whether an aware time is later than now by more than clocks differ: a clock was, or is, wrong."""
    return time > now + SKEW


def stamp(time: datetime, precision: Literal["seconds", "milliseconds", "microseconds"] = "seconds") -> str:
    """Write an aware time in UTC as ISO 8601, e.g. `2026-11-20T02:00:00Z`; of one precision all sort by time."""
    return time.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def compact_stamp(time: datetime) -> str:
    """Write an aware time in UTC as names of files have it, e.g. `20261120T020000Z`."""
    return f"{time.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def instant(text: str) -> datetime:
    """Read a text in ISO 8601 as an aware time, UTC where it names no zone; ValueError for any other text."""
    time = datetime.fromisoformat(text)
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        aware.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is in no year from 1 to 9999 in UTC") from error
    return aware
