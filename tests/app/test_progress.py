"""Live progress in words, and numbers for people."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit import wording
from toolkit.output.meter import Meter
from toolkit.output.progress import LINE_SECONDS, LineProgress
from toolkit.output.streams import Output
from toolkit.output.text import TextReporter
from toolkit.wording import table


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_says_rows_bytes_rate_time_left_and_memory() -> None:
    """Where an action stands is said in rows, bytes, rows per second, time left and memory."""
    clock = Clock()
    meter = Meter(clock=clock)
    meter.begin("read", rows=4000, bytes=None)
    meter.note = "orders"
    meter.add(rows=500, bytes=1024 * 1024)
    clock.now = 4.0
    meter.add(rows=500, bytes=1024 * 1024)
    said = re.sub(r"memory .*", "memory", meter.text())
    assert said == "read orders: 1,000 of 4,000 rows, 2.00 MiB, 250 rows/s, 24.0 s left, memory"
    assert meter.fraction == 0.25


def test_the_time_left_is_not_said_before_it_can_be_known() -> None:
    """While a server sorts little comes: of a backup of 40 seconds nothing is promised that is far off."""
    clock = Clock()
    meter = Meter(clock=clock)
    meter.begin("read", rows=1_000_000, bytes=None)
    clock.now = 3.0
    meter.add(rows=500, bytes=50_000)
    said = []
    while clock.now < 40:
        clock.now += 0.5
        meter.add(rows=13_500, bytes=1_350_000)
        if meter.left is not None:
            said.append((clock.now, meter.left))
    assert said[0][0] <= 7
    assert all(abs(now + left - 40) < 2 for now, left in said)
    # a long one says what it has after a minute, however little is done
    meter.begin("read", rows=1_000_000, bytes=None)
    for _ in range(62):
        clock.now += 1
        meter.add(rows=100, bytes=10_000)
    assert meter.left is not None


def test_progress_without_totals_promises_nothing() -> None:
    """When nobody knows the total there is neither a fraction nor a time left."""
    meter = Meter(clock=Clock())
    meter.begin("check", rows=None, bytes=None)
    meter.add(rows=5, bytes=0)
    assert meter.fraction is None
    assert "left" not in meter.text()
    assert " of " not in meter.text()


def test_a_pipe_gets_a_line_now_and_then() -> None:
    """In a pipe an action prints a line when LINE_SECONDS have passed, and a fast one prints none."""
    clock, out = Clock(), io.StringIO()
    progress = LineProgress(Output(out), "shop", clock=clock)
    with progress:
        progress.start("read", rows=100)
        for second in range(1, 26):
            clock.now = float(second)
            progress.advance(rows=1, bytes=10)
    lines = out.getvalue().splitlines()
    assert len(lines) == 25 // LINE_SECONDS
    assert lines[0].startswith("    [shop] read: 10 of 100 rows, 100 B, 1 rows/s")


class Terminal(io.StringIO):
    """A terminal that keeps what was drawn on it."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_terminal_shows_progress_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal each running action has a line that is redrawn, and the cursor is back when none is left."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    output = Output(terminal)
    assert output.live
    reporter = TextReporter(output, debug=False)
    with contextlib.suppress(KeyboardInterrupt), reporter.progress("one", "Back up") as first:
        first.start("read", rows=10)
        with reporter.progress("two", "Back up") as second:
            second.start("read", rows=20)
            second.advance(rows=5, bytes=100)
        raise KeyboardInterrupt
    drawn = terminal.getvalue()
    assert "[one] read: 0 of 10 rows" in drawn
    assert "[two] read: 0 of 20 rows" in drawn
    assert drawn.count("\x1b[?25l") == drawn.count("\x1b[?25h") == 1


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "0.98 KiB"), (4 * 1024**2, "4.00 MiB"), (123 * 1024**3, "123 GiB")],
)
def test_sizes_have_binary_units(number: int, text: str) -> None:
    """A size is given with three digits and a binary unit."""
    assert wording.size(number) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0.123, "0.12 s"), (12.34, "12.3 s"), (185, "3 min 05 s"), (7380, "2 h 03 min")]
)
def test_durations_are_short(number: float, text: str) -> None:
    """A duration is given in the units that matter."""
    assert wording.seconds(number) == text


@given(st.lists(st.tuples(st.text("ab", max_size=5), st.integers(0, 10**6).map(str)), max_size=5))
def test_columns_are_aligned(rows: list[tuple[str, str]]) -> None:
    """In a table every number ends where its column's name ends, and nothing is cut."""
    lines = table(("name", "rows"), rows, right=("rows",))
    assert len(lines) == len(rows) + 1
    assert len({len(line) for line in lines}) == 1
    for line, (name, number) in zip(lines[1:], rows, strict=True):
        assert line.startswith(name)
        assert line.endswith(number)
