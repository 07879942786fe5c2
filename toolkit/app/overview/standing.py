"""How hosts, their jobs, repositories and schedules stand, from an examination that may still go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from msgspec import structs

from toolkit.app.doctoring.examining import (
    SCHEDULES,
    Looking,
    name_of_host,
    name_of_repository,
)
from toolkit.app.doctoring.repositories import SeenRepository
from toolkit.app.overview.advice import Advice, advice_on, undone_of
from toolkit.app.overview.coming import Coming
from toolkit.model.finding import Examined, Finding, Level
from toolkit.model.proof import Proof
from toolkit.planning.expecting import Seen
from toolkit.wording import counted, first_few

Key = tuple[str, str]
"""A host and a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStanding:
    """A job of a host.

    Attributes:
        newest: its newest backup; None where there is none yet.
        repositories: those that have it.
        backups: how many there are, each label counted once.
        proof: the newest attempt that proves a backup of the job, or a business of one, and holds.
        failed: the newest attempt of the newest backup, where it failed.
        coming: when it is made next.
    """

    job: str
    newest: Seen | None
    repositories: tuple[str, ...] = ()
    backups: int = 0
    proof: Proof | None = None
    failed: Proof | None = None
    coming: Coming | None = None
    advice: tuple[Advice, ...] = ()

    @property
    def level(self) -> Level:
        """The gravest of what there is to say."""
        return _gravest(self.advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStanding:
    """A host.

    Attributes:
        known: it is in the inventory; of others there are only backups.
        watched: something is expected of its backups (`expect`), so that it can be late.
        answered: its database was asked, and answered or was given up.
        said: what was found of its database, in the words of `doctor`.
        advice: on the host itself; jobs have their own.
        undone: what is still to do until its backups can be relied upon, though nothing is wrong.
    """

    name: str
    device: str = ""
    known: bool = True
    watched: bool = False
    answered: bool = True
    said: tuple[Finding, ...] = ()
    jobs: tuple[JobStanding, ...] = ()
    advice: tuple[Advice, ...] = ()
    undone: tuple[Advice, ...] = ()

    @property
    def level(self) -> Level:
        """The gravest of the host and its jobs."""
        return max((_gravest((*self.advice, *self.undone)), *(job.level for job in self.jobs)))

    @property
    def bare(self) -> bool:
        """Whether it has no backup at all, and nothing graver is known."""
        return any(each.level for each in self.undone)

    @property
    def scheduled(self) -> bool:
        """Whether something backs it up by itself."""
        return any(job.coming is not None and job.coming.at is not None for job in self.jobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingStanding:
    """A repository or a schedule.

    Attributes:
        kind: `repository` or `schedule`.
        unused: a repository that has no backups yet, or is not set up on this machine.
    """

    kind: str
    name: str
    answered: bool = True
    unused: bool = False
    said: tuple[Finding, ...] = ()
    advice: tuple[Advice, ...] = ()

    @property
    def level(self) -> Level:
        """The gravest of what there is to say."""
        return _gravest(self.advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How everything stands.

    Attributes:
        at: when it was looked at.
        going_on: not everything has answered yet, or all of it is being looked at again.
        jobs_known: every repository has answered.
        legible: every repository could be read, so that a host without jobs has no backups.
    """

    at: datetime
    going_on: bool
    jobs_known: bool
    legible: bool
    hosts: tuple[HostStanding, ...]
    things: tuple[ThingStanding, ...]

    @property
    def level(self) -> Level:
        """The gravest of all."""
        return _gravest((*self._advice(), *self.undone))

    @property
    def undone(self) -> tuple[Advice, ...]:
        """What is still to do, of all hosts."""
        return tuple(each for host in self.hosts for each in host.undone)

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        levels = [each.level for each in self._advice()]
        grave, light = levels.count(Level.CRITICAL), levels.count(Level.WARNING)
        if grave:
            more = f", and {light} more {'is' if light == 1 else 'are'} worth a look" if light else ""
            return f"{counted(grave, 'thing needs', 'things need')} you now{more}."
        worth = f"{counted(light, 'thing is', 'things are')} worth a look."
        if bare := [host.name for host in self.hosts if host.bare]:
            return f"There is no backup of {first_few(bare)} yet.{f' {worth}' if light else ''}"
        if light:
            return worth
        if self.going_on:
            return "Still looking. Nothing wrong was found so far."
        if self.undone:
            return f"Nothing wrong was found. {counted(len(self.undone), 'thing is', 'things are')} still to do."
        return "Nothing wrong was found."

    def _advice(self) -> Iterator[Advice]:
        for host in self.hosts:
            yield from host.advice
            for job in host.jobs:
                yield from job.advice
        for thing in self.things:
            yield from thing.advice


def overview_of(looking: Looking, runs: Mapping[Key, Coming]) -> Overview:
    """Give how everything stands, as far as it has answered.

    Args:
        runs: what scheduled playbooks will back up.
    """
    backups = _backups(looking)
    names = [host.name for host in looking.hosts]
    jobs_known = all(looking.has_answered(name_of_repository(name)) for name in looking.visits)
    hosts = [_host(looking, name, backups, runs) for name in names]
    legible = jobs_known and all(looking.repository(name).legible for name in looking.visits)
    if legible:
        hosts = [replace(host, undone=_undone(host)) for host in hosts]
    for finding in looking.unusable:
        name = finding.about.partition(" ")[2]
        names.append(name)
        hosts.append(_unusable(name, finding, backups, runs))
    strangers = dict.fromkeys(host for host, _ in backups if host not in names)
    hosts += [HostStanding(name=name, known=False, jobs=_jobs(name, backups, runs)) for name in strangers]
    return Overview(
        at=looking.examination.now,
        going_on=not looking.asking.over,
        jobs_known=jobs_known,
        legible=legible,
        hosts=tuple(hosts),
        things=tuple(_things(looking)),
    )


def _backups(looking: Looking) -> dict[Key, list[Seen]]:
    """The backups of each host and job, in all repositories that have answered, oldest first."""
    found: dict[Key, list[Seen]] = defaultdict(list)
    for name in looking.visits:
        for seen in looking.repository(name).backups or ():
            found[seen.metadata.host, seen.metadata.job].append(seen)
    return {key: sorted(each, key=lambda seen: seen.time) for key, each in sorted(found.items())}


def _host(looking: Looking, name: str, backups: Mapping[Key, list[Seen]], runs: Mapping[Key, Coming]) -> HostStanding:
    host = next(each for each in looking.hosts if each.name == name)
    answered = looking.has_answered(name_of_host(name))
    seen = looking.host(name) if answered else None
    findings = seen.findings if seen else ()
    judged = [
        finding
        for _, examined in looking.backups_of(host, looking.host(name))
        for finding in examined.findings
        if finding.level
    ]
    of_jobs: dict[str, list[Finding]] = defaultdict(list)
    for finding in judged:
        of_jobs[finding.job].append(finding)
    return HostStanding(
        name=name,
        device=host.device_name or "",
        watched=bool(host.expect),
        answered=answered,
        said=findings,
        jobs=_jobs(name, backups, runs, of_jobs, {each.job for each in host.expect}),
        advice=_advice((*findings, *of_jobs.get("", ()))),
    )


def _undone(host: HostStanding) -> tuple[Advice, ...]:
    """What is still to do; of a host of which something is expected that is said already."""
    if host.watched:
        return ()
    made = [job for job in host.jobs if job.newest]
    return undone_of(
        host.name,
        made=bool(made),
        proven=any(job.proof or job.failed for job in made),
        scheduled=host.scheduled,
        places=frozenset(place for job in made for place in job.repositories),
    )


def _unusable(
    name: str, finding: Finding, backups: Mapping[Key, list[Seen]], runs: Mapping[Key, Coming]
) -> HostStanding:
    return HostStanding(name=name, said=(finding,), jobs=_jobs(name, backups, runs), advice=_advice([finding]))


def _jobs(
    host: str,
    backups: Mapping[Key, list[Seen]],
    runs: Mapping[Key, Coming],
    findings: Mapping[str, Sequence[Finding]] = MappingProxyType({}),
    expected: Collection[str] = (),
) -> tuple[JobStanding, ...]:
    known = {job for one, job in (*backups, *runs) if one == host}
    names = sorted(known | {job for job in (*findings, *expected) if job})
    found = (_job(job, backups.get((host, job), []), runs.get((host, job)), findings.get(job, ())) for job in names)
    return tuple(sorted(found, key=lambda each: each.newest.time.timestamp() if each.newest else 0.0, reverse=True))


def _job(job: str, there: Sequence[Seen], run: Coming | None, findings: Sequence[Finding]) -> JobStanding:
    newest = there[-1] if there else None
    copies = [seen for seen in there if newest and seen.metadata.label == newest.metadata.label]
    proofs = [seen.proof for seen in there if seen.proof is not None]
    proof = max(proofs, key=lambda each: each.time, default=None)
    failures = [seen.standing.failed for seen in there if seen.standing.failed is not None]
    if any(proof is None or each.time > proof.time for each in failures):
        # not that nobody has tried: it went wrong
        findings = [structs.replace(each, check="failed") if each.check == "proven" else each for each in findings]
    # of several copies the one that is proven says most
    newest = next((seen for seen in copies if seen.standing.proven is not None), newest)
    return JobStanding(
        job=job,
        newest=newest,
        repositories=tuple(seen.repository for seen in copies),
        backups=len({seen.metadata.label for seen in there}),
        proof=proof,
        failed=next((seen.standing.failed for seen in copies if seen.standing.failed is not None), None),
        coming=run,
        advice=_advice(findings),
    )


def _things(looking: Looking) -> Iterator[ThingStanding]:
    for name in looking.visits:
        answered = looking.has_answered(name_of_repository(name))
        seen = looking.repository(name) if answered else SeenRepository(examined=Examined())
        findings = seen.examined.findings
        yield ThingStanding(
            kind="repository",
            name=name,
            answered=answered,
            unused=seen.unused,
            said=findings,
            advice=_advice(findings, unused=seen.unused),
        )
    by_name: dict[str, list[Finding]] = defaultdict(list)
    for finding in looking.schedules().findings if looking.has_answered(SCHEDULES) else ():
        by_name[finding.about.partition(" ")[2]].append(finding)
    for name, found in by_name.items():
        yield ThingStanding(kind="schedule", name=name, said=tuple(found), advice=_advice(found))


def _advice(findings: Iterable[Finding], *, unused: bool = False) -> tuple[Advice, ...]:
    """What is wrong, the gravest first, each said once."""
    found: dict[str, Advice] = {}
    for finding in sorted((each for each in findings if each.level), key=lambda each: -each.level):
        advice = advice_on(finding, unused=unused)
        found.setdefault(advice.text, advice)
    return tuple(found.values())


def _gravest(advice: Iterable[Advice]) -> Level:
    return max((each.level for each in advice), default=Level.OK)
