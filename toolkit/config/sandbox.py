"""Sandboxed Jinja2, behind `templates`: what a template may reach, and how it is compiled."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final

import jinja2
from jinja2 import meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context as JinjaContext
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from toolkit.config import filters, secrets
from toolkit.config.masking import mask
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


_Compiled = Callable[[Mapping[str, Any]], Any]
"""A compiled template or condition: gives its value for the variables."""


class Sandbox:
    """Compiles templates and conditions, each once, and runs them."""

    def __init__(self) -> None:
        self._environment = _Environment(
            undefined=_Undefined, keep_trailing_newline=True, autoescape=False, finalize=_reveal
        )
        self._environment.globals = {"range": self._environment.globals["range"], "dict": dict}
        self._environment.filters.update(filters.FILTERS)
        self._environment.tests.update(filters.TESTS)
        self._compiled: dict[tuple[str, str], _Compiled] = {}
        self._names: dict[str, frozenset[str]] = {}

    def render(self, text: str, variables: Mapping[str, Any]) -> Any:
        """Give what a template makes of the variables; raises whatever the template does."""
        return self._run(self._compile(text), variables, text)

    def decide(self, expression: str, variables: Mapping[str, Any]) -> Any:
        """Give the value of an expression; raises whatever the expression does."""
        return self._run(self._compile_expression(expression), variables, expression)

    def syntax_problem(self, text: str, *, expression: bool = False) -> str:
        """Give what is wrong with the syntax of a template (or of a condition); empty when nothing is."""
        try:
            (self._compile_expression if expression else self._compile)(text)
        except jinja2.TemplateError as error:
            return self.explain(error, {})
        return ""

    def names(self, text: str) -> frozenset[str]:
        """Give the names of the variables that a template may read; none of one that cannot be parsed."""
        if text not in self._names:
            try:
                self._names[text] = frozenset(meta.find_undeclared_variables(self._environment.parse(text)))
            except jinja2.TemplateError:
                return frozenset()
        return self._names[text]

    def explain(self, error: Exception, variables: Mapping[str, Any]) -> str:
        """Give what a template's error means, for people; without secret values."""
        message = (error.message if isinstance(error, jinja2.TemplateError) else str(error)) or type(error).__name__
        if isinstance(error, jinja2.TemplateSyntaxError):
            return f"template syntax: {mask(message)}"
        undefined = _UNDEFINED.fullmatch(message)
        if undefined:
            return f"the variable {undefined[1]} is undefined{meant(undefined[1], variables)}"
        return mask(message)

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


def _settled(value: Any, source: str) -> Any:
    """What an expression gave, for others to use: nothing undefined in it, lists for generators, secrets hidden."""
    if isinstance(value, Undefined):
        str(value)  # raises what it stands for
    if isinstance(value, dict):
        return {key: _settled(item, source) for key, item in value.items()}
    if isinstance(value, list | tuple | Generator):
        return [_settled(item, source) for item in value]
    return secrets.derived(str(value), source) if isinstance(value, str) and _touched.secret else value
