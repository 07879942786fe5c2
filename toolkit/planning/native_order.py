"""The order of numbers and times by their output text, as PostgreSQL sorts their types."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

Rank = tuple[object, ...]
"""What values of one type are sorted by; two are equal where the server finds them so."""

_DATE = re.compile(
    r"(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?(?:\+00)?( BC)?",
)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?")
_SPAN = re.compile(r"([+-]?\d+) (year|mon|day)s?")
_CLOCK = re.compile(r"([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_DAYS = {"year": 360, "mon": 30, "day": 1}
_SPECIAL = {"-infinity": (-1,), "infinity": (1,), "-Infinity": (-1,), "Infinity": (1,), "NaN": (2,)}


def native_rank(text: str, kind: str) -> Rank:
    """Give what a number or a time is sorted by.

    Args:
        text: as the server prints it under our settings.
        kind: the name of its type, which tells an interval from a time of day; that of a domain tells nothing.

    Raises:
        ValueError: it is neither.
    """
    if text in _SPECIAL:
        return _SPECIAL[text]
    if kind.startswith("interval"):
        return 0, _interval(text)
    found = _moment(text)
    return (0, _number(text)) if found is None else (0, *found)


def _moment(text: str) -> tuple[int, ...] | None:
    """Give a date, with its time, or a time of day in parts; None for what is neither."""
    if found := _DATE.fullmatch(text):
        year, *rest = (int(part or 0) for part in found.groups()[:6])
        return (1 - year if found[8] else year, *rest, _micros(found[7]))
    if found := _TIME.fullmatch(text):
        hours, minutes, seconds = (int(part) for part in found.groups()[:3])
        day = (hours * 3600 + minutes * 60 + seconds) * 1_000_000 + _micros(found[4])
        zone = sum(int(part or 0) * unit for part, unit in zip(found.groups()[5:], (3600, 60, 1), strict=True))
        west = zone if found[5] == "-" else -zone
        return day + west * 1_000_000, west
    return None


def _number(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return Decimal(text.replace("$", "", 1).replace(",", ""))
    except InvalidOperation:
        return _interval(text)


def _interval(text: str) -> int:
    """Give the length of an interval in microseconds, its months of thirty days."""
    days = sum(int(number) * _DAYS[unit] for number, unit in _SPAN.findall(text))
    rest = _SPAN.sub("", text).strip()
    clock = _CLOCK.fullmatch(rest)
    if rest and not clock:
        raise ValueError(f"{text!r} is neither a number nor a time")
    micros = 0
    if clock:
        seconds = int(clock[2]) * 3600 + int(clock[3]) * 60 + int(clock[4])
        micros = (seconds * 1_000_000 + _micros(clock[5])) * (-1 if clock[1] == "-" else 1)
    return days * 86_400_000_000 + micros


def _micros(fraction: str | None) -> int:
    return int((fraction or "").ljust(6, "0"))
