"""A run that would do nothing: no host, or no task, is what it was asked for. That is a mistake, not a success."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator, Mapping, Sequence

from toolkit.errors import Problem
from toolkit.model.playbook import Block, Play, Step, Task
from toolkit.runner.execution import title
from toolkit.runner.options import RunOptions
from toolkit.runner.tags import SPECIAL, selected
from toolkit.wording import meant

_LISTED = 20


def unknown_tags(plays: Sequence[Play], options: RunOptions) -> Iterator[Problem]:
    """Give a problem for every word of `--tags` and `--skip-tags` that no task carries."""
    known = {tag for play in plays for _, tags in tagged_tasks(play) for tag in tags} - set(SPECIAL)
    for option, words in (("--tags", options.tags), ("--skip-tags", options.skip_tags)):
        for word in words:
            if word not in known and word not in SPECIAL:
                near = meant(word, known)
                yield Problem(message=f"{option}: no task has the tag {word}{near} (known: {_listed(known)})")


def nothing_to_list(plays: Sequence[Play], options: RunOptions) -> Iterator[Problem]:
    """Give why a list of tasks would be of none, or of others than was asked for: what a run is refused for as well."""
    yield from (unknown := list(unknown_tags(plays, options)))
    begun = begin(plays, options)
    if isinstance(begun, Problem):
        yield begun
    elif not unknown and (reason := nothing_to_run(begun, options)):
        yield Problem(message=reason)


def first_task(plays: Sequence[Play], name: str) -> tuple[int, Task] | Problem:
    """Give the first task of that name (or glob) with the place of its play, or say that there is none."""
    names: list[str] = []
    for index, play in enumerate(plays):
        for task in _in_order((*play.pre_tasks, *play.tasks, *play.post_tasks)):
            if title(task) == name or fnmatch.fnmatchcase(title(task), name):
                return index, task
            names.append(title(task))
    return Problem(message=f"--start-at-task: there is no task {name!r}{meant(name, names)}")


def last_task(play: Play, options: RunOptions) -> Task | None:
    """Give the task after which a host has come to the end of a play, where none fails and no handler is notified."""
    chosen = {
        id(task) for task, tags in tagged_tasks(play) if selected(tags, only=options.tags, skip=options.skip_tags)
    }
    in_order = list(_in_order((*play.pre_tasks, *play.tasks, *play.post_tasks)))
    return next((task for task in reversed(in_order) if id(task) in chosen), None)


def _in_order(steps: Sequence[Step]) -> Iterator[Task]:
    """The tasks that run where none fails."""
    for step in steps:
        if isinstance(step, Task):
            yield step
        else:
            yield from _in_order((*step.block, *step.always))


def begin(plays: Sequence[Play], options: RunOptions) -> list[tuple[Play, Task | None]] | Problem:
    """Give the plays from the one on in which a run would begin, each with the task before which nothing of it runs."""
    if not options.start_at_task:
        return [(play, None) for play in plays]
    found = first_task(plays, options.start_at_task)
    if isinstance(found, Problem):
        return found
    index, task = found
    return [(plays[index], task), *((play, None) for play in plays[index + 1 :])]


def no_hosts(plays: Sequence[Play], options: RunOptions, groups: Mapping[str, Sequence[str]]) -> str:
    """Say why there is no host to run on."""
    if not groups["all"]:
        return "the inventory has no hosts"
    patterns = ", ".join(dict.fromkeys(play.hosts for play in plays)) or "none"
    limited = f", --limit {options.limit}" if options.limit else ""
    names = [*groups["all"], *(name for name in groups if name not in groups["all"])]
    return f"no host to run on: nothing matches hosts: {patterns}{limited} (known: {_listed(names)})"


def nothing_to_run(plays: Sequence[tuple[Play, Task | None]], options: RunOptions) -> str:
    """Say why none of the tasks would run; empty when one does.

    Args:
        plays: those that have hosts, each with the task before which nothing of it runs.
    """
    chosen = count = 0
    for play, first in plays:
        begun = first is None
        for task, tags in tagged_tasks(play):
            begun = begun or task is first
            count += 1
            chosen += begun and selected(tags, only=options.tags, skip=options.skip_tags)
    if chosen:
        return ""
    if not count:
        return "there are no tasks to run"
    known = {tag for play, _ in plays for _, tags in tagged_tasks(play) for tag in tags}
    given = [f"--tags {','.join(options.tags)}"] if options.tags else []
    given += [f"--skip-tags {','.join(options.skip_tags)}"] if options.skip_tags else []
    given += [f"--start-at-task {options.start_at_task}"] if options.start_at_task else []
    return f"{' '.join(given) or 'the tag never'} leaves none of the {count} tasks; known tags: {_listed(known)}"


def tagged_tasks(play: Play) -> Iterator[tuple[Task, frozenset[str]]]:
    """Give every task of a play with its tags, those of its blocks and of the play included; no handlers."""
    yield from _tagged((*play.pre_tasks, *play.tasks, *play.post_tasks), frozenset(play.tags))


def _tagged(steps: Sequence[Step], around: frozenset[str]) -> Iterator[tuple[Task, frozenset[str]]]:
    for step in steps:
        tags = around | frozenset(step.keywords.tags)
        if isinstance(step, Block):
            yield from _tagged((*step.block, *step.rescue, *step.always), tags)
        else:
            yield step, tags


def _listed(names: Collection[str]) -> str:
    """Names for people: in order, cut short where they are many."""
    ordered = sorted(names) if isinstance(names, set | frozenset) else list(names)
    more = f", … {len(ordered) - _LISTED} more" if len(ordered) > _LISTED else ""
    return (", ".join(ordered[:_LISTED]) or "none") + more
