"""Playbooks as text, from what a form says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.config import yaml_text
from toolkit.config.templates import is_template


def playbook(name: str, hosts: str, tasks: Sequence[Mapping[str, Any]], **keywords: Any) -> str:
    """Write a playbook of one play.

    Args:
        name: what the play is called, in the words of a person.
        hosts: the pattern of its hosts.
        tasks: its tasks as they stand in YAML, e.g. `{"name": "Back up", "backup": {"scope": "business"}}`.
        keywords: more of the play, such as `vars`.
    """
    play = {"name": name, "hosts": hosts, **keywords, "tasks": list(tasks)}
    return yaml_text.write([play], in_order=False)


def literal(value: Any) -> Any:
    """Give data for a task's arguments so that a run takes them as they are: what looks like a template is none.

    Names of businesses, tags and what else people or databases name may hold braces.
    """
    if isinstance(value, str):
        return _escaped(value) if is_template(value) else value
    if isinstance(value, Mapping):
        return {literal(key): literal(each) for key, each in value.items()}
    return [literal(each) for each in value] if isinstance(value, list | tuple) else value


def _escaped(text: str) -> str:
    """A template that is nothing but the text, as the library reads texts within templates."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'{{{{ "{escaped}" }}}}'
