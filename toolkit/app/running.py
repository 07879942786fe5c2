"""The runner with all it needs, and single actions run by it for commands."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.actions.action import A, Action
from toolkit.actions.context import Helper
from toolkit.actions.registry import ACTIONS
from toolkit.app.command import Call
from toolkit.app.control import Control, utc_now
from toolkit.app.runs.recorder import recording
from toolkit.config import yaml_text
from toolkit.config.document import show_file
from toolkit.config.inventory import LoadedInventory
from toolkit.config.packing import pack_written
from toolkit.config.templates import Templates
from toolkit.errors import ExitCode, InputError, TaskError
from toolkit.model.outcome import Progress, SilentProgress
from toolkit.model.playbook import Keywords, Place, Play, Playbook, Task
from toolkit.output import report
from toolkit.output.answer import Answer
from toolkit.output.events import EventLog, EventReporter
from toolkit.output.text import ProblemReporter, QuietReporter, TextReporter
from toolkit.runner.executor import Executor, Order, Threads
from toolkit.runner.interruption import PROCESS
from toolkit.runner.options import RunOptions
from toolkit.runner.reporter import Reporter
from toolkit.runner.results import RunRecord
from toolkit.runner.run import Runner

if TYPE_CHECKING:
    from toolkit.runner.processes import Hello


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted(Answer):
    """A single action that was run on one host, and printed while it went on unless JSON was asked for."""

    name: str
    record: RunRecord
    options: RunOptions
    started: datetime
    code: int

    @property
    def exit_code(self) -> int:
        """The exit code of the action."""
        return self.code

    def lines(self) -> tuple[()]:
        """Give nothing more."""
        return ()

    def document(self) -> Mapping[str, Any]:
        """Give what `run --report` writes."""
        return report.build(
            self.record,
            playbook=self.name,
            options=self.options,
            started=self.started,
            finished=utc_now(),
            exit_code=self.code,
        )


def runner(
    call: Call,
    inventory: LoadedInventory,
    actions: Mapping[str, Action[Any]] = ACTIONS,
    *,
    reporter: Reporter | None = None,
    executor: Executor | None = None,
) -> Runner:
    """Put a runner together for a command.

    Args:
        reporter: what is told of it; None for text, or nothing where the command prints JSON.
        executor: where its tasks run; None for threads.
    """
    return Runner(
        inventory=inventory,
        actions=actions,
        templates=Templates(),
        reporter=reporter or reporter_of(call),
        now=utc_now,
        interruption=PROCESS,
        executor=executor,
    )


def reporter_of(call: Call, *, verbose: bool = False, quiet: bool = False, events: EventLog | None = None) -> Reporter:
    """Give what a run of a command is told to.

    Args:
        verbose: every host is named in its recap.
        quiet: only what goes wrong is printed.
        events: takes all of it as well.
    """
    shown: Reporter
    if call.as_json:
        shown = QuietReporter()
    elif quiet:
        shown = ProblemReporter(call.output, debug=call.debug)
    else:
        shown = TextReporter(call.output, debug=call.debug, verbose=verbose)
    return EventReporter(events, shown) if events else shown


def executor_of(options: RunOptions, control: Control, inventory: LoadedInventory) -> Executor:
    """Give what a run's tasks run on, not begun yet.

    Raises:
        TaskError: the package for it is not installed.
        InputError: its configuration cannot be read.
    """
    directory = control.inventory_directory()
    shown = show_file(directory, inventory.directory)
    if options.scheduler is None:
        helpers = _Helping(options=options, files=directory, inventory=inventory, shown=shown)
        if options.executor == "processes":
            from toolkit.runner.forks import Forks  # noqa: PLC0415 - only who asks for it pays for it

            return Forks(options.forks or os.cpu_count() or 1, helpers.hello(), PROCESS, helpers)
        return Threads(options.forks or 1, helpers=helpers)
    try:
        # an interruption within its import would end Python by the signal itself, without an exit code
        with PROCESS.held():
            from toolkit.runner.cluster import DaskCluster  # noqa: PLC0415 - only who asks for it pays for it
    except ModuleNotFoundError as error:
        raise TaskError(
            "tasks on workers need distributed: pip install 'playback-toolkit[distributed]'",
            hint="without --executor they run in threads",
        ) from error
    except ValueError as error:
        raise InputError(f"--executor: Dask's configuration cannot be read: {error}") from error
    return DaskCluster(
        options.scheduler,
        forks=options.forks,
        inventory=directory,
        directory=inventory.directory,
        shown=shown,
        extra=options.extra_vars,
        interruption=PROCESS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Helping:
    """Gives what has parts of tasks done by processes of this machine."""

    options: RunOptions
    files: Path
    inventory: LoadedInventory
    shown: str

    def __call__(self, order: Order, progress: Progress) -> AbstractContextManager[Helper]:
        """Give it for one task."""
        from toolkit.runner import helping  # noqa: PLC0415 - only who asks for it pays for it

        return helping.helping(self.hello(), lambda part: helping.errand_of(order, part=part), progress)

    def hello(self) -> Hello:
        """Give what a process is told of the run."""
        from toolkit.runner.processes import Hello  # noqa: PLC0415 - the same

        extra = self.options.extra_vars.items()
        return Hello(
            inventory=str(self.files),
            control=str(self.inventory.directory),
            shown=self.shown,
            extra={name: pack_written(value, Place(path=f"--extra-vars {name}")) for name, value in extra},
        )


def act(
    call: Call,
    inventory: LoadedInventory,
    action: Action[A],
    arguments: A,
    *,
    title: str,
    check: bool = False,
    diff: bool = False,
) -> Acted:
    """Run one action on the host that a command was given, in every way as a task of a playbook, and record it."""
    options = RunOptions(check=check, diff=diff)
    started, record = utc_now(), RunRecord()
    task = Task(keywords=Keywords(name=title), action=action.name, arguments=arguments.written())
    play = Play(name=action.name.capitalize(), hosts=call.host, tasks=(task,))
    with recording(call, call.command.name, wanted=True, check=check) as kept:
        kept.named(title)
        kept.playbook(_as_playbook(play, task).encode())
        kept.events.run_started(call.command.name, check=check)
        made = runner(call, inventory, {action.name: action}, reporter=reporter_of(call, events=kept.events))
        code: int = ExitCode.FAILED
        try:
            code = made.run(Playbook(file=Path(action.name), plays=(play,)), options, record)
        finally:
            kept.code = code
            acted = Acted(name=call.command.name, record=record, options=options, started=started, code=code)
            if kept.events.heard:
                document = dict(acted.document())
                kept.events.run_ended(document)
                kept.report(document)
    return acted


def _as_playbook(play: Play, task: Task) -> str:
    """Write what a command does as the playbook that does the same."""
    steps = [{"name": task.keywords.name, task.action: report.plain(task.arguments)}]
    return yaml_text.write([{"name": play.name, "hosts": play.hosts, "tasks": steps}])


@contextmanager
def progress_of(call: Call, what: str) -> Iterator[Progress]:
    """Show the progress of something, for a person who watches."""
    if call.as_json:
        yield SilentProgress()
        return
    with TextReporter(call.output, debug=call.debug).progress(what, call.command.name) as progress:
        yield progress
