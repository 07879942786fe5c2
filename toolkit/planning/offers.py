"""Answers to drift that would do, offered with each difference: the likeliest first, and none that cannot work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from toolkit.model.drift import Carried, Option
from toolkit.model.manifest import Manifest, StoredColumn, TableEntry
from toolkit.model.schema import Column, DatabaseSchema, Table
from toolkit.planning.answers import Names

MOST = 3
"""How many new names are offered for something that is missing."""

_COMMON = 0.6
"""The part of a lost table's columns that a table must have to be offered as its new name, and how alike, from 0 to 1,
the names of columns must be for a new name to be the likeliest answer."""

_EXAMPLES: Mapping[str, Any] = {
    "boolean": False,
    "uuid": {"sql": "gen_random_uuid()"},
    "json": {},
    "jsonb": {},
    "date": {"sql": "current_date"},
    "timestamp": {"sql": "now()"},
    "time": {"sql": "current_time"},
    "bytea": "",
    "interval": "0",
    "text": "",
    "character varying": "",
    "character": "",
    "inet": "0.0.0.0",
    **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double precision"), 0),
}
"""A value of each type that people add columns of."""


class Offers:
    """Knows a backup, a target and what is answered already."""

    def __init__(self, manifest: Manifest, target: DatabaseSchema, names: Names) -> None:
        self._target = target
        self._likeliest = set[tuple[str, str]]()
        held = {names.table(entry.name) for entry in manifest.tables} | {each.table for each in manifest.left_out}
        self._new_tables = [table for name, table in target.covered().tables.items() if name not in held]

    def for_table(self, entry: TableEntry) -> tuple[Option, ...]:
        """Offer new names for a table that is missing, and to leave its rows where they are."""
        had = {column.name for column in entry.columns}
        alike = {
            table.name: (len(had & set(table.column_names)) / len(had) if had else 0, _likeness(entry.name, table.name))
            for table in self._new_tables
        }
        likely = sorted((name for name in alike if alike[name][0] >= _COMMON), key=lambda name: alike[name])
        renamed = [Option(section="rename", key=entry.name, value=name) for name in reversed(likely[-MOST:])]
        return self._ordered(renamed, Option(section="drop_tables", key=entry.name), likely=bool(renamed))

    def for_lost(
        self, entry: TableEntry, column: StoredColumn, new: Iterable[Column], lost: Iterable[StoredColumn]
    ) -> tuple[Option, ...]:
        """Offer new names for a column that is missing, and to lose its values.

        Args:
            new: the columns that the backup has nothing for.
            lost: all columns of the table that are missing; where one of a type has gone and one has come, it is the
                same one.
        """
        place = f"{entry.name}.{column.name}"
        fitting = sorted(
            (each.name for each in new if each.type == column.type),
            key=lambda name: (-_likeness(column.name, name), name),
        )
        renamed = [Option(section="rename", key=place, value=name) for name in fitting[:MOST]]
        alone = len(fitting) == 1 and [each for each in lost if each.type == column.type] == [column]
        likely = alone or (bool(fitting) and _likeness(column.name, fitting[0]) >= _COMMON)
        return self._ordered(renamed, Option(section="drop_columns", key=place), likely=likely, table=entry.name)

    def _ordered(self, renamed: list[Option], dropped: Option, *, likely: bool, table: str = "") -> tuple[Option, ...]:
        """The same name is the likeliest for one thing only; the answers offered first can be given together."""
        name = (table, str(renamed[0].value) if renamed else "")
        if not likely or name in self._likeliest:
            return (dropped, *renamed)
        self._likeliest.add(name)
        return (*renamed, dropped)

    def for_new(self, table: Table, column: Column) -> Option:
        """Offer a value for a column that the backup has no values of."""
        return for_new(self._target, table, column)

    def for_values(
        self, table: str, carried: Carried, values: Sequence[str], known: Mapping[str, str | None]
    ) -> tuple[Option, ...]:
        """Offer what could become of values that do not fit the type that their column has now.

        Args:
            values: the values, each once; empty where there are too many to be named.
            known: what `convert` says of others already.
        """
        column, key = carried.column, f"{table}.{carried.name}"
        labels = _labels(self._target, column)
        if labels and values:
            meant = {_plain(label): label for label in labels}
            other = None if column.nullable else labels[0]
            named = {**known, **{value: meant.get(_plain(value), other) for value in values}}
            return (Option(section="convert", key=key, value={"map": named}),)
        otherwise = None if column.nullable else _example(self._target, column)
        if isinstance(otherwise, Mapping):
            return (Option(section="convert", key=key, value=otherwise),)
        given = {"map": dict(known)} if known else {}
        return (Option(section="convert", key=key, value={**given, "else": otherwise}),)


def for_new(target: DatabaseSchema, table: Table, column: Column) -> Option:
    """Offer a value for rows that have none where a column asks for one."""
    return Option(section="defaults", key=f"{table.name}.{column.name}", value=_value(target, table, column))


def _value(target: DatabaseSchema, table: Table, column: Column) -> Any:
    for key in table.foreign_keys:
        if key.columns == (column.name,):
            parent, there = ".".join(map(_quoted, target.schemas.place(key.parent))), _quoted(key.parent_columns[0])
            return {"sql": f"(SELECT {there} FROM {parent} LIMIT 1)"}  # noqa: S608 - names are quoted
    keys = [table.primary_key, *(key.columns for key in table.unique_keys)]
    if (column.name,) in keys and column.type.startswith(("text", "character varying")):
        length = column.type.partition("(")[2].rstrip(")")
        return {"sql": f"left(gen_random_uuid()::text, {length})" if length else "gen_random_uuid()::text"}
    return _example(target, column)


def _example(target: DatabaseSchema, column: Column) -> Any:
    if labels := _labels(target, column):
        return labels[0]
    if column.type.endswith("[]"):
        return "{}"
    kind = column.type.partition("(")[0].strip()
    for name in (kind, kind.partition(" with")[0]):
        if name in _EXAMPLES:
            return _EXAMPLES[name]
    return None if column.nullable else {"sql": f"(NULL::{column.type})"}


def _labels(target: DatabaseSchema, column: Column) -> tuple[str, ...]:
    return target.enums.get(column.type) or target.enums.get(column.type.rpartition(".")[2].strip('"')) or ()


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
