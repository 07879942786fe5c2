"""Every command, one file each. To add one, write its file and name it here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final

from toolkit.app.command import Command

NAMES: Final = (
    "backups",
    "businesses",
    "check",
    "classify",
    "completion",
    "config",
    "console",
    "console.password",
    "diff",
    "doctor",
    "doctor.machine",
    "doctor.storage",
    "explain",
    "find",
    "graph",
    "init",
    "leaks",
    "lint",
    "pin",
    "proofs",
    "psql",
    "quarantine.list",
    "quarantine.retry",
    "repositories",
    "run",
    "runs",
    "schedule",
    "schedule.run",
    "show",
    "unlock",
    "unpin",
    "verify",
)
"""What the commands are called; `doctor.machine` is declared in the module `doctor_machine` beside this one."""


@cache
def command(name: str) -> Command[Any]:
    """Give the command of a name, of which no other one's module is loaded."""
    declared: Command[Any] = import_module(f"{__package__}.{name.replace('.', '_')}").COMMAND
    return declared


def commands() -> tuple[Command[Any], ...]:
    """Give every command."""
    return tuple(command(name) for name in NAMES)
