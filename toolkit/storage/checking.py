"""A whole check: everything read back, what that means for the backups, and, where it is asked for, the repair."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from msgspec import Struct

from toolkit import __version__
from toolkit.errors import StorageError
from toolkit.model.check import CheckRecord, CheckReport, RepairPlan
from toolkit.model.outcome import Progress
from toolkit.planning.clock import stamp
from toolkit.planning.sampling import Sample
from toolkit.storage.check import check
from toolkit.storage.checks import record_check
from toolkit.storage.locks import Lock
from toolkit.storage.processes import who
from toolkit.storage.proofs import doubt
from toolkit.storage.repair import bring_back, plan_repair, repair
from toolkit.storage.repository import Repository


class Examined(Struct, frozen=True, kw_only=True):
    """What a check has found.

    Attributes:
        plan: what a repair takes away; None where nothing is damaged.
    """

    report: CheckReport
    plan: RepairPlan | None


def examined(
    repository: Repository,
    lock: Lock | None,
    *,
    sample: Sample | None,
    repairing: bool,
    progress: Progress,
    now: Callable[[], datetime],
    playbook: str = "",
) -> Examined:
    """Read a repository back; remember that, and that damaged backups are relied upon no longer.

    Args:
        lock: the one that is held, exclusive where a repair follows; None where nothing may be written.
        sample: which chunks are read; all of them when there is none.
        playbook: what asked for it; empty for a command.

    Raises:
        RefusedError: something could not be read, so that nobody knows whether it is damaged.
        StorageError: the repository cannot be listed.
    """
    began = time.monotonic()
    report = check(repository, sample=sample, progress=progress)
    found = Examined(report=report, plan=plan_repair(report.findings) if report.damaged else None)
    # without its lock, nothing is written
    if lock is None or lock.warnings:
        return found
    with suppress(StorageError):
        if found.plan and not repairing:
            _doubt(repository, found.plan, now)
        record = CheckRecord(
            time=stamp(now(), "milliseconds"),
            damaged=report.damaged,
            harmed=report.harmed,
            repaired=repairing and report.damaged,
            subset=str(sample) if sample else "",
            backups=report.backups,
            stored=report.stored,
            seconds=round(time.monotonic() - began, 3),
            playbook=playbook,
            tool=f"playback {__version__}",
            by=who(),
        )
        record_check(repository, record)
    return found


def mended(repository: Repository, plan: RepairPlan | None, lock: Lock) -> tuple[str, ...]:
    """Carry a plan out, then bring back what is whole again by now; gives the labels of that.

    Args:
        lock: the exclusive lock, held since before the check.

    Raises:
        LockedError, StorageError: it stopped half-way; repair again.
    """
    if plan:
        repair(repository, plan, lock=lock)
    return tuple(bring_back(repository, lock=lock))


def _doubt(repository: Repository, plan: RepairPlan, now: Callable[[], datetime]) -> None:
    """Let damaged backups no longer count as verified or proven, so that a prune relies on others."""
    for label, tables in plan.backups.items():
        hurt = f"tables {', '.join(tables)}" if tables else "its manifest"
        doubt(repository, label, f"{hurt} cannot be read (found by check)", now=now())
