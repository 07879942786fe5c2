"""What can be known to be wrong before anything runs; all of it is reported at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.actions.context import Inventory
from toolkit.config import playbook as playbooks
from toolkit.config.secrets import plain
from toolkit.config.templates import Templates
from toolkit.errors import InputError, Problem
from toolkit.model.host import Host
from toolkit.model.playbook import Place, Play, Playbook, Step, Task
from toolkit.runner import emptiness
from toolkit.runner.options import RunOptions
from toolkit.wording import meant


class HostInventory(Inventory, Protocol):
    """What the runner asks of the inventory besides what actions do."""

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """The hosts' names of every group."""

    def select(self, pattern: str) -> list[Host]:
        """Give the hosts that a pattern names; InputError for a name that does not exist."""


class PreparedPlay(Struct, frozen=True, kw_only=True):
    """A play with what was looked up for it.

    Attributes:
        hosts: the hosts it runs on, `--limit` applied.
        variables: its `vars` and, over them, those of its `vars_files`.
        batch_size: hosts at a time; 0 for all.
        first_task: with --start-at-task, if that task is in this play: nothing runs before it.
    """

    play: Play
    hosts: tuple[Host, ...]
    variables: Mapping[str, Any]
    batch_size: int
    first_task: Task | None = None


def prepare(
    playbook: Playbook,
    options: RunOptions,
    *,
    inventory: HostInventory,
    actions: Mapping[str, Action[Any]],
    templates: Templates,
) -> list[PreparedPlay]:
    """Look up the hosts, variables files and actions of every play.

    Raises:
        InputError: every problem found.
    """
    preparation = _Preparation(
        playbook=playbook, options=options, inventory=inventory, actions=actions, templates=templates
    )
    prepared = preparation.plays()
    preparation.problems.extend(emptiness.unknown_tags(playbook.plays, options))
    if preparation.problems:
        raise InputError(sorted(preparation.problems, key=lambda problem: (problem.file, problem.line)))
    if not any(play.hosts for play in prepared):
        raise InputError(emptiness.no_hosts(playbook.plays, options, inventory.groups))
    reason = emptiness.nothing_to_run([(play.play, play.first_task) for play in prepared if play.hosts], options)
    if reason:
        raise InputError(reason, hint=f"invoke run {playbook.file} --list-tasks shows the tasks and their tags")
    return prepared


def prepared_as_far_as_possible(
    playbook: Playbook,
    options: RunOptions,
    *,
    inventory: HostInventory,
    actions: Mapping[str, Action[Any]],
    templates: Templates,
) -> list[PreparedPlay]:
    """Do what `prepare` does and leave out what is wrong: for telling that a run did not begin."""
    preparation = _Preparation(
        playbook=playbook, options=options, inventory=inventory, actions=actions, templates=templates
    )
    return preparation.plays()


def tasks_of(steps: Sequence[Step]) -> Iterator[Task]:
    """Give every task in steps, in the order in which they are written."""
    for step in steps:
        if isinstance(step, Task):
            yield step
        else:
            yield from tasks_of((*step.block, *step.rescue, *step.always))


class _Preparation(Struct, frozen=True, kw_only=True):
    """Prepares the plays of a playbook, collecting problems."""

    playbook: Playbook
    options: RunOptions
    inventory: HostInventory
    actions: Mapping[str, Action[Any]]
    templates: Templates
    problems: list[Problem] = field(default_factory=list)

    def plays(self) -> list[PreparedPlay]:
        limit = self._limit()
        prepared: list[PreparedPlay] = []
        for play in self.playbook.plays:
            self._check_actions(play)
            self._check_handlers(play)
            hosts = [host for host in self._hosts(play) if limit is None or host.name in limit]
            size = self._batch_size(play, len(hosts))
            variables = self._variables(play)
            prepared.append(PreparedPlay(play=play, hosts=tuple(hosts), variables=variables, batch_size=size))
        return self._from_task(prepared)

    def _limit(self) -> set[str] | None:
        """The names that `--limit` lets through; None without it."""
        if not self.options.limit:
            return None
        try:
            return {host.name for host in self.inventory.select(self.options.limit)}
        except InputError as error:
            self.problems.extend(Problem(message=f"--limit: {problem.message}") for problem in error.problems)
            return None

    def _hosts(self, play: Play) -> list[Host]:
        try:
            return self.inventory.select(play.hosts)
        except InputError as error:
            for problem in error.problems:
                self._report(play.place, "hosts", problem.message)
            return []

    def _check_actions(self, play: Play) -> None:
        telling = (*play.on_failure, *play.on_success, *play.on_recovery)
        for task in tasks_of((*play.pre_tasks, *play.tasks, *play.post_tasks, *play.handlers, *telling)):
            if task.action not in self.actions:
                message = f"there is no action {task.action}{meant(task.action, self.actions)}"
                self._report(task.keywords.place, task.action, message)

    def _check_handlers(self, play: Play) -> None:
        known = [handler.keywords.name for handler in play.handlers]
        for task in tasks_of((*play.pre_tasks, *play.tasks, *play.post_tasks, *play.handlers)):
            for name in task.notify:
                if name not in known:
                    message = f"there is no handler {name!r}{meant(name, known)}"
                    self._report(task.keywords.place, "notify", message)

    def _variables(self, play: Play) -> dict[str, Any]:
        """The play's variables; `vars_files` are relative to the playbook, else to the control directory."""
        variables = dict(play.vars)
        for index, name in enumerate(play.vars_files):
            place = replace(play.place, path=f"{play.place.path}.vars_files[{index}]")
            try:
                known = self.templates.lazy({**play.vars, **self.options.extra_vars}, {}, place)
                relative = Path(str(plain(self.templates.render(name, known, place))))
                below = self.playbook.file.parent / relative
                path = below if below.exists() else self.inventory.directory / relative
                variables |= playbooks.load_variables(path, control=self.inventory.directory)
            except InputError as error:
                self.problems.extend(error.problems)
        return variables

    def _batch_size(self, play: Play, hosts: int) -> int:
        """`serial` as a number of hosts; a percentage is of the play's hosts, at least one."""
        text = str(play.serial).strip()
        number = text.removesuffix("%")
        if not number.isdecimal():
            message = f"expected a number of hosts or a percentage, not {play.serial!r}"
            self._report(play.place, "serial", message)
            return 0
        return max(1, hosts * int(number) // 100) if text.endswith("%") else int(number)

    def _from_task(self, prepared: list[PreparedPlay]) -> list[PreparedPlay]:
        """The plays from the one on that has the task to start at."""
        if not self.options.start_at_task:
            return prepared
        found = emptiness.first_task([each.play for each in prepared], self.options.start_at_task)
        if isinstance(found, Problem):
            self.problems.append(found)
            return prepared
        index, task = found
        return [replace(prepared[index], first_task=task), *prepared[index + 1 :]]

    def _report(self, place: Place, keyword: str, message: str) -> None:
        path = f"{place.path}.{keyword}" if place.path else keyword
        self.problems.append(Problem(file=place.file, line=place.line, path=path, message=message))
