"""A length of time in calendar units, such as `1y2m3d4h`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

from msgspec import Struct

PATTERN = r"([0-9]{1,4}[hHdwmy])+"
"""What a duration looks like; units are hours, days, weeks, months and years, each at most once."""

_PART = re.compile(r"([0-9]{1,4})([hHdwmy])")


class Duration(Struct, frozen=True, kw_only=True):
    """Years, months, days and hours; months and years are the calendar's, days those of a time zone."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Give the duration that a text means; ValueError for what is none. A week is seven days."""
        if not re.fullmatch(PATTERN, text):
            raise ValueError(f"{text!r} is not a duration: numbers with h, d, w, m or y, e.g. 14d or 1y6m")
        parts = [(unit.lower(), int(number)) for number, unit in _PART.findall(text)]
        given = dict(parts)
        if len(given) < len(parts):
            raise ValueError(f"{text!r} names a unit twice")
        days = given.get("d", 0) + 7 * given.get("w", 0)
        return cls(years=given.get("y", 0), months=given.get("m", 0), days=days, hours=given.get("h", 0))

    def before(self, time: datetime, zone: tzinfo = UTC) -> datetime:
        """Give the time so long before another one, by the calendar and the clocks of a zone; in UTC.

        A day that its month does not have counts on into the next: a month before 31 March is 3 March (2 March in a
        leap year). Hours are subtracted last and have sixty minutes whatever clocks do.
        """
        local = time.astimezone(zone)
        months = local.year * 12 + local.month - 1 - 12 * self.years - self.months
        if months < 12:
            return datetime.min.replace(tzinfo=UTC)
        first = local.replace(year=months // 12, month=months % 12 + 1, day=1, fold=0)
        try:
            shifted = first + timedelta(days=local.day - 1 - self.days)
            return shifted.astimezone(UTC) - timedelta(hours=self.hours)
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)

    def __str__(self) -> str:
        parts = ((self.years, "y"), (self.months, "m"), (self.days, "d"), (self.hours, "h"))
        return "".join(f"{number}{unit}" for number, unit in parts if number) or "0h"

    def __bool__(self) -> bool:
        return self != type(self)()
