"""What a run has done so far, as data: results per task and host, counts per host, failures and exit codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.errors import PRECEDENCE, ExitCode
from toolkit.model.outcome import Moved

HIDDEN = "the output is hidden: no_log"


class Status(StrEnum):
    """How a task ended on one host."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"


class Result(Struct, frozen=True, kw_only=True):
    """How a task, or one item of its loop, ended on one host.

    Attributes:
        message: what is printed beside the status; for a skipped task the reason, for a failed one the error.
        facts: what `register` keeps beside `changed`, `failed`, `skipped` and `msg`.
        plan: what the action planned, for the report; None where there is none.
        item: the loop's item as text; None without a loop.
        items: the results of a loop, in order.
        ignored: the task failed and `ignore_errors` let the host go on.
        attempts: how often the action ran.
        exit_code: what the run would end with for this failure; 0 when it did not fail.
        unmade: check mode kept it from doing its work, so what it would have made is not there.
        trace: the traceback of a defect of ours; shown with --debug only.
        foreign: its texts may hold what is not ours, such as the output of a program.
        no_log: only how it ended may be shown; see `shown`.
    """

    host: str
    status: Status
    message: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    moved: tuple[Moved, ...] = ()
    plan: Mapping[str, Any] | None = None
    item: str | None = None
    items: tuple[Result, ...] = ()
    ignored: bool = False
    attempts: int = 1
    exit_code: int = 0
    seconds: float = 0.0
    unmade: bool = False
    trace: str = ""
    foreign: bool = False
    no_log: bool = False

    @property
    def failed(self) -> bool:
        """Whether it failed, ignored or not; not to be reached, and to be interrupted, are ways to fail."""
        return self.status in (Status.FAILED, Status.UNREACHABLE, Status.INTERRUPTED)

    @property
    def unreachable(self) -> bool:
        """Whether it failed because the host's database cannot be reached."""
        return self.status is Status.UNREACHABLE

    def registered(self) -> dict[str, Any]:
        """Give the value that `register` gives the task's name, as templates see it."""
        value = {
            **self.facts,
            "changed": self.status is Status.CHANGED,
            "failed": self.failed,
            "unreachable": self.unreachable,
            "skipped": self.status is Status.SKIPPED,
            "msg": self.message,
            "warnings": list(self.warnings),
            "attempts": self.attempts,
        }
        if self.items:
            value["results"] = [{"item": item.item, **item.registered()} for item in self.items]
        return value

    def shown(self) -> Result:
        """Give the result as it may be printed and reported: itself, or with `no_log` only how it ended."""
        if not self.no_log:
            return self
        return replace(
            self,
            message=HIDDEN,
            hint="",
            details=(),
            warnings=(),
            facts={},
            plan=None,
            trace="",
            item=None if self.item is None else "hidden",
            items=tuple(replace(item, no_log=True).shown() for item in self.items),
        )


class Recap(Struct, kw_only=True):
    """The counts of one host. `changed` is part of `ok`, and `ignored` too; `interrupted` is printed unless 0."""

    ok: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0
    unreachable: int = 0
    rescued: int = 0
    ignored: int = 0
    interrupted: int = 0

    def count(self, result: Result) -> None:
        """Count one result."""
        if result.status is Status.SKIPPED:
            self.skipped += 1
        elif result.status is Status.INTERRUPTED:
            self.interrupted += 1
        elif result.unreachable and not result.ignored:
            self.unreachable += 1
        elif result.failed and not result.ignored:
            self.failed += 1
        else:
            self.ok += 1
            self.changed += result.status is Status.CHANGED
            self.ignored += result.ignored

    def rescue(self, *, unreachable: bool) -> None:
        """Count a failure as rescued instead."""
        self.failed -= not unreachable
        self.unreachable -= unreachable
        self.rescued += 1


class TaskRecord(Struct, kw_only=True):
    """One task as it ran: its results stand in host order."""

    name: str
    action: str
    handler: bool
    started: datetime
    results: list[Result] = field(default_factory=list)


class PlayRecord(Struct, kw_only=True):
    """One play as it ran.

    Attributes:
        stopped: why it ended before its end for all hosts; empty where it did not.
        told: the tasks that told how it ended; what becomes of them counts nowhere.
    """

    name: str
    hosts: tuple[str, ...]
    stopped: str = ""
    tasks: list[TaskRecord] = field(default_factory=list)
    told: list[TaskRecord] = field(default_factory=list)


class RunRecord(Struct, kw_only=True):
    """A whole run; complete at every moment, so that an interrupted run can be reported too.

    Attributes:
        codes: the exit codes of every failing action that was neither rescued nor ignored.
        hosts: all hosts of all plays.
        unfinished: those of them that did not come to the end of their plays: they failed or could not be reached, were
            stopped because others did, or the run was interrupted before.
    """

    plays: list[PlayRecord] = field(default_factory=list)
    recap: dict[str, Recap] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    hosts: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the run ends with."""
        return exit_code(self.codes)

    def results(self) -> Iterable[tuple[TaskRecord, Result]]:
        """Give every result with its task, in the order in which they came."""
        for play in self.plays:
            for task in play.tasks:
                for result in task.results:
                    yield task, result

    def untold(self) -> Iterable[tuple[TaskRecord, Result]]:
        """Give what was to tell how plays ended and failed."""
        for play in self.plays:
            for task in play.told:
                for result in task.results:
                    if result.failed:
                        yield task, result


def exit_code(codes: Iterable[int]) -> int:
    """Give the exit code of a run whose unhandled failures have these codes; 0 for none."""
    found = set(codes) - {0}
    return next((code for code in PRECEDENCE if code in found), ExitCode.FAILED if found else ExitCode.OK)
