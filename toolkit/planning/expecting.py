"""Whether the backups of a host are as fresh, and as proven, as the inventory expects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from toolkit.model.expectation import Expectation
from toolkit.model.finding import Examined, Finding, Level, Measure
from toolkit.model.manifest import Metadata
from toolkit.model.proof import Proof, Standing
from toolkit.planning.clock import instant, is_future
from toolkit.wording import nearest, span

BY_HAND: Final = "by-hand"
"""The job of backups that somebody makes by the way: none is ever due, unless an expectation names it."""


class Seen(Struct, frozen=True, kw_only=True):
    """A backup in a repository, and how it stands."""

    repository: str
    metadata: Metadata
    standing: Standing

    @property
    def time(self) -> datetime:
        """When it was made."""
        return instant(self.metadata.timestamp)

    @property
    def proof(self) -> Proof | None:
        """The newest attempt that proves it, or a business of it, and still holds."""
        held = [each for each in (self.standing.proven, *self.standing.businesses.values()) if each]
        return max(held, key=lambda each: each.time, default=None)


class Asked(Struct, frozen=True, kw_only=True):
    """A host, what is expected of it, and the repository in which it is looked for.

    Attributes:
        provable: scratch databases of it can be made.
    """

    host: str
    repository: str
    expectations: Sequence[Expectation]
    provable: bool = True


def judged(asked: Asked, backups: Sequence[Seen], *, now: datetime) -> Examined:
    """Judge the backups of a host in one repository.

    Args:
        backups: all of them that can be read.
    """
    by_job: dict[str, list[Seen]] = {}
    for backup in sorted(backups, key=lambda each: each.time):
        by_job.setdefault(backup.metadata.job, []).append(backup)
    wanted = {each.job: each for each in asked.expectations if each.job}
    for each in asked.expectations:
        if not each.job:
            wanted |= dict.fromkeys((job for job in by_job if job != BY_HAND), each) or {"": each}
    findings = [
        replace(finding, job=job) for job, each in wanted.items() for finding in _job(asked, job, each, by_job, now)
    ]
    others = {job: backups for job, backups in by_job.items() if job not in wanted}
    findings += [
        Finding(
            about=f"host {asked.host}",
            check="newest",
            message=f"{_newest(job, asked, there, now)}; nothing expected",
            job=job,
        )
        for job, there in others.items()
    ]
    # nothing is due of them, but one that its trial refuted is not to be relied upon
    findings += [
        replace(finding, job=job)
        for job, there in others.items()
        for finding in _attempts(f"host {asked.host}", there)
        if finding.check == "failed"
    ]
    measures = [measure for job, there in by_job.items() for measure in _measures(asked, job, there)]
    for job, each in wanted.items():
        measures += _limits(asked, job, each, now)
    return Examined(findings=tuple(findings), measures=tuple(measures))


def _job(
    asked: Asked, job: str, expected: Expectation, by_job: dict[str, list[Seen]], now: datetime
) -> Iterator[Finding]:
    about, there = f"host {asked.host}", by_job.get(job, [])
    if not there:
        but = f" but those of {BY_HAND}" if not job and by_job else ""
        what = f"there is no backup of {job or 'it'}{but} in repository {asked.repository}"
        near = nearest(job, by_job)
        hint = f"run the playbook that makes it{f', or did you mean job {near}?' if near else ''}"
        yield Finding(about=about, check="newest", message=what, level=Level.CRITICAL, hint=hint)
        return
    newest, said = there[-1], _newest(job, asked, there, now)
    if is_future(newest.time, now):
        hint = "set the clock of this machine, or of the one that made it"
        yield Finding(about=about, check="newest", message=f"{said}, in the future", level=Level.CRITICAL, hint=hint)
    elif expected.newest is not None and newest.time < expected.newest.before(now):
        message = f"{said}, and {expected.newest} are allowed"
        hint = "see why it was not made: `invoke schedule --list`, and the log of its last run"
        yield Finding(about=about, check="newest", message=message, level=Level.CRITICAL, hint=hint)
    else:
        yield Finding(about=about, check="newest", message=said)
    if expected.proven is not None:
        yield _proven(asked, job, expected, there, now)
        yield from _attempts(about, there)


def _proven(asked: Asked, job: str, expected: Expectation, there: Sequence[Seen], now: datetime) -> Finding:
    assert expected.proven is not None
    about, what = f"host {asked.host}", f"job {job} in {asked.repository}"
    proofs = [proof for each in there if (proof := each.proof)]
    proof = max(proofs, key=lambda each: each.time, default=None)
    failures = [failed for each in there if (failed := each.standing.failed)]
    failed = max(failures, key=lambda each: each.time, default=None)
    remedy = "restore one into a scratch database and verify it: `invoke run playbooks/drill.yml`"
    if not asked.provable:
        remedy = "mend first what is said of its scratch databases: no drill can make one"
    if ahead := [each.time for one in there for each in one.standing.tried if is_future(instant(each.time), now)]:
        remedy = f"{remedy}; an attempt is recorded at {max(ahead)}, when a clock was wrong, and proves nothing"
    if failed is not None and (proof is None or failed.time > proof.time):
        return Finding(
            about=about,
            check="proven",
            message=f"the last attempt to prove {what} failed, on {failed.label}: {failed.failure}",
            level=Level.CRITICAL,
            hint=f"see what is wrong with it, then {remedy}",
        )
    if proof is None:
        message = f"no backup of {what} was ever proven, and one within {expected.proven} is expected"
        return Finding(about=about, check="proven", message=message, level=Level.CRITICAL, hint=remedy)
    whole = "" if proof.whole else f", business {', '.join(proof.businesses)}"
    age = span((now - instant(proof.time)).total_seconds())
    message = f"{what} was last proven {age} ago: {proof.label}{whole}"
    if instant(proof.time) < expected.proven.before(now):
        message = f"{message}, and {expected.proven} are allowed"
        return Finding(about=about, check="proven", message=message, level=Level.CRITICAL, hint=remedy)
    return Finding(about=about, check="proven", message=message)


def _attempts(about: str, there: Sequence[Seen]) -> Iterator[Finding]:
    """What later attempts say that is no matter of being proven in time."""
    for backup in there:
        standing, label = backup.standing, backup.metadata.label
        if standing.failed is not None:
            text = f"backup {label} cannot be relied upon: {standing.failed.failure}"
            hint = "see what is wrong with it; where others are proven, prune it"
            yield Finding(about=about, check="failed", message=text, level=Level.WARNING, hint=hint)
        elif standing.hindered is not None:
            text = f"the last attempt to prove {label} did not come to its end: {standing.hindered.failure}"
            hint = "mend that, then prove it again"
            yield Finding(about=about, check="hindered", message=text, level=Level.WARNING, hint=hint)


def _newest(job: str, asked: Asked, there: Sequence[Seen], now: datetime) -> str:
    age = span(abs((now - there[-1].time).total_seconds()))
    return f"newest backup of {job} in {asked.repository} is {age} old"


def _measures(asked: Asked, job: str, there: Sequence[Seen]) -> Iterator[Measure]:
    labels = {"host": asked.host, "job": job, "repository": asked.repository}
    newest = there[-1]
    numbers: dict[str, float | None] = {
        "backups": len(there),
        "backup_newest_timestamp_seconds": newest.time.timestamp(),
        "backup_newest_size_bytes": newest.metadata.stats.uncompressed_size,
        "backup_newest_rows": newest.metadata.stats.total_records,
        "backup_newest_duration_seconds": newest.metadata.duration_seconds,
    }
    proofs = [proof for each in there if (proof := each.proof)]
    if proof := max(proofs, key=lambda each: each.time, default=None):
        numbers |= {
            "backup_proven_timestamp_seconds": instant(proof.time).timestamp(),
            "backup_proven_restore_seconds": proof.seconds,
            "backup_proven_data_age_seconds": proof.age,
        }
    yield from (Measure(name=name, value=value, labels=labels) for name, value in numbers.items() if value is not None)


def _limits(asked: Asked, job: str, expected: Expectation, now: datetime) -> Iterator[Measure]:
    labels = {"host": asked.host, "job": job, "repository": asked.repository}
    for name, limit in (("newest", expected.newest), ("proven", expected.proven)):
        if limit is not None:
            seconds = (now - limit.before(now)).total_seconds()
            yield Measure(name=f"backup_{name}_allowed_seconds", value=seconds, labels=labels)
