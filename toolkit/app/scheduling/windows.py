"""The Task Scheduler of Windows: a task as XML."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from toolkit.app.scheduling.job import MARK, Job, identifier
from toolkit.app.scheduling.kind import Made, called
from toolkit.errors import InputError, TaskError
from toolkit.planning.recurrence import Recurrence

NAMESPACE: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FOLDER: Final = "\\Playback\\"
_BEGIN: Final = date(2026, 1, 5)
"""A Monday in the past: what a trigger counts from."""
_MOST: Final = 48
"""Triggers of a task that Windows takes."""
_EXPANDED: Final = re.compile(r"%[^%\s]+%|\$\(")
"""What the Task Scheduler would replace, and no way to write it otherwise."""


class Windows:
    """Tasks of the Task Scheduler."""

    name = "windows"
    title = "a task of the Windows Task Scheduler"
    missed = (
        "a run that was missed while the machine slept or was off begins as soon as it can (StartWhenAvailable), some"
        " ten minutes after the machine is up"
    )

    def made(self, job: Job) -> tuple[Made, ...]:
        """Give the task."""
        return (Made(place=f"{_FOLDER}{job.id}", text=task(job, elevated=_elevated())),)

    def install(self, job: Job) -> None:
        """Register the task, in place of one that was registered for it before."""
        found = self._query(job.id)
        if found and MARK not in found:
            raise TaskError(f"the task {_FOLDER}{job.id} is there and was not made by us", hint="choose --name")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "task.xml"
            file.write_text(task(job, elevated=_elevated()), encoding="utf-16")
            called(["schtasks", "/Create", "/F", "/TN", f"{_FOLDER}{job.id}", "/XML", str(file)])

    def remove(self, name: str, directory: Path) -> bool:
        """Delete the task."""
        if MARK not in self._query(identifier(name, directory)):
            return False
        called(["schtasks", "/Delete", "/F", "/TN", f"{_FOLDER}{identifier(name, directory)}"])
        return True

    def installed(self, name: str, directory: Path) -> bool:
        """Say whether the task is registered."""
        try:
            return MARK in self._query(identifier(name, directory))
        except TaskError:
            return False

    def hints(self) -> tuple[str, ...]:
        """Say when tasks run."""
        if _elevated():
            return ("it runs whether or not anybody is logged on, without access to network drives",)
        return ("it runs only while you are logged on; installed as administrator it runs always",)

    @staticmethod
    def _query(name: str) -> str:
        """The description of a task; empty where there is none. Its letters may not all be what they were."""
        done = called(["schtasks", "/Query", "/TN", f"{_FOLDER}{name}", "/XML"], check=False)
        if done.returncode:
            return ""
        try:
            root = ElementTree.fromstring(done.stdout.strip().lstrip("\ufeff"))
        except ElementTree.ParseError:
            return done.stdout
        return root.findtext(f"{{{NAMESPACE}}}RegistrationInfo/{{{NAMESPACE}}}Description") or ""


def task(job: Job, *, elevated: bool) -> str:
    """Give a task as XML, of the schema of Task Scheduler 1.2, whose order of elements is fixed.

    Args:
        elevated: whether it may be registered to run with nobody logged on.

    Raises:
        InputError: Windows would replace a part of it, or it has too many times.
    """
    arguments = subprocess.list2cmdline(job.argv()[1:])
    for text in (job.argv()[0], arguments, str(job.directory)):
        if found := _EXPANDED.search(text):
            raise InputError(
                f"the Task Scheduler would replace {found[0]!r} in {text}",
                hint="rename it, or put variables into a file: --extra-vars @FILE.yml",
            )
    root = ElementTree.Element("Task", version="1.2", xmlns=NAMESPACE)
    about = _inside(root, "RegistrationInfo")
    _inside(about, "Description", job.mark)
    triggers = _inside(root, "Triggers")
    for each in starts(job.when):
        _trigger(triggers, each, job.when)
    if len(triggers) > _MOST:
        raise InputError(f"{len(triggers)} times are more than the {_MOST} that Windows takes", hint="use --every")
    principal = _inside(_inside(root, "Principals"), "Principal", id="Author")
    _inside(principal, "LogonType", "S4U" if elevated else "InteractiveToken")
    _inside(principal, "RunLevel", "LeastPrivilege")
    settings = _inside(root, "Settings")
    for name, value in _SETTINGS:
        _inside(settings, name, value)
    action = _inside(_inside(root, "Actions", Context="Author"), "Exec")
    _inside(action, "Command", job.argv()[0])
    _inside(action, "Arguments", arguments)
    _inside(action, "WorkingDirectory", str(job.directory))
    ElementTree.indent(root)
    try:
        return '<?xml version="1.0" encoding="UTF-16"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
    except ValueError as error:
        raise InputError("a name with a character that XML does not have cannot be scheduled") from error


def starts(when: Recurrence) -> Iterator[time]:
    """Give the times of day that need a trigger: one is enough for what repeats evenly."""
    yield from when.times[:1] if when.every else when.times


_SETTINGS: Final = (
    ("MultipleInstancesPolicy", "Parallel"),  # whether a run waits or is skipped says the run itself
    ("DisallowStartIfOnBatteries", "false"),
    ("StopIfGoingOnBatteries", "false"),
    ("StartWhenAvailable", "true"),
    ("RunOnlyIfNetworkAvailable", "false"),
    ("Enabled", "true"),
    ("Hidden", "false"),
    ("WakeToRun", "false"),
    ("ExecutionTimeLimit", "PT0S"),
    ("Priority", "7"),
)


def _trigger(triggers: Any, at: time, when: Recurrence) -> None:
    trigger = _inside(triggers, "CalendarTrigger")
    if when.every:
        repetition = _inside(trigger, "Repetition")
        _inside(repetition, "Interval", f"PT{when.every}M")
        _inside(repetition, "Duration", "P1D")
        _inside(repetition, "StopAtDurationEnd", "false")
    # without an offset it is local time
    _inside(trigger, "StartBoundary", datetime.combine(_BEGIN, at).isoformat())
    _inside(trigger, "Enabled", "true")
    if when.daily:
        _inside(_inside(trigger, "ScheduleByDay"), "DaysInterval", "1")
        return
    weekly = _inside(trigger, "ScheduleByWeek")
    _inside(weekly, "WeeksInterval", "1")
    days = _inside(weekly, "DaysOfWeek")
    for day in sorted(when.days):
        _inside(days, _DAYS[day])


def _inside(parent: Any, name: str, text: str = "", **attributes: str) -> Any:
    element = ElementTree.SubElement(parent, name, attributes)
    element.text = text or None
    return element


def _elevated() -> bool:
    import ctypes  # noqa: PLC0415 - has this on Windows alone

    windows = getattr(ctypes, "windll", None)
    return bool(windows and windows.shell32.IsUserAnAdmin())
