"""The whole examination: hosts and repositories side by side, then what is expected of backups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from toolkit.app.doctoring.bounded import ask_all
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
from toolkit.model.host import Host
from toolkit.planning.expecting import Asked, judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is examined.

    Attributes:
        only: one host and the repositories that it uses; empty for all, and scheduled runs.
        seconds: how long each database and repository may take to answer.
    """

    inventory: LoadedInventory
    now: datetime
    seconds: float
    only: str = ""

    @property
    def patience(self) -> float:
        """Seconds after which nobody is waited for: what has limits of its own, and ends by them, says more."""
        return 2 * self.seconds + 5

    def run(self) -> Iterator[Examined]:
        """Examine all of it; raises InputError for a host that is not in the inventory."""
        hosts, unusable = self._hosts()
        visits = self._repositories(hosts)
        host_visits = {
            host.name: HostVisit(inventory=self.inventory, host=host, now=self.now, seconds=self.seconds)
            for host in hosts
        }
        questions: dict[str, Callable[[], Examined | SeenRepository]] = {
            **{f"host {name}": partial(examine_host, visit) for name, visit in host_visits.items()},
            **{f"repository {name}": partial(examine_repository, visit) for name, visit in visits.items()},
        }
        answers = ask_all(questions, seconds=self.patience)
        yield Examined(findings=unusable)
        found: dict[str, SeenRepository] = {}
        for name, visit in visits.items():
            seen = answers[f"repository {name}"]
            found[name] = seen if isinstance(seen, SeenRepository) else unanswered_repository(visit, self.patience)
        for host in hosts:
            answer = answers[f"host {host.name}"]
            seen_host = answer if isinstance(answer, Examined) else unanswered_host(host.name, self.patience)
            yield seen_host
            hindered = any(each.check == "scratch" and each.level is Level.CRITICAL for each in seen_host.findings)
            yield from self._backups(host, found, provable=not hindered)
        yield from (each.examined for each in found.values())
        if not self.only:
            yield examine_schedules(self.inventory.directory, self.now)

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
        return {
            name: RepositoryVisit(inventory=self.inventory, name=name, expected=name in expected, now=self.now)
            for name in self.inventory.repositories
            if not self.only or name in used
        }

    def _backups(self, host: Host, found: Mapping[str, SeenRepository], *, provable: bool) -> Iterator[Examined]:
        if not host.repository and any(not each.repositories for each in host.expect):
            text = "backups are expected of it (`expect`), and no repository is named to look for them in"
            hint = "name it: `repository: NAME`; where nothing is to be backed up, say `expect: {}`"
            finding = Finding(about=f"host {host.name}", check="newest", message=text, level=Level.CRITICAL, hint=hint)
            yield Examined(findings=(finding,))
        for name in _repositories_of(host):
            if name not in found:
                text = f"there is no repository {name} in the inventory"
                hint = "correct `repository` or `expect` of the host"
                finding = Finding(
                    about=f"host {host.name}", check="newest", message=text, level=Level.CRITICAL, hint=hint
                )
                yield Examined(findings=(finding,))
                continue
            asked = [each for each in host.expect if name in (each.repositories or (host.repository,))]
            if (backups := found[name].backups) is None and not (found[name].unused and asked):
                continue  # which is said already
            own = [each for each in backups or () if each.metadata.host == host.name]
            question = Asked(host=host.name, repository=name, expectations=asked, provable=provable)
            yield judged(question, own, now=self.now)


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
