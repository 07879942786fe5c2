"""Which backups are kept and which are removed, and why. A pure function of backups, policy and time.

The rules mean what they mean in restic's `forget` (https://restic.readthedocs.io/en/stable/060_forget.html), and are
or-ed as there. Beyond them stand the newest ones, pins, and the newest backups that are known to be good or proven.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import partial
from itertools import chain

from msgspec.structs import replace

from toolkit.model.duration import Duration
from toolkit.model.manifest import Metadata
from toolkit.model.proof import Standing
from toolkit.model.retention import UNLIMITED, BackupSummary, Decision, GroupKey, Period, Pin, RetentionPolicy
from toolkit.planning.clock import instant, is_future

SMALL = 0.5
"""A backup with less than this part of a verified one's rows or bytes is suspiciously small beside it."""

NO_RULE = "no rule keeps it"
FUTURE = "dated in the future"

_Reason = tuple[BackupSummary, str]

_PERIODS: Mapping[Period, Callable[[datetime], object]] = {
    # an hour that clocks run through twice is two hours
    Period.HOURLY: lambda local: (local.date(), local.hour, local.utcoffset()),
    Period.DAILY: lambda local: local.date(),
    Period.WEEKLY: lambda local: local.isocalendar()[:2],
    Period.MONTHLY: lambda local: (local.year, local.month),
    Period.YEARLY: lambda local: local.year,
}


def summary_of(
    metadata: Metadata, *, verified: bool, standing: Standing, pin: Pin | None, awaited: bool = False
) -> BackupSummary:
    """Give what retention has to know of a backup. Raises ValueError when its manifest has no time that can be read."""
    covered = metadata.business_filter
    businesses = ", ".join(sorted(covered.business_ids)) or "all businesses"
    return BackupSummary(
        label=metadata.label,
        time=instant(metadata.timestamp),
        host=metadata.host,
        job=metadata.job,
        scope=f"{metadata.backup_type} ({businesses}, demo {covered.demo})",
        tags=tuple(sorted(metadata.tags)),
        rows=metadata.stats.total_records,
        bytes=metadata.stats.uncompressed_size,
        verified=verified or standing.proven is not None,
        proven=standing.proven is not None,
        awaited=awaited,
        pin=pin,
    )


def decide(
    backups: Iterable[BackupSummary], policy: RetentionPolicy, *, now: datetime, zone: tzinfo = UTC
) -> list[Decision]:
    """Give what becomes of every backup.

    Args:
        now: an aware time; pins end by it, and a backup of the future is kept and counts for no rule.
        zone: the time zone in which hours, days, weeks, months and years begin.

    Returns:
        One decision for each backup, groups in order of their names, the newest first within a group.

    Raises:
        ValueError: the policy is empty.
    """
    if policy.empty:
        raise ValueError("a policy without rules would remove everything")
    groups: dict[tuple[str, ...], list[BackupSummary]] = {}
    for backup in backups:
        groups.setdefault(_group(backup, policy), []).append(backup)
    return [
        decision
        for name in sorted(groups)
        for decision in _decide_group(name, sorted(groups[name], key=recorded, reverse=True), policy, now, zone)
    ]


def spared(decision: Decision, only: Collection[str]) -> Decision:
    """Give the same decision, but that a backup stays which is not among those that may be removed."""
    if decision.keep or decision.backup.label in only:
        return decision
    return replace(decision, keep=True, reasons=(f"{NO_RULE}, but it is not among those to be removed",))


def recorded(backup: BackupSummary) -> tuple[datetime, int, str]:
    """Give the order in which backups were recorded; of equal times a longer label is later (`-10` after `-9`)."""
    return backup.time, len(backup.label), backup.label


def _group(backup: BackupSummary, policy: RetentionPolicy) -> tuple[str, ...]:
    values = {
        GroupKey.HOST: f"host {backup.host}",
        GroupKey.JOB: f"job {backup.job}",
        GroupKey.SCOPE: backup.scope,
        GroupKey.TAGS: f"tags {', '.join(sorted(backup.tags)) or 'none'}",
    }
    return tuple(values[key] for key in GroupKey if key in policy.group_by)


def _decide_group(
    name: tuple[str, ...], backups: Sequence[BackupSummary], policy: RetentionPolicy, now: datetime, zone: tzinfo
) -> Iterator[Decision]:
    """The decisions about a group, given its backups from the newest on."""
    reasons: dict[str, list[str]] = {backup.label: [] for backup in backups}
    # nobody knows how old these are really, so no older one may make room for them
    past = [backup for backup in backups if not is_future(backup.time, now)]
    for backup, reason in chain(
        ((backup, FUTURE) for backup in backups if is_future(backup.time, now)),
        _counted(past, policy, zone),
        _within(past, policy, zone),
        _tagged(backups, policy),
        _newest(past, policy),
        _needed(backups, now.astimezone(zone).date()),
        _known_good(past),
        _proven(past),
    ):
        reasons[backup.label].append(reason)
    for backup in backups:
        found = tuple(reasons[backup.label])
        yield Decision(backup=backup, group=name, keep=bool(found), reasons=found or (NO_RULE,))


