"""A run as a stream of events, one JSON object per line, as `schemas/run-event.schema.json` describes them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TextIO

from toolkit import __version__
from toolkit.model.outcome import Progress
from toolkit.output import report
from toolkit.output.meter import Meter
from toolkit.planning.clock import stamp
from toolkit.runner.reporter import Reporter
from toolkit.runner.results import Result, RunRecord

FORMAT: Final = 1
PROGRESS_SECONDS: Final = 1.0
"""How long an action waits at least between two events of progress in one phase."""


@dataclass(slots=True)
class Listener:
    """A stream that takes events.

    Attributes:
        failure: why nothing more can be written to it; None while it can.
    """

    stream: TextIO
    failure: OSError | None = None


class EventLog:
    """Writes events as they happen to those who listen, each line whole and at once; safe to use from any thread."""

    def __init__(self, *, now: Callable[[], datetime], held: Callable[[], AbstractContextManager[object]]) -> None:
        """Take the clock; what happens within `held` is not interrupted."""
        self._now, self._held = now, held
        self._lock = threading.Lock()
        self._count = 0
        self._listeners: list[Listener] = []

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def to(self, stream: TextIO) -> Listener:
        """Write events to a stream as well, from now on."""
        self._listeners.append(Listener(stream))
        return self._listeners[-1]

    def emit(self, event: str, **facts: Any) -> None:
        """Write an event with its number and time; secrets in it are masked."""
        with self._held(), self._lock:
            listeners = [each for each in self._listeners if each.failure is None]
            if not listeners:
                return
            self._count += 1
            head = {"event": event, "number": self._count, "time": stamp(self._now(), "milliseconds")}
            line = f"{json.dumps(head | report.plain(facts), ensure_ascii=False)}\n"
            for each in listeners:
                try:
                    each.stream.write(line)
                    each.stream.flush()
                except OSError as error:
                    # a run is not given up because nobody listens any more
                    each.failure = error

    def run_started(self, playbook: str, *, check: bool) -> None:
        """Tell that a run begins."""
        self.emit("run_started", format=FORMAT, tool=f"playback {__version__}", playbook=playbook, check=check)

    def run_ended(self, document: dict[str, Any]) -> None:
        """Tell how a run ended.

        Args:
            document: the run's report.
        """
        self.emit(
            "run_ended",
            **{key: document[key] for key in ("exit_code", "seconds", "problems", "recap", "moved", "warnings")},
        )


class EventReporter:
    """Tells an EventLog what it is told, and another reporter as well."""

    def __init__(self, log: EventLog, shown: Reporter) -> None:
        self._log, self._shown = log, shown
        self._play = self._task = ""

    def play_started(self, name: str, hosts: Sequence[str]) -> None:
        """Tell that a play begins, and that the one before has ended."""
        self._end_play()
        self._play = name
        self._log.emit("play_started", play=name, hosts=list(hosts))
        self._shown.play_started(name, hosts)

    def task_started(self, name: str, *, handler: bool) -> None:
        """Tell that a task begins, and that the one before has ended."""
        self._end_task()
        self._task = name
        self._log.emit("task_started", play=self._play, task=name, handler=handler)
        self._shown.task_started(name, handler=handler)

    def host_started(self, host: str, task: str) -> None:
        """Tell that a task begins on a host."""
        self._log.emit("host_started", play=self._play, task=task, host=host)
        self._shown.host_started(host, task)

    def play_stopped(self, reason: str) -> None:
        """Tell that nothing more of the play runs."""
        self._log.emit("play_stopped", play=self._play, reason=reason)
        self._shown.play_stopped(reason)

    def retrying(self, host: str, task: str, *, left: int) -> None:
        """Tell that an attempt was not enough."""
        self._log.emit("retrying", play=self._play, task=task, host=host, left=left)
        self._shown.retrying(host, task, left=left)

    def host_result(self, result: Result) -> None:
        """Tell how a task ended on a host."""
        told = report.result_document(result)
        self._log.emit("host_ended", play=self._play, task=self._task, host=result.host, result=told)
        self._shown.host_result(result)

    def progress(self, host: str, task: str) -> Progress:
        """Give progress that is told to both."""
        about = {"play": self._play, "task": task, "host": host}
        return _ToldProgress(self._shown.progress(host, task), self._log, about)

    def finished(self, record: RunRecord) -> None:
        """Tell that the last play has ended."""
        self._end_play()
        self._shown.finished(record)

    def _end_task(self) -> None:
        if self._task:
            self._log.emit("task_ended", play=self._play, task=self._task)
        self._task = ""

    def _end_play(self) -> None:
        self._end_task()
        if self._play:
            self._log.emit("play_ended", play=self._play)
        self._play = ""


class _ToldProgress:
    """Progress that is shown, and told as events: each phase when it begins, and every second at most."""

    def __init__(self, shown: Progress, log: EventLog, about: dict[str, str]) -> None:
        self._shown, self._log, self._about = shown, log, about
        self._meter = Meter()
        self._next = 0.0
        self._lock = threading.Lock()
        self._tables: dict[str, list[int]] = {}
        self._untold: dict[str, list[int]] = {}

    def start(
        self,
        what: str,
        *,
        rows: int | None = None,
        bytes: int | None = None,
        tables: Mapping[str, int] | None = None,
    ) -> None:
        """Begin a phase."""
        self._finish()
        self._meter.begin(what, rows=rows, bytes=bytes)
        with self._lock:
            self._tables, self._untold = {}, {}
        self._tell(expected=tables or {})
        self._shown.start(what, rows=rows, bytes=bytes, tables=tables)

    def advance(self, *, rows: int = 0, bytes: int = 0, table: str = "") -> None:
        """Count rows and bytes."""
        self._meter.add(rows=rows, bytes=bytes)
        if table:
            with self._lock:
                counted = self._untold[table] = self._tables.setdefault(table, [0, 0])
                counted[0] += rows
                counted[1] += bytes
        if time.monotonic() >= self._next:
            self._tell()
        self._shown.advance(rows=rows, bytes=bytes, table=table)

    def note(self, text: str) -> None:
        """Say where it stands."""
        self._meter.note = text
        if time.monotonic() >= self._next:
            self._tell()
        self._shown.note(text)

    def _finish(self) -> None:
        """Tell what has been counted since the last event: of short phases nothing would be known."""
        if self._untold:
            self._tell()

    def _tell(self, expected: Mapping[str, int] | None = None) -> None:
        self._next = time.monotonic() + PROGRESS_SECONDS
        meter = self._meter
        with self._lock:
            told = {name: {"rows": rows, "bytes": size} for name, (rows, size) in self._untold.items()}
            self._untold = {}
        self._log.emit(
            "progress",
            **self._about,
            phase=meter.what,
            note=meter.note,
            rows=meter.rows,
            bytes=meter.bytes,
            total_rows=meter.total_rows,
            total_bytes=meter.total_bytes,
            tables=told,
            **({} if expected is None else {"expected": dict(expected)}),
        )

    def __enter__(self) -> Self:
        self._shown.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()
        self._shown.__exit__(kind, error, trace)
