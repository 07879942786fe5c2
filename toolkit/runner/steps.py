"""Tasks and blocks over the hosts of a batch, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.model.playbook import Block, Play, Step, Task
from toolkit.runner.execution import Execution, title
from toolkit.runner.hosts import Failure, HostState
from toolkit.runner.inherited import Inherited
from toolkit.runner.options import RunOptions
from toolkit.runner.results import PlayRecord, Result, Status, TaskRecord
from toolkit.runner.tags import selected
from toolkit.wording import count, counted

Enter = Callable[[HostState, Result], None]
"""Enters the result of a task on a host: into the record, the host's state and the output."""

_SLICE = 0.2


class Steps(Struct, kw_only=True):
    """Runs steps on a batch of hosts and keeps their states.

    Attributes:
        batch: every host of the batch, those that failed included.
        last: the task after which a host has come to its end; None for none.
        done: takes the hosts that have come to their end.
        prefix: what stands before the names of tasks in the output.
        waiting_for: with --start-at-task the task before which nothing runs; None once it was reached.
    """

    execution: Execution
    options: RunOptions
    record: PlayRecord
    batch: Sequence[HostState]
    play: Play
    waiting_for: Task | None
    last: Task | None = None
    done: set[str] = field(default_factory=set)
    prefix: str = ""
    _rescues: int = 0
    """How many blocks with a rescue are open: who fails in there has not failed yet."""
    _ending: bool = False
    """The run was interrupted: what runs now tidies up, and leads no host to its end."""

    def run(self, steps: Sequence[Step], inherited: Inherited, states: Sequence[HostState]) -> None:
        """Run steps in order on those of the hosts that still take part."""
        for step in steps:
            live = [state for state in states if state.live]
            if not live:
                return
            if isinstance(step, Block):
                self._block(step, inherited.enter(step.keywords), live)
            else:
                self._task(step, inherited.enter(step.keywords), live)

    def flush_handlers(self, handlers: Sequence[Task], inherited: Inherited) -> None:
        """Run every handler on the hosts that notified it, in the order in which handlers are written."""
        for handler in handlers:
            name = handler.keywords.name
            notified = [state for state in self.batch if name in state.notified and state.live]
            for state in self.batch:
                state.notified.discard(name)
            if notified:
                self._on_hosts(handler, inherited.enter(handler.keywords), notified, handler=True)

    def _block(self, block: Block, inherited: Inherited, states: Sequence[HostState]) -> None:
        begun = {state.host.name: state.begun for state in states}
        try:
            self._rescues += bool(block.rescue)
            try:
                self.run(block.block, inherited, states)
            finally:
                self._rescues -= bool(block.rescue)
            if block.rescue:
                self._rescue(block, inherited, [state for state in states if not state.live])
                self._stop_for_many()
        except KeyboardInterrupt:
            # what `always` tidies up must not stay behind, on the hosts where there is something to tidy up
            self._ending = True
            with self.execution.interruption.again():
                self._always(block, inherited, [state for state in states if state.begun > begun[state.host.name]])
            raise
        self._always(block, inherited, states)

    def _rescue(self, block: Block, inherited: Inherited, states: Sequence[HostState]) -> None:
        failures: list[tuple[HostState, Failure]] = []
        for state in states:
            if state.failure is not None:
                failures.append((state, state.failure))
                state.facts |= {"failed_task": state.failure.task, "failed_result": dict(state.failure.result)}
                state.failure = None
        self.run(block.rescue, inherited, [state for state, _ in failures])
        for state, failure in failures:
            if state.failure is not None:
                state.failure = replace(state.failure, codes=failure.codes + state.failure.codes)
            elif failure.codes:
                state.recap.rescue(unreachable=failure.unreachable)

    def _always(self, block: Block, inherited: Inherited, states: Sequence[HostState]) -> None:
        before = [(state, state.failure) for state in states]
        for state in states:
            state.failure = None
        try:
            self.run(block.always, inherited, states)
        finally:
            for state, failure in before:
                if failure is not None:
                    later = state.failure.codes if state.failure is not None else ()
                    state.failure = replace(failure, codes=failure.codes + later)

    def _task(self, task: Task, inherited: Inherited, states: Sequence[HostState]) -> None:
        if self.waiting_for is not None:
            if task is not self.waiting_for:
                return
            self.waiting_for = None
        if selected(inherited.tags, only=self.options.tags, skip=self.options.skip_tags):
            self._on_hosts(task, inherited, states)

    def _on_hosts(
        self, task: Task, inherited: Inherited, states: Sequence[HostState], *, handler: bool = False
    ) -> None:
        self.execution.interruption.check()
        action = self.execution.actions[task.action]
        once = self.execution.runs_once(task, inherited, states[0])
        record = TaskRecord(
            name=f"{self.prefix}{title(task)}", action=task.action, handler=handler, started=self.execution.now()
        )
        self.record.tasks.append(record)
        self.execution.reporter.task_started(record.name, handler=handler)

        def enter(state: HostState, result: Result) -> None:
            with self.execution.interruption.held():
                record.results.append(result.shown())
                _settle(task, action, result, state, sharing=states if once else [state])
                if task is self.last and not self._ending and state.live and not state.notified and not once:
                    self.done.add(state.host.name)
                self.execution.reporter.host_result(result.shown())

        running = states[:1] if once else states
        if self.execution.executor.forks > 1 and len(running) > 1:
            self._parallel(task, inherited, running, enter)
        else:
            self._one_by_one(task, inherited, running, enter)
        self.execution.interruption.check()
        if (once or self.play.any_errors_fatal) and not all(state.live for state in running):
            self._stop(record.name)
        self._stop_for_many()

    def _stop(self, task: str) -> None:
        """Have no host of the batch take further part."""
        for state in self.batch:
            if state.live:
                state.failure = Failure(task=task)

    def _stop_for_many(self) -> None:
        """Stop the play where more hosts have failed than it lets."""
        allowed, failed = self.play.max_fail_percentage, sum(not state.live for state in self.batch)
        if allowed is None or self._rescues or self.record.stopped or failed * 100 <= allowed * len(self.batch):
            return
        if any(state.failure.codes for state in self.batch if state.failure):
            share = f"more than max_fail_percentage: {allowed:g}"
            self.record.stopped = f"{counted(failed, 'host')} of {count(len(self.batch))} failed, {share}"
            self.execution.reporter.play_stopped(self.record.stopped)
            self._stop(self.record.tasks[-1].name)

    def _one_by_one(self, task: Task, inherited: Inherited, states: Sequence[HostState], enter: Enter) -> None:
        for state in states:
            result = self._begin(task, inherited, state)
            if result is None:
                return
            enter(state, result)

    def _parallel(self, task: Task, inherited: Inherited, states: Sequence[HostState], enter: Enter) -> None:
        """Enter the results in host order. An interruption waits for the hosts that have begun, and begins no other."""
        entered = 0
        with ThreadPoolExecutor(max_workers=self.execution.executor.forks) as pool:
            futures = [pool.submit(self._begin, task, inherited, state) for state in states]
            try:
                for state, future in zip(states, futures, strict=True):
                    # in slices, since a lock's wait cannot be interrupted on Windows
                    while not wait([future], timeout=_SLICE).done:
                        pass
                    with self.execution.interruption.held():
                        entered += 1
                        if (result := future.result()) is not None:
                            enter(state, result)
            except KeyboardInterrupt:
                self.execution.interruption.notice()
                pool.shutdown(wait=True, cancel_futures=True)
        for state, future in list(zip(states, futures, strict=True))[entered:]:
            result = None if future.cancelled() or future.exception() else future.result()
            if result is not None:
                enter(state, result)

    def _begin(self, task: Task, inherited: Inherited, state: HostState) -> Result | None:
        """Run a task on a host; None when the run was interrupted before."""
        if self.execution.interruption.pending:
            return None
        state.begun += 1
        self.execution.reporter.host_started(state.host.name, f"{self.prefix}{title(task)}")
        return self.execution.run(task, inherited, state)


