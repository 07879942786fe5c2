"""A run as Ansible prints it: PLAY, TASK, a status per host, PLAY RECAP, and the table of what moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from toolkit.config.masking import mask, mask_own
from toolkit.errors import ExitCode
from toolkit.model.outcome import Progress, SilentProgress
from toolkit.model.schema import NOT_COVERED
from toolkit.output.answer import WARNING
from toolkit.output.failure import hint_text
from toolkit.output.progress import LineProgress
from toolkit.output.recap import moved_lines, recap_lines, warning_lines
from toolkit.output.streams import Output
from toolkit.runner.interruption import MESSAGE
from toolkit.runner.results import Recap, Result, RunRecord, Status

if TYPE_CHECKING:
    from toolkit.output.live import LiveDisplay

COLOURS = {
    Status.OK: "green",
    Status.CHANGED: "yellow",
    Status.SKIPPED: "cyan",
    Status.FAILED: "red",
    Status.UNREACHABLE: "red",
    Status.INTERRUPTED: "red",
}
"""Exit code of a task that finished with all but something it names."""
_WIDTH = 79


class TextReporter:
    """Prints a run to an Output.

    With `debug`, defects come with their traceback; with `verbose`, every host is named in the end.
    """

    def __init__(self, output: Output, *, debug: bool, verbose: bool = False) -> None:
        self._output = output
        self._debug = debug
        self._verbose = verbose
        self._display = _live(output) if output.live else None
        self._warned = set[tuple[str, str]]()

    def play_started(self, name: str, hosts: Sequence[str]) -> None:
        """Print the play's heading."""
        self._heading(f"PLAY [{name}]")
        if not hosts:
            self._output.line("skipping: no hosts to run on", style=COLOURS[Status.SKIPPED])

    def task_started(self, name: str, *, handler: bool) -> None:
        """Print the task's heading."""
        self._heading(f"{'RUNNING HANDLER' if handler else 'TASK'} [{name}]")

    def host_started(self, host: str, task: str) -> None:
        """Print nothing: how it ends is printed."""

    def play_stopped(self, reason: str) -> None:
        """Print why nothing more of the play runs."""
        self._output.line(f"the play ends here: {reason}", style=COLOURS[Status.FAILED])

    def retrying(self, host: str, task: str, *, left: int) -> None:
        """Print that an attempt was not enough."""
        plural = "retry" if left == 1 else "retries"
        self._output.line(f"FAILED - RETRYING: [{host}]: {task} ({left} {plural} left).", style="dim red")

    def host_result(self, result: Result) -> None:
        """Print how the task ended on a host, each item of a loop first.

        An interruption is told once, at the end, unless something is done for good.
        """
        for item in result.items:
            if not _merely_interrupted(item):
                self._result(item, f" => (item={item.item})")
        if _merely_interrupted(result):
            return
        if not result.items or result.failed or result.status is Status.SKIPPED:
            self._result(result, "")
        if result.ignored:
            self._output.line("...ignoring", style="cyan")

    def progress(self, host: str, task: str) -> Progress:
        """Give a redrawn line on a terminal, occasional lines elsewhere."""
        del task
        return self._display.progress(host) if self._display else LineProgress(self._output, host)

    def finished(self, record: RunRecord) -> None:
        """Print the recap and what moved."""
        if record.recap:
            self._heading("PLAY RECAP")
            for line, recap in recap_lines(record.recap, whole=self._verbose):
                self._output.line(line, style=_recap_colour(recap))
        results = [result for _, result in record.results()]
        if results and all(result.status is Status.SKIPPED for result in results):
            self._output.line("nothing was done: every task was skipped", style=WARNING)
        for line in moved_lines(record, whole=self._verbose):
            self._output.line(line)
        for line in warning_lines(record, whole=self._verbose):
            self._output.line(line, style=WARNING)

    def _heading(self, text: str) -> None:
        self._output.line()
        self._output.line(f"{text} {'*' * max(3, _WIDTH - len(text) - 1)}")

    def _result(self, result: Result, item: str) -> None:
        message = f" => {result.message}" if result.message else ""
        if result.failed and result.exit_code == ExitCode.PARTIAL:
            self._say(f"partial: [{result.host}]", f"{item}{message}", result)
        elif result.failed:
            self._say(f"fatal: [{result.host}]: {str(result.status).upper()}!", f"{item}{message}", result)
        else:
            status = {Status.SKIPPED: "skipping"}.get(result.status, str(result.status))
            self._say(f"{status}: [{result.host}]", f"{item}{message}", result)
        if result.hint:
            self._say("", hint_text(result.hint), result)
        for detail in result.details:
            lines = _masked(detail, result).split("\n")
            self._output.line("\n".join(f"    {line}" for line in lines))
        if result.trace and self._debug:
            self._output.error(result.trace)
        if not result.items:
            for warning in dict.fromkeys(result.warnings):
                # what no backup ever holds stands once, at the end; what several tasks warn of where it came first
                if (result.host, warning) not in self._warned and not warning.startswith(NOT_COVERED):
                    self._warned.add((result.host, warning))
                    self._output.line(f"[WARNING]: {_masked(warning, result)}", style=WARNING)

    def _say(self, ours: str, text: str, result: Result) -> None:
        """Print what we say, and behind it a text of the result."""
        self._output.line(f"{ours}{_masked(text, result)}", style=COLOURS[result.status])


