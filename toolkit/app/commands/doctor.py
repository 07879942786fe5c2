"""`doctor`: whether backups happen, can be made and can be relied upon, and what to do where not."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import HOST, INVENTORY, JSON, Call, Command
from toolkit.errors import ExitCode, InputError, PlaybackError, StorageError
from toolkit.output.answer import BAD, GOOD, WARNING, Answer, Line

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from toolkit.errors import Problem
    from toolkit.model.finding import Examined, Finding

SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `doctor` is given."""

    prometheus: str = command.text("write numbers to this file too, for the textfile collector of Prometheus")
    nagios: bool = command.switch("print one line and end with 0, 1, 2 or 3, as a plugin of Nagios or Icinga")
    timeout: str = command.text("seconds that each database and repository may take to answer (default: 10)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health(Answer):
    """All findings, and what is wrong with the control directory."""

    directory: Path
    problems: tuple[Problem, ...]
    found: Examined

    @property
    def exit_code(self) -> int:
        """2 with problems in the control directory, else 1 with something critical, 3 with warnings."""
        if self.problems:
            return ExitCode.INPUT
        return (ExitCode.OK, ExitCode.PARTIAL, ExitCode.FAILED)[self.found.level]

    def lines(self) -> Iterator[Line]:
        """Give the findings by what they are about, each with what to do."""
        for problem in self.problems:
            yield Line(str(problem), BAD)
        number = wording.counted(len(self.problems), "problem") if self.problems else "no problems"
        yield Line(f"control directory {self.directory}: {number}", BAD if self.problems else GOOD)
        for about, findings in groupby(self.found.findings, key=lambda each: each.about):
            yield Line(about)
            for finding in findings:
                yield Line(f"  {_WORDS[finding.level]:<8}  {finding.message}", _STYLES[finding.level], foreign=True)
                if finding.hint and finding.level:
                    yield Line(f"{'':<12}HINT: {wording.called(finding.hint)}", foreign=True)
        yield Line(_counts(self.found), _STYLES[self.found.level])

    def document(self) -> Mapping[str, Any]:
        """Give the same facts, and the numbers."""
        from msgspec.structs import asdict

        return {
            "directory": str(self.directory),
            "status": self.found.level.name.lower(),
            "problems": [dataclasses.asdict(problem) for problem in self.problems],
            "findings": [_document(finding) for finding in self.found.findings],
            "measures": [asdict(measure) for measure in self.found.measures],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Answer):
    """One line for a monitoring system, and its exit code."""

    line: str
    code: int

    @property
    def exit_code(self) -> int:
        """0 to 3, as plugins have it."""
        return self.code

    def lines(self) -> Iterator[Line]:
        """Give the line."""
        yield Line(self.line, foreign=True)

    def document(self) -> Mapping[str, Any]:
        """Never asked for."""
        raise NotImplementedError


_WORDS = ("ok", "warning", "CRITICAL")
_STYLES = ("", WARNING, BAD)


def _counts(found: Examined) -> str:
    levels = [int(each.level) for each in found.findings]
    return f"{levels.count(2)} critical, {wording.counted(levels.count(1), 'warning')}, {levels.count(0)} ok"


def _document(finding: Finding) -> dict[str, Any]:
    from toolkit.config.masking import mask

    texts = {"message": mask(finding.message), "hint": mask(wording.called(finding.hint)) or None}
    return {"about": finding.about, "check": finding.check, "level": finding.level.name.lower(), **texts}


def _doctor(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.control import utc_now
    from toolkit.output.nagios import UNKNOWN, unknown_line

    if not given.nagios:
        yield _health(given, call, utc_now())
        return
    if call.as_json:
        raise InputError("--nagios prints a line of its own; it cannot be given with --json")
    try:
        yield _status(_health(given, call, utc_now()), utc_now())
    except PlaybackError as error:
        yield Status(line=unknown_line(error.message), code=UNKNOWN)


def _status(health: Health, now: datetime) -> Status:
    from toolkit.model.finding import Examined, Finding, Level
    from toolkit.output.nagios import status_line

    wrong = tuple(
        Finding(about="control directory", check="lint", message=str(problem), level=Level.CRITICAL)
        for problem in health.problems
    )
    found = Examined(findings=(*wrong, *health.found.findings), measures=health.found.measures)
    return Status(line=status_line(found, now.timestamp()), code=int(found.level))


def _health(given: Options, call: Call, now: datetime) -> Health:
    from toolkit.app.doctoring.examining import Examination, totals
    from toolkit.config.lint import lint

    seconds = _seconds(given.timeout)
    directory = call.control.directory
    problems = tuple(lint(directory, inventory=call.control.inventory_directory()))
    inventory = call.control.load_inventory()
    found = totals(list(Examination(inventory=inventory, now=now, seconds=seconds, only=call.host).run()), now)
    if given.prometheus:
        _publish(call.control.existing(given.prometheus), found)
    return Health(directory=directory, problems=problems, found=found)


def _publish(file: Path, found: Examined) -> None:
    from toolkit.output.prometheus import exposition, publish

    try:
        publish(file, exposition(found.measures))
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written: {error.strerror}", hint="give the user who runs this access to that directory"
        ) from error


def _seconds(text: str) -> float:
    if text and not re.fullmatch(r"[1-9][0-9]{0,3}", text):
        raise InputError(f"--timeout: expected a number of seconds, not {text!r}")
    return float(text or SECONDS)


COMMAND = Command(
    name="doctor",
    summary="Say whether backups happen and can be relied upon, and what to do where not",
    usage="[--host H] [--prometheus FILE] [--nagios]",
    needs=(HOST._replace(help="look at this host and its repositories alone"), INVENTORY, JSON),
    options=Options,
    body=_doctor,
)
