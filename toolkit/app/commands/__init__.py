"""Every command, one file each. To add one, write its file and name it here."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from toolkit.app.command import Command

_MODULES: Final = (
    "backups",
    "check",
    "classify",
    "completion",
    "config",
    "diff",
    "doctor",
    "doctor_machine",
    "doctor_storage",
    "explain",
    "graph",
    "init",
    "leaks",
    "lint",
    "pin",
    "psql",
    "quarantine_list",
    "quarantine_retry",
    "run",
    "schedule",
    "schedule_run",
    "show",
    "unlock",
    "unpin",
    "verify",
)
"""The modules beside this one that declare a command."""

COMMANDS: Final[tuple[Command[Any], ...]] = tuple(
    import_module(f"{__package__}.{module}").COMMAND for module in _MODULES
)
