"""What ties tenants together: rows that several of them own, and rows of one that another's rows point at."""

from __future__ import annotations

from msgspec import Struct

from toolkit.model.explanation import RowKey


class OwnedRow(Struct, frozen=True, kw_only=True):
    """A row with the keys of the tenants that own it, in order."""

    row: RowKey
    owners: tuple[str, ...]


class CoOwned(Struct, frozen=True, kw_only=True):
    """Rows of a table that two or more tenants own: how many, and the first of them by key."""

    table: str
    rows: int
    samples: tuple[OwnedRow, ...]


class CrossReference(Struct, frozen=True, kw_only=True):
    """A reference by which rows of tenants point at rows that are not theirs, but another tenant's.

    A backup of the one tenant alone brings the other's row in, as referenced.

    Attributes:
        pairs: how many pairs of rows there are whose pointing row has an owner that the other row has not.
        related: how many of these pairs have an owner in common all the same.
        samples: pointing row and row pointed at, those without a common owner first, then by key.
    """

    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    pairs: int
    related: int
    samples: tuple[tuple[OwnedRow, OwnedRow], ...]


class Leaks(Struct, frozen=True, kw_only=True):
    """A whole report.

    Attributes:
        tenants: all tenants, key → label.
        co_owned: per table with such rows, by name.
        references: per reference with such pairs, by table and columns.
    """

    tenants: dict[str, str]
    co_owned: tuple[CoOwned, ...]
    references: tuple[CrossReference, ...]

    @property
    def found(self) -> bool:
        """Whether there are any."""
        return bool(self.co_owned or self.references)
