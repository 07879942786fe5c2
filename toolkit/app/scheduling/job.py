"""A playbook that is to run by itself: its command line, and what every kind of timer needs to know of it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import toolkit
from toolkit.planning.recurrence import Recurrence

MARK: Final = "made by `playback schedule`"
"""Stands in every file that we install, with the control directory: nothing else is ever removed."""
PROGRAM: Final = "toolkit.app.program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A scheduled playbook.

    Attributes:
        name: what it is called among those of its control directory.
        directory: the control directory, absolute.
        playbook: as the run is given it, from the control directory.
        when: when it runs.
        options: what the run is given besides, word by word.
        environment: variables that the run needs to begin at all.
    """

    name: str
    directory: Path
    playbook: str
    when: Recurrence
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What it is called on this machine: of no two control directories the same."""
        return identifier(self.name, self.directory)

    @property
    def mark(self) -> str:
        """The line by which what was made for it is known again."""
        return mark(self.name, self.directory)

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"Playback: {self.name} in {self.directory}"

    def argv(self, *more: str) -> tuple[str, ...]:
        """Give the command line that a timer starts, in the control directory."""
        return (interpreter(), "-m", PROGRAM, "schedule.run", self.playbook, "--name", self.name, *self.options, *more)

    def if_due(self) -> tuple[str, ...]:
        """Give the options with which a run begins only where one of its times has passed without one."""
        return self.when.options()


def identifier(name: str, directory: Path) -> str:
    """Give what a scheduled playbook is called on this machine."""
    return f"playback-{name}-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:8]}"


def mark(name: str, directory: Path) -> str:
    """Give the line by which what was made for a scheduled playbook is known again."""
    return f"{name} of {directory}, {MARK}"


def interpreter() -> str:
    """Give the Python that runs, on Windows the one that opens no window; a virtual environment's own."""
    windowless = Path(sys.executable).with_name("pythonw.exe")
    return str(windowless) if os.name == "nt" and windowless.is_file() else sys.executable


def needed_environment(directory: Path) -> dict[str, str]:
    """Give the variables without which a run in a control directory would not find this program, or others.

    Installed packages are found by themselves, and those of the control directory as well.
    """
    place = Path(toolkit.__file__).resolve().parent.parent
    folders = dict.fromkeys(os.environ.get("PATH", "").split(os.pathsep))
    found = {"PATH": os.pathsep.join(filter(None, folders))} if any(folders) and os.name != "nt" else {}
    installed = place.is_relative_to(Path(sys.prefix).resolve())
    return found if installed or place == directory.resolve() else {**found, "PYTHONPATH": str(place)}
