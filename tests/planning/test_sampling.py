"""Partial checks: how much they read, and that several days read everything."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import pytest

from toolkit.planning.sampling import Sample

TODAY = date(2026, 11, 20)
CHUNKS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(2000)]


@pytest.mark.parametrize(("text", "days"), [("5%", 20), ("100%", 1), ("30%", 4), ("0.5%", 200), ("33.4%", 3)])
def test_daily_parts_read_everything(text: str, days: int) -> None:
    """After as many days as there are parts every chunk has been read exactly once, about equally many a day."""
    samples = [Sample.parse(text, TODAY + timedelta(days=day)).of(CHUNKS) for day in range(days)]
    assert sorted(chunk for sample in samples for chunk in sample) == sorted(CHUNKS)
    assert all(len(sample) < 2 * len(CHUNKS) / days + 10 for sample in samples)


def test_a_number_of_chunks() -> None:
    """As many as asked for, the same ones on the same day, others on another; never more than there are."""
    assert len(Sample.parse("7", TODAY).of(CHUNKS)) == 7
    assert Sample.parse("7", TODAY).of(CHUNKS[::-1]) == Sample.parse("7", TODAY).of(CHUNKS)
    assert Sample.parse("7", TODAY + timedelta(days=1)).of(CHUNKS) != Sample.parse("7", TODAY).of(CHUNKS)
    assert Sample.parse("0", TODAY).of(CHUNKS) == set()
    assert Sample.parse("9999", TODAY).of(CHUNKS) == set(CHUNKS)


@pytest.mark.parametrize("text", ["", "5 %", "0%", "101%", "-1", "five", "1/5", "1e3"])
def test_what_is_no_sample(text: str) -> None:
    """Anything but a percentage above 0 up to 100 and a whole number is refused."""
    with pytest.raises(ValueError, match="neither a percentage"):
        Sample.parse(text, TODAY)
