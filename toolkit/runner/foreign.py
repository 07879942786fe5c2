"""Whether a text is all our own, or may hold what programs, servers, libraries or variables brought in.

Secrets that look like words are hidden in the latter only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from toolkit.actions.action import Action
from toolkit.actions.schema import expressions_of
from toolkit.config.templates import is_template
from toolkit.errors import PlaybackError, is_our_own
from toolkit.model.playbook import Task


def tells_of_others(action: Action[Any], task: Task, error: BaseException | None = None) -> bool:
    """Say whether the result of a task, or its error, may hold text that is not ours."""
    if action.asks_others or (error is not None and not (isinstance(error, PlaybackError) and is_our_own(error))):
        return True
    expressions = expressions_of(action)
    return action.shows_arguments and (_templated(task.arguments, expressions) or _templated(task.loop, ()))


def _templated(value: object, expressions: Collection[str]) -> bool:
    """Whether a value is or holds a template, or, by one of these names, an expression."""
    if isinstance(value, Mapping):
        return any(key in expressions or _templated(item, ()) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(_templated(item, ()) for item in value)
    return is_template(value)
