"""Scheduled playbooks that are paused: a file each, `.playback/schedule/NAME.paused`, beside what is known of its runs.

A file by itself, because it is a person's decision, which no run may write over.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Final

import msgspec

from toolkit.errors import InputError
from toolkit.private import files
from toolkit.wording import meant

FOLDER: Final = ".playback/schedule"
"""Below the control directory: all that is known of scheduled playbooks."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """That no run of a scheduled playbook begins.

    Attributes:
        since: when it was paused.
        until: the last day, in local time; None where it is to be resumed by hand.
        by: who paused it.
    """

    since: datetime
    until: date | None = None
    by: str = ""

    def holds(self, day: date) -> bool:
        """Say whether no run begins on a day."""
        return self.until is None or day <= self.until

    @property
    def term(self) -> str:
        """How long, e.g. `until the end of 2026-12-24`."""
        return f"until the end of {self.until}" if self.until else "until it is resumed"

    @property
    def over(self) -> datetime | None:
        """When runs begin again, in local time; None where nobody knows."""
        return datetime.combine(self.until + timedelta(days=1), clock()).astimezone() if self.until else None


_PAUSE = msgspec.json.Decoder(Pause)


def scheduled_names(directory: Path) -> list[str]:
    """Give the names of all scheduled playbooks of a control directory."""
    return sorted(file.stem for file in (directory / FOLDER).glob("*.json"))


def expect_scheduled(directory: Path, name: str) -> None:
    """Raise InputError unless a playbook of that name is scheduled."""
    names = scheduled_names(directory)
    if name not in names:
        raise InputError(
            f"nothing called {name} is scheduled in {directory}{meant(name, names)}", hint="invoke schedule --list"
        )


def pause_of(directory: Path, name: str, day: date) -> Pause | None:
    """Give the pause that holds on a day; None where runs begin. One that cannot be read keeps no backup from running.

    Args:
        day: today, in local time.
    """
    try:
        found = _PAUSE.decode(_file(directory, name).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
    return found if found.holds(day) else None


def pause(directory: Path, name: str, *, until: date | None, by: str, now: datetime) -> bool:
    """Have no run begin through a day, or without one until it is resumed; gives whether that is new.

    Args:
        now: in local time.

    Raises:
        InputError: nothing of that name is scheduled, or the day has passed.
        OSError: as the operating system says.
    """
    expect_scheduled(directory, name)
    if until is not None and until < now.date():
        raise InputError(f"until: {until} has passed", hint="leave it out to pause without an end")
    known = pause_of(directory, name, now.date())
    if known is not None and known.until == until:
        return False
    wanted = Pause(since=known.since if known else now, until=until, by=by)
    files.write(_file(directory, name), msgspec.json.encode(wanted) + b"\n")
    return True


def resume(directory: Path, name: str) -> bool:
    """Let runs begin again; gives whether it was paused. OSError as the operating system says."""
    file = _file(directory, name)
    there = file.exists()
    file.unlink(missing_ok=True)
    return there


def _file(directory: Path, name: str) -> Path:
    return directory / FOLDER / f"{name}.paused"
