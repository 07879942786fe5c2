"""What runs have compared and rehearsed, from their reports: which backup, how it went, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from toolkit.app.runs import record
from toolkit.app.runs.report import report_in

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a report above which it is passed over: that of a large fleet is no history of one shop."""

LOOKED_THROUGH: Final = 64 * 1024 * 1024
"""Bytes of reports that are looked through at most."""

_ACTIONS: Final = ("verify", "drill")
_SAID = tuple(f'"{action}"'.encode() for action in _ACTIONS)
"""One of these is in every report that tells of an attempt."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison or a rehearsal.

    Attributes:
        run: the ID of the run.
        time: when it began, ISO 8601 in UTC.
        action: `verify` or `drill`.
        host: of the task.
        label: of the backup; empty where it never came to one.
        against: what the backup was compared with: a host, a scratch database, or empty for its own repository.
        good: whether nothing was found that should not be.
        message: what the run said of it.
        seconds: how long it took.
        tables: table → how many rows of it are missing, extra and changed.
    """

    run: str
    time: str
    action: str
    host: str
    label: str
    against: str
    good: bool
    message: str
    seconds: float
    tables: Mapping[str, Mapping[str, Any]]


def attempts(control: Path, *, limit: int) -> list[Attempt]:
    """Give the newest attempts, as far as their runs are still recorded."""
    found: list[Attempt] = []
    left = LOOKED_THROUGH
    for run in record.ids(control):
        data = _data(record.directory_of(control, run) / record.REPORT)
        left -= len(data)
        if any(each in data for each in _SAID) and (report := report_in(data)):
            found += reversed(list(_attempts(run, report)))
        if len(found) >= limit or left < 0:
            break
    return found[:limit]


def _data(report: Path) -> bytes:
    with suppress(OSError):
        if report.stat().st_size <= LARGEST:
            return report.read_bytes()
    return b""


def _attempts(run: str, report: Mapping[str, Any]) -> Iterator[Attempt]:
    for play in report["plays"]:
        for task in play["tasks"]:
            if task["action"] in _ACTIONS:
                for result in _each(task["results"]):
                    yield _attempt(run, task, result)


def _each(results: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Every result that somebody had, those of a loop one by one, and none that was skipped."""
    for result in results:
        yield from (each for each in result.get("items") or (result,) if each.get("status") != "skipped")


def _attempt(run: str, task: Mapping[str, Any], result: Mapping[str, Any]) -> Attempt:
    facts = result.get("facts") or {}
    tables = facts.get("tables")
    return Attempt(
        run=run,
        time=str(task.get("started", "")),
        action=str(task["action"]),
        host=str(result.get("host", "")),
        label=str(facts.get("label", "")),
        against=str(facts.get("host", "")),
        good=result.get("status") in ("ok", "changed") and not result.get("exit_code"),
        message=str(result.get("message", "")),
        seconds=float(result.get("seconds", 0.0)),
        tables=tables if isinstance(tables, dict) else {},
    )
