"""The facts about the reference application's tables (facts.yml, columns.yml), as data and as DDL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

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
    document = _document("facts.yml")
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


def columns() -> dict[str, dict[str, str]]:
    """All columns of columns.yml, by table and name, as they are written there."""
    tables: dict[str, dict[str, str]] = _document("columns.yml")["tables"]
    return tables


def facts_ddl() -> Iterator[str]:
    """Statements that make the application's tables from the facts, and nothing else."""
    for name, labels in _document("columns.yml")["enums"].items():
        yield f"""CREATE TYPE "{name}" AS ENUM ({", ".join(f"'{label}'" for label in labels)})"""
    known = facts()
    for table, written in columns().items():
        parts = [f'"{name}" {_column(text)}' for name, text in written.items()]
        parts.append(f"PRIMARY KEY ({_quoted(known[table].key)})")
        parts.extend(f"UNIQUE ({_quoted(key)})" for key in known[table].unique)
        yield f"CREATE TABLE {table} ({', '.join(parts)})"
    for table in columns():
        for child, parent, parent_columns, _, action in known[table].foreign_keys:
            referenced = f"{parent} ({_quoted(parent_columns)})"
            yield f"ALTER TABLE {table} ADD FOREIGN KEY ({_quoted(child)}) REFERENCES {referenced} ON DELETE {action}"


def _column(text: str) -> str:
    """The type, nullability and default that a column is written with, as SQL."""
    kind, _, default = text.replace("^", "'").partition(" =")
    required = " NOT NULL" if kind.endswith("!") else ""
    made = f" DEFAULT {default}" if default else ""
    return kind.removesuffix("!") + required + made.replace("ARRAY[][]", "ARRAY[]::text[]")


def _quoted(names: Columns) -> str:
    return ", ".join(f'"{name}"' for name in names)


@cache
def _document(name: str) -> Any:
    return yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
