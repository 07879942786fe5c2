"""What `schedule` answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from toolkit import wording
from toolkit.app.scheduling.job import Job
from toolkit.app.scheduling.kind import Kind, Made
from toolkit.app.scheduling.record import LOGS, Record
from toolkit.output.answer import BAD, GOOD, WARNING, Answer, Line
from toolkit.planning.clock import stamp
from toolkit.private.pauses import Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Answer):
    """What a playbook is to be run by: printed, or installed as well."""

    job: Job
    kind: Kind
    now: datetime
    overlap: str
    warnings: tuple[str, ...]
    made: tuple[Made, ...]
    installed: bool

    def lines(self) -> Iterator[Line]:
        """Say what runs when, what has to be known, and the files as long as they are not installed."""
        job = self.job
        waits = {"skip": "skipped (--overlap wait has it wait)", "wait": "kept waiting until that one ends"}
        yield Line(f"playbook: {job.playbook}, in {job.directory}")
        yield Line(f"by:       {self.kind.title}, {job.id}")
        yield Line(f"when:     {job.when}, local time ({self.now.tzname()}); next {_local(job.when.next(self.now))}")
        yield Line(f"missed:   {self.kind.missed}")
        yield Line(f"overlap:  a run is {waits[self.overlap]} while another one of this playbook goes on")
        yield Line(f"output:   {LOGS}/{job.name}.log, five older ones beside it")
        for warning in self.warnings:
            yield Line(f"[WARNING]: {warning}", WARNING)
        if not self.installed:
            yield from self.files()
            yield Line("nothing was installed: --install does it", WARNING)
            return
        yield Line(f"installed: {', '.join(made.place for made in self.made)}", GOOD)
        yield Line("`schedule --list` says how the runs ended; `schedule --remove` removes it")

    def files(self) -> Iterator[Line]:
        """Give the files."""
        for made in self.made:
            yield Line(f"\n--- {made.place}\n{made.text}")

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        job = self.job
        return {
            "name": job.name,
            "id": job.id,
            "playbook": job.playbook,
            "directory": str(job.directory),
            "kind": self.kind.name,
            "when": str(job.when),
            "next": stamp(job.when.next(self.now)),
            "overlap": self.overlap,
            "command": list(job.argv()),
            "environment": dict(job.environment),
            "files": [asdict(made) for made in self.made],
            "warnings": list(self.warnings),
            "installed": self.installed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed(Answer):
    """What was removed.

    Attributes:
        found: whether anything of it was still there.
    """

    name: str
    kind: Kind
    found: bool

    def lines(self) -> Iterator[Line]:
        """Say it."""
        yield Line(
            f"removed {self.name}: {self.kind.title}" if self.found else f"{self.name} was not installed any more"
        )

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {"name": self.name, "kind": self.kind.name, "removed": self.found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Answer):
    """What was paused, or resumed: `pause` is None then."""

    name: str
    pause: Pause | None
    changed: bool

    def lines(self) -> Iterator[Line]:
        """Say it, and how it goes on."""
        already = "" if self.changed else " already"
        if self.pause is None:
            yield Line(
                f"{self.name} is resumed: its runs begin again" if self.changed else f"{self.name} is not paused"
            )
            return
        yield Line(f"{self.name} is paused{already} {self.pause.term}: no run of it begins", WARNING)
        yield Line(f"`invoke schedule {self.name} --resume` lets it run again; `doctor` warns of it till then")

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {"name": self.name, "paused": _pause_entry(self.pause), "changed": self.changed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Answer):
    """Everything that is scheduled in a control directory, each with whether its timer is there.

    Attributes:
        pauses: by name, those that are paused now.
    """

    directory: Path
    now: datetime
    schedules: tuple[tuple[Record, bool], ...]
    pauses: Mapping[str, Pause]

    def lines(self) -> Iterator[Line]:
        """Give a table, and what is wrong below it."""
        if not self.schedules:
            yield Line(f"nothing is scheduled in {self.directory}")
            return
        header = ("name", "playbook", "by", "when", "next run", "last run", "ended")
        rows = [self._row(record, there) for record, there in self.schedules]
        for text, (record, there) in zip(wording.table(header, rows), [(None, True), *self.schedules], strict=True):
            bad = record is not None and (_code(record) or (record.kind and not there))
            paused = record is not None and record.name in self.pauses
            yield Line(text, BAD if bad else WARNING if paused else "")
        for record, there in self.schedules:
            yield from self._troubles(record, there)

    def _row(self, record: Record, there: bool) -> tuple[str, ...]:
        coming = self._next(record, there)
        return (
            record.name,
            record.playbook,
            (record.kind if there else f"{record.kind}: gone") if record.kind else "by hand",
            str(record.recurrence or ""),
            _local(coming) if coming else "paused" if record.name in self.pauses else "",
            _local(record.last.started) if record.last else "never",
            _ended(record),
        )

    def _troubles(self, record: Record, there: bool) -> Iterator[Line]:
        if record.kind and not there:
            yield Line(
                f"{record.name}: its timer is not there any more, or is not active; `schedule … --install` again", BAD
            )
        if _code(record):
            since = (
                f"; the last good one began {_local(record.succeeded)}" if record.succeeded else "; none was good yet"
            )
            yield Line(f"{record.name}: {_ended(record)}{since}; see {LOGS}/{record.name}.log", BAD)
        if pause := self.pauses.get(record.name):
            how = f"`invoke schedule {record.name} --resume` ends it"
            by = f" by {pause.by}" if pause.by else ""
            yield Line(f"{record.name}: paused {_local(pause.since)}{by}, {pause.term}; {how}", WARNING)
        if record.skipped:
            yield Line(f"{record.name}: a run was skipped {_local(record.skipped)}, since another one went on", WARNING)

    def _next(self, record: Record, there: bool) -> datetime | None:
        """When it runs next; None where that is not known, or paused without an end."""
        if record.kind and not there:
            return None
        if (pause := self.pauses.get(record.name)) is None:
            return record.next(self.now)
        # midnight itself is a time that may be meant
        return record.next(pause.over - timedelta(seconds=1)) if pause.over else None

    def document(self) -> Mapping[str, Any]:
        """Give the same facts."""
        return {"schedules": [self._entry(record, there) for record, there in self.schedules]}

    def _entry(self, record: Record, there: bool) -> dict[str, Any]:
        coming = self._next(record, there)
        last = record.last
        return {
            "name": record.name,
            "playbook": record.playbook,
            "kind": record.kind or None,
            "installed": there,
            "when": str(record.recurrence) if record.recurrence else None,
            "next": stamp(coming) if coming else None,
            "last": last
            and {
                "started": stamp(last.started),
                "finished": stamp(last.finished) if last.finished else None,
                "running": last.running,
                "exit_code": last.ended_with,
            },
            "succeeded": stamp(record.succeeded) if record.succeeded else None,
            "skipped": stamp(record.skipped) if record.skipped else None,
            "paused": _pause_entry(self.pauses.get(record.name)),
            "held": stamp(record.held) if record.held else None,
            "log": str(self.directory / LOGS / f"{record.name}.log"),
        }


def _pause_entry(pause: Pause | None) -> dict[str, Any] | None:
    if pause is None:
        return None
    return {"since": stamp(pause.since), "until": str(pause.until) if pause.until else None, "by": pause.by}


def _code(record: Record) -> int:
    return (record.last.ended_with or 0) if record.last else 0


def _ended(record: Record) -> str:
    if record.last is None:
        return ""
    if record.last.running:
        return "still running"
    return "it died without an end" if record.last.finished is None else f"exit code {record.last.ended_with}"


def _local(time: datetime) -> str:
    return f"{time.astimezone():%a %Y-%m-%d %H:%M}"
