"""How a repository grew: the picture and the table of the page Repositories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from toolkit.app.console.growth import HEIGHT, WIDTH, growth_of
from toolkit.model.holding import Added

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def added(*sizes: int) -> list[Added]:
    """Backups ten days apart, the last one now."""
    count = len(sizes)
    return [
        Added(label=str(index), time=NOW - timedelta(days=10 * (count - 1 - index)), bytes=size)
        for index, size in enumerate(sizes)
    ]


def test_a_repository_grows_in_steps() -> None:
    """The line never falls, ends with everything, and stays in its frame; the table adds up, the newest month first."""
    growth = growth_of(added(100, 0, 50, 0, 25), NOW)
    assert growth is not None
    corners = [tuple(map(float, each.split(","))) for each in growth.line.split()]
    assert corners[0] == (0.0, float(HEIGHT))
    assert corners[-1][0] == WIDTH
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in corners)
    assert sorted(corners, key=lambda each: (each[0], -each[1])) == corners
    assert [(each.month, each.backups, each.added, each.total) for each in growth.months] == [
        ("2026-11", 3, 75, 175),
        ("2026-10", 2, 100, 100),
    ]
    assert growth_of([], NOW) is None


def test_a_picture_of_thousands_of_backups_is_small() -> None:
    """However many there are, the line has no more corners than can be seen; one backup, or none with data, is fine."""
    growth = growth_of(added(*([1] * 10_000)), NOW)
    assert growth is not None
    assert len(growth.line.split()) < 3000
    assert len(growth.months) == 24
    for few in ([5], [0], [0, 0]):
        assert growth_of(added(*few), NOW) is not None
