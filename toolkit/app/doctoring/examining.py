"""The whole examination: hosts and repositories side by side, then what is expected of backups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from toolkit.app.doctoring.asking import Asking
from toolkit.app.doctoring.hosts import HostVisit, examine_host, unanswered_host
from toolkit.app.doctoring.repositories import (
    RepositoryVisit,
    SeenRepository,
    examine_repository,
    unanswered_repository,
)
from toolkit.app.doctoring.schedules import examine_schedules
from toolkit.config.inventory import LoadedInventory
from toolkit.errors import InputError, UnsetError
from toolkit.model.finding import Examined, Finding, Level, Measure
from toolkit.model.host import BundleRepository, Host
from toolkit.planning.expecting import Asked, judged

Answered = Examined | SeenRepository
"""What a host, a repository or the schedules answer."""

SCHEDULES = "schedules"
UNANSWERED_SCHEDULES = Finding(
    about="schedules",
    check="record",
    message="what is scheduled cannot be told: the machine's own timers do not answer",
    level=Level.WARNING,
    hint="`invoke schedule --list` shows the same",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is examined.

    Attributes:
        only: one host and the repositories that it uses; empty for all, and scheduled runs.
        seconds: how long each database and repository may take to answer.
        longest: seconds after which nobody is waited for; 0 for what follows from `seconds`.
        memory: where what files of repositories say is remembered; None for nowhere, so that all of them are read.
    """

    inventory: LoadedInventory
    now: datetime
    seconds: float
    only: str = ""
    longest: float = 0.0
    memory: Path | None = None

    @property
    def patience(self) -> float:
        """Seconds after which nobody is waited for: what has limits of its own, and ends by them, says more."""
        return self.longest or 2 * self.seconds + 5

    def run(self) -> Iterator[Examined]:
        """Examine all of it; raises InputError for a host that is not in the inventory."""
        looking = self.begin()
        looking.asking.wait()
        return looking.found()

    def begin(self) -> Looking:
        """Begin to examine all of it; raises InputError for a host that is not in the inventory."""
        hosts, unusable = self._hosts()
        visits = self._repositories(hosts)
        questions: dict[str, Callable[[], Answered]] = {
            **{name_of_host(host.name): partial(examine_host, self._visit(host)) for host in hosts},
            **{name_of_repository(name): partial(examine_repository, visit) for name, visit in visits.items()},
        }
        if not self.only:
            questions[SCHEDULES] = partial(examine_schedules, self.inventory.directory, self.now)
        asking = Asking(questions, seconds=self.patience)
        return Looking(examination=self, hosts=hosts, unusable=unusable, visits=visits, asking=asking)

    def _visit(self, host: Host) -> HostVisit:
        return HostVisit(inventory=self.inventory, host=host, now=self.now, seconds=self.seconds)

    def _hosts(self) -> tuple[Sequence[Host], tuple[Finding, ...]]:
        """The hosts, and what is said of those whose variables are not right."""
        if self.only:
            return [self.inventory.host(self.only)], ()
        hosts, unusable = list[Host](), list[Finding]()
        for name in self.inventory.groups["all"]:
            try:
                hosts.append(self.inventory.host(name))
            except UnsetError as error:
                unusable.append(Finding(about=f"host {name}", check="database", message=error.brief))
            except InputError as error:
                text, hint = error.message, error.hint
                unusable.append(
                    Finding(about=f"host {name}", check="inventory", message=text, level=Level.CRITICAL, hint=hint)
                )
        return hosts, tuple(unusable)

    def _repositories(self, hosts: Sequence[Host]) -> dict[str, RepositoryVisit]:
        expected = {name for host in hosts if host.expect for name in _repositories_of(host)}
        used = {name for host in hosts for name in _repositories_of(host)}
        carried = {name for name in used if BundleRepository.of(name, self.inventory.directory)}
        return {
            name: RepositoryVisit(
                inventory=self.inventory, name=name, expected=name in expected, now=self.now, memory=self.memory
            )
            for name in (*self.inventory.repositories, *sorted(carried))
            if not self.only or name in used
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """An examination that goes on, or is over.

    Attributes:
        unusable: what is said of hosts whose variables are not right.
        asking: what was asked of hosts, repositories and schedules.
    """

    examination: Examination
    hosts: Sequence[Host]
    unusable: tuple[Finding, ...]
    visits: Mapping[str, RepositoryVisit]
    asking: Asking[Answered]

    def found(self) -> Iterator[Examined]:
        """Give everything, when it is over: whatever has not answered by then is told as such."""
        yield Examined(findings=self.unusable)
        for host in self.hosts:
            seen = self.host(host.name)
            yield seen
            yield from (examined for _, examined in self.backups_of(host, seen))
        yield from (self.repository(name).examined for name in self.visits)
        if not self.examination.only:
            yield self.schedules()

    def has_answered(self, name: str) -> bool:
        """Say whether there is an answer to a question, or nobody waits for it any more."""
        return name in self.asking.answers or self.asking.over

    def host(self, name: str) -> Examined:
        """Give what was found of a host."""
        answer = self.asking.answers.get(name_of_host(name))
        return answer if isinstance(answer, Examined) else unanswered_host(name, self.examination.patience)

    def repository(self, name: str) -> SeenRepository:
        """Give what was found of a repository."""
        answer = self.asking.answers.get(name_of_repository(name))
        if isinstance(answer, SeenRepository):
            return answer
        return unanswered_repository(self.visits[name], self.examination.patience)

    def schedules(self) -> Examined:
        """Give what was found of scheduled runs."""
        answer = self.asking.answers.get(SCHEDULES)
        return answer if isinstance(answer, Examined) else Examined(findings=(UNANSWERED_SCHEDULES,))

    def backups_of(self, host: Host, seen: Examined) -> Iterator[tuple[str, Examined]]:
        """Judge the backups of a host, with the repository in which they are looked for.

        Args:
            seen: what was found of the host itself.
        """
        provable = not any(each.check == "scratch" and each.level is Level.CRITICAL for each in seen.findings)
        if not host.repository and any(not each.repositories for each in host.expect):
            text = "backups are expected of it (`expect`), and no repository is named to look for them in"
            hint = "name it: `repository: NAME`; where nothing is to be backed up, say `expect: {}`"
            yield "", Examined(findings=(_nowhere(host, text, hint),))
        for name in _repositories_of(host):
            if name not in self.visits:
                text = f"there is no repository {name} in the inventory"
                yield name, Examined(findings=(_nowhere(host, text, "correct `repository` or `expect` of the host"),))
                continue
            asked = [each for each in host.expect if name in (each.repositories or (host.repository,))]
            found = self.repository(name)
            if (backups := found.backups) is None and not (found.unused and asked):
                continue  # which is said already
            own = [each for each in backups or () if each.metadata.host == host.name]
            question = Asked(host=host.name, repository=name, expectations=asked, provable=provable)
            yield name, judged(question, own, now=self.examination.now)


def name_of_host(name: str) -> str:
    """Give what a host is called among the questions, and in findings."""
    return f"host {name}"


def name_of_repository(name: str) -> str:
    """Give what a repository is called among the questions, and in findings."""
    return f"repository {name}"


def _nowhere(host: Host, message: str, hint: str) -> Finding:
    about = name_of_host(host.name)
    return Finding(about=about, check="newest", message=message, level=Level.CRITICAL, hint=hint)


def totals(parts: Sequence[Examined], now: datetime) -> Examined:
    """Put everything together, with numbers about the examination itself."""
    findings = tuple(finding for part in parts for finding in part.findings)
    measures = [measure for part in parts for measure in part.measures]
    for level in Level:
        number = sum(1 for each in findings if each.level is level)
        measures.append(Measure(name="doctor_findings", value=number, labels={"level": level.name.lower()}))
    measures.append(Measure(name="doctor_run_timestamp_seconds", value=now.timestamp()))
    return Examined(findings=findings, measures=tuple(measures))


def _repositories_of(host: Host) -> tuple[str, ...]:
    named = [name for each in host.expect for name in each.repositories]
    return tuple(dict.fromkeys(name for name in (host.repository, *named) if name))
