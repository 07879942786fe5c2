"""`--list-tasks`: what a playbook would run, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import dropwhile
from typing import Any

from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Playbook, Task
from toolkit.runner.emptiness import begin, tagged_tasks
from toolkit.runner.execution import title
from toolkit.runner.options import RunOptions
from toolkit.runner.tags import selected


def task_list(playbook: Playbook, options: RunOptions) -> dict[str, Any]:
    """Give the plays and those of their tasks that the tags choose, from the task on at which to start, as JSON values.

    Raises:
        InputError: there is no such task.
    """
    begun = begin(playbook.plays, options)
    if isinstance(begun, Problem):
        raise InputError([begun])
    return {
        "playbook": playbook.file.name,
        "plays": [
            {
                "name": play.name or play.hosts,
                "hosts": play.hosts,
                "tags": sorted(play.tags),
                "tasks": [
                    {"name": title(task), "action": task.action, "tags": sorted(tags)}
                    for task, tags in dropwhile(partial(_is_before, first), tagged_tasks(play))
                    if selected(tags, only=options.tags, skip=options.skip_tags)
                ],
            }
            for play, first in begun
        ],
    }


def task_lines(listed: Mapping[str, Any]) -> Iterator[str]:
    """Give the same as lines."""
    yield f"playbook: {listed['playbook']}"
    for play in listed["plays"]:
        yield ""
        yield f"  play: {play['name']} (hosts: {play['hosts']})  TAGS: [{', '.join(play['tags'])}]"
        for task in play["tasks"]:
            yield f"    {task['name']}  TAGS: [{', '.join(task['tags'])}]"


def _is_before(first: Task | None, each: tuple[Task, frozenset[str]]) -> bool:
    return first is not None and each[0] is not first
