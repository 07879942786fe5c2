"""`check`: is what the repositories hold still what was written, and, if not, what can be done?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.errors import ExitCode, InputError, PlaybackError
from toolkit.output.answer import BAD, GOOD, WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.model.check import CheckReport, RepairPlan
    from toolkit.planning.sampling import Sample
    from toolkit.storage.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `check` is given."""

    read_data: bool = command.switch("read every chunk back (the default)")
    read_data_subset: str = command.text(
        "read only a part of the chunks, e.g. 5%, or so many; which ones depends on the day"
    )
    repair: bool = command.switch("take away what cannot be restored, after saying what; needs --repository")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Answer):
    """What was found in a repository, and what a repair takes away, or would.

    Attributes:
        plan: None where nothing is damaged.
    """

    repository: str
    report: CheckReport
    plan: RepairPlan | None
    repairing: bool

    @property
    def exit_code(self) -> int:
        """6 where something is damaged, repaired or not."""
        return ExitCode.DIFFERENCES if self.report.damaged else ExitCode.OK

    def lines(self) -> Iterator[Line]:
        """Give each finding with what it harms, the verdict, and the plan."""
        from toolkit.views import check as views

        for finding in self.report.findings:
            first, *more = views.finding_lines(finding)
            yield Line(first, WARNING if finding.kind.harmless else BAD)
            yield from map(Line, more)
        yield Line(views.verdict(self.repository, self.report), BAD if self.report.damaged else GOOD)
        yield from map(Line, views.remark_lines(self.report))
        yield from map(Line, views.plan_lines(self.plan, repairing=self.repairing))

    def document(self) -> Mapping[str, Any]:
        """Give the findings, the numbers and the plan."""
        from toolkit.views import check as views

        return views.document(self.repository, self.report, self.plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired(Answer):
    """What a repair has done.

    Attributes:
        done: something was damaged, and the plan was carried out.
        whole_again: labels of backups that an earlier repair took away and that are back.
    """

    repository: str
    done: bool
    whole_again: tuple[str, ...]

    def lines(self) -> Iterator[Line]:
        """Say so, and what to do next."""
        from toolkit.views import check as views

        for line in views.repaired_lines(self.repository, self.whole_again, done=self.done):
            yield Line(line, GOOD)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {"repository": self.repository, "repaired": self.done, "whole_again": list(self.whole_again)}


def _check(given: Options, call: Call) -> Iterator[Answer]:
    from toolkit.app.repositories import Unread, opened

    sample = _sample(given)
    if given.repair and not call.repository:
        raise InputError("no repository to repair is named", hint="invoke check --repository R --repair")
    for name, repository in opened(call):
        if isinstance(repository, Unread):
            yield Unread(name=name, error=repository.error, brief=False)
            continue
        try:
            yield from _one(name, repository, sample, call, repairing=given.repair)
        except PlaybackError as error:
            if call.repository:
                raise
            yield Unread(name=name, error=error, brief=False)


def _sample(given: Options) -> Sample | None:
    from toolkit.app.control import utc_now
    from toolkit.planning.sampling import Sample

    if not given.read_data_subset:
        return None
    if given.read_data:
        raise InputError("--read-data reads everything, so --read-data-subset cannot be given with it")
    try:
        return Sample.parse(given.read_data_subset, utc_now().date())
    except ValueError as error:
        raise InputError(f"--read-data-subset: {error}") from error


def _one(name: str, repository: Repository, sample: Sample | None, call: Call, *, repairing: bool) -> Iterator[Answer]:
    from toolkit.app.control import utc_now
    from toolkit.app.running import progress_of
    from toolkit.storage.checking import examined, mended
    from toolkit.storage.locks import LockKind, locked

    kind = LockKind.EXCLUSIVE if repairing else LockKind.SHARED
    with locked(
        repository, kind, purpose="repair" if repairing else "check", now=utc_now, reading=not repairing
    ) as lock:
        for warning in lock.warnings:
            call.note(f"[WARNING]: {warning}", style=WARNING)
        if sample:
            call.note(f"reading {sample}")
        with progress_of(call, name) as progress:
            found = examined(repository, lock, sample=sample, repairing=repairing, progress=progress, now=utc_now)
        yield Checked(repository=name, report=found.report, plan=found.plan, repairing=repairing)
        again = mended(repository, found.plan, lock) if repairing else ()
    # a bundle takes on what was repaired when its lock is given back
    if repairing:
        yield Repaired(repository=name, done=found.plan is not None, whole_again=again)


COMMAND = Command(
    name="check",
    summary="Read a repository back and check it",
    usage="[--repository R] [--read-data-subset 5%] [--repair]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_check,
    listing="repositories",
)
