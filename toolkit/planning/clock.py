"""Times that cannot be: what is dated later than now was made by a wrong clock, or is read by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SKEW = timedelta(minutes=10)
"""By how much the clocks of two machines may differ without anybody noticing."""


def is_future(time: datetime, now: datetime) -> bool:
    """Whether an aware time is later than now by more than clocks differ."""
    return time > now + SKEW


def instant(text: str) -> datetime:
    """The aware time that a text in ISO 8601 says, UTC where it names no zone. Raises ValueError for any other text."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
