"""The report of a run: one JSON document, as `schemas/run-report.schema.json` describes it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import asdict

from toolkit import __version__
from toolkit.config.masking import mask, mask_own
from toolkit.errors import InputError, PlaybackError, Problem, StorageError, is_our_own
from toolkit.model.secret import Secret
from toolkit.planning.clock import stamp
from toolkit.private import files
from toolkit.runner.options import RunOptions
from toolkit.runner.results import PlayRecord, Result, RunRecord, Status, TaskRecord

FORMAT = 1


def build(
    record: RunRecord,
    *,
    playbook: str,
    options: RunOptions | None,
    started: datetime,
    finished: datetime,
    exit_code: int,
    error: PlaybackError | None = None,
) -> dict[str, Any]:
    """Give the report of a run as JSON values, secrets masked.

    Args:
        options: None when they were wrong themselves.
        error: why nothing ran, if that was so.
    """
    document = {
        "format": FORMAT,
        "tool": f"playback {__version__}",
        "playbook": playbook,
        "started": stamp(started, "milliseconds"),
        "finished": stamp(finished, "milliseconds"),
        "seconds": round((finished - started).total_seconds(), 3),
        "check": options.check if options else False,
        "exit_code": exit_code,
        "problems": _problems(error),
        "plays": [_play(play) for play in record.plays],
        "recap": {host: asdict(recap) for host, recap in record.recap.items()},
        "unfinished": list(record.unfinished),
        "moved": [
            {"host": result.host, "task": task.name, **asdict(moved)}
            for task, result in record.results()
            for moved in result.moved
        ],
        "warnings": [
            {"host": result.host, "task": task.name, "message": _hiding(result)(warning)}
            for task, result in record.results()
            for warning in result.warnings
        ],
    }
    masked = plain(document)
    assert isinstance(masked, dict)
    return masked


def writable(path: Path) -> None:
    """Check, before anything runs, that a report can be written there; InputError when it cannot."""
    if path.is_dir():
        raise InputError(f"--report: {path} is a directory; name a file in it")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--report: the directory {path.absolute().parent} does not exist; create it first")
    if not os.access(path.absolute().parent, os.W_OK):
        raise InputError(f"--report: the directory {path.absolute().parent} is not writable")


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write a report; whoever reads the file sees the whole old one or the whole new one.

    Raises:
        StorageError: it cannot be written.
    """
    # json writes indented text in Python alone, which takes seconds for a thousand hosts
    text = msgspec.json.format(json.dumps(document, ensure_ascii=False)) + "\n"
    try:
        files.write(path.absolute(), text.encode())
    except OSError as error:
        raise StorageError(
            f"the report {path} cannot be written: {error.strerror}", hint="choose another place with --report"
        ) from error


def plain(value: object, hide: Callable[[str], str] = mask_own) -> Any:
    """Give a value as JSON has it; every text masked by `hide`, and what JSON does not have as text.

    Keys are the names of facts, and our own words: no word in them is hidden.
    """
    # the kinds that nearly all values are first: a fleet's results are hundreds of thousands of them
    if type(value) is str:
        return hide(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict | Mapping):
        return {mask_own(str(key)): plain(item, hide) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, hide) for item in value]
    return "***" if isinstance(value, Secret) else hide(str(value))


def _play(play: PlayRecord) -> dict[str, Any]:
    return {
        "name": play.name,
        "hosts": list(play.hosts),
        "stopped": play.stopped,
        "tasks": [_task(task) for task in play.tasks],
        "told": [_task(task) for task in play.told],
    }


def _task(task: TaskRecord) -> dict[str, Any]:
    return {
        "name": task.name,
        "action": task.action,
        "handler": task.handler,
        "started": stamp(task.started, "milliseconds"),
        "results": [result_document(result) for result in task.results],
    }


def _hiding(result: Result) -> Callable[[str], str]:
    return mask if result.foreign else mask_own


def result_document(result: Result) -> dict[str, Any]:
    """Give what the report says of a task on a host, as JSON values, secrets masked."""
    hide = _hiding(result)
    document: dict[str, Any] = {
        "host": result.host,
        "status": str(result.status),
        "changed": result.status is Status.CHANGED,
        "ignored": result.ignored,
        "message": hide(result.message),
        "hint": hide(result.hint),
        "details": plain(result.details, hide),
        "warnings": plain(result.warnings, hide),
        "facts": plain(result.facts, hide),
        "moved": [asdict(moved) for moved in result.moved],
        "attempts": result.attempts,
        "seconds": round(result.seconds, 3),
        "exit_code": result.exit_code,
    }
    if result.plan is not None:
        document["plan"] = dict(result.plan)
    if result.item is not None:
        document["item"] = hide(result.item)
    if result.items:
        document["items"] = [result_document(item) for item in result.items]
    return document


def _problems(error: PlaybackError | None) -> list[dict[str, Any]]:
    if error is None:
        return []
    hide = mask_own if is_our_own(error) else mask
    problems = error.problems if isinstance(error, InputError) else (Problem(message=error.message),)
    return [
        {"file": p.file, "line": p.line, "path": p.path, "message": hide(p.message), "hint": hide(error.hint)}
        for p in problems
    ]
