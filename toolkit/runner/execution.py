"""One task on one host: conditions, loop and attempts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.actions.context import Inventory
from toolkit.config.templates import Templates
from toolkit.errors import ExitCode, InputError, PlaybackError, Problem
from toolkit.model.outcome import Outcome
from toolkit.model.playbook import Task
from toolkit.runner import outcomes
from toolkit.runner.endings import Ending
from toolkit.runner.executor import Executor, Order
from toolkit.runner.hosts import HostState, Variables
from toolkit.runner.inherited import Inherited
from toolkit.runner.interruption import Interruption
from toolkit.runner.reporter import Reporter
from toolkit.runner.results import Result, Status
from toolkit.runner.scope import Scope

DEFAULT_RETRIES = 3
"""Further attempts of a task with `until` and without `retries`; Ansible's number."""


class Execution(Struct, frozen=True, kw_only=True):
    """Runs tasks on hosts; holds what all tasks of a play share.

    Attributes:
        interruption: is looked at before anything more begins.
        endings: what is to be done when the play has ended.
    """

    playbook: str
    inventory: Inventory
    executor: Executor
    actions: Mapping[str, Action[Any]]
    templates: Templates
    variables: Variables
    reporter: Reporter
    check: bool
    diff: bool
    write_answers: str
    now: Callable[[], datetime]
    interruption: Interruption
    endings: list[Ending] = field(default_factory=list)

    def run(self, task: Task, inherited: Inherited, state: HostState) -> Result:
        """Run a task on a host, its whole loop if it has one. Changes nothing of the host's state.

        When it is interrupted, the result says so; nothing is raised but a KeyboardInterrupt at the very edges.

        Args:
            inherited: the keywords in force, the task's own included.
        """
        started = time.monotonic()
        scope = self._scope(task, inherited, state)
        try:
            scope.flag("run_once", inherited.run_once)
            scope = replace(scope, check=scope.flag("check_mode", inherited.check_mode, default=self.check))
            result = self._once(scope) if task.loop is None else self._loop(scope)
        except KeyboardInterrupt as error:
            self.interruption.notice()
            result = outcomes.interrupted(scope, error)
        except Exception as error:
            result = self._failed(error, scope)
        return replace(_finished(result, scope), seconds=time.monotonic() - started)

    def runs_once(self, task: Task, inherited: Inherited, state: HostState) -> bool:
        """Say whether a task runs on one host for all. When that cannot be told it does, and fails there saying why."""
        try:
            return self._scope(task, inherited, state).flag("run_once", inherited.run_once)
        except PlaybackError:
            return True

    def _scope(self, task: Task, inherited: Inherited, state: HostState) -> Scope:
        return Scope(
            task=task,
            action=self.actions[task.action],
            inherited=inherited,
            state=state,
            templates=self.templates,
            variables=self.variables,
            check=self.check,
        )

    def _loop(self, scope: Scope) -> Result:
        try:
            items = scope.render("loop", scope.task.loop)
        except InputError:
            # as in Ansible: a false condition passes over a task whose list does not exist
            if (reason := scope.passed_over()) is not None:
                return outcomes.skipped(scope, reason)
            raise
        if not isinstance(items, list | tuple):
            raise scope.wrong("loop", f"a loop needs a list, not {type(items).__name__}")
        results: list[Result] = []
        made: dict[str, Any] = {}
        for index, item in enumerate(items):
            one = replace(scope, made={**made, "item": item, "loop": _position(index, len(items))})
            result = self._item(one)
            label = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str)
            results.append(replace(result, item=label))
            if scope.action.gives_facts:
                # as in Ansible, an item sees the facts of the items before it, so that a loop can add up
                made |= {name: value for name, value in result.facts.items() if name not in self.variables.extra}
            if self.interruption.pending:
                return outcomes.interrupted(scope, items=tuple(results))
        return outcomes.combined(scope.state.host.name, tuple(results))

    def _item(self, scope: Scope) -> Result:
        """As `_once`; what was done for the items before stays known when this one is interrupted."""
        try:
            return self._once(scope)
        except KeyboardInterrupt as error:
            self.interruption.notice()
            return outcomes.interrupted(scope, error)

    def _once(self, scope: Scope) -> Result:
        try:
            reason = scope.passed_over()
            return self._attempts(scope) if reason is None else outcomes.skipped(scope, reason)
        except Exception as error:
            return self._failed(error, scope)

    def _attempts(self, scope: Scope) -> Result:
        task = scope.task
        retries = int(scope.number("retries", task.retries)) or (DEFAULT_RETRIES if task.until else 0)
        for attempt in range(1, retries + 2):
            result = replace(self._attempt(scope), attempts=attempt)
            satisfied = scope.all("until", task.until, result) if task.until else not result.failed
            # what may have taken effect is not done twice
            undecided = result.exit_code == ExitCode.UNDECIDED
            if satisfied or undecided or result.status is Status.SKIPPED or self.interruption.pending:
                return result
            if attempt <= retries:
                self.reporter.retrying(result.host, title(task), left=retries + 1 - attempt)
                self.interruption.sleep(scope.number("delay", task.delay))
        if result.failed:
            return result
        message = f"after {result.attempts} attempts {outcomes.conditions(task.until)} does not hold"
        return replace(result, status=Status.FAILED, exit_code=ExitCode.FAILED, message=message)

    def _attempt(self, scope: Scope) -> Result:
        """Run the action once; a failure becomes a result, so that it can be tried again."""
        try:
            return outcomes.judged(self._outcome(scope), scope)
        except Exception as error:
            return self._failed(error, scope)

    def _failed(self, error: Exception, scope: Scope) -> Result:
        """An exception as a result. What a library makes of an interruption is no defect."""
        if self.interruption.pending and not isinstance(error, PlaybackError):
            return outcomes.interrupted(scope)
        return outcomes.failed(error, scope)

    def _outcome(self, scope: Scope) -> Outcome:
        task = scope.task
        host = scope.state.host
        order = Order(
            action=scope.action,
            title=title(task),
            written=task.arguments,
            place=task.keywords.place,
            host=host,
            inventory=self.inventory,
            playbook=self.playbook,
            check=scope.check,
            diff=self.diff,
            write_answers=self.write_answers,
            now=self.now,
            interruption=self.interruption,
            render=lambda: scope.render(task.action, task.arguments),
            pack=lambda: scope.pack(task.action, task.arguments),
            variables=scope.seen,
            progress=lambda: self.reporter.progress(host.name, title(task)),
            at_end=lambda name, work: self.endings.append(Ending(host=host.name, name=name, work=work)),
        )
        try:
            return self.executor.run(order)
        except InputError as error:
            raise _placed(error, task) from error


