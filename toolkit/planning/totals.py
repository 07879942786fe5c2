"""What a manifest says about itself twice: totals and checksums, computed from its tables and compared with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import msgspec

from toolkit.errors import Problem
from toolkit.model.manifest import Checksums, Chunk, Manifest, Stats, TableEntry, data_checksum, table_digest
from toolkit.planning.chunking import FORMAT_1, MIB

PACK_MAXIMUM = 16 * MIB
"""Bytes of the largest pack."""

_LONGEST_ROW = 1024**3 + 1
"""Bytes of the longest row that PostgreSQL can give, with its line feed."""


def stats_of(tables: Sequence[TableEntry]) -> Stats:
    """Give the totals over the tables of a backup; a chunk referenced several times is stored, and counted, once."""
    rows = {"business": 0, "device": 0}
    for table in tables:
        rows[table.category] += table.rows
    stored = {chunk.id: chunk.stored for table in tables for chunk in table.stored_chunks}
    return Stats(
        total_records=sum(rows.values()),
        total_tables=len(tables),
        business_records=rows["business"],
        device_records=rows["device"],
        uncompressed_size=sum(table.bytes for table in tables),
        compressed_size=sum(stored.values()),
    )


def checksums_of(tables: Iterable[TableEntry]) -> Checksums:
    """Give the checksums over the tables of a backup; `device_data` is None when none of them is a device table."""
    digests: dict[str, dict[str, str]] = {"business": {}, "device": {}}
    for table in tables:
        digests[table.category][table.name] = table.digest
    return Checksums(
        business_data=data_checksum(digests["business"]),
        device_data=data_checksum(digests["device"]) if digests["device"] else None,
    )


def inconsistencies(manifest: Manifest) -> list[Problem]:
    """Give everything in a manifest that contradicts the rest of it, each with its JSON path; empty when it adds up."""
    return list(chain(_tables(manifest), _packs(manifest), _totals(manifest), _selection(manifest)))


def _tables(manifest: Manifest) -> Iterator[Problem]:
    names: set[str] = set()
    chunks: dict[str, Chunk] = {}
    for index, table in enumerate(manifest.tables):
        path = f"tables[{index}]"
        if table.name in names:
            yield Problem(path=path, message=f"table {table.name} is listed twice")
        names.add(table.name)
        yield from _table(table, path)
        for position, chunk in enumerate(table.stored_chunks):
            known = chunks.setdefault(chunk.id, chunk)
            if _stored(known) != _stored(chunk):
                message = f"chunk {chunk.id} of table {table.name} has another size or place elsewhere in the manifest"
                yield Problem(path=f"{path}.chunks[{position}]", message=message)


def _stored(chunk: Chunk) -> tuple[int, int, int, int | None, int]:
    return chunk.rows, chunk.raw, chunk.stored, chunk.pack, chunk.at


def _packs(manifest: Manifest) -> Iterator[Problem]:
    packs = manifest.packs
    used = set[int | None]()
    for index, table in enumerate(manifest.tables):
        for position, chunk in enumerate(table.stored_chunks):
            used.add(chunk.pack)
            known = chunk.pack is None or 0 <= chunk.pack < len(packs)
            end = packs[chunk.pack].size if known and chunk.pack is not None else 0
            if not known or chunk.at < 0 or (chunk.pack is not None and chunk.at + max(chunk.stored, 1) > end):
                message = f"chunk {chunk.id} of table {table.name} stands in no pack, or outside of it"
                yield Problem(path=f"tables[{index}].chunks[{position}]", message=message)
    if len({pack.id for pack in packs}) < len(packs):
        yield Problem(path="packs", message="a pack is listed twice")
    for index, pack in enumerate(packs):
        if pack.size > PACK_MAXIMUM or index not in used:
            yield Problem(path=f"packs[{index}]", message=f"pack {pack.id} is larger than a pack can be, or not used")


def _table(table: TableEntry, path: str) -> Iterator[Problem]:
    counted = {
        "rows": (table.rows, sum(chunk.rows for chunk in table.chunks)),
        "bytes": (table.bytes, sum(chunk.raw for chunk in table.chunks)),
        "digest": (table.digest, table_digest([chunk.id for chunk in table.chunks])),
    }
    for field, (said, found) in counted.items():
        if said != found:
            message = f"table {table.name} has {field} {said}, but its chunks give {found}"
            yield Problem(path=f"{path}.{field}", message=message)
    yield from _support(table, path)
    columns = {column.name for column in table.columns}
    for position, key in enumerate(table.key):
        if key.column not in columns:
            message = f"table {table.name} is sorted by {key.column}, which is not one of its columns"
            yield Problem(path=f"{path}.key[{position}]", message=message)
    for position, chunk in enumerate(table.chunks):
        if chunk.raw > (FORMAT_1.maximum if chunk.rows > 1 else _LONGEST_ROW):
            message = (
                f"chunk {chunk.id} of table {table.name} says it has {chunk.raw} bytes, more than a chunk can have"
            )
            yield Problem(path=f"{path}.chunks[{position}].raw", message=message)
        if chunk.rows < 1 or chunk.raw < chunk.rows or {len(chunk.first), len(chunk.last)} != {len(table.key)}:
            message = f"chunk {chunk.id} of table {table.name} has no rows, too few bytes or a key of another length"
            yield Problem(path=f"{path}.chunks[{position}]", message=message)


def _support(table: TableEntry, path: str) -> Iterator[Problem]:
    columns = {column.name for column in table.columns}
    for number, support in enumerate(table.support):
        place = f"{path}.support[{number}]"
        counted = {
            "rows": (support.rows, sum(chunk.rows for chunk in support.chunks)),
            "bytes": (support.bytes, sum(chunk.raw for chunk in support.chunks)),
        }
        for field, (said, found) in counted.items():
            if said != found:
                message = f"{field} are {said}, but the chunks that support table {table.name} give {found}"
                yield Problem(path=f"{place}.{field}", message=message)
        if unknown := set(support.columns) - columns:
            message = f"table {table.name} is supported by {sorted(unknown)[0]}, which is not one of its columns"
            yield Problem(path=f"{place}.columns", message=message)


def _totals(manifest: Manifest) -> Iterator[Problem]:
    pairs: tuple[tuple[str, msgspec.Struct, msgspec.Struct], ...] = (
        ("stats", manifest.metadata.stats, stats_of(manifest.tables)),
        ("checksums", manifest.metadata.checksums, checksums_of(manifest.tables)),
    )
    for name, said, found in pairs:
        for field in msgspec.structs.fields(said):
            value, expected = getattr(said, field.name), getattr(found, field.name)
            if value != expected:
                message = f"{field.encode_name} is {value}, but the tables give {expected}"
                yield Problem(path=f"metadata.{name}.{field.encode_name}", message=message)


def _selection(manifest: Manifest) -> Iterator[Problem]:
    rows = {table.name: table.rows for table in manifest.tables}
    for name, selection in manifest.selection.tables.items():
        if selection.total != rows.get(name, 0):
            message = f"table {name} has {rows.get(name, 0)} rows, but {selection.total} were selected"
            yield Problem(path=f"selection.tables.{name}", message=message)
