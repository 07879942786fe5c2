"""A repository: whether it can be read and written, its locks and its disk, and the backups in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from toolkit.config.inventory import LoadedInventory
from toolkit.errors import MissingError, PlaybackError, StorageError, UnsetError
from toolkit.model.finding import Examined, Finding, Level, Measure
from toolkit.model.host import LocalRepository
from toolkit.model.outline import Outline
from toolkit.planning.clock import SKEW, instant
from toolkit.planning.expecting import Seen
from toolkit.storage.checks import LastChecks, last_checks
from toolkit.storage.disk import free_bytes
from toolkit.storage.known import KnownRepositories
from toolkit.storage.lock_files import list_locks, read_lock
from toolkit.storage.locks import store_time
from toolkit.storage.outlines import read_outlines
from toolkit.storage.proofs import read_proofs
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store
from toolkit.wording import counted, size, span

UNCHECKED = timedelta(days=31)
"""After so long without a check somebody should look whether what is stored is still what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryVisit:
    """A repository, and how it is looked at.

    Attributes:
        expected: some host has to have backups there.
        memory: where what its files say is remembered; None for nowhere, so that all of them are read.
    """

    inventory: LoadedInventory
    name: str
    expected: bool
    now: datetime
    memory: Path | None = None

    @property
    def about(self) -> str:
        """What findings are about."""
        return f"repository {self.name}"

    def finding(self, check: str, message: str, level: Level = Level.OK, hint: str = "") -> Finding:
        """Make a finding about it."""
        return Finding(about=self.about, check=check, message=message, level=level, hint=hint)

    def measure(self, name: str, value: float) -> Measure:
        """Make a measure of it."""
        return Measure(name=f"repository_{name}", value=value, labels={"repository": self.name})


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRepository:
    """What was found of a repository.

    Attributes:
        backups: None where it could not be read.
        unused: there is none yet, or it is not set up on this machine.
    """

    examined: Examined
    backups: tuple[Seen, ...] | None = None
    unused: bool = False

    @property
    def legible(self) -> bool:
        """Whether all that there is in it is known."""
        return self.backups is not None or self.unused


@dataclass(slots=True)
class _Notes:
    visit: RepositoryVisit
    findings: list[Finding] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)


def examine_repository(visit: RepositoryVisit) -> SeenRepository:
    """Look at a repository; raises nothing of what a person can meet."""
    try:
        repository = KnownRepositories(visit.inventory.directory).open(
            visit.inventory.repository(visit.name), create=False
        )
    except UnsetError as error:
        return SeenRepository(examined=Examined(findings=(visit.finding("repository", error.brief),)), unused=True)
    except MissingError as error:
        level = Level.CRITICAL if visit.expected else Level.OK
        return SeenRepository(
            examined=Examined(findings=(visit.finding("repository", error.message, level, error.hint),)), unused=True
        )
    except PlaybackError as error:
        return _failed(visit, error)
    try:
        return _examined(visit, repository)
    except PlaybackError as error:
        return _failed(visit, error)


def unanswered_repository(visit: RepositoryVisit, seconds: float) -> SeenRepository:
    """Give what is said of a repository that does not answer in time."""
    hint = "is its server or file system there, and is the network up? `--timeout` waits longer"
    return _failed(visit, StorageError(f"no answer within {seconds:g} s", hint=hint))


def _failed(visit: RepositoryVisit, error: PlaybackError) -> SeenRepository:
    finding = visit.finding("repository", error.message, Level.CRITICAL, error.hint)
    return SeenRepository(examined=Examined(findings=(finding,), measures=(visit.measure("up", 0),)))


def _examined(visit: RepositoryVisit, repository: Repository) -> SeenRepository:
    notes = _Notes(visit)
    outlines = _backups(notes, repository)
    number = counted(len(outlines), "backup")
    notes.findings.insert(0, visit.finding("repository", f"{number}, in {repository.place}"))
    notes.measures += [visit.measure("up", 1), visit.measure("backups", len(outlines))]
    if one_file := repository.store.one_file:
        _locks(notes, one_file.locks, visit.now)
    else:
        _writing(notes, repository)
        _checked(notes, repository, outlines)
    _disk(notes, outlines)
    proofs = read_proofs(repository, memory=visit.memory)
    if torn := proofs.unreadable:
        text = f"{counted(len(torn), 'record')} of what was proven cannot be read: {torn[0]}{', …' if torn[1:] else ''}"
        hint = "what it said, of a failure too, is not known: drill that backup again, then remove the file"
        notes.findings.append(visit.finding("proofs", text, Level.WARNING, hint))
    backups = tuple(
        Seen(repository=visit.name, metadata=each.metadata, standing=proofs.standing(each, now=visit.now))
        for each in outlines
    )
    examined = Examined(findings=tuple(notes.findings), measures=tuple(notes.measures))
    return SeenRepository(examined=examined, backups=backups)


