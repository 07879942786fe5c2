"""Where a run says what it is doing: the port that a terminal, a pipe or a test implements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from toolkit.model.outcome import Progress
from toolkit.runner.results import Result, RunRecord


class Reporter(Protocol):
    """Told of everything in the order in which it happens, from one thread; `progress` is called from any."""

    def play_started(self, name: str, hosts: Sequence[str]) -> None:
        """Tell that a play begins on these hosts; none: no host matched, or all of them failed before."""

    def task_started(self, name: str, *, handler: bool) -> None:
        """Tell that a task begins."""

    def host_started(self, host: str, task: str) -> None:
        """Tell that a task begins on a host. May be called from any thread."""

    def play_stopped(self, reason: str) -> None:
        """Tell that a play ends before its end, for all hosts."""

    def retrying(self, host: str, task: str, *, left: int) -> None:
        """Tell that an attempt did not bring what was wanted; so many are left. May be called from any thread."""

    def host_result(self, result: Result) -> None:
        """Tell that a task ended on one host."""

    def progress(self, host: str, task: str) -> Progress:
        """Live progress of an action on a host."""

    def finished(self, record: RunRecord) -> None:
        """Tell that the run has ended, whichever way."""
