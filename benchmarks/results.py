"""The figures of a run: gathered, kept as JSON, shown as a table."""

from __future__ import annotations

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
from benchmarks.rows import Row

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


class Ratio(Struct, frozen=True, kw_only=True):
    """One row: ours by its peer's, within each round; why there is none where it is empty.

    Attributes:
        processor: the median ratio of seconds of processor.
    """

    name: str
    work: str
    peer: str
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
    rows: list[Ratio]


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


def ratio(row: Row, costs: Mapping[str, Sequence[Cost]], missing: Mapping[str, str]) -> Ratio:
    """Set the two works of a row beside each other, round by round."""
    found = Ratio(name=row.name, work=row.work, peer=row.peer, must=row.must, goal=row.goal)
    if gone := missing.get(row.work) or missing.get(row.peer):
        return replace(found, missing=gone)
    pairs = list(zip(costs[row.work], costs[row.peer], strict=True))
    ratios = sorted(ours.seconds / peer.seconds for ours, peer in pairs)
    processor = [a.processor / b.processor for a, b in pairs if a.processor and b.processor]
    return replace(
        found,
        median=round(statistics.median(ratios), 3),
        low=round(ratios[0], 3),
        high=round(ratios[-1], 3),
        processor=round(statistics.median(processor), 3) if processor else None,
    )


def table(results: Results) -> list[list[str]]:
    """Give the rows of the table for people, headed."""
    head = ["work", "seconds", "beside", "seconds", "ratio", "must", "goal", "processor", "memory", "stored"]
    return [head, *(_line(results, row) for row in results.rows)]


def _line(results: Results, row: Ratio) -> list[str]:
    asked = [_number(row.must), _number(row.goal)]
    if row.median is None:
        return [row.work, "", row.peer, "", row.missing, *asked, "", "", ""]
    ours, peer = results.works[row.work], results.works[row.peer]
    return [
        row.work,
        f"{statistics.median(ours.seconds):.2f}",
        row.peer,
        f"{statistics.median(peer.seconds):.2f}",
        f"{row.median:.2f} ({row.low:.2f} to {row.high:.2f}){verdict(row)}",
        *asked,
        _number(row.processor),
        " / ".join(_mib(max(each.memory, key=lambda value: value or 0)) for each in (ours, peer)),
        " / ".join(_mib(each.stored) for each in (ours, peer)) if ours.stored and peer.stored else "",
    ]


def verdict(row: Ratio) -> str:
    """Say whether a ratio misses what it must be; nothing where it does not."""
    return " MISSED" if row.median is not None and row.must is not None and row.median > row.must else ""


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
    """Write a run's figures; gives the file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y-%m-%d}.json"
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


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _mib(value: int | None) -> str:
    return "-" if value is None else f"{value / MIB:.0f} MiB"
