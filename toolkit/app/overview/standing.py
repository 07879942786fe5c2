"""How hosts, their jobs, repositories and schedules stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from toolkit.app.overview.advice import Advice
from toolkit.app.overview.coming import Coming
from toolkit.model.finding import Finding, Level
from toolkit.model.proof import Proof
from toolkit.planning.expecting import Seen
from toolkit.wording import counted, first_few


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


def _gravest(advice: Iterable[Advice]) -> Level:
    return max((each.level for each in advice), default=Level.OK)
