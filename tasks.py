"""The commands of Playback, for invoke: flags in, exit code out."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from toolkit.app.command_line import Command
from toolkit.app.run import RunRequest
from toolkit.app.run import run as run_playbook

CONTROL = Path(__file__).parent.absolute()
"""The control directory: relative names in the inventory are below it."""


def _end(code: int) -> None:
    if code:
        raise Exit(code=code)


@task(
    klass=Command,
    iterable=["extra_vars"],
    help={
        "playbook": "the playbook's file, below the working or the control directory",
        "inventory": "the inventory directory (default: inventory)",
        "limit": "run only on hosts of this pattern",
        "tags": "run only tasks with one of these tags, separated by commas",
        "skip-tags": "run no task with one of these tags",
        "check": "say what would change and change nothing",
        "diff": "show samples of what changes",
        "extra-vars": "a variable as name=value, several as JSON, or @FILE.yml; may be given again",
        "forks": "how many hosts at the same time (default: 1)",
        "start-at-task": "begin with the task of this name",
        "list-tasks": "list the tasks and run none",
        "report": "write the whole run to this file, as JSON",
        "debug": "show the trace of a defect",
    },
)
def run(
    context: Context,
    playbook: list[str],
    *,
    inventory: str = "",
    limit: str = "",
    tags: str = "",
    skip_tags: str = "",
    check: bool = False,
    diff: bool = False,
    extra_vars: list[str] | None = None,
    forks: str = "1",
    start_at_task: str = "",
    list_tasks: bool = False,
    report: str = "",
    debug: bool = False,
) -> None:
    """Run a playbook: invoke run PLAYBOOK [--options]"""
    del context
    request = RunRequest(
        control=CONTROL,
        playbooks=tuple(playbook),
        inventory=inventory,
        limit=limit,
        tags=tags,
        skip_tags=skip_tags,
        check=check,
        diff=diff,
        extra_vars=tuple(extra_vars or ()),
        forks=forks,
        start_at_task=start_at_task,
        list_tasks=list_tasks,
        report=report,
        debug=debug,
    )
    _end(run_playbook(request))
