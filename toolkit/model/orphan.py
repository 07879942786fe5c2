"""Rows whose references lead nowhere: what was found, and what deleting them takes along."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from toolkit.model.explanation import RowKey, key_text
from toolkit.wording import counted


class Orphan(Struct, frozen=True, kw_only=True):
    """One such row, with the values that no row of the parent has."""

    row: RowKey
    values: tuple[str | None, ...]

    def __str__(self) -> str:
        return f"{self.row} → {key_text(self.values)}"


class Orphans(Struct, frozen=True, kw_only=True):
    """The orphans that one reference makes.

    Attributes:
        constraint: the foreign key's name; empty for a reference that only the catalog file declares.
        rows: how many lie in the scope.
        samples: the first of them, by key.
    """

    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    constraint: str
    rows: int
    samples: tuple[Orphan, ...]

    def __str__(self) -> str:
        reference = f"{self.table} ({', '.join(self.columns)}) → {self.parent} ({', '.join(self.parent_columns)})"
        return f"{reference}: {counted(self.rows, 'row')}, e.g. {'; '.join(map(str, self.samples))}"


class OrphanReport(Struct, frozen=True, kw_only=True):
    """A look at one scope.

    Attributes:
        references: those that have orphans, by table and columns.
        rows: orphans per table; a row that dangles by several references counts once.
    """

    references: tuple[Orphans, ...]
    rows: Mapping[str, int]


class OrphanRemoval(Struct, frozen=True, kw_only=True):
    """What deleting the orphans of a report means; check mode prints it and applying does exactly this.

    Attributes:
        deletes: rows to delete, per table: orphans, what belongs to them, and what a permitted cascade takes.
        orphans: how many of them are orphans of the report, per table.
        set_null: device and transient rows whose reference to a deleted row becomes NULL, per table.
        kept: orphans that stay, per table and reason.
    """

    deletes: Mapping[str, int] = field(default_factory=dict)
    orphans: Mapping[str, int] = field(default_factory=dict)
    set_null: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether it writes anything."""
        return bool(self.deletes)
