"""The command `run`: a playbook from its file to the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from toolkit.actions.registry import ACTIONS
from toolkit.app import report
from toolkit.app.allocation import give_back_large_blocks
from toolkit.app.arguments import run_options
from toolkit.app.console import Output
from toolkit.app.control import Control, utc_now
from toolkit.app.failure import guarded
from toolkit.app.listing import task_lines
from toolkit.app.text import TextReporter
from toolkit.config import playbook as playbooks
from toolkit.config.lint import lint_run
from toolkit.config.templates import Templates
from toolkit.errors import InputError, PlaybackError
from toolkit.runner.interruption import EXIT_CODE, PROCESS
from toolkit.runner.options import RunOptions
from toolkit.runner.results import RunRecord
from toolkit.runner.run import Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What `invoke run` was given, as text.

    Attributes:
        playbooks: the words that were no options; exactly one is right.
    """

    control: Control
    playbooks: tuple[str, ...]
    limit: str = ""
    tags: str = ""
    skip_tags: str = ""
    check: bool = False
    diff: bool = False
    extra_vars: tuple[str, ...] = ()
    forks: str = "1"
    start_at_task: str = ""
    list_tasks: bool = False
    report: str = ""
    debug: bool = False


def run(request: RunRequest, output: Output | None = None) -> int:
    """Run a playbook, print it, write its report, and give the exit code."""
    give_back_large_blocks()
    shown = output or Output()
    return guarded(shown, lambda: _Run(request, shown).exit_code(), debug=request.debug)


@dataclass(slots=True)
class _Run:
    request: RunRequest
    output: Output
    record: RunRecord = field(default_factory=RunRecord)
    options: RunOptions | None = None
    started: datetime = field(default_factory=utc_now)

    def exit_code(self) -> int:
        """Run, and write the report whichever way it ends."""
        path = Path(self.request.report) if self.request.report else None
        if path is not None:
            report.writable(path)
        error: BaseException | None = None
        code = 1
        try:
            code = self._run()
        except PlaybackError as refused:
            error, code = refused, refused.exit_code
            raise
        except KeyboardInterrupt:
            code = EXIT_CODE
            raise
        finally:
            PROCESS.finish()
            if path is not None:
                self._report(path, code, error)
        return code

    def _run(self) -> int:
        request = self.request
        self.options = run_options(
            control=request.control.directory,
            limit=request.limit,
            tags=request.tags,
            skip_tags=request.skip_tags,
            check=request.check,
            diff=request.diff,
            extra_vars=request.extra_vars,
            forks=request.forks,
            start_at_task=request.start_at_task,
        )
        playbook = playbooks.load(self._file(), control=request.control.directory)
        if request.list_tasks:
            for line in task_lines(playbook, self.options):
                self.output.line(line)
            return 0
        inventory = request.control.load_inventory()
        if problems := lint_run(playbook.file, inventory):
            raise InputError(problems)
        runner = Runner(
            inventory=inventory,
            actions=ACTIONS,
            templates=Templates(),
            reporter=TextReporter(self.output, debug=request.debug),
            now=utc_now,
            interruption=PROCESS,
        )
        return runner.run(playbook, self.options, self.record)

    def _file(self) -> Path:
        given = self.request.playbooks
        if len(given) != 1:
            what = "no playbook is named" if not given else f"one playbook at a time, not {', '.join(given)}"
            raise InputError(what, hint="invoke run PLAYBOOK, e.g. invoke run playbooks/nightly.yml")
        return self.request.control.playbook(given[0])

    def _report(self, path: Path, code: int, error: BaseException | None) -> None:
        document = report.build(
            self.record,
            playbook=self.request.playbooks[0] if self.request.playbooks else "",
            options=self.options,
            started=self.started,
            finished=utc_now(),
            exit_code=code,
            error=error if isinstance(error, PlaybackError) else None,
        )
        report.write(document, path)
