"""The course of a run, put together from its events: what is done, what is going on, how quickly, and how long yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import msgspec

from toolkit.output.meter import seconds_left

RUNNING: Final = "running"
"""How a task stands on a host that has begun and not ended with it; else the status of its result."""


class TableCourse(msgspec.Struct, kw_only=True):
    """A table within a phase.

    Attributes:
        rows: how many are done.
        expected: how many there will be, about; None where nobody knows.
    """

    name: str
    rows: int = 0
    bytes: int = 0
    expected: int | None = None

    @property
    def done(self) -> bool:
        """Whether all that was expected has come."""
        return self.expected is not None and self.rows >= self.expected

    @property
    def fraction(self) -> float | None:
        """How much of it is done, from 0 to 1; None where nobody knows."""
        return min(1.0, self.rows / self.expected) if self.expected else None


class HostCourse(msgspec.Struct, kw_only=True):
    """A task on a host.

    Attributes:
        phase: what is being done; empty before the first.
        note: where it stands, such as the table.
        began: when the phase began, `seen`: when it was heard of last.
        came: when the first rows of the phase were heard of, and how much of it was done by then.
        retries: attempts that are left, where one was not enough; None where none failed.
        result: as the report has it; empty while it runs.
    """

    host: str
    status: str = RUNNING
    phase: str = ""
    note: str = ""
    rows: int = 0
    bytes: int = 0
    total_rows: int | None = None
    total_bytes: int | None = None
    began: datetime | None = None
    seen: datetime | None = None
    came: tuple[datetime, float] | None = None
    retries: int | None = None
    tables: dict[str, TableCourse] = msgspec.field(default_factory=dict)
    result: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def fraction(self) -> float | None:
        """How much of the phase is done, from 0 to 1; None where nobody knows."""
        for done, total in ((self.rows, self.total_rows), (self.bytes, self.total_bytes)):
            if total:
                return min(1.0, done / total)
        return None

    @property
    def passed(self) -> float:
        """Seconds from the beginning of the phase to the last that was heard."""
        return (self.seen - self.began).total_seconds() if self.seen and self.began else 0.0

    @property
    def rate(self) -> float | None:
        """Rows a second; None where that cannot be told yet."""
        return self.rows / self.passed if self.rows and self.passed > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds that the phase will take yet; None while nobody knows."""
        if (fraction := self.fraction) is None or self.came is None or self.seen is None:
            return None
        first, done = self.came
        return seconds_left(fraction, gained=fraction - done, seconds=(self.seen - first).total_seconds())

    def moving(self, at_most: int) -> Iterator[TableCourse]:
        """Give the tables that a person wants to see: those that have begun first, then the largest to come."""
        left = [each for each in self.tables.values() if not each.done and (each.rows or each.expected)]
        left.sort(key=lambda each: (not each.rows, -(each.expected or 0)))
        yield from left[:at_most]

    @property
    def tables_done(self) -> int:
        """How many tables are done."""
        return sum(each.done for each in self.tables.values())


class TaskCourse(msgspec.Struct, kw_only=True):
    """A task, as far as it has come."""

    name: str
    play: str
    handler: bool = False
    ended: bool = False
    hosts: dict[str, HostCourse] = msgspec.field(default_factory=dict)

    def shown(self, at_most: int) -> list[HostCourse]:
        """Give the hosts that a person wants to see: where something went wrong first, then those under way."""
        if len(self.hosts) <= at_most:
            return list(self.hosts.values())
        order = {"failed": 0, "unreachable": 0, "interrupted": 0, RUNNING: 1}
        return sorted(self.hosts.values(), key=lambda each: order.get(each.status, 2))[:at_most]

    @property
    def hosts_done(self) -> int:
        """How many hosts have ended with it."""
        return sum(each.status != RUNNING for each in self.hosts.values())


class Course(msgspec.Struct, kw_only=True):
    """A run, as far as it has come.

    Attributes:
        number: of the last event that was taken.
        stopped: why plays ended before their end.
        ended: the last event of a run that has ended; empty for another one.
    """

    number: int = 0
    hosts: list[str] = msgspec.field(default_factory=list)
    tasks: list[TaskCourse] = msgspec.field(default_factory=list)
    stopped: list[str] = msgspec.field(default_factory=list)
    ended: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def take(self, events: Iterable[Mapping[str, Any]]) -> bool:
        """Take further events; gives whether there were any. What is not understood is passed over."""
        before = self.number
        for event in events:
            # a file may be damaged; whoever wrote it, nobody is kept from seeing the rest
            with suppress(LookupError, TypeError, ValueError, AttributeError):
                self._take(event)
        return self.number != before

    def _take(self, event: Mapping[str, Any]) -> None:
        self.number = event.get("number", self.number)
        match event.get("event"):
            case "play_started":
                self.hosts.extend(host for host in event["hosts"] if host not in self.hosts)
            case "task_started":
                self.tasks.append(TaskCourse(name=event["task"], play=event["play"], handler=event["handler"]))
            case "task_ended" if self.tasks:
                self.tasks[-1].ended = True
            case "play_stopped":
                self.stopped.append(event["reason"])
            case "run_ended":
                self.ended = event
            case "host_started" | "progress" | "retrying" | "host_ended" as kind:
                _take(kind, event, self._host(event))

    def _host(self, event: Mapping[str, Any]) -> HostCourse:
        tasks = [each for each in self.tasks if each.name == event["task"]]
        if not tasks:
            self.tasks.append(TaskCourse(name=event["task"], play=event.get("play", "")))
        task = (tasks or self.tasks)[-1]
        return task.hosts.setdefault(event["host"], HostCourse(host=event["host"]))


def _take(kind: str, event: Mapping[str, Any], host: HostCourse) -> None:
    match kind:
        case "progress":
            _progress(event, host)
        case "retrying":
            host.retries = event["left"]
        case "host_ended":
            host.result = event["result"]
            host.status = host.result["status"]
            host.tables = {}


def _progress(event: Mapping[str, Any], host: HostCourse) -> None:
    now = datetime.fromisoformat(event["time"])
    if "expected" in event:
        host.began, host.phase, host.came = now, event["phase"], None
        host.tables = {name: TableCourse(name=name, expected=rows) for name, rows in event["expected"].items()}
    host.began = host.began or now
    host.seen, host.phase, host.note = now, event["phase"], event["note"]
    host.rows, host.bytes = event["rows"], event["bytes"]
    host.total_rows, host.total_bytes = event["total_rows"], event["total_bytes"]
    if host.came is None and (host.rows or host.bytes):
        host.came = now, host.fraction or 0.0
    for name, done in event["tables"].items():
        table = host.tables.setdefault(name, TableCourse(name=name))
        table.rows, table.bytes = done["rows"], done["bytes"]
