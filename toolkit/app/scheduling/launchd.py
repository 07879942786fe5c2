"""launchd of macOS: an agent of the user, or a daemon for root."""

from __future__ import annotations

import os
import plistlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from toolkit.app.scheduling.job import Job, identifier, mark
from toolkit.app.scheduling.kind import Made, called, has_mark
from toolkit.app.scheduling.record import LOGS
from toolkit.errors import InputError, TaskError
from toolkit.planning.recurrence import Recurrence

_MARK: Final = "PlaybackMark"
"""A key of ours; launchd passes over keys that it does not know."""


class Launchd:
    """Agents and daemons of launchd."""

    name = "launchd"
    missed = (
        "a run that was missed while the machine slept begins when it wakes up; one that was missed while it was off"
        " begins when you log in (RunAtLoad, and the run looks whether it is due)"
    )

    def __init__(self) -> None:
        self._system = hasattr(os, "geteuid") and os.geteuid() == 0
        self._folder = Path("/Library/LaunchDaemons") if self._system else Path.home() / "Library" / "LaunchAgents"
        self._domain = "system" if self._system else f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"

    @property
    def title(self) -> str:
        """What launchd calls it."""
        return "a daemon of launchd" if self._system else "a launchd agent of this user"

    def made(self, job: Job) -> tuple[Made, ...]:
        """Give the property list."""
        return (Made(place=str(self._file(job.name, job.directory)), text=property_list(job)),)

    def install(self, job: Job) -> None:
        """Write the property list and have launchd load it."""
        file = self._file(job.name, job.directory)
        if file.exists() and not has_mark(file, _escaped(job.mark)):
            raise TaskError(f"{file} is there and was not made by us", hint="move it away, or choose --name")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(property_list(job), encoding="utf-8")
        try:
            called(["launchctl", "bootout", f"{self._domain}/{job.id}"], check=False)
            called(["launchctl", "bootstrap", self._domain, str(file)])
        except TaskError:
            # what does not run must not look as if it did
            file.unlink()
            raise

    def remove(self, name: str, directory: Path) -> bool:
        """Have launchd forget it, and remove the property list."""
        file = self._file(name, directory)
        if not has_mark(file, _escaped(mark(name, directory))):
            return False
        called(["launchctl", "bootout", f"{self._domain}/{identifier(name, directory)}"], check=False)
        file.unlink()
        return True

    def installed(self, name: str, directory: Path) -> bool:
        """Say whether launchd has it."""
        if not has_mark(self._file(name, directory), _escaped(mark(name, directory))):
            return False
        try:
            where = f"{self._domain}/{identifier(name, directory)}"
            return called(["launchctl", "print", where], check=False).returncode == 0
        except TaskError:
            return False

    def hints(self) -> tuple[str, ...]:
        """Say when agents run."""
        return () if self._system else ("it runs only while you are logged in; as root, `sudo`, it runs always",)

    def _file(self, name: str, directory: Path) -> Path:
        return self._folder / f"{identifier(name, directory)}.plist"


def property_list(job: Job) -> str:
    """Give the property list of a scheduled playbook: launchd.plist(5)."""
    texts = (str(job.directory), *job.argv(), *job.environment.values())
    if any(not character.isprintable() for text in texts for character in text):
        raise InputError("a name with a line end or another control character cannot be scheduled")
    content: dict[str, Any] = {
        _MARK: job.mark,
        "Label": job.id,
        # its own clock does not know what it missed while the machine was off: the run looks whether it is due
        "ProgramArguments": list(job.argv(*job.if_due())),
        "WorkingDirectory": str(job.directory),
        "StartCalendarInterval": list(intervals(job.when)),
        "RunAtLoad": True,
        "ProcessType": "Background",
        "StandardErrorPath": str(job.directory / LOGS / f"{job.name}.launchd.log"),
    }
    if job.environment:
        content["EnvironmentVariables"] = dict(job.environment)
    return plistlib.dumps(content, sort_keys=False).decode()


def intervals(when: Recurrence) -> Iterator[dict[str, int]]:
    """Give the times as StartCalendarInterval has them; its week begins with Sunday, 0."""
    for day in [None] if when.daily else sorted(when.days):
        weekday = {} if day is None else {"Weekday": (day + 1) % 7}
        if when.every and when.every <= 60:
            for minute in range(0, 60, when.every):
                yield {"Minute": minute, **weekday}
            continue
        for each in when.times:
            yield {"Hour": each.hour, "Minute": each.minute, **weekday}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
