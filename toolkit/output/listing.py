"""`--list-tasks`: what a playbook would run, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolkit.model.playbook import Playbook, Step, Task
from toolkit.runner.execution import title
from toolkit.runner.inherited import Inherited
from toolkit.runner.options import RunOptions
from toolkit.runner.tags import selected


def task_list(playbook: Playbook, options: RunOptions) -> dict[str, Any]:
    """Give the plays and those of their tasks that the tags choose, as JSON values."""
    return {
        "playbook": playbook.file.name,
        "plays": [
            {
                "name": play.name or play.hosts,
                "hosts": play.hosts,
                "tags": sorted(play.tags),
                "tasks": [
                    task
                    for section in (play.pre_tasks, play.tasks, play.post_tasks)
                    for task in _tasks(section, Inherited(tags=frozenset(play.tags)), options)
                ],
            }
            for play in playbook.plays
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


def _tasks(steps: Sequence[Step], inherited: Inherited, options: RunOptions) -> Iterator[dict[str, Any]]:
    for step in steps:
        inner = inherited.enter(step.keywords)
        if isinstance(step, Task):
            if selected(inner.tags, only=options.tags, skip=options.skip_tags):
                yield {"name": title(step), "action": step.action, "tags": sorted(inner.tags)}
        else:
            for part in (step.block, step.rescue, step.always):
                yield from _tasks(part, inner, options)
