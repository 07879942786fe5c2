"""Which backups the scheduled playbooks make, and when the next one is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from toolkit.app.command import Call
from toolkit.app.commands.schedule import COMMAND
from toolkit.app.control import Control
from toolkit.app.scheduling.asked import Asked
from toolkit.config import playbook as playbooks
from toolkit.config.inventory import LoadedInventory
from toolkit.config.patterns import select
from toolkit.config.templates import is_template
from toolkit.errors import PlaybackError
from toolkit.model.playbook import Block, Play, Step
from toolkit.output.streams import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A scheduled run that makes backups of a job.

    Attributes:
        schedule: what it is called.
        at: when it runs next; None where nothing starts it by itself.
    """

    schedule: str
    playbook: str
    at: datetime | None


Jobs = tuple[tuple[str, str], ...]
"""Hosts with a job of each that a playbook backs up."""


def coming(control: Control, inventory: LoadedInventory) -> Mapping[tuple[str, str], Coming]:
    """Give the soonest run for each host and job that a scheduled playbook backs up."""
    call = Call(command=COMMAND, control=control, output=Output(), as_json=True)
    found: dict[tuple[str, str], Coming] = {}
    for answer in COMMAND.body(Asked(list=True), call):
        for entry in answer.document()["schedules"]:
            run = _coming(entry)
            for each in _jobs(control, inventory, run.playbook):
                if each not in found or _sooner(run, found[each]):
                    found[each] = run
    return found


def _coming(entry: Mapping[str, Any]) -> Coming:
    at = datetime.fromisoformat(entry["next"]) if entry["next"] else None
    return Coming(schedule=entry["name"], playbook=entry["playbook"], at=at)


def _sooner(one: Coming, other: Coming) -> bool:
    return one.at is not None and (other.at is None or one.at < other.at)


def _jobs(control: Control, inventory: LoadedInventory, name: str) -> Jobs:
    """What a playbook backs up; nothing for one that cannot be read, which its own run tells."""
    try:
        found = playbooks.load(control.playbook(name), control=control.directory)
        return tuple(
            (host, job)
            for play in found.plays
            if (jobs := list(_jobs_of(play, found.file.stem)))
            for host in select(play.hosts, inventory.groups)
            for job in jobs
        )
    except (PlaybackError, OSError):
        return ()


def _jobs_of(play: Play, default: str) -> Iterator[str]:
    for step in (*play.pre_tasks, *play.tasks, *play.post_tasks):
        yield from _jobs_in(step, default)


def _jobs_in(step: Step, default: str) -> Iterator[str]:
    if isinstance(step, Block):
        for each in (*step.block, *step.rescue, *step.always):
            yield from _jobs_in(each, default)
    elif step.action == "backup":
        job = step.arguments.get("job") or default if isinstance(step.arguments, Mapping) else default
        if isinstance(job, str) and not is_template(job):
            yield job
