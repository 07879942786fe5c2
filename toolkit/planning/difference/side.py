"""One of two states that are compared: what is known of it before a row is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from toolkit.model.manifest import KeyColumn, Manifest, StoredColumn
from toolkit.planning.row_order import sort_key

Mine = Callable[[Sequence[str | None]], bool]
"""Tells of the values of a row whether it belongs to the business that is asked about."""


class Piece(Struct, frozen=True, kw_only=True):
    """A run of rows in the order of a repository.

    Attributes:
        id: SHA-256 of the rows, as hex.
        first: COPY text of the first row's key values.
        load: gives the rows.
    """

    id: str
    rows: int
    first: tuple[str | None, ...]
    load: Callable[[], bytes]


class SideTable(Struct, frozen=True, kw_only=True):
    """A table of one side.

    Attributes:
        columns: those of its rows, in their order.
        key: what its rows are sorted by; empty where rows do not show it.
        unique: whether the key identifies a row.
        rule: what decides which rows there are, as text.
        limit: it was read with a limit, of so many rows.
    """

    name: str
    columns: tuple[StoredColumn, ...]
    key: tuple[KeyColumn, ...]
    unique: bool
    rule: str = ""
    limit: int | None = None


class Side(Struct, frozen=True, kw_only=True):
    """One of two states.

    Attributes:
        title: what it is called in messages.
        scope: what it covers, in words.
        tenants: key → label.
        left_out: tables that it does not hold → why.
        pieces: gives the rows of a table.
        mine: per table what tells whether a row belongs to the business; None where all rows count.
        known: with `mine`: per table what the rows of the business hang on, by which two sides are told to agree.
    """

    title: str
    scope: str
    tables: Mapping[str, SideTable]
    tenants: Mapping[str, str]
    left_out: Mapping[str, str]
    pieces: Callable[[str], Iterator[Piece]]
    schema_version: str = ""
    mine: Mapping[str, Mine] | None = None
    known: Mapping[str, object] = field(default_factory=dict)


def tables_of(manifest: Manifest) -> dict[str, SideTable]:
    """Give the tables of a backup."""
    return {
        entry.name: SideTable(
            name=entry.name,
            columns=entry.columns,
            key=entry.key,
            unique=sort_key(manifest.schema.tables[entry.name]).unique,
            rule=manifest.classification.get(entry.name, ""),
            limit=manifest.metadata.optional.get(entry.name),
        )
        for entry in manifest.tables
    }


def scope_of(manifest: Manifest) -> str:
    """Say what a backup covers, e.g. `business, all businesses, demo: exclude`."""
    covered = manifest.metadata.business_filter
    whose = ", ".join(sorted(manifest.selection.tenants)) if covered.business_ids else "all businesses"
    return f"{manifest.metadata.backup_type}, {whose}, demo: {covered.demo}"
