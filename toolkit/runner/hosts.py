"""The state of each host during a run, and the variables its templates see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

from toolkit.config.templates import Templates
from toolkit.model.host import Host
from toolkit.model.playbook import Place
from toolkit.planning.clock import stamp
from toolkit.runner.results import Recap

OF_THE_RUN: Final = frozenset({"inventory_hostname", "groups", "hostvars", "playbook_name", "check_mode", "now"})
"""The variables of the run itself."""


class Failure(Struct, kw_only=True):
    """Why a host takes no further part.

    Attributes:
        codes: exit codes of its failing actions; empty for a host stopped because another one failed.
        task: name of the failing task.
        unreachable: the host could not be reached; else the task failed.
        result: what the failing task would have registered.
    """

    codes: tuple[int, ...] = ()
    task: str = ""
    unreachable: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)


class HostState(Struct, kw_only=True):
    """One host during a run.

    Attributes:
        facts: registered results and `set_fact` variables; they last for the whole run.
        unmade: names that tasks would have made, had check mode let them, with the task's name.
        notified: handlers to run when the section ends.
        failure: set while the host is out; a rescue clears it.
        begun: how many tasks it has begun.
    """

    host: Host
    recap: Recap
    facts: dict[str, Any] = field(default_factory=dict)
    unmade: dict[str, str] = field(default_factory=dict)
    notified: set[str] = field(default_factory=set)
    failure: Failure | None = None
    begun: int = 0

    @property
    def live(self) -> bool:
        """Whether it still takes part."""
        return self.failure is None


class HostVariables(Mapping[str, Any]):
    """The variables of every host, each put together when it is asked for: a task reads those of few others."""

    def __init__(self, states: Mapping[str, HostState], variables_of: Callable[[HostState], Mapping[str, Any]]) -> None:
        self._states = states
        self._variables_of = variables_of

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self._variables_of(self._states[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)


class Variables(Struct, frozen=True, kw_only=True):
    """Puts together what templates see, in Ansible's order of precedence.

    Host variables, then the play's `vars`, its `vars_files`, block and task `vars`, facts and registered results,
    `--extra-vars`, a loop's own variables, and last the variables of the run itself, which nothing overrides.
    What a person wrote may be a template and is rendered when it is used; what a task made never is.

    Attributes:
        about: further variables of the run itself, for tasks that tell how it ended.
    """

    templates: Templates
    playbook: str
    groups: Mapping[str, list[str]]
    states: Mapping[str, HostState]
    play: Mapping[str, Any]
    extra: Mapping[str, Any]
    now: Callable[[], datetime]
    about: Mapping[str, Any] = field(default_factory=dict)

    def of(
        self, state: HostState, task: Mapping[str, Any], *, check: bool, made: Mapping[str, Any], place: Place
    ) -> Mapping[str, Any]:
        """Give the variables of a host for a task.

        Args:
            task: the `vars` of the task and of the blocks around it.
            made: the loop's own variables, or the result that a condition judges.
            place: where the task stands, for variables that do not render.
        """
        run = {
            "inventory_hostname": state.host.name,
            "groups": self.groups,
            "hostvars": HostVariables(self.states, lambda other: self._layers(other, {}, {}, place)),
            "playbook_name": self.playbook,
            "check_mode": check,
            "now": stamp(self.now()),
            **self.about,
        }
        return self._layers(state, task, {**made, **run}, place)

    def _layers(
        self, state: HostState, task: Mapping[str, Any], made: Mapping[str, Any], place: Place
    ) -> Mapping[str, Any]:
        written = {**state.host.variables, **self.play, **task}
        facts = {name: value for name, value in state.facts.items() if name not in self.extra}
        given = {**facts, **made}
        own = {name: value for name, value in {**written, **self.extra}.items() if name not in given}
        return self.templates.lazy(own, given, place)
