"""Hosts and repositories as text of the inventory's files: new entries, added between what a person wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.config import document as documents
from toolkit.config import validation
from toolkit.config.catalog_entry import comment, scalar
from toolkit.config.catalog_layout import Span, layout
from toolkit.errors import InputError

_NOT_IN_NAMES = re.compile(r"[\s,:!&*?\[\]{}/\\]+")
_PLAIN = re.compile(r"[./]*[A-Za-z_][\w-]*(?:[./][\w.-]*[A-Za-z_][\w.-]*)+")
"""Paths and names of machines, which YAML takes for text."""
_GROUPS = ("all", "ungrouped")


def host_name(text: str) -> str:
    """Make the name of a host of any text, such as a database's name."""
    name = _NOT_IN_NAMES.sub("-", text).strip("-.")
    return f"{name}-1" if name in _GROUPS else name or "database"


def is_host_name(name: str) -> bool:
    """Say whether a host may be called so."""
    return bool(name) and name not in _GROUPS and not _NOT_IN_NAMES.search(name) and not name.startswith((".", "-"))


def is_database(value: object) -> bool:
    """Say whether a value can stand as `database:` of a host."""
    return not list(validation.check({"database": value}, "variables"))


def entry(name: str, settings: Mapping[str, Any], notes: Mapping[str, str], *, indent: int) -> list[str]:
    """Write a named entry, one line for each setting, with a comment where there is one.

    Args:
        settings: texts, numbers, and mappings of these.
        notes: what a setting is, by its name.
    """
    pad = " " * indent
    lines = [f"{pad}{scalar(name)}:"]
    for key, value in settings.items():
        note = f" {comment(notes[key])}" if key in notes else ""
        lines.append(f"{pad}  {key}: {_flow(value)}{note}")
    return lines


def with_host(text: str, lines: Sequence[str]) -> str | None:
    """Give the text of a hosts.yml with the lines of one host more, indented as `entry` does by 0.

    Returns:
        None where lines cannot be added to it: `all` or `hosts` is not written as one entry per line.
    """
    whole = layout(text)
    if whole is None or not whole.block:
        return None
    everyone = whole.entries.get("all")
    hosts = everyone.entries.get("hosts") if everyone is not None and everyone.block else None
    return _added(text, hosts, lines) if hosts is not None else None


def with_setting(text: str, host: str, setting: Mapping[str, Any], notes: Mapping[str, str]) -> str | None:
    """Give the text of a hosts.yml with a setting of a host more; None where lines cannot be added to that host."""
    span = layout(text)
    for name in ("all", "hosts", host):
        span = span.entries.get(name) if span is not None and span.block else None
    lines = [line[2:] for line in entry(host, setting, notes, indent=0)[1:]]
    return _added(text, span, lines) if span is not None and span.block else None


def with_repository(text: str, lines: Sequence[str]) -> str | None:
    """Give the text of a repositories.yml with the lines of one more; None where lines cannot be added to it."""
    whole = layout(text)
    if whole is None:
        return _joined([*text.splitlines(), *lines], text)
    return _added(text, whole, lines, top=True)


def _added(text: str, place: Span, lines: Sequence[str], *, top: bool = False) -> str | None:
    if not place.block and not place.empty:
        return None
    written = text.splitlines()
    if place.empty:
        if place.braces:
            line = written[place.first]
            written[place.first] = line[: place.braces[0]].rstrip() + line[place.braces[1] :]
        indent, at = (0, len(written)) if top else (place.indent + 2, place.first + 1)
    else:
        indent = min(span.indent for span in place.entries.values())
        at = max(span.last for span in place.entries.values()) + 1
    written[at:at] = [f"{' ' * indent}{line}" for line in lines]
    new = _joined(written, text)
    return new if _keeps(text, new) else None


def _joined(lines: Sequence[str], text: str) -> str:
    ending = "\r\n" if "\r\n" in text else "\n"
    return "".join(f"{line}{ending}" for line in lines)


def _keeps(before: str, after: str) -> bool:
    """Whether all that a file said is still said by it, in the same words."""
    try:
        old, new = (documents.parse(text, file="").value for text in (before, after))
    except InputError:
        return False
    return _contains(new, old or {})


def _contains(new: Any, old: Any) -> bool:
    if isinstance(old, Mapping):
        return isinstance(new, Mapping) and all(key in new and _contains(new[key], old[key]) for key in old)
    return bool(new == old) or old is None


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else scalar(value)
    return str(value)
