"""The kinds of timers by name, and the one that a machine has."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from toolkit.app.scheduling import systemd
from toolkit.app.scheduling.crontab import Cron
from toolkit.app.scheduling.kind import Kind
from toolkit.app.scheduling.launchd import Launchd
from toolkit.app.scheduling.record import Record
from toolkit.app.scheduling.systemd import Systemd
from toolkit.app.scheduling.windows import Windows
from toolkit.errors import InputError
from toolkit.wording import meant

KINDS: Final[Mapping[str, Callable[[], Kind]]] = {
    "systemd": Systemd,
    "cron": Cron,
    "launchd": Launchd,
    "windows": Windows,
}


def kind_named(name: str) -> Kind:
    """Give the kind of that name, or the one of this machine where none is named."""
    if name and name not in KINDS:
        raise InputError(f"--kind: there is no {name}{meant(name, KINDS)}", hint=f"there are {', '.join(KINDS)}")
    return KINDS[name or of_machine()]()


def of_machine() -> str:
    """Give the name of the kind that this machine has: systemd only where it is in charge."""
    if sys.platform == "win32":
        return "windows"
    if sys.platform == "darwin":
        return "launchd"
    return "systemd" if systemd.BOOTED.is_dir() else "cron"


def is_installed(record: Record, directory: Path) -> bool:
    """Say whether the timer that was installed for a playbook is still there."""
    return record.kind in KINDS and KINDS[record.kind]().installed(record.name, directory)
