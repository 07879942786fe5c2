"""Answers to drift as people write them: YAML on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from toolkit.model.drift import Option

LISTS = ("drop_tables", "drop_columns")
"""The arguments that are lists of names."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_NOT_TEXT = frozenset("null true false yes no on off y n error".split())
"""Words that one or another version of YAML takes for something else than text, and that of a rule of its own."""


def flow(value: Any) -> str:
    """Give a value of JSON as YAML, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)


def line(option: Option) -> str:
    """Give an answer as a line of its argument's section."""
    return f"- {flow(option.key)}" if option.section in LISTS else f"{flow(option.key)}: {flow(option.value)}"


def argument(option: Option) -> str:
    """Give an answer as an argument of a task."""
    if option.section in LISTS:
        return f"{option.section}: [{flow(option.key)}]"
    return f"{option.section}: {{{line(option)}}}"
