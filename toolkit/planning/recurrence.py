"""When something recurs: at times of day, on days of the week, in local time; pure, with the time as an argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from toolkit.errors import InputError, Problem

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_DAY = frozenset(range(7))
_MINUTES = {"m": 1, "h": 60}
_DAY_MINUTES = 24 * 60
_SEARCHED = 400
"""Days among which a change of the clocks is looked for: more than a year."""


class Recurrence(Struct, frozen=True, kw_only=True):
    """Times of day, on some days of the week.

    Attributes:
        times: in order, each once.
        days: of the week, 0 for Monday.
        every: the minutes between two times, where they fill the day evenly; 0 where times were named.
    """

    times: tuple[time, ...]
    days: frozenset[int] = _EVERY_DAY
    every: int = 0

    @property
    def daily(self) -> bool:
        """Whether it is on every day of the week."""
        return self.days == _EVERY_DAY

    def __str__(self) -> str:
        return f"{self.when()}, {self.on()}" if self.on() != "every day" or not self.every else self.when()

    def when(self) -> str:
        """Give the times, e.g. `02:00 and 14:00`, or `every 2 h`."""
        if self.every:
            return f"every {self.every // 60} h" if self.every % 60 == 0 else f"every {self.every} min"
        shown = [f"{each:%H:%M}" for each in self.times]
        return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)

    def on(self) -> str:
        """Give the days, e.g. `mon-fri`, `sat,sun` or `every day`."""
        return "every day" if self.daily else ",".join(_runs(sorted(self.days)))

    def options(self) -> tuple[str, ...]:
        """Give it as options of a command line."""
        if self.every:
            when = ("--every", f"{self.every // 60}h" if self.every % 60 == 0 else f"{self.every}m")
        else:
            when = ("--at", ",".join(f"{each:%H:%M}" for each in self.times))
        return when if self.daily else (*when, "--on", self.on())

    def last(self, now: datetime) -> datetime:
        """Give the newest time that is not after `now`, an aware local time."""
        return max(each for each in self._around(now, range(-8, 1)) if each <= now)

    def next(self, now: datetime) -> datetime:
        """Give the first time after `now`, an aware local time."""
        return min(each for each in self._around(now, range(9)) if each > now)

    def changes(self, now: datetime) -> Iterator[tuple[datetime, bool]]:
        """Give the first time within the next year that the clocks skip, and the first that they show twice.

        Yields:
            The naive local time, and whether there is none such (else there are two).
        """
        seen: set[bool] = set()
        for day in (now.date() + timedelta(days=days) for days in range(_SEARCHED)):
            for each in self.times if day.weekday() in self.days else ():
                wall = datetime.combine(day, each)
                first, second = _local(wall, now), _local(wall.replace(fold=1), now)
                if first.utcoffset() == second.utcoffset():
                    continue
                skipped = _is_skipped(wall, now)
                if skipped not in seen:
                    seen.add(skipped)
                    yield wall, skipped

    def _around(self, now: datetime, days: range) -> Iterator[datetime]:
        for day in (now.date() + timedelta(days=number) for number in days):
            if day.weekday() in self.days:
                yield from (self._on(day, each, now) for each in self.times)

    @staticmethod
    def _on(day: date, each: time, now: datetime) -> datetime:
        return _local(datetime.combine(day, each), now)


def recurrence(*, at: str, on: str, every: str) -> Recurrence:
    """Read when something recurs, as a person wrote it.

    Args:
        at: times of day as `02:00`, separated by commas.
        on: days of the week, as `mon-fri` or `sat,sun`; empty for every day.
        every: as `15m` or `2h`, instead of `at`.

    Raises:
        InputError: everything that is wrong.
    """
    problems: list[str] = []
    if at and every:
        problems.append("--at and --every: give one of them")
    elif not at and not every:
        problems.append("no time is named: --at 02:00, or --every 2h")
    minutes = _every(every, problems) if every else 0
    times = tuple(sorted({each for text in at.split(",") if (each := _time(text, problems))})) if at else ()
    if minutes:
        times = tuple(time(minute // 60, minute % 60) for minute in range(0, _DAY_MINUTES, minutes))
    days = _days(on, problems) if on else _EVERY_DAY
    if problems:
        raise InputError([Problem(message=message) for message in problems])
    return Recurrence(times=times, days=days, every=minutes)


def _local(wall: datetime, now: datetime) -> datetime:
    """An aware time in the zone of `now`: of the machine where that has a fixed offset, as `astimezone()` gives."""
    zone = now.tzinfo
    return wall.replace(tzinfo=zone) if hasattr(zone, "key") else wall.astimezone()


def _is_skipped(wall: datetime, now: datetime) -> bool:
    """Whether the clocks never show a time: there and back again another one comes out."""
    aware = _local(wall, now)
    there = aware.timestamp()
    zone = now.tzinfo if hasattr(now.tzinfo, "key") else None
    return datetime.fromtimestamp(there, zone).replace(tzinfo=None, fold=0) != wall.replace(fold=0)


def _time(text: str, problems: list[str]) -> time | None:
    found = re.fullmatch(r"\s*([01]?[0-9]|2[0-3]):([0-5][0-9])\s*", text, re.ASCII)
    if found is None:
        problems.append(f"--at: expected a time of day such as 02:00, not {text.strip()!r}")
        return None
    return time(int(found[1]), int(found[2]))


def _every(text: str, problems: list[str]) -> int:
    found = re.fullmatch(r"\s*([1-9][0-9]{0,3})\s*([mh])\s*", text, re.ASCII)
    minutes = int(found[1]) * _MINUTES[found[2]] if found else 0
    whole = minutes % 60 == 0 or 60 % minutes == 0 if minutes else False
    if not whole or minutes < 5 or minutes >= _DAY_MINUTES or _DAY_MINUTES % minutes:
        problems.append(
            f"--every: expected minutes that divide an hour, from 5m, or hours that divide a day, as 2h, not {text!r}"
        )
        return 0
    return minutes


def _days(text: str, problems: list[str]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = (
            each.strip()[:3] if each.strip() in _NAMES else each.strip() for each in part.partition("-")
        )
        if first not in DAYS or (dash and last not in DAYS):
            problems.append(f"--on: expected days such as mon-fri or sat,sun, not {part.strip()!r}")
            continue
        begin, end = DAYS.index(first), DAYS.index(last if dash else first)
        found |= {day % 7 for day in range(begin, end + 1 + (7 if end < begin else 0))}
    return frozenset(found)


_NAMES = frozenset(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))


def _runs(days: Sequence[int]) -> Iterator[str]:
    """Days in a row as `mon-fri`, others one by one."""
    start = 0
    for index in range(1, len(days) + 1):
        if index == len(days) or days[index] != days[index - 1] + 1:
            run = days[start:index]
            yield DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}{',' if len(run) == 2 else '-'}{DAYS[run[-1]]}"
            start = index
