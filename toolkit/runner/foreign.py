"""Whether a text is all our own, or may hold what programs, servers, libraries or variables brought in.

Secrets that look like words are hidden in the latter only.
"""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.config.templates import is_template
from toolkit.errors import DifferenceError, InputError, LockedError, PlaybackError, RefusedError
from toolkit.model.playbook import Task

_REPEATING = frozenset({"assert", "debug", "set_fact"})
"""Actions that say what their arguments say."""

_ASKING = frozenset({"command", "http", "sql"})
"""Actions that say what others answered."""


def is_our_own(error: BaseException) -> bool:
    """Whether an error says nothing but what we found wrong, in our words."""
    return isinstance(error, InputError | RefusedError | LockedError | DifferenceError)


def tells_of_others(task: Task, error: BaseException | None = None) -> bool:
    """Whether the result of a task, or its error, may hold text that is not ours."""
    if task.action in _ASKING or (error is not None and not (isinstance(error, PlaybackError) and is_our_own(error))):
        return True
    return task.action in _REPEATING and (_templated(task.arguments) or _templated(task.loop))


def _templated(value: object) -> bool:
    if isinstance(value, Mapping):
        # a variable or condition is an expression without braces
        return any(key in ("var", "that") or _templated(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(_templated(item) for item in value)
    return is_template(value)
