"""The commands `lint` and `verify`: is everything as it should be?"""

from __future__ import annotations

from pathlib import Path

from toolkit.actions.registry import ACTIONS
from toolkit.app.arguments import existing
from toolkit.app.backups import one_label
from toolkit.app.console import Output
from toolkit.app.control import Control, find_backup, utc_now
from toolkit.app.text import TextReporter
from toolkit.config import lint as linting
from toolkit.config.templates import Templates
from toolkit.errors import InputError
from toolkit.model.playbook import Keywords, Play, Playbook, Task
from toolkit.runner.interruption import PROCESS
from toolkit.runner.options import RunOptions
from toolkit.runner.results import RunRecord
from toolkit.runner.run import Runner


def lint(control: Control, output: Output, *, paths: tuple[str, ...]) -> int:
    """Check files, or the whole control directory; every problem as `file:line: path: message`.

    Raises:
        InputError: the problems.
    """
    if not paths:
        control.inventory_directory()
    problems = linting.lint(control.directory, [existing(path, control.directory) for path in paths])
    if problems:
        raise InputError(problems)
    output.line("no problems found", style="green")
    return 0


def verify(control: Control, output: Output, *, labels: tuple[str, ...], host: str, repository: str) -> int:
    """Compare a backup with a host's database, as the action `verify` does; 6 when they differ."""
    label = one_label(labels, "verify")
    if not host:
        raise InputError("no host to compare with is named", hint=f"invoke verify {label} --host HOST")
    inventory = control.load_inventory()
    inventory.host(host)
    found, _, _ = find_backup(inventory, label, repository)
    arguments = {"backup": label, "repository": found, "against": "database", "host": host}
    task = Task(keywords=Keywords(name=f"Verify {label} against {host}"), action="verify", arguments=arguments)
    playbook = Playbook(file=Path("verify"), plays=(Play(name="Verify", hosts=host, tasks=(task,)),))
    runner = Runner(
        inventory=inventory,
        actions=ACTIONS,
        templates=Templates(),
        reporter=TextReporter(output, debug=False),
        now=utc_now,
        interruption=PROCESS,
    )
    return runner.run(playbook, RunOptions(), RunRecord())
