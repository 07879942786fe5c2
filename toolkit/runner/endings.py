"""What tasks leave to be done when their play has ended, such as dropping a database that was made for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from toolkit.errors import ExitCode, PlaybackError
from toolkit.runner.hosts import HostState
from toolkit.runner.reporter import Reporter
from toolkit.runner.results import PlayRecord, Result, Status, TaskRecord


class Ending(Struct, frozen=True, kw_only=True):
    """One thing to be done.

    Attributes:
        host: the host whose task left it.
        name: what it is called in the output.
        work: does it; gives whether that changed anything.
    """

    host: str
    name: str
    work: Callable[[], bool]


def end(
    endings: list[Ending],
    states: Mapping[str, HostState],
    record: PlayRecord,
    codes: list[int],
    *,
    reporter: Reporter,
    now: Callable[[], datetime],
) -> None:
    """Do what was left to be done, each thing once, and report it as a task; none that fails stops another.

    Args:
        codes: takes the exit codes of those that fail.
    """
    left, done = list(endings), set[tuple[str, str]]()
    endings.clear()
    for ending in left:
        if (ending.host, ending.name) in done:
            continue
        done.add((ending.host, ending.name))
        task = TaskRecord(name=ending.name, action="restore", handler=False, started=now())
        record.tasks.append(task)
        reporter.task_started(task.name, handler=False)
        result = _done(ending)
        codes.append(result.exit_code)
        task.results.append(result)
        states[ending.host].recap.count(result)
        reporter.host_result(result)


def _done(ending: Ending) -> Result:
    try:
        changed = ending.work()
    except PlaybackError as error:
        return Result(
            host=ending.host,
            status=Status.FAILED,
            message=error.message,
            hint=error.hint,
            exit_code=ExitCode.FAILED,
            foreign=True,
        )
    return Result(host=ending.host, status=Status.CHANGED if changed else Status.OK)
