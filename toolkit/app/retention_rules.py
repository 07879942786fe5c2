"""By which rules backups are kept here: those of the playbooks' own prune tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from toolkit import shipped
from toolkit.app.control import Control
from toolkit.app.scheduling.record import scheduled
from toolkit.config import playbook as playbooks
from toolkit.config.templates import is_template
from toolkit.errors import PlaybackError
from toolkit.model.playbook import Block, Play, Step, Task

PRUNE = "prune"
_ELSEWHERE = ("repository", "lock_wait")
"""Arguments that are no rules."""


class Rules(Struct, frozen=True, kw_only=True):
    """Rules of a prune task.

    Attributes:
        arguments: of the task, without those that say where.
        playbook: in which it stands, as one names it in the control directory.
    """

    arguments: Mapping[str, Any]
    playbook: str


def rules_for(control: Control, repository: str) -> Rules | None:
    """Find the rules by which a repository is thinned out; None where no playbook has any.

    A task that names the repository counts before one that leaves it to the host or to a template, and a playbook that
    is scheduled before one that is not.
    """
    others: Rules | None = None
    for name in _playbooks(control):
        try:
            tasks = list(_tasks(playbooks.load(control.playbook(name), control=control.directory).plays))
        except PlaybackError:
            continue  # `lint` says what is wrong with it
        for task in tasks:
            if task.action != PRUNE or not isinstance(task.arguments, Mapping):
                continue
            rules = {key: value for key, value in task.arguments.items() if key not in _ELSEWHERE}
            if any(isinstance(value, str) and is_template(value) for value in rules.values()):
                continue
            written = task.arguments.get("repository", "")
            if written == repository:
                return Rules(arguments=rules, playbook=name)
            if not written or (isinstance(written, str) and is_template(written)):
                others = others or Rules(arguments=rules, playbook=name)
    return others


def _playbooks(control: Control) -> list[str]:
    """Their names, scheduled ones first."""
    names = [record.playbook for record in scheduled(control.directory)]
    for folder in (control.directory / "playbooks", shipped.PLAYBOOKS):
        names += [f"playbooks/{file.name}" for file in sorted(folder.glob("*.yml"))]
    return [name for name in dict.fromkeys(names) if not Path(name).is_absolute()]


def _tasks(plays: Iterable[Play]) -> Iterator[Task]:
    for play in plays:
        yield from _in(play.pre_tasks)
        yield from _in(play.tasks)
        yield from _in(play.post_tasks)


def _in(steps: Iterable[Step]) -> Iterator[Task]:
    for step in steps:
        if isinstance(step, Block):
            yield from _in((*step.block, *step.rescue, *step.always))
        else:
            yield step
