"""Backups along a line of time, as SVG: what stays, what goes; the newest first, and recent times with more room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import sqrt
from typing import Final

from markupsafe import Markup

from toolkit.model.retention import Decision

WIDTH: Final = 1000
"""Of the picture, in its own units."""

_MARGIN, _HEIGHT, _LINE, _RADIUS, _STEP = 14, 58, 22, 6, 5
_MARKS: Final = (
    (timedelta(days=1), "1 day"),
    (timedelta(days=7), "1 week"),
    (timedelta(days=30), "1 month"),
    (timedelta(days=91), "3 months"),
    (timedelta(days=365), "1 year"),
    (timedelta(days=3 * 365), "3 years"),
    (timedelta(days=10 * 365), "10 years"),
)
_APART: Final = 70
"""Two marks are at least so far from each other."""


def timeline(decisions: Sequence[Decision], now: datetime, named: str) -> Markup:
    """Draw the backups of a group; a table beside it has the same for whoever cannot see it.

    Args:
        decisions: the newest first.
        named: what the group is called.
    """
    span = max((now - decisions[-1].backup.time).total_seconds(), 3600.0)
    places: dict[int, Decision] = {}
    for each in decisions:
        place = round(_place(now - each.backup.time, span) / _STEP)
        if place not in places or (each.keep and not places[place].keep):
            places[place] = each
    keeps = sum(each.keep for each in decisions)
    says = Markup("{}: {} of {} backups stay").format(named, keeps, len(decisions))
    drawn = Markup("").join((*_marks(span), *_dots(places)))
    return Markup(
        '<svg class="timeline" viewBox="0 0 {width} {height}" role="img" aria-label="{says}">'
        '<path class="line" d="M{left} {line} H{right}"/>{drawn}</svg>'
    ).format(width=WIDTH, height=_HEIGHT, says=says, left=_MARGIN, right=WIDTH - _MARGIN, line=_LINE, drawn=drawn)


def _place(age: timedelta, span: float) -> float:
    part = min(1.0, max(0.0, age.total_seconds()) / span)
    return _MARGIN + (WIDTH - 2 * _MARGIN) * sqrt(part)


def _marks(span: float) -> Iterator[Markup]:
    last = float(_MARGIN)
    for age, text in _MARKS:
        place = _place(age, span)
        if age.total_seconds() <= span and place - last >= _APART and place <= WIDTH - _APART / 2:
            last = place
            yield Markup('<path class="mark" d="M{x} {top} V{down}"/><text x="{x}" y="{y}">{text}</text>').format(
                x=round(place), top=_LINE - 10, down=_LINE + 14, y=_HEIGHT - 6, text=text
            )
    yield Markup('<text class="now" x="{}" y="{}">now</text>').format(_MARGIN - 6, _HEIGHT - 6)


def _dots(places: dict[int, Decision]) -> Iterator[Markup]:
    # what stays is drawn over what goes
    for place, each in sorted(places.items(), key=lambda item: item[1].keep):
        text = f"{each.backup.time:%Y-%m-%d %H:%M}: {'stays' if each.keep else 'goes'}"
        yield Markup('<circle class="{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
            "keep" if each.keep else "remove", place * _STEP, _LINE, _RADIUS if each.keep else _RADIUS - 2, text
        )
