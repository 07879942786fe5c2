"""Sandboxed Jinja2: rendering values and deciding conditions.

A lone `{{ expression }}` keeps the type of its value; anything else is text. Undefined variables are errors. A template
that reads a secret gives a secret. No attribute that begins with `_` can be reached.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Final

import jinja2
from jinja2 import meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context as JinjaContext
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from toolkit.config import filters, secrets
from toolkit.config.document import below
from toolkit.config.masking import mask
from toolkit.errors import InputError, Problem
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret
from toolkit.wording import meant

_GIVEN: Final = "_given"
"""The context's own name for the variables: looked up when they are asked for, since they may be rendered lazily."""

_touched = threading.local()
"""Whether the template now being rendered in this thread has read a secret."""

_UNDEFINED = re.compile(r"'(\w+)' is undefined")

_CHARACTERS: Final = 10_000_000
"""Longest text that `*` or `**` may build; a slip of the finger would fill the memory."""


class _Undefined(jinja2.ChainableUndefined, jinja2.StrictUndefined):
    """An error wherever it is used, but `a.b.c | default(x)` works when `a.b` is undefined, as in Ansible."""


class _Context(JinjaContext):
    """Reveals secrets to the template and notes that it did."""

    def resolve_or_missing(self, key: str) -> Any:
        given: Mapping[str, Any] = self.parent[_GIVEN]
        return _reveal(given[key] if key not in self.vars and key in given else super().resolve_or_missing(key))


class _Environment(ImmutableSandboxedEnvironment):
    context_class = _Context
    intercepted_binops = frozenset(["*", "**"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        return _reveal(super().getattr(obj, attribute))

    def getitem(self, obj: Any, argument: str | Any) -> Any:
        return _reveal(super().getitem(obj, argument))

    def call_binop(self, context: JinjaContext, operator: str, left: Any, right: Any) -> Any:
        sized, factor = (left, right) if hasattr(left, "__len__") else (right, left)
        if operator == "*" and hasattr(sized, "__len__") and isinstance(factor, int):
            if len(sized) * factor > _CHARACTERS:
                raise SecurityError(f"longer than {_CHARACTERS} characters")
        elif operator == "**" and abs(right) > 1000:
            raise SecurityError("the exponent is greater than 1000")
        return super().call_binop(context, operator, left, right)


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        _touched.secret = True
        return value.reveal()
    return value


def is_template(value: object) -> bool:
    """Say whether a value is text that holds a template."""
    return isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#"))


_Compiled = Callable[[Mapping[str, Any]], Any]
"""A compiled template or condition: gives its value for the variables."""


class Templates:
    """Renders templates and decides conditions. Safe to share between threads."""

    def __init__(self) -> None:
        self._environment = _Environment(
            undefined=_Undefined, keep_trailing_newline=True, autoescape=False, finalize=_reveal
        )
        self._environment.globals = {"range": self._environment.globals["range"], "dict": dict}
        self._environment.filters.update(filters.FILTERS)
        self._environment.tests.update(filters.TESTS)
        self._compiled: dict[tuple[str, str], _Compiled] = {}
        self._names: dict[str, frozenset[str]] = {}

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
            value = self._run(self._compile_expression(expression), variables, expression)
        except InputError:
            raise
        except Exception as error:  # whatever a template raises is the template's fault
            message = f"the condition `{expression}` cannot be decided: {explain(error, variables)}"
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
        try:
            (self._compile_expression if expression else self._compile)(text)
        except jinja2.TemplateError as error:
            return explain(error, {})
        return ""

    def names(self, text: str) -> frozenset[str]:
        """Give the names of the variables that a template may read; none of one that cannot be parsed."""
        if text not in self._names:
            try:
                self._names[text] = frozenset(meta.find_undeclared_variables(self._environment.parse(text)))
            except jinja2.TemplateError:
                return frozenset()
        return self._names[text]

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
            return self._run(self._compile(text), variables, text)
        except InputError as error:
            problems.extend(error.problems)
        except Exception as error:  # whatever a template raises is the template's fault
            problems.append(_problem(place, explain(error, variables)))
        return None

    def _run(self, compiled: _Compiled, variables: Mapping[str, Any], source: str) -> Any:
        outer = getattr(_touched, "secret", False)
        _touched.secret = False
        try:
            value = compiled({_GIVEN: variables})
            return _settled(value, source)
        finally:
            _touched.secret = outer

    def _compile(self, text: str) -> _Compiled:
        key = ("text", text)
        if key not in self._compiled:
            tree = self._environment.parse(text)
            output = tree.body[0] if len(tree.body) == 1 else None
            if isinstance(output, nodes.Output) and len(output.nodes) == 1:
                self._compiled[key] = self._value_of(output.nodes[0])
            else:
                self._compiled[key] = self._environment.from_string(tree).render
        return self._compiled[key]

    def _value_of(self, expression: nodes.Expr) -> _Compiled:
        if isinstance(expression, nodes.TemplateData):
            return lambda _variables: expression.data
        target = nodes.Name("result", "store")
        body: list[nodes.Node] = [nodes.Assign(target, expression, lineno=1)]
        tree = nodes.Template(body, lineno=1)
        tree.set_environment(self._environment)
        return TemplateExpression(self._environment.from_string(tree), undefined_to_none=False)

    def _compile_expression(self, source: str) -> _Compiled:
        key = ("expression", source)
        if key not in self._compiled:
            self._compiled[key] = self._environment.compile_expression(source, undefined_to_none=False)
        return self._compiled[key]


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


def explain(error: Exception, variables: Mapping[str, Any]) -> str:
    """Give what a template's error means, for people; without secret values."""
    message = (error.message if isinstance(error, jinja2.TemplateError) else str(error)) or type(error).__name__
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"template syntax: {mask(message)}"
    undefined = _UNDEFINED.fullmatch(message)
    if undefined:
        return f"the variable {undefined[1]} is undefined{meant(undefined[1], variables)}"
    return mask(message)


def _settled(value: Any, source: str) -> Any:
    """What an expression gave, for others to use: nothing undefined in it, lists for generators, secrets hidden."""
    if isinstance(value, Undefined):
        str(value)  # raises what it stands for
    if isinstance(value, dict):
        return {key: _settled(item, source) for key, item in value.items()}
    if isinstance(value, list | tuple | Generator):
        return [_settled(item, source) for item in value]
    return secrets.derived(str(value), source) if isinstance(value, str) and _touched.secret else value


def _problem(place: Place, message: str) -> Problem:
    return Problem(file=place.file, line=place.line, path=place.path, message=message)
