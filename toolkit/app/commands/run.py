"""`run`: a playbook from its file to the exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolkit.app import command
from toolkit.app.asked_run import AskedRun
from toolkit.app.command import INVENTORY, JSON, Call, Command
from toolkit.errors import ExitCode, InputError, PlaybackError
from toolkit.output.answer import WARNING, Answer

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from toolkit.app.control import Control
    from toolkit.app.runs.recorder import Recording
    from toolkit.runner.options import RunOptions
    from toolkit.runner.results import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(AskedRun):
    """What `run` is given, as text."""

    playbook: tuple[str, ...] = command.words("the playbook's file, below the working or the control directory")
    check: bool = command.switch("say what would change and change nothing")
    diff: bool = command.switch("show samples of what changes")
    write_answers: str = command.text(
        "with --check: write what a restore would ask of a schema that has changed to this file, to be filled in"
    )
    start_at_task: str = command.text("begin with the task of this name")
    list_tasks: bool = command.switch("list the tasks and run none")
    verbose: bool = command.switch("name every host in the recap, however many there are")
    quiet: bool = command.switch("print only what goes wrong, and nothing when all is well")
    report: str = command.text("write the whole run to this file, as JSON")
    events: str = command.text("write an event per line to this file while it runs, as JSON; - for standard output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran(Answer):
    """How a run ended; it was printed while it went on."""

    code: int
    told: Mapping[str, Any]

    @property
    def exit_code(self) -> int:
        """The exit code of the run."""
        return self.code

    def lines(self) -> tuple[()]:
        """Give nothing more."""
        return ()

    def document(self) -> Mapping[str, Any]:
        """Give the run's report, or the list of its tasks."""
        return self.told


