"""A whole playbook: its plays in order, each on its hosts, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from toolkit.actions.action import Action
from toolkit.config.templates import Templates
from toolkit.errors import ExitCode
from toolkit.model.playbook import Play, Playbook
from toolkit.runner.endings import end
from toolkit.runner.execution import Execution
from toolkit.runner.executor import Executor, Threads
from toolkit.runner.hosts import Failure, HostState, Variables
from toolkit.runner.inherited import Inherited
from toolkit.runner.interruption import Interruption
from toolkit.runner.options import RunOptions
from toolkit.runner.preparation import HostInventory, PreparedPlay, prepare
from toolkit.runner.reporter import Reporter
from toolkit.runner.results import PlayRecord, Recap, RunRecord
from toolkit.runner.steps import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
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
        try:
            with self.executor or Threads(options.forks or 1) as executor:
                for prepared in plays:
                    self._play(playbook, prepared, options, record, states=states, executor=executor)
        except KeyboardInterrupt:
            self.interruption.notice()
        finally:
            if self.interruption.happened:
                record.codes.append(ExitCode.INTERRUPTED)
            for state in states.values():
                record.codes.extend(state.failure.codes if state.failure else ())
            record.unfinished = tuple(name for name, state in states.items() if not state.live)
            self.reporter.finished(record)
        return record.exit_code

    def _play(
        self,
        playbook: Playbook,
        prepared: PreparedPlay,
        options: RunOptions,
        record: RunRecord,
        *,
        states: dict[str, HostState],
        executor: Executor,
    ) -> None:
        play = prepared.play
        names = tuple(host.name for host in prepared.hosts)
        played = PlayRecord(name=play.name or play.hosts, hosts=names)
        record.plays.append(played)
        for host in prepared.hosts:
            if host.name not in states:
                states[host.name] = HostState(host=host, recap=record.recap.setdefault(host.name, Recap()))
        self.reporter.play_started(played.name, [name for name in names if states[name].live])
        execution = self._execution(playbook, prepared, options, states, executor)
        for batch in _batches([states[name] for name in names], prepared.batch_size):
            steps = Steps(
                execution=execution,
                options=options,
                record=played,
                batch=batch,
                play=play,
                waiting_for=prepared.first_task,
            )
            try:
                _sections(steps, play)
            finally:
                end(execution.endings, states, played, record.codes, reporter=self.reporter, now=self.now)
            if played.stopped or (play.any_errors_fatal and any(not state.live for state in batch)):
                for name in names:
                    states[name].failure = states[name].failure or Failure()
                return

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
