"""The larger scales. They take minutes, so they only run where PLAYBACK_SLOW_TESTS=1 asks for them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import psutil
import pytest

from tests.conftest import Servers
from tests.control import rows
from tests.demo.facts import columns, facts
from tests.sweeps import slow_only
from toolkit.demo import SCALES, scale, true_owners

ROWS = {"small": 25_842, "medium": 250_740, "large": 2_511_163}
MOVEMENTS = {"small": 1_200, "medium": 106_800, "large": 1_920_000}
LOAD = "import sys; from toolkit.postgres import demo; demo.load(sys.argv[1], scale=sys.argv[2])"


def test_the_sizes_are_documented() -> None:
    """The table of scales says how many businesses and rows each has."""
    documented = scale.__doc__ or ""
    for name, each in SCALES.items():
        line = f"| {name:<6} | {each.businesses:>10} | {ROWS[name]:>10,} | {MOVEMENTS[name]:>35,} |"
        assert line in documented
        assert each.businesses * each.stock_movements == MOVEMENTS[name]


@slow_only
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["medium", "large"])
def test_a_scale_is_loaded_in_little_memory(servers: Servers, name: str) -> None:
    """The rows are as many as documented; the loader stays under 250 MB and three minutes of work."""
    conninfo = servers.database(18)
    peak = seconds = 0.0
    with subprocess.Popen([sys.executable, "-c", LOAD, conninfo, name]) as running:
        loader = psutil.Process(running.pid)
        while running.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                peak = max(peak, loader.memory_info().rss)
                seconds = sum(loader.cpu_times()[:2])
            time.sleep(0.2)
    assert running.returncode == 0
    assert 0 < peak < 250 * 1024 * 1024
    assert 0 < seconds < 180
    counts = {table: rows(conninfo, f'SELECT count(*) FROM "{table}"')[0][0] for table in columns()}
    assert sum(counts.values()) == ROWS[name]
    assert counts["business_stock_movements"] == MOVEMENTS[name]
    assert counts["businesses"] == SCALES[name].businesses


@slow_only
def test_true_owners_at_medium(servers: Servers) -> None:
    """Every row of the database has its true owners, and of stock movements they are the businesses in the row."""
    conninfo = servers.database(18)
    subprocess.run([sys.executable, "-c", LOAD, conninfo, "medium"], check=True)
    owners = true_owners(scale="medium")
    for table in columns():
        key = ", ".join(f'"{column}"::text' for column in facts()[table].key)
        assert owners[table].keys() == set(rows(conninfo, f'SELECT {key} FROM "{table}"')), table
    moved = rows(conninfo, 'SELECT id, "businessId" FROM business_stock_movements')
    assert all(owners["business_stock_movements"][(key,)] == {business} for key, business in moved)
