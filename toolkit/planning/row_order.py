"""The order of rows in a repository (docs/repository-format.md#rows)."""

from __future__ import annotations

from msgspec import Struct

from toolkit.model.schema import Column, Equality, Table


class SortKey(Struct, frozen=True, kw_only=True):
    """What the rows of a table are sorted by.

    Attributes:
        columns: in order of significance.
        equalities: how two rows are found to agree, per column; empty for the plain way.
        unique: True when no two rows agree in all of them, so that they identify a row.
    """

    columns: tuple[Column, ...]
    unique: bool
    equalities: tuple[Equality, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)


def sort_key(table: Table) -> SortKey:
    """Give the primary key, else the narrowest unique key of plain NOT NULL columns, else all columns.

    Equally narrow keys are told apart by their column names, so that the choice does not depend on index names.
    Deferrable keys do not count: they may be violated within a transaction.
    """
    if table.primary_key:
        return _unique(table, table.primary_key, table.primary_equalities)
    candidates = [
        key
        for key in table.unique_keys
        if key.columns
        and not key.partial
        and not key.deferrable
        and not any(table.column(name).nullable for name in key.columns)
    ]
    if candidates:
        narrowest = min(candidates, key=lambda key: (len(key.columns), key.columns))
        return _unique(table, narrowest.columns, narrowest.equalities)
    return SortKey(columns=table.stored_columns, unique=False)


def stored_key(table: Table) -> tuple[Column, ...]:
    """Give the columns of the sort key as far as rows show it: none where the key, or a part of it, is generated."""
    key = sort_key(table).columns
    return () if any(column.generated for column in key) else key


def told_apart_alike(one: Table, other: Table) -> bool:
    """Tell whether two tables have the same key: what the one's tells apart the other's does, and orders it alike."""
    before, after = sort_key(one), sort_key(other)
    types = [[(column.name, column.type) for column in key.columns] for key in (before, after)]
    return types[0] == types[1] and before.equalities == after.equalities and before.unique == after.unique


def _unique(table: Table, names: tuple[str, ...], equalities: tuple[Equality, ...]) -> SortKey:
    return SortKey(columns=tuple(table.column(name) for name in names), unique=True, equalities=equalities)
