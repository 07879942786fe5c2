"""Totals and checksums of a manifest, and the contradictions a manifest can have."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from tests.storage.samples import manifest_of
from toolkit.model.manifest import (
    Chunk,
    KeyColumn,
    Manifest,
    StoredColumn,
    TableEntry,
    TableSelection,
    table_digest,
)
from toolkit.planning.totals import checksums_of, inconsistencies, stats_of

ONE = Chunk(id="1" * 64, rows=2, raw=20, stored=15, first=("1",), last=("2",))
TWO = Chunk(id="2" * 64, rows=1, raw=10, stored=12, first=("3",), last=("3",))


def entry(name: str, *chunks: Chunk, device: bool = False) -> TableEntry:
    """A table of those chunks that adds up."""
    return TableEntry(
        name=name,
        category="device" if device else "business",
        group="core",
        columns=(StoredColumn(name="id", type="text"),),
        key=(KeyColumn(column="id", sort="text"),),
        rows=sum(chunk.rows for chunk in chunks),
        bytes=sum(chunk.raw for chunk in chunks),
        digest=table_digest([chunk.id for chunk in chunks]),
        chunks=chunks,
    )


def manifest(*tables: TableEntry) -> Manifest:
    """A manifest of those tables that adds up."""
    return manifest_of("20261120T020000Z-nightly-business", tables)


def test_totals_count_rows_and_stored_chunks() -> None:
    """Rows are counted per category, raw bytes per reference, stored bytes once per chunk."""
    stats = stats_of([entry("a", ONE, TWO), entry("b", ONE), entry("c"), entry("d", TWO, device=True)])
    assert msgspec.to_builtins(stats) == {
        "totalRecords": 6,
        "totalTables": 4,
        "businessRecords": 5,
        "deviceRecords": 1,
        "uncompressedSize": 60,
        "compressedSize": 27,
    }


def test_checksums_are_those_of_the_documentation() -> None:
    """A checksum is the SHA-256 of sorted lines of name, tab and digest; without device tables there is one."""
    table, other = entry("b", ONE), entry("a")
    digest = hashlib.sha256(b"1" * 64 + b"\n").hexdigest()
    lines = f"a\t{hashlib.sha256(b'').hexdigest()}\nb\t{digest}\n"
    checksums = checksums_of([table, other])
    assert checksums.business_data == hashlib.sha256(lines.encode()).hexdigest()
    assert checksums.device_data is None
    assert checksums_of([table, entry("d", device=True)]).device_data is not None


def test_a_sound_manifest_has_no_contradictions() -> None:
    """What was computed from the tables agrees with them."""
    assert inconsistencies(manifest(entry("a", ONE, TWO), entry("b", ONE), entry("d", TWO, device=True))) == []


@pytest.mark.parametrize(
    ("chunk", "path"),
    [
        ({"rows": 0}, "tables[0].chunks[0]"),
        ({"raw": 1}, "tables[0].chunks[0]"),
        ({"first": ()}, "tables[0].chunks[0]"),
        ({"last": ("1", "2")}, "tables[0].chunks[0]"),
    ],
)
def test_impossible_chunks_are_named(chunk: dict[str, Any], path: str) -> None:
    """A chunk without rows, with fewer bytes than rows, or with a key of another length is named."""
    broken = msgspec.structs.replace(ONE, **chunk)
    assert [problem.path for problem in inconsistencies(manifest(entry("a", broken)))] == [path]


def test_one_chunk_with_two_sizes_is_named() -> None:
    """The same chunk cannot have another size elsewhere in the manifest."""
    other = msgspec.structs.replace(ONE, stored=16)
    paths = [problem.path for problem in inconsistencies(manifest(entry("a", ONE), entry("b", other)))]
    assert paths == ["tables[1].chunks[0]"]


def test_a_selection_of_other_rows_is_named() -> None:
    """The rows selected of a table are the rows it has, and none of a table that is not there."""
    sound = manifest(entry("a", ONE))
    tables = {"a": TableSelection(owned=1, shared=2), "gone": TableSelection(owned=1), "empty": TableSelection()}
    broken = msgspec.structs.replace(sound, selection=msgspec.structs.replace(sound.selection, tables=tables))
    assert [problem.path for problem in inconsistencies(broken)] == ["selection.tables.a", "selection.tables.gone"]
