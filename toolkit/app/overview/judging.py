"""How everything stands, from an examination that may still go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
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
from toolkit.app.overview.standing import HostStanding, JobStanding, Overview, ThingStanding
from toolkit.model.finding import Examined, Finding
from toolkit.planning.expecting import Seen

Key = tuple[str, str]
"""A host and a job."""


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
