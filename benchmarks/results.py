"""The figures of a run: gathered, kept as JSON, shown as a table."""

from __future__ import annotations

import math
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import psutil
from msgspec import Struct, json
from msgspec.structs import replace

from benchmarks.measuring import Cost
from benchmarks.place import ROOT
from benchmarks.rows import OURS, Kind, Row, works_of

RESULTS = ROOT / "benchmarks" / "results"
MIB = 2**20


class Figures(Struct, frozen=True, kw_only=True):
    """What one work cost, round by round.

    Attributes:
        seconds, client, server: wall clock; seconds of processor of the client and of the server.
        memory, server_memory: peak bytes.
        stored: bytes, of the last round.
    """

    seconds: list[float]
    client: list[float | None]
    server: list[float | None]
    memory: list[int | None]
    server_memory: list[int | None]
    stored: int | None = None


class Number(Struct, frozen=True, kw_only=True):
    """What a row comes to.

    Attributes:
        kind: what the number is; of a ratio it is ours by the peer's, the median of the rounds.
        processor: the median ratio of seconds of processor.
        missing: why there is no number.
    """

    name: str
    title: str
    work: str
    peer: str
    kind: Kind
    must: float | None
    goal: float | None
    median: float | None = None
    low: float | None = None
    high: float | None = None
    processor: float | None = None
    missing: str = ""


class Machine(Struct, frozen=True, kw_only=True):
    """What the figures were measured on."""

    processor: str
    cores: int
    memory: int
    system: str
    python: str
    postgres: str


class Results(Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        scale: the share of the rows of full scale.
        best_dump: the options of pg_dump that were its best.
    """

    date: str
    commit: str
    machine: Machine
    scale: float
    pairs: int
    best_dump: str
    minutes: float
    works: dict[str, Figures]
    rows: list[Number]


def figures(costs: Sequence[Cost]) -> Figures:
    """Put the rounds of a work side by side."""
    return Figures(
        seconds=[round(each.seconds, 3) for each in costs],
        client=[_rounded(each.client) for each in costs],
        server=[_rounded(each.server) for each in costs],
        memory=[each.memory for each in costs],
        server_memory=[each.server_memory for each in costs],
        stored=costs[-1].stored,
    )


def measured(row: Row, costs: Mapping[str, Sequence[Cost]], missing: Mapping[str, str]) -> Number:
    """Give the number of a row."""
    found = Number(
        name=row.name, title=str(row), work=row.work, peer=row.peer, kind=row.kind, must=row.must, goal=row.goal
    )
    if gone := [missing[name] for name in works_of(row) if name in missing]:
        return replace(found, missing=gone[0])
    match row.kind:
        case Kind.RATIO:
            return _ratio(found, list(zip(costs[row.work], costs[row.peer], strict=True)))
        case Kind.GROWTH:
            return _exponent(found, *(_median(costs[name]) for name in works_of(row)))
        case Kind.MEMORY:
            return _memory(found, costs)


def _ratio(found: Number, pairs: Sequence[tuple[Cost, Cost]]) -> Number:
    ratios = sorted(ours.seconds / peer.seconds for ours, peer in pairs)
    processor = [a.processor / b.processor for a, b in pairs if a.processor and b.processor]
    return replace(
        found,
        median=round(statistics.median(ratios), 3),
        low=round(ratios[0], 3),
        high=round(ratios[-1], 3),
        processor=round(statistics.median(processor), 3) if processor else None,
    )


def _exponent(found: Number, whole: float, tenth: float, nothing: float) -> Number:
    """With e the time of ten times the rows is ten to the e times that of the rows, start-up aside."""
    if tenth <= nothing:
        return replace(found, missing="too few rows to tell")
    return replace(found, median=round(math.log10((whole - nothing) / (tenth - nothing)), 2))


def _memory(found: Number, costs: Mapping[str, Sequence[Cost]]) -> Number:
    peaks = {name: max((cost.memory or 0 for cost in each), default=0) for name, each in costs.items() if name in OURS}
    if not any(peaks.values()):
        return replace(found, missing="this system does not tell" if peaks else "nothing of ours was measured")
    most = max(peaks, key=lambda name: peaks[name])
    return replace(found, median=round(peaks[most] / 1e6), peer=f"the most: {most}")


def _median(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.seconds for cost in costs)


def table(results: Results) -> list[list[str]]:
    """Give the rows of the table for people, headed."""
    head = ["work", "seconds", "beside", "seconds", "ratio", "must", "goal", "processor", "memory", "stored"]
    return [head, *(line(results, row) for row in results.rows)]


def line(results: Results, row: Number) -> list[str]:
    """Give a row in words."""
    asked = [figure(row, row.must), figure(row, row.goal)]
    ours, peer = results.works.get(row.work), results.works.get(row.peer)
    return [
        row.title,
        f"{statistics.median(ours.seconds):.2f}" if ours else "",
        row.peer,
        f"{statistics.median(peer.seconds):.2f}" if peer else "",
        row.missing.partition(":")[0] or f"{figure(row, row.median)}{_spread(row)}{' MISSED' if missed(row) else ''}",
        *asked,
        "" if row.processor is None else f"{row.processor:.2f}",
        f"{_mib(_most(ours))} / {_mib(_most(peer))}" if ours and peer else "",
        f"{_mib(ours.stored)} / {_mib(peer.stored)}" if ours and peer and ours.stored and peer.stored else "",
    ]


def figure(row: Number, value: float | None) -> str:
    """Give a number of a row as people read it."""
    if value is None:
        return ""
    return f"{value:.0f} MB" if row.kind == Kind.MEMORY else f"{value:.2f}"


def missed(row: Number) -> bool:
    """Tell whether a row is not what it must be."""
    return row.median is not None and row.must is not None and row.median > row.must


def _spread(row: Number) -> str:
    return f" ({row.low:.2f} to {row.high:.2f})" if row.low is not None else ""


def _most(found: Figures) -> int | None:
    return max((each for each in found.memory if each), default=None)


def printed(lines: Sequence[Sequence[str]]) -> Iterable[str]:
    """Give the lines of a table with its columns aligned."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def machine(postgres: str) -> Machine:
    """Describe this machine."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        memory=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgres=postgres,
    )


def commit() -> str:
    """Give the commit of this checkout; empty where there is none."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()


def write(results: Results, now: datetime) -> Path:
    """Write a run's figures; gives the file, of which a day may have several."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y-%m-%dT%H%M}.json"
    path.write_bytes(json.format(json.encode(results), indent=1) + b"\n")
    return path


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _mib(value: int | None) -> str:
    return "-" if value is None else f"{value / MIB:.0f} MiB"
