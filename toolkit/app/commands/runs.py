"""`runs`: every run of this control directory, from the page, the command line or a timer; one of them whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import JSON, Call, Command
from toolkit.errors import InputError
from toolkit.output.answer import BAD, GOOD, WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.app.runs.record import Known

SHOWN = 20
"""Runs that the list shows where nobody says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `runs` is given."""

    run: tuple[str, ...] = command.words("the ID of one run, or its beginning: what it was, and what it printed")
    host: str = command.text("only runs on this host")
    playbook: str = command.text("only runs of playbooks whose name has this in it")
    by: str = command.text("only runs of this person")
    state: str = command.text("only runs that stand so: running, ok, partial, failed, interrupted or killed")
    limit: str = command.text("how many at most, the newest first", default=str(SHOWN))
    stop: bool = command.switch("stop the run, as Ctrl-C does")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Answer):
    """The runs that were asked for, the newest first.

    Attributes:
        more: whether there are more of them.
        others: how many there are of which none was asked for.
    """

    runs: tuple[Known, ...]
    more: bool = False
    others: int = 0

    def lines(self) -> Iterator[Line]:
        """Give a table."""
        if not self.runs:
            yield Line(
                f"none of {wording.counted(self.others, 'run')} is like that" if self.others else "no run is recorded"
            )
            return
        rows = [_row(known) for known in self.runs]
        header = ("run", "began", "playbook", "hosts", "by", "from", "took", "ended")
        for text, known in zip(wording.table(header, rows), (None, *self.runs), strict=True):
            yield Line(text, style_of(known.state) if known else "")
        if self.more:
            yield Line("there are more: --limit N")

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {"runs": [known.document() for known in self.runs]}


@dataclass(frozen=True, slots=True, kw_only=True)
class One(Answer):
    """One run."""

    known: Known

    def lines(self) -> Iterator[Line]:
        """Give what it was, and what it printed."""
        from toolkit.app.runs import record
        from toolkit.app.runs.telling import told

        known, run = self.known, self.known.run
        facts = {
            "run": run.id,
            "about": run.title,
            "playbook": f"{run.playbook} (as it was read: {known.directory / record.PLAYBOOK})",
            "begun": f"{_local(known)} by {run.by}, from the {run.origin}",
            "asked": ", ".join(f"{name} {_text(value)}" for name, value in run.options.items()),
            "hosts": ", ".join(known.hosts()),
            "took": "" if known.seconds is None else wording.seconds(known.seconds),
        }
        for name, value in facts.items():
            if value:
                yield Line(f"{name + ':':<9} {value}")
        yield Line(f"{'ended:':<9} {told(known)}", style_of(known.state))
        yield Line()
        yield Line(known.text(record.OUTPUT).rstrip("\n"), foreign=True)

    def document(self) -> Mapping[str, Any]:
        """Give the facts, what it means, and the report."""
        from toolkit.app.runs import record
        from toolkit.app.runs.telling import told

        known = self.known
        return {
            **known.document(),
            "meaning": told(known),
            "playbook_text": known.text(record.PLAYBOOK),
            "output": known.text(record.OUTPUT),
            "report": known.report(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Answer):
    """A run that was asked to end."""

    known: Known

    def lines(self) -> Iterator[Line]:
        """Say so."""
        yield Line(f"{self.known.run.id} is asked to stop: it takes back what is not finished, and ends")

    def document(self) -> Mapping[str, Any]:
        """Give the run."""
        return self.known.document()


def style_of(state: str) -> str:
    """Give the style in which a run of this state is printed."""
    return {"ok": GOOD, "running": "", "partial": WARNING, "interrupted": WARNING}.get(state, BAD)


def _runs(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.runs import record

    directory = call.control.directory
    if len(given.run) > 1:
        raise InputError(f"one run at a time, not {', '.join(given.run)}", hint=call.command.invocation)
    if not given.run:
        if given.stop:
            raise InputError("no run is named", hint="invoke runs ID --stop; `invoke runs --state running` lists them")
        yield _list(given, call)
        return
    known = record.named(directory, given.run[0])
    yield _stop(known) if given.stop else One(known=known)


def _list(given: Options, call: Call) -> Listed:
    from itertools import islice

    from toolkit.app.runs import record
    from toolkit.app.runs.choosing import Choice

    if not (given.limit.isascii() and given.limit.isdigit() and int(given.limit)):
        raise InputError(f"--limit: expected a whole number from 1, not {given.limit!r}")
    if given.state and given.state not in list(record.State):
        known = ", ".join(record.State)
        raise InputError(f"--state: there is no {given.state!r}", hint=f"there are {known}")
    choice = Choice(host=given.host, playbook=given.playbook, by=given.by, state=given.state)
    found = tuple(islice(choice.among(record.runs(call.control.directory)), int(given.limit) + 1))
    others = 0 if found else len(record.ids(call.control.directory))
    return Listed(runs=found[: int(given.limit)], more=len(found) > int(given.limit), others=others)


def _stop(known: Known) -> Stopped:
    from toolkit.app.runs import record
    from toolkit.errors import StorageError
    from toolkit.storage.processes import acting_name

    if known.state is not record.State.RUNNING:
        raise InputError(f"{known.run.id} does not run: it is {known.state}")
    try:
        record.stop(known, acting_name())
    except OSError as error:
        raise StorageError(f"{known.run.id} cannot be stopped: {error.strerror}") from error
    return Stopped(known=known)


def _row(known: Known) -> tuple[str, ...]:
    run = known.run
    check = " (check)" if run.check else ""
    return (
        run.id,
        _local(known),
        f"{known.called}{check}",
        wording.first_few(known.hosts()),
        run.by,
        str(run.origin),
        "" if known.seconds is None else wording.seconds(known.seconds),
        str(known.state) if run.exit_code is None else f"{known.state} ({run.exit_code})",
    )


def _local(known: Known) -> str:
    return f"{known.run.started.astimezone():%a %Y-%m-%d %H:%M:%S}"


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


COMMAND = Command(
    name="runs",
    summary="List runs, or show one with its output",
    usage="[ID]",
    needs=(JSON,),
    options=Options,
    body=_runs,
)
