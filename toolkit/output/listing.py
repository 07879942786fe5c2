"""`--list-tasks`: what a playbook would run, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolkit.model.playbook import Playbook, Step, Task
from toolkit.runner.execution import title
from toolkit.runner.inherited import Inherited
from toolkit.runner.options import RunOptions
from toolkit.runner.tags import selected


def task_lines(playbook: Playbook, options: RunOptions) -> list[str]:
    """Give the plays and those of their tasks that the tags choose, as lines."""
    lines = [f"playbook: {playbook.file.name}"]
    for play in playbook.plays:
        tags = ", ".join(sorted(play.tags))
        lines += ["", f"  play: {play.name or play.hosts} (hosts: {play.hosts})  TAGS: [{tags}]"]
        inherited = Inherited(tags=frozenset(play.tags))
        for section in (play.pre_tasks, play.tasks, play.post_tasks):
            lines += list(_lines(section, inherited, options))
    return lines


def _lines(steps: Sequence[Step], inherited: Inherited, options: RunOptions) -> Iterator[str]:
    for step in steps:
        inner = inherited.enter(step.keywords)
        if isinstance(step, Task):
            if selected(inner.tags, only=options.tags, skip=options.skip_tags):
                yield f"    {title(step)}  TAGS: [{', '.join(sorted(inner.tags))}]"
        else:
            for part in (step.block, step.rescue, step.always):
                yield from _lines(part, inner, options)
