"""Scheduled playbooks: whether they run, and how the last run of each ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from toolkit.app.scheduling.crontab import NOTHING_READS, Cron, no_daemon
from toolkit.app.scheduling.kinds import is_installed
from toolkit.app.scheduling.record import FOLDER, Record, log_file, scheduled, unreadable
from toolkit.model.finding import Examined, Finding, Level, Measure
from toolkit.private.pauses import pause_of
from toolkit.wording import span

LATE = timedelta(minutes=30)
"""How much later than planned a run may begin."""


def examine_schedules(directory: Path, now: datetime) -> Examined:
    """Look at all scheduled playbooks of a control directory."""
    records = list(scheduled(directory))
    findings = [finding for record in records for finding in _findings(record, directory, now)]
    findings += [
        Finding(
            about=f"schedule {name}",
            check="record",
            message=f"what is known of it cannot be read: {directory / FOLDER / name}.json",
            level=Level.CRITICAL,
            hint="remove the file, and schedule the playbook again",
        )
        for name in unreadable(directory)
    ]
    measures = [measure for record in records for measure in _measures(record)]
    return Examined(findings=tuple(findings), measures=tuple(measures))


def _findings(record: Record, directory: Path, now: datetime) -> Iterator[Finding]:
    about, last = f"schedule {record.name}", record.last
    code = last.ended_with if last is not None else None
    again = f"see {log_file(directory, record.name)}"
    if last is not None and code:
        ago = span((now - last.started).total_seconds())
        text = f"the last run of {record.playbook}, {ago} ago, ended with exit code {code}"
        yield Finding(about=about, check="run", message=text, level=Level.CRITICAL, hint=again)
    elif last is not None and code == 0:
        text = f"the last run of {record.playbook}, {span((now - last.started).total_seconds())} ago, ended well"
        yield Finding(about=about, check="run", message=text)
    elif last is not None:
        text = f"{record.playbook} has been running for {span((now - last.started).total_seconds())}"
        level, hint = (Level.WARNING, f"does it wait for something? {again}") if _hangs(record, now) else (Level.OK, "")
        yield Finding(about=about, check="run", message=text, level=level, hint=hint)
    else:
        yield Finding(about=about, check="run", message=f"{record.playbook} has not run yet")
    pause = pause_of(directory, record.name, now.astimezone().date())
    if pause is not None:
        ago, by = span((now - pause.since).total_seconds()), f" by {pause.by}" if pause.by else ""
        text = f"{record.playbook} is paused {pause.term}, since {ago}{by}: no run of it begins"
        hint = f"`invoke schedule {record.name} --resume` lets it run again"
        yield Finding(about=about, check="paused", message=text, level=Level.WARNING, hint=hint)
    elif record.is_due((now - LATE).astimezone()) and not (last is not None and last.running):
        text = f"a run of {record.playbook} was missed"
        hint = "is its timer there, and was the machine on? `invoke schedule --list` says when it runs"
        yield Finding(about=about, check="missed", message=text, level=Level.WARNING, hint=hint)
    if record.skipped is not None and _gave_way(record):
        ago = span((now - record.skipped).total_seconds())
        text = f"the last run, {ago} ago, was skipped: another schedule's run of {record.playbook} went on"
        hint = "schedule one of the two for another time, or with `--overlap wait`"
        yield Finding(about=about, check="skipped", message=text, level=Level.WARNING, hint=hint)
    if record.kind and not is_installed(record, directory):
        hint = f"`invoke schedule {record.playbook} … --install` makes it again, `--remove` forgets it"
        text = f"its timer ({record.kind}) is not there any more"
        yield Finding(about=about, check="timer", message=text, level=Level.CRITICAL, hint=hint)
    elif record.kind == Cron.name and no_daemon():
        text, _, hint = NOTHING_READS.partition(": ")
        yield Finding(about=about, check="timer", message=text, level=Level.CRITICAL, hint=hint)


def _hangs(record: Record, now: datetime) -> bool:
    """Whether two more runs should have begun since the one that goes on."""
    assert record.last is not None
    first = record.next(record.last.started.astimezone())
    second = record.next(first) if first is not None else None
    return second is not None and second < now - LATE


def _gave_way(record: Record) -> bool:
    """Whether a run was skipped while none of this schedule's own went on."""
    last, skipped = record.last, record.skipped
    return last is None or (not last.running and (last.finished is None or (skipped or last.finished) > last.finished))


def _measures(record: Record) -> Iterator[Measure]:
    labels, last = {"schedule": record.name}, record.last
    if last is not None:
        yield Measure(name="schedule_last_run_timestamp_seconds", value=last.started.timestamp(), labels=labels)
        if (code := last.ended_with) is not None:
            yield Measure(name="schedule_last_run_exit_code", value=code, labels=labels)
    if record.succeeded is not None:
        yield Measure(name="schedule_last_success_timestamp_seconds", value=record.succeeded.timestamp(), labels=labels)
