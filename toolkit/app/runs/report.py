"""The report of a run, as its file has it: whether it is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class _Result(msgspec.Struct):
    host: str
    status: str
    ignored: bool
    message: str
    hint: str
    details: list[Any]
    warnings: list[Any]
    facts: dict[str, Any]


class _Task(msgspec.Struct):
    name: str
    action: str
    results: list[_Result]


class _Play(msgspec.Struct):
    tasks: list[_Task]


class _Problem(msgspec.Struct):
    message: str


class _Report(msgspec.Struct):
    """What has to be there for a file to be a report: what those who read one ask for."""

    plays: list[_Play]
    problems: list[_Problem]


_REPORT = msgspec.json.Decoder(_Report)


def report_in(data: bytes) -> Mapping[str, Any] | None:
    """Give the report that a file holds; None where it is none, or damaged."""
    try:
        _REPORT.decode(data)
    except msgspec.MsgspecError:
        return None
    report: Mapping[str, Any] = msgspec.json.decode(data)
    return report