def _body(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.allocation import give_back_large_blocks
    from toolkit.app.event_stream import event_stream
    from toolkit.app.runs.recorder import recording

    give_back_large_blocks()
    if given.quiet and given.verbose:
        raise InputError("--quiet and --verbose do not go together", hint="give one of them")
    playbook, wanted = given.playbook[0] if given.playbook else "", _is_recorded(given, call)
    with (
        recording(call, playbook, wanted=wanted, check=given.check) as kept,
        event_stream(call, given.events, kept.events) as told,
    ):
        run = _Run(given, told, kept)
        kept.code = run.exit_code()
        yield Ran(code=kept.code, told=run.told)


def _is_recorded(given: Options, call: Call) -> bool:
    """Whether there is a run at all: a playbook, and a control directory to keep its record in."""
    from contextlib import suppress

    with suppress(InputError):
        return not given.list_tasks and len(given.playbook) == 1 and _is_there(given.playbook[0], call.control)
    return False


def _is_there(playbook: str, control: Control) -> bool:
    return control.playbook(playbook).is_file() and control.inventory_directory().is_dir()


@dataclass(slots=True)
class _Run:
    given: Options
    call: Call
    kept: Recording
    told: Mapping[str, Any] = field(default_factory=dict)
    record: RunRecord = field(init=False)
    options: RunOptions | None = None
    started: datetime = field(init=False)

    def __post_init__(self) -> None:
        from toolkit.app.control import utc_now
        from toolkit.runner.results import RunRecord

        self.record, self.started = RunRecord(), utc_now()

    def exit_code(self) -> int:
        """Run, and write the report whichever way it ends."""
        from pathlib import Path

        from toolkit.output import report
        from toolkit.runner.interruption import PROCESS

        path = Path(self.given.report) if self.given.report else None
        if path is not None:
            report.writable(path)
        error: PlaybackError | None = None
        code: int = ExitCode.FAILED
        self.kept.events.run_started(self.given.playbook[0] if self.given.playbook else "", check=self.given.check)
        try:
            code = self._run()
        except PlaybackError as refused:
            error, code = refused, refused.exit_code
            raise
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            raise
        finally:
            PROCESS.finish()
            self._tell(path, code, error)
        return code

    def _run(self) -> int:
        from toolkit.app.run_options import run_options, unused_variables
        from toolkit.app.running import executor_of, reporter_of, runner
        from toolkit.config import playbook as playbooks
        from toolkit.config.lint import lint_run
        from toolkit.output.listing import task_lines, task_list
        from toolkit.runner.emptiness import nothing_to_list
        from toolkit.runner.garbage import pass_over_what_is_there

        given, control = self.given, self.call.control
        self.options = run_options(
            given,
            control,
            check=given.check,
            diff=given.diff,
            write_answers=given.write_answers,
            start_at_task=given.start_at_task,
        )
        self.kept.asked(self._asked())
        playbook = playbooks.load(self._file(), control=control.directory, keep=self.kept.playbook)
        self.kept.named(next((play.name for play in playbook.plays if play.name), playbook.file.stem))
        if given.list_tasks:
            if problems := list(nothing_to_list(playbook.plays, self.options)):
                raise InputError(problems)
            if self.options.limit:
                control.load_inventory(self.options.extra_vars).select(self.options.limit)
            self.told = task_list(playbook, self.options)
            for line in () if self.call.as_json else task_lines(self.told):
                self.call.output.line(line)
            return 0
        inventory = control.load_inventory(self.options.extra_vars)
        if problems := lint_run(playbook.file, inventory, self.options.extra_vars):
            raise InputError(problems)
        unused = unused_variables(given.extra_vars, playbook.file, control)
        if problems := list(unused):
            raise InputError(problems)
        made = runner(
            self.call,
            inventory,
            reporter=reporter_of(self.call, verbose=given.verbose, quiet=given.quiet, events=self.kept.events),
            executor=executor_of(self.options, control, inventory),
        )
        questions = _content(given.write_answers)
        pass_over_what_is_there()
        code = made.run(playbook, self.options, self.record)
        if given.write_answers:
            self.call.note(_about_answers(given.write_answers, questions))
        self._tell_how_to_retry(playbook.file.stem)
        return code

    def _tell_how_to_retry(self, name: str) -> None:
        """Name the hosts that did not come to the end in a file, for a run on them alone."""
        from toolkit.app.retrying import retry_file
        from toolkit.wording import count, counted

        record = self.record
        if record.unfinished and len(record.hosts) > 1 and not self.given.check:
            try:
                file = retry_file(self.call.control, name, record.unfinished)
            except OSError as error:
                self.call.output.error(f"WARNING: no retry file could be written: {error}", style=WARNING)
            else:
                who = f"{count(len(record.unfinished))} of {counted(len(record.hosts), 'host')}"
                self.call.note(f"\n{who} did not come to the end; to run it again there: --limit @{file}")

    def _asked(self) -> Mapping[str, Any]:
        """What is asked, as text, without what was left out."""
        from dataclasses import fields

        told = {each.name: getattr(self.given, each.name) for each in fields(self.given) if each.name != "playbook"}
        left_out = {each.name: each.default for each in fields(self.given)}
        return {name: value for name, value in told.items() if value != left_out[name]}

    def _file(self) -> Path:
        playbooks = self.given.playbook
        if len(playbooks) != 1:
            what = "no playbook is named" if not playbooks else f"one playbook at a time, not {', '.join(playbooks)}"
            raise InputError(what, hint="invoke run PLAYBOOK, e.g. invoke run playbooks/nightly.yml")
        return self.call.control.playbook(playbooks[0])

    def _tell(self, path: Path | None, code: int, error: PlaybackError | None) -> None:
        """Write the report, and tell the events how the run ended."""
        kept = self.kept
        if path is None and not kept.events.heard and not self.call.as_json:
            return
        from toolkit.app.control import utc_now
        from toolkit.output import report

        document = report.build(
            self.record,
            playbook=self.given.playbook[0] if self.given.playbook else "",
            options=self.options,
            started=self.started,
            finished=utc_now(),
            exit_code=code,
            error=error,
        )
        self.told = self.told or document
        kept.events.run_ended(document)
        kept.report(document)
        if path is not None:
            report.write(document, path)


def _content(file: str) -> bytes | None:
    """What is in a file; None where there is none."""
    from pathlib import Path

    path = Path(file) if file else None
    return path.read_bytes() if path is not None and path.is_file() else None


def _about_answers(file: str, before: bytes | None) -> str:
    """Say what has become of the file of `--write-answers`."""
    if (now := _content(file)) is None:
        return f"\nno restore asked anything of a schema that has changed; {file} was not written"
    if now == before:
        return f"\nnothing is asked beyond what {file} says"
    return (
        f"\nwhat is asked of the schema that has changed is in {file}: fill it in, then run it again without `--check`,"
        f" with `answers: {file}` in the task, or, where the playbook has the variable as the shipped ones do,"
        f" `--extra-vars answers={file}`"
    )


COMMAND = Command(
    name="run",
    summary="Run a playbook",
    usage="PLAYBOOK [--options]",
    needs=(INVENTORY, JSON),
    options=Options,
    body=_body,
)
