"""Rows that are to be in a table: what is asked, where the rows come from, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct, field

from toolkit.errors import Problem

NAMESPACE = UUID("b1d4f0c6-6f0a-5c39-9d52-3c1f4d1f7a10")
"""What ids of seeded rows are derived under. It never changes: the same row has the same id on every machine."""


class Ids(StrEnum):
    """Where the primary key of a new row comes from."""

    DERIVED = "derived"
    KEPT = "kept"
    DATABASE = "database"


class LeftOut(Enum):
    """What a row has in place of a value that it does not give."""

    LEFT_OUT = 0


LEFT_OUT = LeftOut.LEFT_OUT


class RowSource(Protocol):
    """Rows that somebody wrote."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that rows give; not every row gives all of them."""

    def rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Give every row from the first on: its line, and its values in the order of the columns, or LEFT_OUT.

        A value is None, a text, or what YAML and JSON have.
        """

    def problem(self, line: int, column: str, message: str) -> Problem:
        """Give a problem with its place; line 0 and column "" where it is about none."""


class Lookup(Struct, frozen=True, kw_only=True):
    """A row of another table, found by its own natural key.

    Attributes:
        key: the other table's columns, each with the column of a row, or of `fixed`, that has the value.
        column: what is taken of the row found; empty for what a foreign key points at, else the primary key.
    """

    table: str
    key: Mapping[str, str]
    column: str = ""


class Seeding(Struct, frozen=True, kw_only=True):
    """Which rows are to be in a table.

    Attributes:
        table: as the catalog file names it.
        key: the columns by which a row is found again.
        fixed: the same for every row.
        lookups: by the column that they fill.
        update: the columns that are set in rows which are there; None for all.
    """

    table: str
    key: tuple[str, ...]
    source: RowSource
    fixed: Mapping[str, Any] = field(default_factory=dict)
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    update: tuple[str, ...] | None = ()
    ids: Ids = Ids.DERIVED


class Sample(Struct, frozen=True, kw_only=True):
    """A row that is inserted, updated, or kept as it is.

    Attributes:
        columns: those that differ, each with what the database has and what the file has; of a row that is inserted
            the first ones, with what the file has.
    """

    kind: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, str | None, str | None], ...] = ()


class Seeded(Struct, frozen=True, kw_only=True):
    """What came of it, or in check mode would.

    Attributes:
        rows: how many there are in the source.
        there: how many of them are in the table; in check mode how many are.
        kept: rows that are there with other values, which `update` does not name.
        renamed: rows whose id is there under another natural key; they are kept as well.
    """

    rows: int
    there: int
    inserted: int
    updated: int
    kept: int
    renamed: int
    samples: tuple[Sample, ...] = ()
    warnings: tuple[str, ...] = ()
