"""The manifest: the last file a backup writes and the first one a restore reads (docs/repository-format.md#manifest).

Field names in JSON are the attribute names, except in `metadata`, which is camelCase because the application reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain
from typing import Literal

import msgspec

from toolkit.model.schema import DatabaseSchema

FORMAT = 1
VERSION = "2.0"


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A file in which small chunks stand one after the other.

    Attributes:
        id: SHA-256 of the file, as 64 hex digits; it names the file.
        size: of the file in bytes.
    """

    id: str
    size: int


class Place(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Where a chunk stands in a pack.

    Attributes:
        pack: the id of the pack.
        size: of the pack in bytes.
        at: the byte at which the chunk begins.
        stored: how many bytes it has there.
    """

    pack: str
    size: int
    at: int
    stored: int


class Chunk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run of key-ordered rows of one table.

    Attributes:
        id: SHA-256 of the rows (COPY text, one line per row), as 64 hex digits; it names the file.
        rows: how many rows.
        raw: size of the rows in bytes.
        stored: size in bytes as it is stored.
        first: COPY text of the first row's key values (None for NULL).
        last: the same of the last row.
        pack: which of the manifest's packs it stands in; None where it is a file of its own.
        at: the byte of the pack at which it begins.
    """

    id: str
    rows: int
    raw: int
    stored: int
    first: tuple[str | None, ...]
    last: tuple[str | None, ...]
    pack: int | None = None
    at: int = 0


class StoredColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the rows, in the order in which it stands in them."""

    name: str
    type: str


class KeyColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the sort key: numbers and times sort natively, everything else by its text as bytes."""

    column: str
    sort: Literal["native", "text"]


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of rows of a table that are in the backup for single businesses to be picked out of it.

    Its own rows are never restored, and count as no rows of the backup.

    Attributes:
        what: `owners`: rows of the table that hold these values are owned by the tenant whose key is the last value
            of the supporting row, through rows that the backup does not have. `referenced`: the rows of the table
            that hold these values are there only because others point at them, and the rows of the backup alone do
            not show it.
        columns: the columns of the table that the values are of.
    """

    what: Literal["owners", "referenced"]
    columns: tuple[str, ...]
    rows: int
    bytes: int
    chunks: tuple[Chunk, ...]


class TableEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a backup; a table with no rows has one too.

    Attributes:
        bytes: size of all rows as COPY text.
        digest: SHA-256 over the chunk ids in order, each followed by a newline.
        cutoff: of a table read with a limit: the value of its `newest_by` column in the oldest row taken.
        cut: the tenants that lost rows of this table to the limit; None stands for rows of nobody.
        support: what its rows alone do not show.
    """

    name: str
    category: Literal["business", "device"]
    group: str
    columns: tuple[StoredColumn, ...]
    key: tuple[KeyColumn, ...]
    rows: int
    bytes: int
    digest: str
    cutoff: str | None = None
    cut: tuple[str | None, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    support: tuple[Support, ...] = ()

    @property
    def stored_chunks(self) -> Iterator[Chunk]:
        """Every chunk it needs: those of its rows, then those that support them."""
        return chain(self.chunks, *(support.chunks for support in self.support))

    @property
    def supporting(self) -> tuple[TableEntry, ...]:
        """The supporting rows of each kind, as if they were rows of a table of that name."""
        return tuple(self._supporting(support) for support in self.support)

    def _supporting(self, support: Support) -> TableEntry:
        types = {column.name: column for column in self.columns}
        tenant = (StoredColumn(name="tenant", type="text"),) if support.what == "owners" else ()
        return TableEntry(
            name=self.name,
            category=self.category,
            group=self.group,
            columns=(*(types.get(name, StoredColumn(name=name, type="")) for name in support.columns), *tenant),
            key=(),
            rows=support.rows,
            bytes=support.bytes,
            digest=table_digest([chunk.id for chunk in support.chunks]),
            chunks=support.chunks,
        )


class SequenceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence's state, and the `table.column` that owns it (None for a free one)."""

    name: str
    last_value: int
    is_called: bool
    owned_by: tuple[str, str] | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the database that the backup does not hold, and why; `file`: the imported file has no model of it."""

    table: str
    reason: Literal["optional", "device", "transient", "unclassified", "schema", "file"]


class TableSelection(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of a table were taken, by the reason for which they were."""

    owned: int = 0
    shared: int = 0
    unowned: int = 0
    referenced: int = 0

    @property
    def total(self) -> int:
        """All rows taken."""
        return self.owned + self.shared + self.unowned + self.referenced


class OwnerWay(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of `owned_by`; `table` is empty where the columns are the table's own."""

    columns: tuple[str, ...]
    table: str


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """A reference that the catalog file declared."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The rule by which rows of a table were chosen.

    Attributes:
        kind: empty for a table that gave only rows which others point at.
        unowned: as in the catalog file; empty for the default.
    """

    kind: Literal["", "tenant", "owned", "shared", "referenced"]
    unowned: Literal["", "always", "never"] = ""
    owned_by: tuple[OwnerWay, ...] = ()
    references: tuple[Pointer, ...] = ()


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """How rows were chosen, so that single businesses can be picked out of the backup by the same rules.

    Attributes:
        tenants: the selected tenants, key → label.
        left_out: the tenants that the demo rule left out, of all or of the named ones, key → label.
        tables: rows taken per table.
        tenant: the tenant table and its key column.
        rules: per table.
        limits: of tables read with a limit: how many rows, and the column that says which are newest.
    """

    tenants: dict[str, str]
    tables: dict[str, TableSelection]
    tenant: tuple[str, str]
    rules: dict[str, RuleEntry]
    limits: dict[str, tuple[int, str]]
    left_out: dict[str, str] = {}


class BusinessFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Which tenants a backup was asked for."""

    business_ids: tuple[str, ...]
    include_demo_data: bool
    demo: Literal["exclude", "include", "only"]
    business_id: str | None = None


class Stats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Totals: rows and tables, and sizes in bytes (`compressed_size`: stored size of all chunks referenced)."""

    total_records: int
    total_tables: int
    business_records: int
    device_records: int
    uncompressed_size: int
    compressed_size: int


class Checksums(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """SHA-256 over the sorted (table name, table digest) pairs of a category."""

    business_data: str
    device_data: str | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a backup comes from and what it covers."""

    version: str
    label: str
    host: str
    job: str
    playbook: str
    tool: str
    tags: tuple[str, ...]
    timestamp: str
    created_by: str
    source_node_id: str | None
    source_device_id: str | None
    source_device_name: str | None
    source_hostname: str
    source_platform: str
    backup_type: Literal["business", "full-device"]
    business_filter: BusinessFilter
    optional: dict[str, int | None]
    stats: Stats
    schema_version: str | None
    checksums: Checksums
    postgres_version: str
    duration_seconds: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A whole backup.

    Attributes:
        packs: those that some of its chunks stand in, sorted by id.
        absent: tables of the catalog file that the database does not have.
        classification: what the catalog file said of each table that is not transient: what decides about its rows, as
            text.
        put_aside: of a backup made of a file: table, or model without one → how many of its records could not be taken.
        warnings: what the run warned about, as shown to the user.
        checksum: SHA-256 of the canonical JSON of everything else.
    """

    format: int
    metadata: Metadata
    tables: tuple[TableEntry, ...]
    sequences: tuple[SequenceEntry, ...]
    absent: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    schema: DatabaseSchema
    selection: Selection
    packs: tuple[Pack, ...] = ()
    classification: dict[str, str] = {}
    put_aside: dict[str, int] = {}
    warnings: tuple[str, ...] = ()
    checksum: str = ""

    def table(self, name: str) -> TableEntry | None:
        """Give the entry of that table, or None."""
        return next((table for table in self.tables if table.name == name), None)

    @property
    def stored_chunks(self) -> Iterator[tuple[str, Chunk]]:
        """Every chunk of the backup, with the table that needs it."""
        return ((table.name, chunk) for table in self.tables for chunk in table.stored_chunks)


def chunk_id(data: bytes) -> str:
    """Give the id of a chunk: SHA-256 of its rows, as hex."""
    return hashlib.sha256(data).hexdigest()


def table_digest(chunk_ids: list[str] | tuple[str, ...]) -> str:
    """Give the digest of a table: SHA-256 over its chunk ids in order, each followed by a newline, as hex."""
    return hashlib.sha256("".join(f"{chunk_id}\n" for chunk_id in chunk_ids).encode()).hexdigest()


def data_checksum(digests: dict[str, str]) -> str:
    """Give the checksum over table name → table digest: SHA-256 of the sorted lines `name<TAB>digest<LF>`, as hex."""
    lines = (f"{name}\t{digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def canonical_json(manifest: Manifest) -> bytes:
    """Give the manifest without its checksum as UTF-8 JSON: keys sorted, no white space."""
    document = msgspec.to_builtins(manifest)
    del document["checksum"]
    return msgspec.json.encode(document, order="sorted")


def seal(manifest: Manifest) -> Manifest:
    """Give the same manifest with its checksum filled in."""
    return msgspec.structs.replace(manifest, checksum=hashlib.sha256(canonical_json(manifest)).hexdigest())
