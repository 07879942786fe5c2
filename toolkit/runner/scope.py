"""What a task, or one item of its loop, sees on one host: its variables, and its keywords evaluated with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.config.packing import pack
from toolkit.config.secrets import plain
from toolkit.config.templates import Templates
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place, Task
from toolkit.runner.hosts import HostState, Variables
from toolkit.runner.inherited import Inherited
from toolkit.runner.results import Result

_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Scope(Struct, frozen=True, kw_only=True):
    """A task on a host.

    Attributes:
        action: the one that the task names.
        inherited: the keywords in force, the task's own included.
        check: whether the task runs in check mode.
        made: the loop's own variables.
    """

    task: Task
    action: Action[Any]
    inherited: Inherited
    state: HostState
    templates: Templates
    variables: Variables
    check: bool
    made: Mapping[str, Any] = field(default_factory=dict)

    def seen(self, result: Result | None = None) -> Mapping[str, Any]:
        """Give the variables; after an attempt with its result under the name that the task registers."""
        made = dict(self.made)
        if result is not None and self.task.register:
            made[self.task.register] = result.registered()
        return self.variables.of(self.state, self.inherited.vars, check=self.check, made=made, place=self.at("vars"))

    def render(self, keyword: str, value: Any) -> Any:
        """Give the value of a keyword, rendered; InputError naming the keyword's place."""
        return self.templates.render(value, self.seen(), self.at(keyword))

    def pack(self, keyword: str, value: Any) -> Any:
        """Give the value of a keyword, rendered but for what reads secrets, as JSON values for another machine."""
        return pack(value, self.seen(), self.templates, self.at(keyword))

    def flag(self, keyword: str, value: bool | str | None, *, default: bool = False) -> bool:
        """Give the value of a keyword that is true or false; `default` when it is None."""
        if value is None:
            return default
        rendered = value if isinstance(value, bool) else plain(self.render(keyword, value))
        truth = rendered if isinstance(rendered, bool) else _TRUTH.get(str(rendered).lower())
        if truth is None:
            raise self.wrong(keyword, f"expected true or false, not {rendered!r}")
        return truth

    def number(self, keyword: str, value: float | str) -> float:
        """Give the value of a keyword that is a number from 0."""
        rendered = plain(self.render(keyword, value))
        try:
            number = float(rendered)
        except (TypeError, ValueError):
            number = -1.0
        if not 0 <= number < float("inf"):
            raise self.wrong(keyword, f"expected a number from 0, not {rendered!r}")
        return number

    def all(self, keyword: str, expressions: Sequence[str | bool], result: Result) -> bool:
        """Say whether every condition of a keyword holds after an attempt."""
        seen = self.seen(result)
        return all(self.templates.condition(expression, seen, self.at(keyword)) for expression in expressions)

    def passed_over(self) -> str | None:
        """Give the first `when` that does not hold, as the reason for skipping; None when all hold."""
        seen = self.seen()
        for condition in self.inherited.when:
            if not self.templates.condition(condition.expression, seen, condition.place):
                text = "false" if condition.expression is False else condition.expression
                return f"when: `{text}` does not hold"
        return None

    def at(self, keyword: str) -> Place:
        """Say where a keyword of the task stands."""
        place = self.task.keywords.place
        return replace(place, path=f"{place.path}.{keyword}" if place.path else keyword)

    def wrong(self, keyword: str, message: str) -> InputError:
        """Give the error for a keyword's value."""
        place = self.at(keyword)
        return InputError([Problem(file=place.file, line=place.line, path=place.path, message=message)])
