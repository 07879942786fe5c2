"""What two states differ in beside their rows, as sentences: a comparison of rows means little without them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from toolkit.planning.difference.side import Side, SideTable
from toolkit.wording import left_out_text


def notes(before: Side, after: Side, tables: Iterable[str]) -> Iterator[str]:
    """Say what differs beside rows.

    Args:
        tables: those that are looked at.
    """
    if before.scope != after.scope:
        yield f"another scope: {before.scope} → {after.scope}"
    if before.schema_version != after.schema_version:
        versions = [side.schema_version or "unknown" for side in (before, after)]
        yield f"another schema version: {' → '.join(versions)}"
    for name in tables:
        old, new = before.tables.get(name), after.tables.get(name)
        if old and new:
            yield from (f"table {name}: {text}" for text in _changes(old, new))
        else:
            side = after if old else before
            why = side.left_out.get(name)
            yield f"table {name} is only in {(before if old else after).title}" + (
                f"; {side.title} leaves it out ({left_out_text(why)})" if why else ""
            )


def remarks(before: Side, after: Side, tables: Iterable[str]) -> Iterator[str]:
    """Say what has to be known of rows that are compared, and is no difference."""
    for name in tables:
        old, new = before.tables.get(name), after.tables.get(name)
        if old and new and old.limit is not None and old.limit == new.limit:
            yield f"table {name}: both sides have its newest {old.limit} rows only; older ones count as deleted"


def why_not_compared(before: SideTable, after: SideTable) -> str:
    """Say why rows of a table cannot be told to be the same; empty where they can."""
    for one, other in ((before, after), (after, before)):
        if lost := [key.column for key in one.key if key.column not in _types(other)]:
            return f"its key has the column {', '.join(lost)}, which only one side has"
    if before.key != after.key or before.unique != after.unique:
        return f"its key was {_key(before)} and is {_key(after)}"
    if not before.key:
        return "they do not show its key, which is generated"
    if not before.unique and before.columns != after.columns:
        return "it has no key, and other columns"
    return ""


def _changes(old: SideTable, new: SideTable) -> Iterator[str]:
    before, after = _types(old), _types(new)
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"column {name} {after[name]} was added"
        elif name not in after:
            yield f"column {name} {before[name]} was dropped"
        elif before[name] != after[name]:
            yield f"column {name} was {before[name]} and is {after[name]}"
    if old.rule != new.rule:
        yield f"its rule was `{old.rule or 'none'}` and is `{new.rule or 'none'}`"
    if old.limit != new.limit:
        words = ["all rows" if limit is None else f"the newest {limit} rows" for limit in (old.limit, new.limit)]
        yield f"one side has {words[0]}, the other {words[1]}"


def _types(table: SideTable) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def _key(table: SideTable) -> str:
    return f"({', '.join(key.column for key in table.key)})" if table.unique else "none"
