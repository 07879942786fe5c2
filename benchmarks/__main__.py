"""The benchmark's command line: `python -m benchmarks [--only NAMES] [--rows-scale SHARE] [--pairs NUMBER]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import psycopg

from benchmarks import results
from benchmarks.measuring import Cost, FailedError, adopt_orphans, run
from benchmarks.place import DiffersError, NotBuiltError, Place, open_place
from benchmarks.profiling import profile
from benchmarks.rows import ROWS, WORKS, Row, works_of
from benchmarks.works import Work

FAILED = "failed"
_ABOUT = """Measure works of Playback beside their peers', in turn, and print the table of the README. The databases are
built on first use in .playback/benchmark of this directory, and kept there: several GB at full scale. It needs the
packages of requirements-dev.lock, and a machine that does nothing else."""
_ONLY = "rows, separated by commas; the beginning of a name stands for all that begin so, as backup or fleet: "
_SCALE = "share of the rows of full scale (default 1); ratios of small shares say little: start-up counts for more"


def main() -> None:
    """Measure the rows that were asked for, print the table and keep the figures."""
    options = _options()
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    adopt_orphans()
    place = open_place(options.rows_scale)
    if options.profile:
        _profile(place, rows)
        return
    began = time.monotonic()
    costs: dict[str, list[Cost]] = {}
    missing: dict[str, str] = {}
    needed = {name for row in rows for name in works_of(row)}
    for group, works in WORKS.items():
        chosen = {name: work for name, work in works.items() if name in needed}
        if chosen:
            _say(f"{group}, {options.pairs} rounds after a warm-up")
            costs.update(_measure(place, chosen, options.pairs, missing))
    found = results.Results(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=results.commit(),
        machine=results.machine(_version(place)),
        scale=options.rows_scale,
        pairs=options.pairs,
        best_dump=" ".join(place.best),
        minutes=round((time.monotonic() - began) / 60, 1),
        works={name: results.figures(each) for name, each in costs.items()},
        rows=[results.measured(row, costs, missing) for row in rows],
    )
    print("\n".join(results.printed(results.table(found))))
    if options.keep:
        _say(f"kept in {results.write(found, datetime.now(UTC))}")
    if any(text.startswith(FAILED) for text in missing.values()):
        raise SystemExit(1)


def _measure(place: Place, works: Mapping[str, Work], pairs: int, missing: dict[str, str]) -> dict[str, list[Cost]]:
    """Measure works in turn, each time beginning with another one; the first round does not count."""
    costs: dict[str, list[Cost]] = {name: [] for name in works}
    for turn in range(pairs + 1):
        for name in _turned([each for each in works if each not in missing], turn):
            try:
                cost = run(works[name].prepare(place), place.postmaster)
                cost = replace(cost, stored=works[name].check(place))
            except (NotBuiltError, FailedError, DiffersError) as error:
                missing[name] = f"{'not built' if isinstance(error, NotBuiltError) else FAILED}: {error}"
                _say(f"  {name}: {missing[name]}")
                continue
            if turn:
                costs[name].append(cost)
            _say(f"  {turn or 'warm-up'}: {name} {_text(cost)}")
    return {name: each for name, each in costs.items() if name not in missing}


def _profile(place: Place, rows: Sequence[Row]) -> None:
    for group in WORKS.values():
        for name, work in group.items():
            if any(row.work == name for row in rows):
                for line in profile(place, name, work):
                    print(line, flush=True)


def _turned(names: Sequence[str], turn: int) -> Iterator[str]:
    start = turn % max(len(names), 1)
    yield from (*names[start:], *names[:start])


def _text(cost: Cost) -> str:
    client, server = ("?" if each is None else f"{each:.2f}" for each in (cost.client, cost.server))
    return f"{cost.seconds:.2f} s, processor {client} + {server} s, {(cost.memory or 0) / results.MIB:.0f} MiB"


def _version(place: Place) -> str:
    with psycopg.connect(place.server.superuser) as connection:
        return str(connection.info.parameter_status("server_version"))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=_ABOUT)
    names = [row.name for row in ROWS]
    parser.add_argument("--only", type=_chosen, default=[], help=_ONLY + ", ".join(names))
    parser.add_argument("--rows-scale", type=share, default=1.0, help=_SCALE)
    parser.add_argument("--pairs", type=number_of_rounds, default=5, help="rounds that count (default 5)")
    parser.add_argument("--profile", action="store_true", help="show where the time of the rows goes, and measure none")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/<date>T<time>.json")
    return parser.parse_args()


def share(text: str) -> float:
    """Read a number above 0."""
    with suppress(ValueError):
        if (value := float(text)) > 0:
            return value
    raise argparse.ArgumentTypeError(f"a number above 0, not {text}")


def number_of_rounds(text: str) -> int:
    """Read a whole number above 0."""
    with suppress(ValueError):
        if (value := int(text)) > 0:
            return value
    raise argparse.ArgumentTypeError(f"a whole number above 0, not {text}")


def _chosen(text: str) -> list[str]:
    """Read the names of rows; `backup` stands for all `backup-…`."""
    found = [
        row.name for row in ROWS for part in text.split(",") if row.name == part or row.name.startswith(f"{part}-")
    ]
    if unknown := [part for part in text.split(",") if not any(name.startswith(part) for name in found)]:
        raise argparse.ArgumentTypeError(f"no row is called {', '.join(unknown)}")
    return found


if __name__ == "__main__":
    main()
