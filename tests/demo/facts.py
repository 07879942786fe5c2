"""The facts about the reference application's tables (facts.yml), as data to compare a database with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_FOREIGN_KEY = re.compile(
    r"(?P<columns>.+?) -> (?P<parent>\w+)(?:\((?P<parent_columns>.+?)\))?"
    r"(?P<null> null)?(?: on delete (?P<action>.+))?"
)
Columns = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What is known of a table.

    Attributes:
        foreign_keys: (columns, parent, parent's columns, columns may be NULL, ON DELETE action).
    """

    category: str
    group: str
    key: Columns
    unique: frozenset[Columns]
    foreign_keys: frozenset[tuple[Columns, str, Columns, bool, str]]


@cache
def facts() -> dict[str, TableFacts]:
    """All tables of facts.yml, by name."""
    text = (Path(__file__).parent / "facts.yml").read_text(encoding="utf-8")
    document = YAML(typ="safe").load(text)
    return {
        table: TableFacts(
            category=category,
            group=group,
            key=tuple(written.get("key", ["id"])),
            unique=frozenset(tuple(columns) for columns in written.get("unique", [])),
            foreign_keys=frozenset(map(_foreign_key, written.get("foreign_keys", []))),
        )
        for category, groups in document.items()
        for group, tables in groups.items()
        for table, written in tables.items()
    }


def _foreign_key(text: str) -> tuple[Columns, str, Columns, bool, str]:
    match: Any = _FOREIGN_KEY.fullmatch(text)
    return (
        tuple(match["columns"].split(", ")),
        match["parent"],
        tuple((match["parent_columns"] or "id").split(", ")),
        bool(match["null"]),
        match["action"] or "no action",
    )
