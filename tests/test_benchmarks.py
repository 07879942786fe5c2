"""The benchmark measures what it says, and its table is complete."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measuring import Command, Cost, FailedError, run
from benchmarks.results import measured
from benchmarks.rows import ROWS, WORKS, Kind, Row, works_of
from toolkit.postgres.servers.embedded import EmbeddedServer

RATIO = Row(name="x", work="ours", peer="peer", must=1.0, goal=0.5)


def test_works_of_a_ratio_are_measured_in_turn() -> None:
    """Every row's works exist, and those whose ratio counts are of one group."""
    groups = {name: group for group, works in WORKS.items() for name in works}
    for row in ROWS:
        found = {groups[name] for name in works_of(row)}
        assert len(found) == 1 or row.kind is not Kind.RATIO, row.name
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """What counts is the ratio within each round, not that of the medians; a work that is missing has none."""
    ours = [Cost(seconds=seconds) for seconds in (1, 2, 9)]
    peer = [Cost(seconds=seconds) for seconds in (1, 4, 3)]
    number = measured(RATIO, {"ours": ours, "peer": peer}, {})
    assert (number.low, number.median, number.high) == (0.5, 1.0, 3.0)
    gone = measured(RATIO, {"peer": peer}, {"ours": "not built: yet"})
    assert (gone.median, gone.missing) == (None, "not built: yet")


def test_growth_is_an_exponent_of_what_rows_cost() -> None:
    """Ten times the rows in ten times the time is exponent 1, start-up left out."""
    row = Row(name="x", work="all", peer="tenth", nothing="none", must=1.1, goal=1.0, kind=Kind.GROWTH)
    costs = {name: [Cost(seconds=seconds)] for name, seconds in (("all", 21), ("tenth", 3), ("none", 1))}
    assert measured(row, costs, {}).median == 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a server's processes cost")
def test_the_servers_work_counts(pg18: EmbeddedServer, tmp_path: Path) -> None:
    """Processor time of a backend that has ended is the server's, that of the command and its memory the client's."""
    postmaster = int((pg18.directory / "postmaster.pid").read_text("ascii").splitlines()[0])
    query = "SELECT count(md5(i::text)) FROM generate_series(1, 200000) i"
    client = f"import psycopg; big = bytearray(60_000_000); psycopg.connect({pg18.superuser!r}).execute({query!r})"
    cost = run(Command(arguments=[sys.executable, "-c", client], directory=tmp_path), postmaster)
    assert cost.client is not None
    assert cost.server is not None
    assert cost.memory is not None
    assert cost.server > 0.02
    assert cost.client > 0.02
    assert 60_000_000 < cost.memory < 250_000_000
    with pytest.raises(FailedError, match="ended with 3"):
        run(Command(arguments=[sys.executable, "-c", "raise SystemExit(3)"], directory=tmp_path), postmaster)
