"""What is drilled next: the backup, and the businesses of it, that have waited longest. Pure, and so is the chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from random import Random

from msgspec import Struct

from toolkit.model.outline import Outline
from toolkit.model.proof import Proof, Standing


class Turn(StrEnum):
    """In which order backups get their turn.

    Attributes:
        OLDEST_UNPROVEN: the oldest that is not proven; when all are, nothing is left to do.
        RANDOM: any one that was never tried; when all were, the one whose last try is longest ago.
    """

    OLDEST_UNPROVEN = "oldest-unproven"
    RANDOM = "random"


class Candidate(Struct, frozen=True, kw_only=True):
    """A backup that may be drilled.

    Attributes:
        time: when it was made, ISO 8601 in UTC.
        job: the job and the scope of which it is one.
        tried: when it was last tried to prove it; empty for never.
        proven: nothing is left to prove of it.
        hindered: something else than the backup kept the last try from being carried out.
    """

    label: str
    time: str
    job: tuple[str, str]
    tried: str
    proven: bool
    hindered: bool = False


def candidate_of(backup: Outline, standing: Standing, *, businesses: Sequence[str] | None) -> Candidate:
    """Give a backup as a candidate.

    Args:
        businesses: those that are to be proven; empty where any will do, None for the whole backup.
    """
    metadata = backup.metadata
    found = set(standing.businesses)
    part = businesses is not None and (found.issuperset(businesses) if businesses else bool(found))
    return Candidate(
        label=metadata.label,
        time=metadata.timestamp,
        job=(metadata.job, metadata.backup_type),
        tried=standing.tried[-1].time if standing.tried else "",
        proven=standing.failed is None and (standing.proven is not None or part),
        hindered=standing.hindered is not None,
    )


def next_backup(candidates: Iterable[Candidate], turn: Turn, attempts: Iterable[Proof], chance: Random) -> str | None:
    """Give the label of the backup whose turn it is; None where nothing is left to do.

    The job that has waited longest comes first, so that one with many backups does not keep the others from theirs.

    Args:
        attempts: all that was tried on backups of the host, also on those that are gone.
    """
    waiting = sorted(
        (each for each in candidates if turn is Turn.RANDOM or not each.proven),
        key=lambda each: (each.time, each.label),
    )
    if not waiting:
        return None
    last: dict[tuple[str, str], str] = {}
    for attempt in attempts:
        job = attempt.job, attempt.scope
        last[job] = max(attempt.time, last.get(job, ""))
    longest = min(last.get(each.job, "") for each in waiting)
    waiting = [each for each in waiting if last.get(each.job, "") == longest]
    longest = min(each.tried for each in waiting)
    waiting = [each for each in waiting if each.tried == longest]
    return (chance.choice(waiting) if turn is Turn.RANDOM else waiting[0]).label


def next_businesses(
    tenants: Mapping[str, str], count: int, attempts: Iterable[Proof], chance: Random
) -> tuple[str, ...]:
    """Give so many of a backup's businesses, those first whose last turn is longest ago; by chance among equals.

    Args:
        attempts: all that was tried on backups of the same host and job; those of whole backups are nobody's turn.
    """
    last = dict.fromkeys(tenants, "")
    for attempt in attempts:
        for business in attempt.businesses:
            if business in last:
                last[business] = max(attempt.time, last[business])
    order = sorted(tenants)
    chance.shuffle(order)
    return tuple(sorted(sorted(order, key=lambda business: last[business])[:count]))
