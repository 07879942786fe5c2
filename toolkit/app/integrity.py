"""The command `check`: is what the repositories hold still what was written, and, if not, what can be done?"""

from __future__ import annotations

from contextlib import suppress

from toolkit import wording
from toolkit.app.console import Output
from toolkit.app.control import Control, repositories, utc_now
from toolkit.app.failure import show
from toolkit.app.text import WARNING, TextReporter
from toolkit.errors import InputError, PlaybackError, StorageError, UnsetError
from toolkit.planning.sampling import Sample
from toolkit.runner.results import exit_code
from toolkit.storage.check import CheckReport, FindingKind, check
from toolkit.storage.locks import Lock, LockKind, locked
from toolkit.storage.records import forget_verified
from toolkit.storage.repair import RepairPlan, bring_back, plan_repair, repair
from toolkit.storage.repository import Repository

DIFFERENCES = 6


def check_repository(
    control: Control, output: Output, *, repository: str, read_data: bool, subset: str, repairing: bool
) -> int:
    """Check every manifest of a repository, or of all, and read back every chunk, or some.

    Args:
        read_data: ask for every chunk, as is done without it.
        subset: which part of the chunks to read, e.g. `5%`, or how many; empty for all.
        repairing: take away what cannot be restored; of a named repository only.

    Returns:
        0, or the exit code of what is found: 6 where something is damaged, repaired or not, and those of repositories
        that cannot be opened.

    Raises:
        InputError: the options do not fit.
    """
    sample = _sample(subset, read_data)
    if repairing and not repository:
        raise InputError("no repository to repair is named", hint="invoke check --repository R --repair")
    codes: list[int] = []
    for name, opened in repositories(control.load_inventory(), repository):
        if isinstance(opened, UnsetError) and not repository:
            output.line(f"repository {name}: {opened.brief}", style=WARNING)
            continue
        try:
            if isinstance(opened, PlaybackError):
                raise opened
            if _check(name, opened, sample, output, repairing=repairing).damaged:
                codes.append(DIFFERENCES)
        except PlaybackError as error:
            if repository:
                raise
            show(output, error)
            codes.append(error.exit_code)
    return exit_code(codes)


def _sample(subset: str, read_data: bool) -> Sample | None:
    if not subset:
        return None
    if read_data:
        raise InputError("--read-data reads everything, so --read-data-subset cannot be given with it")
    try:
        return Sample.parse(subset, utc_now().date())
    except ValueError as error:
        raise InputError(f"--read-data-subset: {error}") from error


def _check(name: str, repository: Repository, sample: Sample | None, output: Output, *, repairing: bool) -> CheckReport:
    kind = LockKind.EXCLUSIVE if repairing else LockKind.SHARED
    purpose = "repair" if repairing else "check"
    with locked(repository, kind, purpose=purpose, now=utc_now, reading=not repairing) as lock:
        for warning in lock.warnings:
            output.line(f"[WARNING]: {warning}", style=WARNING)
        if sample:
            output.line(f"reading {sample}")
        with TextReporter(output, debug=False).progress(name, "check") as progress:
            report = check(repository, sample=sample, progress=progress)
        _print_report(name, report, output)
        if report.damaged:
            plan = plan_repair(report.findings)
            _print_plan(plan, output, repairing=repairing)
            if repairing:
                repair(repository, plan, lock=lock)
                output.line(f"repository {name} is repaired; back up, then repair once more: a hurt", style="green")
                output.line("    backup comes back when all its chunks are stored anew", style="green")
            else:
                _doubt(repository, plan, lock)
        if repairing:
            for label in bring_back(repository, lock=lock):
                output.line(f"{label} is whole again and listed as before", style="green")
    return report


def _doubt(repository: Repository, plan: RepairPlan, lock: Lock) -> None:
    """Damaged backups no longer count as verified, so that a prune relies on others."""
    if not lock.warnings:
        with suppress(StorageError):
            for label in plan.backups:
                forget_verified(repository, label)


def _print_report(name: str, report: CheckReport, output: Output) -> None:
    for finding in report.findings:
        style = WARNING if finding.kind is FindingKind.FOREIGN else "red"
        output.line(f"{finding.kind}: {finding.message}", style=style)
        for heading, harmed in (("backups", finding.labels), ("tables", finding.tables)):
            if harmed:
                output.line(f"    {heading}: {', '.join(harmed)}")
    verdict = f"repository {name} is {'DAMAGED' if report.damaged else 'sound'}"
    contents = f"{report.backups} backups, {wording.count(report.chunks)} chunks, {wording.count(report.rows)} rows"
    sizes = f"{wording.size(report.bytes)} ({wording.size(report.stored)} stored)"
    output.line(f"{verdict}: {contents}, {sizes} read", style="red" if report.damaged else "green")
    if report.orphans:
        output.line(f"    {report.orphans} chunks ({wording.size(report.orphan_bytes)}) belong to no backup; no harm")


def _print_plan(plan: RepairPlan, output: Output, *, repairing: bool) -> None:
    word = "the repair takes away" if repairing else "`--repair` would take away"
    output.line(f"{word} {len(plan.backups)} backups and {len(plan.chunks)} damaged chunks:")
    for label, tables in plan.backups.items():
        hurt = f"tables {', '.join(tables)}" if tables else "its manifest"
        output.line(f"    {label}: {hurt} cannot be read; the manifest goes to damaged/{label}.json")
    if not repairing:
        output.line("    where another repository has these backups whole, copy them back after the repair")
