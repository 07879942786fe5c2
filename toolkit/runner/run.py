"""A whole playbook: its plays in order, each on its hosts, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.config.templates import Templates
from toolkit.errors import ExitCode, PlaybackError
from toolkit.model.host import Host
from toolkit.model.playbook import Play, Playbook
from toolkit.runner.emptiness import last_task
from toolkit.runner.endings import end
from toolkit.runner.execution import Execution
from toolkit.runner.executor import Executor, Threads
from toolkit.runner.hosts import Failure, HostState, Variables
from toolkit.runner.inherited import Inherited
from toolkit.runner.interruption import Interruption
from toolkit.runner.options import RunOptions
from toolkit.runner.preparation import HostInventory, PreparedPlay, prepare, prepared_as_far_as_possible
from toolkit.runner.reporter import Reporter
from toolkit.runner.results import PlayRecord, Recap, RunRecord, TaskRecord
from toolkit.runner.steps import Steps
from toolkit.runner.telling import Ended, Telling, failed_task, refusal


class _Course(Struct, kw_only=True):
    """A play on its way.

    Attributes:
        index: which one of its playbook.
        started: None before it has.
        codes: of what was to be done at its end, of an interruption and of a defect.
        undone: the tasks of what was to be done at its end.
        refused: why the run did not begin; None where it did.
        done: the hosts that have come to its end.
    """

    prepared: PreparedPlay
    index: int
    record: PlayRecord
    execution: Execution
    started: datetime | None = None
    codes: list[int] = field(default_factory=list)
    undone: list[TaskRecord] = field(default_factory=list)
    refused: PlaybackError | None = None
    done: set[str] = field(default_factory=set)

    def ended(self, states: Mapping[str, HostState]) -> Ended:
        """Give how it ended; hosts that no play has begun with stand as they were."""
        assert self.started is not None
        hosts = self.prepared.hosts
        failures = [failed_task(task.name, each) for task in self.undone for each in task.results if each.failed]
        codes = list(self.codes)
        if self.refused is not None:
            failures.append(refusal(self.refused))
            codes.append(self.refused.exit_code)
        return Ended(
            play=self.prepared.play,
            index=self.index,
            states=[states.get(host.name) or HostState(host=host, recap=Recap()) for host in hosts],
            started=self.started,
            codes=tuple(codes),
            failures=tuple(failures),
        )


class Runner(Struct, frozen=True, kw_only=True):
    """Runs playbooks with these parts.

    Attributes:
        interruption: what stops them.
        executor: says where tasks run; None for as many threads as the options say.
    """

    inventory: HostInventory
    actions: Mapping[str, Action[Any]]
    templates: Templates
    reporter: Reporter
    now: Callable[[], datetime]
    interruption: Interruption = field(default_factory=Interruption)
    executor: Executor | None = None

    def run(self, playbook: Playbook, options: RunOptions, record: RunRecord) -> int:
        """Run a playbook and give the exit code. `record` is filled as it runs, so that it holds what was done
        whichever way the run ends.

        Raises:
            InputError: something is wrong that can be seen before anything runs; every problem of it.
        """
        plays = prepare(playbook, options, inventory=self.inventory, actions=self.actions, templates=self.templates)
        states: dict[str, HostState] = {}
        telling = Telling(playbook=playbook, options=options, records=record.plays, now=self.now)
        executor = self.executor or Threads(options.forks or 1)
        left = [self._course(playbook, each, options, states, executor) for each in plays]
        record.hosts = tuple(dict.fromkeys(host.name for each in plays for host in each.hosts))
        try:
            with executor:
                while left:
                    course = left[0]
                    self._play(course, options, record, states=states, telling=telling)
                    left.pop(0)
                    telling.tell(course.ended(states), course.execution, course.record)
        except KeyboardInterrupt:
            self.interruption.notice()
        finally:
            self._tell_of(left, record, states=states, telling=telling)
            if self.interruption.happened:
                record.codes.append(ExitCode.INTERRUPTED)
            for state in states.values():
                record.codes.extend(state.failure.codes if state.failure else ())
            out = {name for name, state in states.items() if not state.live}
            out.update(name for course in left for name in course.record.hosts if name not in course.done)
            record.unfinished = tuple(name for name in record.hosts if name in out)
            self.reporter.finished(record)
        return record.exit_code

    def tell_refused(self, playbook: Playbook, options: RunOptions, error: PlaybackError) -> None:
        """Tell, by `on_failure` of every play, that a run did not begin, as far as that can be done without it."""
        record = RunRecord()
        telling = Telling(playbook=playbook, options=options, records=record.plays, now=self.now)
        plays = prepared_as_far_as_possible(
            playbook, options, inventory=self.inventory, actions=self.actions, templates=self.templates
        )
        for prepared in plays:
            known = replace(prepared, hosts=prepared.hosts or (Host(name="localhost", database=""),))
            course = self._course(playbook, known, options, {}, Threads())
            course.started, course.refused = self.now(), error
            record.plays.append(course.record)
            telling.begin(prepared.play, course.index, course.execution)
            telling.tell(course.ended({}), course.execution, course.record)
        self.reporter.finished(record)

    def _play(
        self,
        course: _Course,
        options: RunOptions,
        record: RunRecord,
        *,
        states: dict[str, HostState],
        telling: Telling,
    ) -> None:
        prepared, played, execution = course.prepared, course.record, course.execution
        play, names = prepared.play, played.hosts
        course.started = self.now()
        record.plays.append(played)
        for host in prepared.hosts:
            if host.name not in states:
                states[host.name] = HostState(host=host, recap=record.recap.setdefault(host.name, Recap()))
        telling.begin(play, course.index, execution)
        self.reporter.play_started(played.name, [name for name in names if states[name].live])
        last = last_task(play, options)
        for batch in _batches([states[name] for name in names], prepared.batch_size):
            steps = Steps(
                execution=execution,
                options=options,
                record=played,
                batch=batch,
                play=play,
                waiting_for=prepared.first_task,
                last=last,
                done=course.done,
            )
            try:
                _sections(steps, play)
                course.done.update(state.host.name for state in batch)
            finally:
                tasks, codes = len(played.tasks), len(course.codes)
                end(execution.endings, states, played, course.codes, reporter=self.reporter, now=self.now)
                course.undone.extend(played.tasks[tasks:])
                record.codes.extend(course.codes[codes:])
            if played.stopped or (play.any_errors_fatal and any(not state.live for state in batch)):
                for name in names:
                    states[name].failure = states[name].failure or Failure()
                return

    def _tell_of(
        self, left: Sequence[_Course], record: RunRecord, *, states: dict[str, HostState], telling: Telling
    ) -> None:
        """Tell of plays that did not come to their end: the run was interrupted, or a defect ended it."""
        interrupted = self.interruption.happened
        try:
            with self.interruption.again() if interrupted else nullcontext():
                for course in left:
                    course.codes.append(ExitCode.INTERRUPTED if interrupted else ExitCode.FAILED)
                    if course.started is None:
                        course.started = self.now()
                        record.plays.append(course.record)
                    telling.tell(course.ended(states), course.execution, course.record)
        except KeyboardInterrupt:
            self.interruption.notice()

    def _course(
        self,
        playbook: Playbook,
        prepared: PreparedPlay,
        options: RunOptions,
        states: Mapping[str, HostState],
        executor: Executor,
    ) -> _Course:
        play = prepared.play
        return _Course(
            prepared=prepared,
            index=next(index for index, each in enumerate(playbook.plays) if each is play),
            record=PlayRecord(name=play.name or play.hosts, hosts=tuple(host.name for host in prepared.hosts)),
            execution=self._execution(playbook, prepared, options, states, executor),
        )

    def _execution(
        self,
        playbook: Playbook,
        prepared: PreparedPlay,
        options: RunOptions,
        states: Mapping[str, HostState],
        executor: Executor,
    ) -> Execution:
        variables = Variables(
            templates=self.templates,
            playbook=playbook.file.stem,
            groups={name: list(hosts) for name, hosts in self.inventory.groups.items()},
            states=states,
            play=prepared.variables,
            extra=options.extra_vars,
            now=self.now,
        )
        return Execution(
            playbook=playbook.file.stem,
            inventory=self.inventory,
            executor=executor,
            actions=self.actions,
            templates=self.templates,
            variables=variables,
            reporter=self.reporter,
            check=options.check,
            diff=options.diff,
            write_answers=options.write_answers,
            now=self.now,
            interruption=self.interruption,
        )


def _sections(steps: Steps, play: Play) -> None:
    inherited = Inherited(tags=frozenset(play.tags))
    for section in (play.pre_tasks, play.tasks, play.post_tasks):
        steps.run(section, inherited, steps.batch)
        steps.flush_handlers(play.handlers, inherited)


def _batches(states: Sequence[HostState], size: int) -> list[list[HostState]]:
    """The hosts in runs of `size`; all together when it is 0. Those out since an earlier play stay out."""
    live = [state for state in states if state.live]
    step = size or len(live) or 1
    return [live[start : start + step] for start in range(0, len(live), step)]
