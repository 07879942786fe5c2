"""When something recurs."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from toolkit.errors import InputError
from toolkit.planning.recurrence import Recurrence, recurrence

BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY = datetime(2026, 11, 28, 10, 0, tzinfo=BERLIN)


def of(at: str = "", on: str = "", every: str = "") -> Recurrence:
    """A recurrence as a person writes it."""
    return recurrence(at=at, on=on, every=every)


@pytest.mark.parametrize(
    ("when", "text", "following", "before"),
    [
        (of("02:00"), "02:00, every day", "2026-11-29T02:00", "2026-11-28T02:00"),
        (of("2:00,14:30"), "02:00 and 14:30, every day", "2026-11-28T14:30", "2026-11-28T02:00"),
        (of("10:00", "mon-fri"), "10:00, mon-fri", "2026-11-30T10:00", "2026-11-27T10:00"),
        (of("10:00", "Saturday"), "10:00, sat", "2026-12-05T10:00", "2026-11-28T10:00"),
        (of("09:00", "fri-mon,wed"), "09:00, mon,wed,fri-sun", "2026-11-29T09:00", "2026-11-28T09:00"),
        (of(every="6h"), "every 6 h", "2026-11-28T12:00", "2026-11-28T06:00"),
        (of(every="15m", on="sat,sun"), "every 15 min, sat,sun", "2026-11-28T10:15", "2026-11-28T10:00"),
    ],
)
def test_times_before_and_after(when: Recurrence, text: str, following: str, before: str) -> None:
    """What a person wrote is read, said, and counted from any moment; and its options say the same again."""
    assert str(when) == text
    assert f"{when.next(SATURDAY):%Y-%m-%dT%H:%M}" == following
    assert f"{when.last(SATURDAY):%Y-%m-%dT%H:%M}" == before
    options = dict(zip(when.options()[::2], when.options()[1::2], strict=True))
    assert recurrence(**{name: options.get(f"--{name}", "") for name in ("at", "on", "every")}) == when


@pytest.mark.parametrize(
    ("at", "on", "every", "said"),
    [
        ("", "", "", "no time is named"),
        ("02:00", "", "2h", "give one of them"),
        ("24:00", "", "", "--at: expected a time of day such as 02:00, not '24:00'"),
        ("02:00,", "", "", "not ''"),
        ("02:00", "mon-foo", "", "--on: expected days such as mon-fri or sat,sun, not 'mon-foo'"),
        ("", "", "7m", "--every: expected"),
        ("", "", "90m", "--every: expected"),
        ("", "", "1d", "--every: expected"),
        ("\u0660\u0662:00", "", "", "--at: expected"),
    ],
)
def test_what_is_no_time(at: str, on: str, every: str, said: str) -> None:
    """Each is one sentence that says what is expected."""
    with pytest.raises(InputError, match=said):
        recurrence(at=at, on=on, every=every)


def test_all_problems_are_told_at_once() -> None:
    """A wrong time and a wrong day are both named."""
    with pytest.raises(InputError) as wrong:
        recurrence(at="25:00", on="someday", every="")
    assert len(wrong.value.problems) == 2


def test_clocks_that_change() -> None:
    """A time that one night skips and another one shows twice is found with its days; others are not."""
    found = [(wall.isoformat(), skipped) for wall, skipped in of("02:30").changes(SATURDAY)]
    assert found == [("2027-03-28T02:30:00", True), ("2027-10-31T02:30:00", False)]
    assert list(of("04:00").changes(SATURDAY)) == []
    assert list(of("02:30", "mon-fri").changes(SATURDAY)) == []
    assert list(of("02:30").changes(SATURDAY.astimezone(ZoneInfo("UTC")))) == []


def test_even_distances_are_times_of_day() -> None:
    """They begin at midnight, whatever the clocks do."""
    assert of(every="8h").times == (time(0), time(8), time(16))