def _placed(error: InputError, task: Task) -> InputError:
    """The error with the task's place in the playbook where a problem is one of its arguments."""
    place = task.keywords.place
    problems = (
        Problem(
            file=place.file,
            line=place.line,
            path=f"{place.path}.{problem.path}".lstrip("."),
            message=problem.message,
        )
        if not problem.file and problem.path.startswith(f"{task.action}.")
        else problem
        for problem in error.problems
    )
    return InputError(problems, hint=error.hint)


def title(task: Task) -> str:
    """Give what a task is called in the output."""
    return task.keywords.name or task.action


def _position(index: int, length: int) -> Mapping[str, object]:
    """The variable `loop`, named as in Jinja's own loops."""
    return {
        "index": index + 1,
        "index0": index,
        "first": index == 0,
        "last": index == length - 1,
        "length": length,
    }


def _finished(result: Result, scope: Scope) -> Result:
    """The result with `ignore_errors` and `no_log` applied."""
    try:
        if result.failed:
            result = replace(result, ignored=scope.flag("ignore_errors", scope.inherited.ignore_errors))
        return replace(result, no_log=scope.flag("no_log", scope.inherited.no_log))
    except PlaybackError as error:
        # nobody can tell whether the output was to be hidden
        return outcomes.failed(error, scope)
