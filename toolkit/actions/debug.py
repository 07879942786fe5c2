"""The action `debug`: print a message, or the value of a variable."""

from __future__ import annotations

import json
from typing import Annotated, Any

from toolkit.actions.action import Action, NotBoth
from toolkit.actions.arguments import Arguments, Text, about
from toolkit.actions.context import Context
from toolkit.config.templates import Templates
from toolkit.model.outcome import Outcome
from toolkit.model.playbook import Place
from toolkit.model.role import Role

DEFAULT = "Hello world!"
"""The message without arguments, as of Ansible's debug."""


class DebugArguments(Arguments, frozen=True, kw_only=True):
    """What is printed."""

    msg: Annotated[
        Any, about(f"What to print: text, or any value. Default: `{DEFAULT}`.", "{{ backup.label }} is done")
    ] = DEFAULT
    var: Annotated[
        Text, about("The variable or expression to print, without braces.", "backup.label", role=Role.EXPRESSION)
    ] = ""


def run(arguments: DebugArguments, context: Context) -> Outcome:
    """Print `msg` (a text, or several as a list), or the value of the expression `var`. Changes nothing.

    Raises:
        InputError: the expression has no value.
    """
    if not arguments.var:
        return _shown(arguments.msg)
    value = Templates().render(f"{{{{ {arguments.var} }}}}", context.variables, Place(path="debug.var"))
    return Outcome(message=f"{arguments.var}: {as_text(value)}")


def _shown(value: object) -> Outcome:
    if isinstance(value, list):
        return Outcome(details=tuple(as_text(item) for item in value))
    return Outcome(message=as_text(value))


def as_text(value: object) -> str:
    """Give a value for people: text as it is, anything else as JSON. A secret prints as `***`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


ACTION = Action(
    name="debug",
    does="Print a text or a variable.",
    examples=({"msg": "hello"}, {"var": "backup"}),
    arguments=DebugArguments,
    run=run,
    rules=(NotBoth("msg", "var"),),
    shows_arguments=True,
    on_leader=True,
)
