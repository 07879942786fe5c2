"""How a repository grew, as a picture and as a table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from msgspec import Struct

from toolkit.model.holding import Added

WIDTH: Final = 640
HEIGHT: Final = 120
_MONTHS: Final = 24
"""Rows of the table at most."""


class Month(Struct, frozen=True, kw_only=True):
    """A month with backups: how many, what they added, and all that was there at its end."""

    month: str
    backups: int
    added: int
    total: int


class Growth(Struct, frozen=True, kw_only=True):
    """The picture, as corners of a line within WIDTH by HEIGHT, and the table, the newest month first."""

    line: str
    area: str
    first: date
    last: date
    total: int
    months: Sequence[Month]


def growth_of(added: Sequence[Added], now: datetime) -> Growth | None:
    """Give how a repository grew by the backups that it has; None where it has none."""
    if not added:
        return None
    ordered = sorted(added, key=lambda each: each.time)
    start, end = ordered[0].time, max(now, ordered[-1].time)
    span = max((end - start).total_seconds(), 1.0)
    total = sum(each.bytes for each in ordered)
    corners: list[tuple[float, float]] = [(0, HEIGHT)]
    reached = 0
    for each in ordered:
        across = (each.time - start).total_seconds() / span * WIDTH
        corners.append((across, corners[-1][1]))
        reached += each.bytes
        corners.append((across, HEIGHT - reached / max(total, 1) * (HEIGHT - 8)))
    corners.append((WIDTH, corners[-1][1]))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in _thinned(corners))
    return Growth(
        line=line,
        area=f"{line} {WIDTH},{HEIGHT} 0,{HEIGHT}",
        first=start.date(),
        last=end.date(),
        total=total,
        months=_months(ordered)[:_MONTHS],
    )


def _thinned(corners: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """The corners that can be told apart: of thousands of backups several are in one point of the picture."""
    kept: list[tuple[float, float]] = []
    for corner in corners:
        if not kept or abs(corner[0] - kept[-1][0]) + abs(corner[1] - kept[-1][1]) >= 0.5:
            kept.append(corner)
    return [*kept, corners[-1]]


def _months(ordered: Sequence[Added]) -> list[Month]:
    months: dict[str, Month] = {}
    total = 0
    for each in ordered:
        total += each.bytes
        name = f"{each.time:%Y-%m}"
        known = months.get(name)
        months[name] = Month(
            month=name,
            backups=(known.backups if known else 0) + 1,
            added=(known.added if known else 0) + each.bytes,
            total=total,
        )
    return list(reversed(months.values()))
