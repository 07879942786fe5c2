"""Every command, one file each. To add one, write its file and name it here."""

from __future__ import annotations

from typing import Any

from toolkit.app.command import Command
from toolkit.app.commands import (
    backups,
    check,
    classify,
    doctor,
    doctor_storage,
    explain,
    graph,
    leaks,
    lint,
    pin,
    quarantine_list,
    quarantine_retry,
    run,
    show,
    unlock,
    unpin,
    verify,
)

COMMANDS: tuple[Command[Any], ...] = tuple(
    module.COMMAND
    for module in (
        backups,
        check,
        classify,
        doctor,
        doctor_storage,
        explain,
        graph,
        leaks,
        lint,
        pin,
        quarantine_list,
        quarantine_retry,
        run,
        show,
        unlock,
        unpin,
        verify,
    )
)
