"""Small real backups for the tests of storage."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime

from toolkit.model.manifest import (
    FORMAT,
    VERSION,
    BusinessFilter,
    Chunk,
    KeyColumn,
    LeftOut,
    Manifest,
    Metadata,
    OwnerWay,
    Pack,
    Pointer,
    RuleEntry,
    Selection,
    SequenceEntry,
    StoredColumn,
    Support,
    TableEntry,
    TableSelection,
    table_digest,
)
from toolkit.model.schema import Column, DatabaseSchema, ForeignKey, Table, UniqueKey
from toolkit.model.schemas import Schemas
from toolkit.planning.chunking import ChunkSizes, RawChunk, chunks
from toolkit.planning.totals import checksums_of, stats_of
from toolkit.storage.chunk_writer import ChunkWriter, StoredChunk
from toolkit.storage.repository import Repository

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
TINY = ChunkSizes(minimum=256, beyond=768, maximum=4096)

SUPPORTED = (3,)
"""Tables with so many rows have supporting rows too."""

Rows = Mapping[str, Sequence[bytes]]


def some_rows(count: int, seed: int = 1) -> list[bytes]:
    """Rows of two columns in key order, the same for the same seed."""
    source = random.Random(seed)
    return [b"%06d\t%s\n" % (number, source.randbytes(source.randrange(40)).hex().encode()) for number in range(count)]


def sample_rows(seed: int = 1) -> dict[str, list[bytes]]:
    """Three tables: one of many chunks, one of one, one empty."""
    return {"orders": some_rows(300, seed), "businesses": some_rows(3, seed), "refunds": []}


def write_backup(
    repository: Repository, rows: Rows, *, job: str = "nightly", now: datetime = NOW, packed: int = 0
) -> tuple[Manifest, list[StoredChunk]]:
    """A whole backup of those tables, published; gives its manifest and what became of each chunk.

    Chunks of fewer than `packed` bytes go into packs.
    """
    label = repository.new_label(now, job, "business")
    with ChunkWriter(repository, packed=packed) as writer:
        supports = {name: _submitted(writer, [_owners(each)]) for name, each in rows.items() if len(each) in SUPPORTED}
        parts = {name: _submitted(writer, chunks(each, TINY)) for name, each in rows.items()}
    entries, packs = [], writer.packs
    for name in rows:
        support = [_support(*each, packs) for each in supports.get(name, ())]
        chunks_there = [_chunk(raw, part.result(), packs, keyed=True) for raw, part in parts[name]]
        entries.append(_entry(name, chunks_there, support))
    stored = [part.result() for name in rows for _, part in (*supports.get(name, ()), *parts[name])]
    return repository.write_manifest(manifest_of(label, entries, packs, job=job, now=now)), stored


def _submitted(writer: ChunkWriter, raws: Iterable[RawChunk]) -> list[tuple[RawChunk, Future[StoredChunk]]]:
    return [(raw, writer.submit(raw)) for raw in raws]


def _owners(rows: Sequence[bytes]) -> RawChunk:
    """What says that each of these rows is owned by b1."""
    (raw,) = chunks([row.split(b"\t")[0] + b"\tb1\n" for row in rows])
    return raw


def _support(raw: RawChunk, part: Future[StoredChunk], packs: Sequence[Pack]) -> Support:
    chunk = _chunk(raw, part.result(), packs, keyed=False)
    return Support(what="owners", columns=("id",), rows=chunk.rows, bytes=chunk.raw, chunks=(chunk,))


def _chunk(raw: RawChunk, part: StoredChunk, packs: Sequence[Pack], *, keyed: bool) -> Chunk:
    first, last = ((row.split(b"\t")[0].decode(),) if keyed else () for row in (raw.first_row, raw.last_row))
    place = part.place
    return Chunk(
        id=part.id,
        rows=part.rows,
        raw=part.raw,
        stored=part.stored,
        first=first,
        last=last,
        pack=packs.index(Pack(id=place.pack, size=place.size)) if place else None,
        at=place.at if place else 0,
    )


def _entry(name: str, parts: Sequence[Chunk], supports: Sequence[Support]) -> TableEntry:
    return TableEntry(
        name=name,
        category="business",
        group="core",
        columns=(StoredColumn(name="id", type="text"), StoredColumn(name="note", type="text")),
        key=(KeyColumn(column="id", sort="text"),),
        rows=sum(part.rows for part in parts),
        bytes=sum(part.raw for part in parts),
        digest=table_digest([part.id for part in parts]),
        chunks=tuple(parts),
        support=tuple(supports),
    )


def manifest_of(
    label: str,
    entries: Sequence[TableEntry],
    packs: tuple[Pack, ...] = (),
    *,
    job: str = "nightly",
    now: datetime = NOW,
) -> Manifest:
    """A manifest over those tables, in which every kind of field has a value; not sealed."""
    return Manifest(
        format=FORMAT,
        metadata=_metadata(label, entries, job, now),
        tables=tuple(entries),
        sequences=(
            SequenceEntry(name="orders_id_seq", last_value=2**62, is_called=True, owned_by=("orders", "id")),
            SequenceEntry(name="free_seq", last_value=1, is_called=False),
        ),
        absent=("departed",),
        left_out=(LeftOut(table="audit_logs", reason="optional"),),
        schema=_schema([entry.name for entry in entries]),
        selection=Selection(
            tenants={"b1": "Café “One”"},
            tables={entry.name: TableSelection(owned=entry.rows) for entry in entries},
            tenant=("businesses", "id"),
            rules={
                entry.name: RuleEntry(
                    kind="owned",
                    owned_by=(OwnerWay(columns=("note",), table=""),),
                    references=(Pointer(columns=("note",), parent="businesses", parent_columns=("id",)),),
                )
                for entry in entries
            },
            limits={"audit_logs": (5000, "note")},
        ),
        packs=packs,
        warnings=("table departed is in the catalog file but not in the database",),
    )


def _metadata(label: str, entries: Sequence[TableEntry], job: str, now: datetime) -> Metadata:
    return Metadata(
        version=VERSION,
        label=label,
        host="demo",
        job=job,
        playbook="nightly",
        tool="playback 0.1.0",
        tags=("nightly",),
        timestamp=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        created_by="operator",
        source_node_id="node-1",
        source_device_id=None,
        source_device_name="till",
        source_hostname="till.example",
        source_platform="linux",
        backup_type="business",
        business_filter=BusinessFilter(business_ids=("b1",), business_id="b1", include_demo_data=False, demo="exclude"),
        optional={"audit_logs": 5000, "print_jobs": None},
        stats=stats_of(entries),
        schema_version="20260101_init",
        checksums=checksums_of(entries),
        postgres_version="18.1",
        duration_seconds=1.25,
    )


def _schema(names: Sequence[str]) -> DatabaseSchema:
    columns = (
        Column(name="id", type="text", nullable=False),
        Column(name="note", type="text"),
        Column(name="total", type="numeric(12,2)", sort="native", generated="stored"),
    )
    tables = {
        name: Table(
            name=name,
            columns=columns,
            primary_key=("id",),
            unique_keys=(UniqueKey(name=f"{name}_note_key", columns=("note",), partial=True),),
            foreign_keys=(
                ForeignKey(
                    name=f"{name}_fkey",
                    columns=("note",),
                    parent="businesses",
                    parent_columns=("id",),
                    on_delete="cascade",
                ),
            ),
            user_triggers=("touch",),
            checks=("total >= 0",),
        )
        for name in names
    }
    return DatabaseSchema(
        schemas=Schemas(covered=("public",)), tables=tables, enums={"state": ("open", "done")}, not_covered=("view v",)
    )