class ProblemReporter(TextReporter):
    """Prints what went wrong alone: failures below the names of their play and task, and who is not well in the end."""

    def __init__(self, output: Output, *, debug: bool) -> None:
        super().__init__(output, debug=debug)
        self._headings: list[str] = []

    def play_started(self, name: str, hosts: Sequence[str]) -> None:
        """Keep the heading for a failure."""
        del hosts
        self._headings = [f"PLAY [{name}]"]

    def task_started(self, name: str, *, handler: bool) -> None:
        """Keep the heading for a failure."""
        self._headings = [each for each in self._headings if each.startswith("PLAY")]
        self._headings.append(f"{'RUNNING HANDLER' if handler else 'TASK'} [{name}]")

    def retrying(self, host: str, task: str, *, left: int) -> None:
        """Print nothing: it may yet succeed."""

    def host_result(self, result: Result) -> None:
        """Print a failure that nobody asked to be ignored."""
        if result.failed and not result.ignored and not _merely_interrupted(result):
            for heading in self._headings:
                self._heading(heading)
            self._headings = []
            failed = replace(result, items=tuple(item for item in result.items if item.failed))
            super().host_result(failed)

    def progress(self, host: str, task: str) -> Progress:
        """Give progress that nobody watches."""
        del host, task
        return SilentProgress()

    def finished(self, record: RunRecord) -> None:
        """Print the hosts that are not well, and every warning but of what no backup ever holds."""
        ill = {host: recap for host, recap in record.recap.items() if _is_ill(recap)}
        if ill:
            self._heading("PLAY RECAP")
            for line, recap in recap_lines(ill, whole=True):
                self._output.line(line, style=_recap_colour(recap))
        for line in warning_lines(record, lasting=False):
            self._output.line(line, style=WARNING)


class QuietReporter:
    """Prints nothing of a run: what is wanted is its record."""

    def play_started(self, name: str, hosts: Sequence[str]) -> None:
        """Do nothing."""

    def task_started(self, name: str, *, handler: bool) -> None:
        """Do nothing."""

    def host_started(self, host: str, task: str) -> None:
        """Do nothing."""

    def play_stopped(self, reason: str) -> None:
        """Do nothing."""

    def retrying(self, host: str, task: str, *, left: int) -> None:
        """Do nothing."""

    def host_result(self, result: Result) -> None:
        """Do nothing."""

    def progress(self, host: str, task: str) -> Progress:
        """Give progress that nobody watches."""
        del host, task
        return SilentProgress()

    def finished(self, record: RunRecord) -> None:
        """Do nothing."""


def _live(output: Output) -> LiveDisplay:
    from toolkit.output.live import LiveDisplay  # noqa: PLC0415 - loads rich, which only a terminal needs

    return LiveDisplay(output)


def _masked(text: str, result: Result) -> str:
    return mask(text) if result.foreign else mask_own(text)


def _recap_colour(recap: Recap) -> str:
    if _is_ill(recap):
        return COLOURS[Status.FAILED]
    return COLOURS[Status.CHANGED] if recap.changed else COLOURS[Status.OK]


def _is_ill(recap: Recap) -> bool:
    return bool(recap.failed or recap.unreachable or recap.interrupted)


def _merely_interrupted(result: Result) -> bool:
    return result.status is Status.INTERRUPTED and result.message == MESSAGE