def _counted(backups: Sequence[BackupSummary], policy: RetentionPolicy, zone: tzinfo) -> Iterator[_Reason]:
    yield from _buckets(backups, "last", policy.last, lambda backup: backup.label)
    for period in Period:
        yield from _buckets(backups, period, policy.periods.get(period, 0), partial(_bucket, period=period, zone=zone))


def _bucket(backup: BackupSummary, *, period: Period, zone: tzinfo) -> object:
    return _PERIODS[period](backup.time.astimezone(zone))


def _buckets(
    backups: Sequence[BackupSummary], word: str, number: int, bucket_of: Callable[[BackupSummary], object]
) -> Iterator[_Reason]:
    """The newest backup of each of the last so many buckets; while some are left over, also the oldest of all."""
    count, previous = 0, None
    for backup in backups:
        if count == number:
            return
        bucket = bucket_of(backup)
        if bucket != previous or backup is backups[-1]:
            count += 1
            of = "" if number == UNLIMITED else f" {count}/{number}"
            yield backup, f"{word}{of}" + (" (the oldest)" if bucket == previous else "")
        previous = bucket


def _within(backups: Sequence[BackupSummary], policy: RetentionPolicy, zone: tzinfo) -> Iterator[_Reason]:
    """What is younger than a duration before the newest backup."""
    latest = max((backup.time for backup in backups), default=None)

    def younger(duration: Duration) -> Iterator[BackupSummary]:
        return (backup for backup in backups if latest is None or backup.time > duration.before(latest, zone))

    if policy.within:
        yield from ((backup, f"within {policy.within}") for backup in younger(policy.within))
    for period in Period:
        duration, previous = policy.within_periods.get(period), None
        for backup in younger(duration) if duration else ():
            bucket = _bucket(backup, period=period, zone=zone)
            if bucket != previous:
                yield backup, f"{period} within {duration}"
            previous = bucket


def _tagged(backups: Sequence[BackupSummary], policy: RetentionPolicy) -> Iterator[_Reason]:
    for backup in backups:
        yield from ((backup, f"tag {tag}") for tag in policy.tags if tag in backup.tags)


def _newest(backups: Sequence[BackupSummary], policy: RetentionPolicy) -> Iterator[_Reason]:
    """The newest, and the last few."""
    for index, backup in enumerate(backups):
        if index == 0:
            yield backup, "newest of its group"
        elif index < policy.minimum:
            yield backup, f"one of the newest {policy.minimum} (minimum)"


def _needed(backups: Sequence[BackupSummary], today: date) -> Iterator[_Reason]:
    for backup in backups:
        if backup.pin and (backup.pin.until is None or today <= backup.pin.until):
            yield backup, str(backup.pin)
        if backup.awaited:
            yield backup, "rows of it are in quarantine"


def _known_good(backups: Sequence[BackupSummary]) -> Iterator[_Reason]:
    """The verified ones beside which every newer one is unverified or suspiciously small."""
    newer: list[BackupSummary] = []
    for index, backup in enumerate(backups):
        if not backup.verified:
            continue
        if index and all(_small(other, backup) for other in newer):
            yield backup, _why_known_good(backup, newer, unverified=index - len(newer))
        newer.append(backup)


def _proven(backups: Sequence[BackupSummary]) -> Iterator[_Reason]:
    """The newest one that was restored and found equal, for as long as no newer one was."""
    index = next((index for index, backup in enumerate(backups) if backup.proven), 0)
    if index:
        yield backups[index], f"newest proven of its group, {index} newer {'is' if index == 1 else 'are'} not"


def _small(other: BackupSummary, backup: BackupSummary) -> bool:
    return other.rows < SMALL * backup.rows or other.bytes < SMALL * backup.bytes


def _why_known_good(backup: BackupSummary, newer: Sequence[BackupSummary], *, unverified: int) -> str:
    """Why a verified backup stays, given the newer verified ones, all of them suspiciously small."""
    facts = [f"{unverified} newer {'is' if unverified == 1 else 'are'} unverified"] if unverified else []
    for other in newer[:1]:
        rows = other.rows < SMALL * backup.rows
        part = other.rows / backup.rows if rows else other.bytes / backup.bytes
        facts.append(f"{other.label} has only {part:.0%} of its {'rows' if rows else 'bytes'}")
    return f"verified, while {' and '.join(facts)}"
