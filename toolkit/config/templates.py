"""Templates in what a person writes: rendering values and deciding conditions.

A lone `{{ expression }}` keeps the type of its value; anything else is text. Undefined variables are errors. A template
that reads a secret gives a secret. No attribute that begins with `_` can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from toolkit.config.document import below
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

if TYPE_CHECKING:
    from toolkit.config.sandbox import Sandbox


def is_template(value: object) -> bool:
    """Say whether a value is text that holds a template."""
    return isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#"))


class Templates:
    """Renders templates and decides conditions. Safe to share between threads."""

    @cached_property
    def _sandbox(self) -> Sandbox:
        # most files hold no template, and do without the library
        from toolkit.config.sandbox import Sandbox  # noqa: PLC0415

        return Sandbox()

    def render(self, value: Any, variables: Mapping[str, Any], place: Place) -> Any:
        """Give the value with every template in it rendered, recursing into lists and mappings (their keys included).

        Text that rendering brings in is never rendered again. Text made from a secret is a Secret.

        Raises:
            InputError: every template that does not render: undefined variable, bad syntax, forbidden access.
        """
        problems: list[Problem] = []
        rendered = self._render(value, variables, place, problems)
        if problems:
            raise InputError(problems)
        return rendered

    def condition(self, expression: str | bool, variables: Mapping[str, Any], place: Place) -> bool:
        """Decide a condition: a Jinja2 expression without braces; a bool stands for itself.

        Raises:
            InputError: the expression does not evaluate, or gives text, of which `"false"` would count as true.
        """
        if isinstance(expression, bool):
            return expression
        try:
            value = self._sandbox.decide(expression, variables)
        except InputError:
            raise
        except Exception as error:  # whatever a template raises is the template's fault
            message = f"the condition `{expression}` cannot be decided: {self._sandbox.explain(error, variables)}"
            raise InputError([_problem(place, message)]) from error
        if isinstance(value, str | Secret):
            message = f"the condition `{expression}` gives text, neither true nor false"
            raise InputError([_problem(place, f"{message}; append `| bool` or compare it")])
        return bool(value)

    def variables(self, own: Mapping[str, Any], given: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """`own` rendered, each of which may use the others in any order, and `given`; own ones win.

        Raises:
            InputError: every variable that does not render, or needs itself.
        """
        lazy = LazyVariables(self, own, given, place)
        problems: list[Problem] = []
        rendered: dict[str, Any] = {}
        for name in own:
            try:
                rendered[name] = lazy[name]
            except InputError as error:
                problems.extend(problem for problem in error.problems if problem not in problems)
        if problems:
            raise InputError(problems)
        return rendered

    def lazy(self, own: Mapping[str, Any], given: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
        """`own`, each rendered when it is read, and `given` as it is; own ones win. Reading raises InputError."""
        return LazyVariables(self, own, given, place)

    def syntax_problem(self, text: str, *, expression: bool = False) -> str:
        """Give what is wrong with the syntax of a template (or of a condition); empty when nothing is."""
        return self._sandbox.syntax_problem(text, expression=expression) if expression or is_template(text) else ""

    def names(self, text: str) -> frozenset[str]:
        """Give the names of the variables that a template may read; none of one that cannot be parsed."""
        return self._sandbox.names(text) if is_template(text) else frozenset()

    def _render(self, value: Any, variables: Mapping[str, Any], place: Place, problems: list[Problem]) -> Any:
        if isinstance(value, str):
            return self._render_text(value, variables, place, problems)
        if isinstance(value, Mapping):
            return {
                str(self._render(key, variables, place, problems)): self._render(
                    item, variables, below(place, f".{key}"), problems
                )
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [
                self._render(item, variables, below(place, f"[{index}]"), problems) for index, item in enumerate(value)
            ]
        return value

    def _render_text(self, text: str, variables: Mapping[str, Any], place: Place, problems: list[Problem]) -> Any:
        if not is_template(text):
            return text
        try:
            return self._sandbox.render(text, variables)
        except InputError as error:
            problems.extend(error.problems)
        except Exception as error:  # whatever a template raises is the template's fault
            problems.append(_problem(place, self._sandbox.explain(error, variables)))
        return None


class LazyVariables(Mapping[str, Any]):
    """Variables that are rendered when one is asked for, so that each may use the others.

    Attributes:
        own: those that are rendered, as they are written.
        given: those that stand as they are.
    """

    def __init__(self, templates: Templates, own: Mapping[str, Any], given: Mapping[str, Any], place: Place) -> None:
        self._templates = templates
        self.own = own
        self.given = given
        self._place = place
        self._rendered: dict[str, Any] = {}
        self._open: list[str] = []

    def __getitem__(self, name: str) -> Any:
        if name not in self.own:
            return self.given[name]
        if name not in self._rendered:
            place = below(self._place, f".{name}")
            if name in self._open:
                circle = " → ".join((*self._open[self._open.index(name) :], name))
                raise InputError([_problem(place, f"the variable needs itself: {circle}")])
            self._open.append(name)
            try:
                self._rendered[name] = self._templates.render(self.own[name], self, place)
            finally:
                self._open.pop()
        return self._rendered[name]

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self.given

    def __iter__(self) -> Iterator[str]:
        return iter({**self.given, **self.own})

    def __len__(self) -> int:
        return len({**self.given, **self.own})


def _problem(place: Place, message: str) -> Problem:
    return Problem(file=place.file, line=place.line, path=place.path, message=message)
