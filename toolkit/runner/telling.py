"""`on_failure`, `on_success` and `on_recovery`: tasks that tell somebody how a play ended, once, on its first host.

Whatever becomes of them changes nothing of what is said of the play: they have counts, failures and records of their
own. They are told of in the output, in the recap and in the report.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit import wording
from toolkit.config.masking import mask, mask_own
from toolkit.errors import ExitCode, PlaybackError, TaskError
from toolkit.model.outcome import Outcome, SilentProgress
from toolkit.model.playbook import Play, Playbook
from toolkit.planning.clock import stamp
from toolkit.runner import standing
from toolkit.runner.execution import Execution
from toolkit.runner.executor import Order, Threads
from toolkit.runner.hosts import HostState
from toolkit.runner.inherited import Inherited
from toolkit.runner.options import RunOptions
from toolkit.runner.results import PlayRecord, Recap, Result, exit_code
from toolkit.runner.standing import Standing
from toolkit.runner.steps import Steps
from toolkit.runner.tags import ALWAYS

SECONDS: Final = 60.0
"""How long one attempt at one of these tasks may take: an endpoint that hangs must not hang the night."""
FAILURE, SUCCESS, RECOVERY = "on_failure", "on_success", "on_recovery"
_SLICE: Final = 0.2


class BoundedThreads(Threads):
    """Runs a task in a thread of its own, and gives it up after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def run(self, order: Order) -> Outcome:
        """Run an action; TaskError when it takes too long."""
        ended: list[Outcome | BaseException] = []
        # what is given up must not print any more
        quiet = replace(order, progress=SilentProgress)

        def attempt() -> None:
            try:
                ended.append(super(BoundedThreads, self).run(quiet))
            except BaseException as error:
                ended.append(error)

        # a daemon: the process does not wait for it either
        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        left = self._seconds
        while left > 0 and thread.is_alive():
            thread.join(min(left, _SLICE))
            left -= _SLICE
            order.interruption.check()
        if not ended:
            raise TaskError(
                f"given up after {self._seconds:g} s", hint="does it answer? a shorter timeout leaves time to try again"
            )
        if isinstance(ended[0], BaseException):
            raise ended[0]
        return ended[0]


class Ended(Struct, frozen=True, kw_only=True):
    """How a play ended.

    Attributes:
        states: of its hosts.
        codes: exit codes beyond those of its hosts: of what was to be done at its end, of an interruption.
        failures: what failed beyond its hosts' tasks, as `failed_tasks` has it.
    """

    play: Play
    index: int
    states: Sequence[HostState]
    started: datetime
    codes: tuple[int, ...] = ()
    failures: tuple[Mapping[str, Any], ...] = ()

    @property
    def exit_code(self) -> int:
        """What it ended with. A host that was out before it began has not been through it."""
        codes = [code for state in self.states if state.failure for code in state.failure.codes or (ExitCode.FAILED,)]
        return exit_code([*codes, *self.codes])