def _settle(task: Task, action: Action[Any], result: Result, state: HostState, *, sharing: Sequence[HostState]) -> None:
    """Enter a result into the state of its host, and what it registers into that of every host that shares it."""
    state.recap.count(result)
    made = _made(task, action, result)
    unmade = _unmade(task, action) if result.unmade else ()
    for other in sharing:
        for name in made:
            other.unmade.pop(name, None)
        other.facts.update(made)
        other.unmade.update(dict.fromkeys(unmade, title(task)))
    if result.failed and not result.ignored:
        state.failure = Failure(
            codes=(result.exit_code,), task=title(task), unreachable=result.unreachable, result=result.registered()
        )
    elif result.status is Status.CHANGED:
        state.notified.update(task.notify)


def _made(task: Task, action: Action[Any], result: Result) -> dict[str, object]:
    """The variables that a task leaves behind."""
    made: dict[str, object] = {}
    if action.gives_facts:
        for item in result.items or (result,):
            made |= item.facts
    if task.register:
        made[task.register] = result.registered()
    return made


def _unmade(task: Task, action: Action[Any]) -> tuple[str, ...]:
    """The names of the variables that a task leaves behind when it runs."""
    facts = tuple(task.arguments) if action.gives_facts and isinstance(task.arguments, dict) else ()
    return (*facts, task.register) if task.register else facts
