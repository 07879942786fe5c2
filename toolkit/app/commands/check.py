"""`check`: is what the repositories hold still what was written, and, if not, what can be done?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import wording
from toolkit.app import command
from toolkit.app.command import INVENTORY, JSON, REPOSITORY, Call, Command
from toolkit.errors import ExitCode, InputError, PlaybackError, StorageError
from toolkit.output.answer import BAD, GOOD, WARNING, Answer, Line

if TYPE_CHECKING:
    from toolkit.planning.sampling import Sample
    from toolkit.storage.check import CheckReport
    from toolkit.storage.locks import Lock
    from toolkit.storage.repair import RepairPlan
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
        report = self.report
        for finding in report.findings:
            yield Line(f"{finding.kind}: {finding.message}", WARNING if finding.kind == "foreign" else BAD)
            for heading, harmed in (("backups", finding.labels), ("tables", finding.tables)):
                if harmed:
                    yield Line(f"    {heading}: {', '.join(harmed)}")
        verdict = f"repository {self.repository} is {'DAMAGED' if report.damaged else 'sound'}"
        numbers = ((report.backups, "backup"), (report.chunks, "chunk"), (report.rows, "row"))
        contents = ", ".join(wording.counted(number, noun) for number, noun in numbers)
        sizes = f"{wording.size(report.bytes)} ({wording.size(report.stored)} stored)"
        yield Line(f"{verdict}: {contents}, {sizes} read", BAD if report.damaged else GOOD)
        if report.orphans:
            orphans = f"{wording.counted(report.orphans, 'chunk')} ({wording.size(report.orphan_bytes)})"
            yield Line(f"    {orphans} of no backup; no harm")
        if self.plan:
            yield from _plan_lines(self.plan, repairing=self.repairing)

    def document(self) -> Mapping[str, Any]:
        """Give the findings, the numbers and the plan."""
        from msgspec.structs import asdict

        findings = [{**asdict(each), "kind": str(each.kind)} for each in self.report.findings]
        document = {**asdict(self.report), "findings": findings}
        plan = {"backups": self.plan.backups, "chunks": self.plan.chunks} if self.plan else None
        return {"repository": self.repository, "damaged": self.report.damaged, **document, "repair": plan}


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
        if self.done:
            yield Line(f"repository {self.repository} is repaired; back up, then repair once more: a hurt", GOOD)
            yield Line("    backup comes back when all its chunks are stored anew", GOOD)
        for label in self.whole_again:
            yield Line(f"{label} is whole again and listed as before", GOOD)

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {"repository": self.repository, "repaired": self.done, "whole_again": list(self.whole_again)}


def _plan_lines(plan: RepairPlan, *, repairing: bool) -> Iterator[Line]:
    word = "the repair takes away" if repairing else "`--repair` would take away"
    chunks = wording.counted(len(plan.chunks), "damaged chunk")
    yield Line(f"{word} {wording.counted(len(plan.backups), 'backup')} and {chunks}:")
    for label, tables in plan.backups.items():
        hurt = f"tables {', '.join(tables)}" if tables else "its manifest"
        yield Line(f"    {label}: {hurt} cannot be read; the manifest goes to damaged/{label}.json")
    if not repairing:
        yield Line("    where another repository has these backups whole, copy them back after the repair")


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
    from toolkit.storage.check import check
    from toolkit.storage.locks import LockKind, locked
    from toolkit.storage.records import record_check
    from toolkit.storage.repair import bring_back, plan_repair, repair

    kind = LockKind.EXCLUSIVE if repairing else LockKind.SHARED
    with locked(
        repository, kind, purpose="repair" if repairing else "check", now=utc_now, reading=not repairing
    ) as lock:
        for warning in lock.warnings:
            call.note(f"[WARNING]: {warning}", style=WARNING)
        if sample:
            call.note(f"reading {sample}")
        with progress_of(call, name) as progress:
            report = check(repository, sample=sample, progress=progress)
        plan = plan_repair(report.findings) if report.damaged else None
        yield Checked(repository=name, report=report, plan=plan, repairing=repairing)
        if plan and not repairing:
            _doubt(repository, plan, lock)
        if not lock.warnings:
            with suppress(StorageError):
                subset = str(sample) if sample else ""
                record_check(repository, damaged=plan is not None, subset=subset, now=utc_now())
        if repairing:
            if plan:
                repair(repository, plan, lock=lock)
            again = tuple(bring_back(repository, lock=lock))
    # a bundle takes on what was repaired when its lock is given back
    if repairing:
        yield Repaired(repository=name, done=plan is not None, whole_again=again)


def _doubt(repository: Repository, plan: RepairPlan, lock: Lock) -> None:
    """Let damaged backups no longer count as verified or proven, so that a prune relies on others."""
    from toolkit.app.control import utc_now
    from toolkit.storage.proofs import doubt

    if not lock.warnings:
        with suppress(StorageError):
            for label, tables in plan.backups.items():
                hurt = f"tables {', '.join(tables)}" if tables else "its manifest"
                doubt(repository, label, f"{hurt} cannot be read (found by check)", now=utc_now())


COMMAND = Command(
    name="check",
    summary="Read a repository back and check it",
    usage="[--repository R] [--read-data-subset 5%] [--repair]",
    needs=(REPOSITORY, INVENTORY, JSON),
    options=Options,
    body=_check,
    listing="repositories",
)