class Telling(Struct, frozen=True, kw_only=True):
    """Tells of the plays of one run.

    Attributes:
        execution: gives how tasks of a play run, with these variables beside all others.
    """

    playbook: Playbook
    options: RunOptions
    records: Sequence[PlayRecord]
    now: Callable[[], datetime]
    before: dict[str, Standing] = field(default_factory=dict)

    def begin(self, play: Play, index: int, execution: Execution) -> None:
        """Note that a play begins, for the next run, should this one die."""
        if self.options.check or not play.on_recovery:
            return
        key, control = standing.key_of(index, self.options), execution.inventory.directory
        known = standing.read(control, self.playbook).get(key)
        if known is not None:
            self.before[key] = known
        self._note(execution, key, Standing(started=self.now(), since=known.failing if known else None))

    def tell(self, ended: Ended, execution: Execution, record: PlayRecord) -> None:
        """Tell how a play ended: by what it says for that, each task whether or not the ones before it could."""
        play, code = ended.play, ended.exit_code
        if self.options.check or not ended.states:
            return
        key = standing.key_of(ended.index, self.options)
        failing = self.before[key].failing if key in self.before else None
        lists = [(FAILURE, play.on_failure)] if code else [(SUCCESS, play.on_success)]
        if not code and failing is not None:
            lists.append((RECOVERY, play.on_recovery))
        about = self._about(ended, record, failing)
        for name, steps in lists:
            variables = replace(execution.variables, about={"run": {**about, "hook": name}})
            told = replace(execution, variables=variables, executor=BoundedThreads(SECONDS), endings=[])
            for step in steps:
                self._step(name, step, told, ended, record)
        if play.on_recovery:
            since = (failing or ended.started) if code else None
            self._note(execution, key, Standing(started=ended.started, exit_code=code, since=since))

    def _step(self, name: str, step: Any, execution: Execution, ended: Ended, record: PlayRecord) -> None:
        first = ended.states[0]
        steps = Steps(
            execution=execution,
            options=replace(self.options, tags=()),
            record=PlayRecord(name=record.name, hosts=record.hosts, tasks=record.told),
            batch=[state := HostState(host=first.host, recap=Recap(), facts=dict(first.facts))],
            play=ended.play,
            waiting_for=None,
            prefix=f"{name}: ",
        )
        steps.run([step], Inherited(tags=frozenset((*ended.play.tags, ALWAYS))), [state])

    def _note(self, execution: Execution, key: str, known: Standing) -> None:
        try:
            standing.note(execution.inventory.directory, self.playbook, key, known)
        except OSError:
            # a disk that is full must not keep anybody from being told
            return

    def _about(self, ended: Ended, record: PlayRecord, failing: datetime | None) -> dict[str, Any]:
        """The variable `run`: what there is to tell, secrets masked."""
        code, finished = ended.exit_code, self.now()
        failed = [*self._failed_tasks(ended.states), *ended.failures]
        passed = (finished - ended.started).total_seconds()
        hosts = [state.host.name for state in ended.states]
        out = [state.host.name for state in ended.states if not state.live]
        return {
            "playbook": self.playbook.file.stem,
            "play": record.name,
            "exit_code": int(code),
            "message": _message(
                self.playbook.file.stem, code=code, hosts=hosts, out=out, failed=failed, passed=passed, failing=failing
            ),
            "hosts": hosts,
            "failed_hosts": out,
            "failed_tasks": failed,
            "started": stamp(ended.started),
            "finished": stamp(finished),
            "duration": round(passed, 3),
            "failing_since": stamp(failing) if failing else "",
            "machine": platform.node(),
        }

    def _failed_tasks(self, states: Sequence[HostState]) -> list[dict[str, Any]]:
        found = []
        for state in states:
            if state.failure is None or not state.failure.codes:
                continue
            results = [
                (task, result)
                for play in self.records
                for task in play.tasks
                for result in task.results
                if task.name == state.failure.task and result.host == state.host.name and result.failed
            ]
            if results:
                task, result = results[-1]
                found.append(failed_task(task.name, result))
        return found


def failed_task(name: str, result: Result) -> dict[str, Any]:
    """Give a failed task as the variable `run` has it."""
    shown = result.shown()
    message = mask(shown.message) if shown.foreign else mask_own(shown.message)
    return {
        "host": result.host,
        "task": name,
        "message": message,
        "exit_code": int(result.exit_code),
        "unreachable": result.unreachable,
    }


def refusal(error: PlaybackError) -> dict[str, Any]:
    """Give why a run never began as a failed task."""
    return {
        "host": "",
        "task": "",
        "message": mask(error.message),
        "exit_code": int(error.exit_code),
        "unreachable": False,
    }


def _message(
    playbook: str,
    *,
    code: int,
    hosts: Sequence[str],
    out: Sequence[str],
    failed: Sequence[Mapping[str, Any]],
    passed: float,
    failing: datetime | None,
) -> str:
    """All of it in a line."""
    where = hosts[0] if len(hosts) == 1 else wording.counted(len(hosts), "host")
    if not code:
        again = f"is well again: it had failed since {stamp(failing)}, and " if failing else ""
        return f"{playbook} {again}came to its end on {where} in {wording.seconds(passed)}"
    word = "was interrupted" if code == ExitCode.INTERRUPTED else "failed"
    on = f" on {', '.join(out[:3])}{' and others' if len(out) > 3 else ''}" if out else f" on {where}"
    why = [wording.one_line(": ".join(part for part in (each["task"], each["message"]) if part)) for each in failed[:3]]
    return f"{playbook} {word}{on}, exit code {int(code)}{''.join(f'; {each}' for each in why)}"
