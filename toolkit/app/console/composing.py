"""Playbooks as text, from what a form says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.config import yaml_text


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
