"""The action `debug`: print a message, or the value of a variable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolkit.actions.context import Context
from toolkit.config.templates import Templates
from toolkit.model.outcome import Outcome
from toolkit.model.playbook import Place

DEFAULT = "Hello world!"
"""What Ansible's debug prints without arguments."""


def debug(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Print `msg` (a text, or several as a list), or the value of the expression `var`. Changes nothing.

    Raises:
        InputError: the expression has no value.
    """
    if "var" not in arguments:
        return _shown(arguments.get("msg", DEFAULT))
    expression = arguments["var"]
    value = Templates().render(f"{{{{ {expression} }}}}", context.variables, Place(path="debug.var"))
    return Outcome(message=f"{expression}: {as_text(value)}")


def _shown(value: object) -> Outcome:
    if isinstance(value, list | tuple):
        return Outcome(details=tuple(as_text(item) for item in value))
    return Outcome(message=as_text(value))


def as_text(value: object) -> str:
    """A value for people: text as it is, anything else as JSON. A secret prints as `***`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
