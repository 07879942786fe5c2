"""`schedule.run`: a playbook as a timer runs it: no two at once, into a log, and with a record of how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.app import command
from toolkit.app.asked_run import AskedRun
from toolkit.app.command import INVENTORY, JSON, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import BAD, Answer, Line

if TYPE_CHECKING:
    from toolkit.app.commands import run as runs
    from toolkit.app.scheduling.run import Scheduled


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(AskedRun):
    """What `schedule.run` is given."""

    playbook: tuple[str, ...] = command.words("the playbook's file, from the control directory")
    name: str = command.text("what it is called (default: the playbook's name)")
    overlap: str = command.text("what to do while another run of this playbook goes on: wait or skip", default="skip")
    at: str = command.text("run only if one of these times has passed without a run, e.g. 02:00")
    on: str = command.text("the days of these times, e.g. mon-fri")
    every: str = command.text("as --at, for times at even distances, e.g. 2h")
    env_file: str = command.text("take variables of the environment from this file, NAME=value a line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Answer):
    """How it ended; its output is in the log.

    Attributes:
        code: None where it did not begin.
    """

    name: str
    code: int | None
    log: str

    @property
    def exit_code(self) -> int:
        """The exit code of the run; 0 where it did not begin."""
        return self.code or 0

    def lines(self) -> Iterator[Line]:
        """Say only what went wrong: cron sends a mail for every line."""
        if self.code:
            yield Line(f"{self.name} ended with exit code {self.code}; see {self.log}", BAD, error=True)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {"name": self.name, "exit_code": self.code, "log": self.log}


def _run(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.scheduling import record as records

    scheduled = _scheduled(given, call)
    log = records.log_file(call.control.directory, scheduled.record.name)
    yield Ended(name=scheduled.record.name, code=scheduled.run(), log=str(log))


def _scheduled(given: Options, call: Call) -> Scheduled:
    from dataclasses import replace

    from toolkit.app.scheduling import names
    from toolkit.app.scheduling.record import Record
    from toolkit.app.scheduling.run import Scheduled
    from toolkit.runner.interruption import PROCESS

    if len(given.playbook) != 1:
        raise InputError("one playbook is to be named", hint=call.command.invocation)
    control, only_if_due = call.control, bool(given.at or given.every)
    name = names.checked(given.name) if given.name else names.default(given.playbook[0])
    record = Record(name=name, playbook=given.playbook[0], since=names.local_now())
    if only_if_due:
        record = names.with_times(record, at=given.at, on=given.on, every=given.every)
    return Scheduled(
        directory=control.directory,
        record=record,
        playbook=control.existing(given.playbook[0]),
        overlap=names.overlap(given.overlap),
        only_if_due=only_if_due,
        interruption=PROCESS,
        now=names.local_now,
        body=lambda output: _body(given, replace(call, output=output, as_json=False)),
    )


def _body(given: Options, call: Call) -> Iterator[Answer]:
    """Run the playbook; that it was refused before it began is told by its own `on_failure`, since nobody watches."""
    from toolkit.app.commands import run as runs
    from toolkit.app.scheduling import refused
    from toolkit.app.scope_options import names
    from toolkit.errors import PlaybackError
    from toolkit.runner.options import RunOptions

    try:
        yield from runs.COMMAND.body(_given(given, call), call)
    except PlaybackError as error:
        # whatever is refused while tasks run is a result of theirs and not raised
        refused.tell(call, given.playbook[0], RunOptions(limit=given.limit, tags=names(given.tags)), error)
        raise


def _given(given: Options, call: Call) -> runs.Options:
    """The options of `run`; the environment is set before anything is read."""
    import os

    from toolkit.app.commands import run as runs
    from toolkit.config.environment import read_file

    if given.env_file:
        os.environ.update(read_file(call.control.existing(given.env_file)))
    return runs.Options(playbook=given.playbook, **given.asked())


COMMAND = Command(
    name="schedule.run",
    summary="Run a playbook as its timer does",
    usage="PLAYBOOK [--options]",
    needs=(INVENTORY, JSON),
    options=Options,
    body=_run,
)
