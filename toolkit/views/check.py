"""Views of checks of repositories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from toolkit.model.check import CheckReport, Finding, RepairPlan
from toolkit.model.result import CheckedRepository
from toolkit.views.view import View, view
from toolkit.wording import counted, size


@view.register
def _checked(result: CheckedRepository) -> View:
    details = [line for finding in result.report.findings for line in finding_lines(finding)]
    details += [*remark_lines(result.report), *plan_lines(result.plan, repairing=result.repairing and not result.check)]
    if result.repairing and not result.check:
        details += repaired_lines(result.repository, result.whole_again, done=result.plan is not None)
    return View(
        message=verdict(result.repository, result.report),
        details=tuple(details),
        facts={
            **document(result.repository, result.report, result.plan),
            "repaired": result.repairing and not result.check and result.plan is not None,
            "whole_again": list(result.whole_again),
        },
    )


def document(repository: str, report: CheckReport, plan: RepairPlan | None) -> Mapping[str, Any]:
    """Give the findings, the numbers and the plan, for programs."""
    return {
        "repository": repository,
        "damaged": report.damaged,
        **msgspec.to_builtins(report),
        "repair": msgspec.to_builtins(plan) if plan else None,
    }


def finding_lines(finding: Finding) -> Iterator[str]:
    """Say what was found, and what it harms."""
    yield f"{finding.kind}: {finding.message}"
    for heading, harmed in (("backups", finding.labels), ("tables", finding.tables)):
        if harmed:
            yield f"    {heading}: {', '.join(harmed)}"


def verdict(repository: str, report: CheckReport) -> str:
    """Say whether it is sound, and what was read."""
    word = f"repository {repository} is {'DAMAGED' if report.damaged else 'sound'}"
    numbers = ((report.backups, "backup"), (report.chunks, "chunk"), (report.rows, "row"))
    contents = ", ".join(counted(number, noun) for number, noun in numbers)
    return f"{word}: {contents}, {size(report.bytes)} ({size(report.stored)} stored) read"


def remark_lines(report: CheckReport) -> Iterator[str]:
    """Say what else there is, which does no harm."""
    if report.orphans:
        yield f"    {counted(report.orphans, 'chunk')} ({size(report.orphan_bytes)}) of no backup; no harm"


def plan_lines(plan: RepairPlan | None, *, repairing: bool) -> Iterator[str]:
    """Say what a repair takes away, or would take away; nothing where there is no plan."""
    if not plan:
        return
    word = "the repair takes away" if repairing else "`--repair` would take away"
    yield f"{word} {counted(len(plan.backups), 'backup')} and {counted(len(plan.chunks), 'damaged chunk')}:"
    for label, tables in plan.backups.items():
        hurt = f"tables {', '.join(tables)}" if tables else "its manifest"
        yield f"    {label}: {hurt} cannot be read; the manifest goes to damaged/{label}.json"
    if not repairing:
        yield "    where another repository has these backups whole, copy them back after the repair"


def repaired_lines(repository: str, whole_again: tuple[str, ...], *, done: bool) -> Iterator[str]:
    """Say what a repair has done, and what to do next."""
    if done:
        yield f"repository {repository} is repaired; back up, then repair once more: a hurt"
        yield "    backup comes back when all its chunks are stored anew"
    for label in whole_again:
        yield f"{label} is whole again and listed as before"
