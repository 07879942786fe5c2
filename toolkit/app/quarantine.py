"""The commands `quarantine.list` and `quarantine.retry`: rows that restores have put aside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from toolkit import wording
from toolkit.actions.quarantine import ACTION as RETRY
from toolkit.app.console import Output
from toolkit.app.control import Control, brief_reason, is_unused, repositories, utc_now
from toolkit.app.text import WARNING, TextReporter
from toolkit.config.templates import Templates
from toolkit.errors import InputError, PlaybackError
from toolkit.model.playbook import Keywords, Play, Playbook, Task
from toolkit.model.quarantine import QuarantinedRow
from toolkit.runner.interruption import PROCESS
from toolkit.runner.options import RunOptions
from toolkit.runner.results import RunRecord, exit_code
from toolkit.runner.run import Runner
from toolkit.storage.quarantine import quarantines, read_rows

SHOWN = 5
"""Rows of one reason that are listed one by one."""


def list_quarantine(control: Control, output: Output, *, repository: str) -> int:
    """List the rows in quarantine of a repository, or of all, by restore, table and reason."""
    codes: list[int] = []
    total = 0
    for name, opened in repositories(control.load_inventory(), repository):
        if isinstance(opened, PlaybackError):
            if repository:
                raise opened
            output.line(f"{name}: {brief_reason(opened)}", style=WARNING)
            if not is_unused(opened):
                codes.append(opened.exit_code)
            continue
        for quarantine in quarantines(opened):
            rows = list(read_rows(opened, quarantine))
            total += len(rows)
            origin = quarantine.origin
            asked = f" ({_asked(origin.request)})" if origin.request else ""
            output.line(
                f"{name}: {origin.label} into {origin.host}{asked}, {origin.time}: {wording.count(len(rows))} rows"
            )
            for (table, reason), found in groupby(rows, key=lambda row: (row.table, row.reason)):
                _list(table, reason, list(found), output)
    if not total and not codes:
        output.line("no rows are in quarantine", style="green")
    return exit_code(codes)


def _asked(request: Mapping[str, Any]) -> str:
    """The mode, and what else the restore was asked for."""
    others = (f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in request.items())
    return ", ".join(each.removeprefix("mode ") for each in others)


def _list(table: str, reason: str, rows: list[QuarantinedRow], output: Output) -> None:
    output.line(f"    {table}: {reason} (SQLSTATE {rows[0].sqlstate}): {wording.count(len(rows))} rows")
    for row in rows[:SHOWN]:
        waits = f", waits for {row.waits_for}" if row.waits_for else ""
        output.line(f"        {row.key}{waits}")
    if len(rows) > SHOWN:
        output.line(f"        … {wording.count(len(rows) - SHOWN)} more")


def retry(
    control: Control, output: Output, *, labels: tuple[str, ...], host: str, repository: str, check: bool, diff: bool
) -> int:
    """Try the quarantined rows of a host again; 3 when some stay in quarantine.

    Raises:
        InputError: no host is named, or none of its rows are in quarantine.
    """
    if not host:
        raise InputError("no host is named", hint="invoke quarantine.retry --host HOST")
    inventory = control.load_inventory()
    inventory.host(host)
    given = {"repository": repository, "labels": list(labels)}
    arguments = {name: value for name, value in given.items() if value}
    task = Task(keywords=Keywords(name=f"Quarantined rows of {host}"), action=RETRY.name, arguments=arguments)
    playbook = Playbook(file=Path("quarantine"), plays=(Play(name="Quarantine", hosts=host, tasks=(task,)),))
    runner = Runner(
        inventory=inventory,
        actions={RETRY.name: RETRY},
        templates=Templates(),
        reporter=TextReporter(output, debug=False),
        now=utc_now,
        interruption=PROCESS,
    )
    return runner.run(playbook, RunOptions(check=check, diff=diff), RunRecord())
