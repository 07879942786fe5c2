"""Comparing two sides, table by table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from toolkit.errors import InputError, Problem
from toolkit.model.difference import TableDifference
from toolkit.planning.difference.notes import why_not_compared
from toolkit.planning.difference.rows import Reading, UnorderedError, compare_rows
from toolkit.planning.difference.side import Side
from toolkit.wording import meant


def chosen_tables(before: Side, after: Side, patterns: Sequence[str]) -> list[str]:
    """Give the tables of both sides, or those of them that are named.

    Args:
        patterns: names, or glob patterns of them; empty for all.

    Raises:
        InputError: one of them is no table of either side.
    """
    known = sorted({*before.tables, *after.tables})
    if not patterns:
        return known
    problems = [
        Problem(message=f"--tables: neither side has a table {pattern}{meant(pattern, known)}")
        for pattern in patterns
        if not any(fnmatchcase(name, pattern) for name in known)
    ]
    if problems:
        raise InputError(problems)
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]


def differences(before: Side, after: Side, tables: Sequence[str], *, shown: int) -> Iterator[TableDifference]:
    """Compare the rows of the tables that both sides have.

    Args:
        shown: so many rows of each kind and table are given with what differs in them.
    """
    for name in tables:
        if name in before.tables and name in after.tables:
            yield _difference(before, after, name, shown)


def _difference(before: Side, after: Side, name: str, shown: int) -> TableDifference:
    old, new = before.tables[name], after.tables[name]
    by_business = before.mine is not None
    if by_business and (old.limit is not None or new.limit is not None):
        return TableDifference(
            table=name, reason="it was read with a limit, which says nothing of the rows of one business"
        )
    if reason := why_not_compared(old, new):
        # equal runs are equal rows, whatever tells them apart
        same = (old.columns, old.key) == (new.columns, new.key) and _runs(before, name) == _runs(after, name)
        return TableDifference(table=name, reason="" if same else reason)
    try:
        return compare_rows(
            Reading(table=old, pieces=before.pieces(name), mine=before.mine.get(name) if before.mine else None),
            Reading(table=new, pieces=after.pieces(name), mine=after.mine.get(name) if after.mine else None),
            shared=not by_business or _agree(before, after, name),
            shown=shown,
        )
    except UnorderedError:
        return TableDifference(table=name, reason="the order of its rows is not understood here")


def _runs(side: Side, name: str) -> list[str]:
    return [piece.id for piece in side.pieces(name)]


def _agree(before: Side, after: Side, name: str) -> bool:
    """Whether both sides say of the same row alike whether it belongs to the business."""
    return name in before.known and name in after.known and before.known[name] == after.known[name]
