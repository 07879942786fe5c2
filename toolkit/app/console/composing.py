"""Playbooks as text, from what a form says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from toolkit.config import yaml_text
from toolkit.config.templates import is_template

_OPENING: Final = re.compile(r"\{[{%#]")
_ESCAPED: Final = re.compile(r"\{\{ '(\{[{%#])' \}\}")


def playbook(name: str, hosts: str, tasks: Sequence[Mapping[str, Any]]) -> str:
    """Write a playbook of one play, in which everything is data: what looks like a template is none.

    Names of businesses, tags and what else people or databases name may hold braces. What plays and tasks are called
    is never rendered, and stands there as it is.

    Args:
        name: what the play is called, in the words of a person.
        hosts: the pattern of its hosts.
        tasks: its tasks as they stand in YAML, e.g. `{"name": "Back up", "backup": {"scope": "business"}}`.
    """
    return written(name, hosts, [literal(task) | {key: task[key] for key in task if key == "name"} for task in tasks])


def written(name: str, hosts: str, tasks: Sequence[Mapping[str, Any]]) -> str:
    """Write a playbook of one play whose parts were read from a playbook, with the templates in them."""
    return yaml_text.write([{"name": name, "hosts": hosts, "tasks": list(tasks)}], in_order=False)


def literal(value: Any) -> Any:
    """Give data so that a run takes them as they are."""
    return _through(value, lambda text: _OPENING.sub(r"{{ '\g<0>' }}", text) if is_template(text) else text)


def unescaped(value: Any) -> Any:
    """Give the data of which `literal` made these."""
    return _through(value, lambda text: _ESCAPED.sub(r"\1", text))


def _through(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_through(key, change): _through(each, change) for key, each in value.items()}
    return [_through(each, change) for each in value] if isinstance(value, list | tuple) else value