def _backups(notes: _Notes, repository: Repository) -> list[Outline]:
    """Every backup; those that cannot be read are told."""
    found = read_outlines(repository, memory=notes.visit.memory)
    for label, error in found.unreadable.items():
        hint = f"`invoke check --repository {notes.visit.name}` says more"
        text = f"backup {label}: {error.message}"
        notes.findings.append(notes.visit.finding("backups", text, Level.CRITICAL, hint))
    return list(found.outlines.values())


def _writing(notes: _Notes, repository: Repository) -> None:
    """Whether it can be written to, which also tells its clock, by which locks are judged."""
    visit, store = notes.visit, repository.store
    try:
        time = store_time(store)
    except StorageError as error:
        notes.findings.append(visit.finding("writable", error.message, Level.CRITICAL, error.hint))
        time = visit.now
    if abs(time - visit.now) > SKEW:
        text = f"its clock and this machine's differ by {span(abs((time - visit.now).total_seconds()))}"
        notes.findings.append(visit.finding("clock", text, Level.WARNING, "let both follow a time server (NTP)"))
    _locks(notes, store, time)


def _locks(notes: _Notes, store: Store, time: datetime) -> None:
    """Locks that were left behind.

    Args:
        time: by the store's clock.
    """
    visit = notes.visit
    try:
        locks = [lock for each in list_locks(store) if (lock := read_lock(store, each))]
    except StorageError as error:
        notes.findings.append(visit.finding("locks", error.message, Level.CRITICAL, error.hint))
        return
    dead = [(lock, why) for lock in locks if (why := lock.stale(time))]
    for lock, why in dead:
        hint = f"`invoke unlock --repository {visit.name}` removes it"
        notes.findings.append(visit.finding("locks", f"a lock was left behind: {lock}; {why}", Level.WARNING, hint))
    notes.measures.append(visit.measure("locks", len(locks)))
    notes.measures.append(visit.measure("dead_locks", len(dead)))


def _disk(notes: _Notes, outlines: Sequence[Outline]) -> None:
    visit = notes.visit
    config = visit.inventory.repository(visit.name)
    if not isinstance(config, LocalRepository):
        return
    free = free_bytes(config.path)
    notes.measures.append(visit.measure("free_bytes", free))
    newest = max((each.metadata for each in outlines), key=lambda each: each.timestamp, default=None)
    needed = newest.stats.compressed_size if newest else 0
    text = f"{size(free)} free, and the newest backup is {size(needed)}"
    hint = "prune, make room on that file system, or use another place"
    if free < 2 * needed:
        notes.findings.append(visit.finding("disk", text, Level.CRITICAL if free < needed else Level.WARNING, hint))
    else:
        notes.findings.append(visit.finding("disk", text))


def _checked(notes: _Notes, repository: Repository, outlines: Sequence[Outline]) -> None:
    """When what is stored was last read back."""
    visit = notes.visit
    if not outlines:
        return
    checks, how = last_checks(repository, now=visit.now), f"`invoke check --repository {visit.name}`"
    if (last := checks.any) is None:
        first = min(instant(each.metadata.timestamp) for each in outlines)
        level = Level.WARNING if visit.now - first > UNCHECKED else Level.OK
        notes.findings.append(visit.finding("check", "it was never checked", level, f"{how} reads it back"))
        return
    time = instant(last.time)
    notes.measures.append(visit.measure("check_timestamp_seconds", time.timestamp()))
    age = span((visit.now - time).total_seconds())
    since = sum(1 for each in outlines if instant(each.metadata.timestamp) > time)
    newer = f", and {counted(since, 'backup')} made since {'was' if since == 1 else 'were'} never checked" * bool(since)
    if last.damaged and last.repaired:
        hint = f"back up, then {how} reads it back"
        text = f"the last check, {age} ago, found damage and took it away"
        notes.findings.append(visit.finding("check", text, Level.WARNING, hint))
    elif last.damaged:
        text = f"the last check, {age} ago, found damage"
        notes.findings.append(visit.finding("check", text, Level.CRITICAL, f"{how} says what, and offers a repair"))
    elif visit.now - time > UNCHECKED:
        text = f"it was last checked {age} ago{newer}"
        notes.findings.append(
            visit.finding("check", text, Level.WARNING, f"{how} reads it back; `--read-data-subset 5%` a part")
        )
    else:
        notes.findings.append(visit.finding("check", f"checked {age} ago{_part(checks, visit.now)}, no damage"))


def _part(checks: LastChecks, now: datetime) -> str:
    """How much was read, where it was not everything."""
    assert checks.any is not None
    if checks.any is checks.whole:
        return ""
    if checks.whole is None:
        return " in part, and never as a whole"
    return f" in part, as a whole {span((now - instant(checks.whole.time)).total_seconds())} ago"
