"""docs/repository-format.md suffices: a reader written from it alone, without this program's code, reads a backup."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import zstandard

from tests.storage.samples import some_rows, write_backup
from toolkit.planning.chunking import chunks
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository


def sha256(data: bytes) -> str:
    """A digest as the format writes it."""
    return hashlib.sha256(data).hexdigest()


def read_backups(root: Path) -> Iterator[tuple[dict[str, Any], dict[str, bytes]]]:
    """Every manifest with the rows of its tables, each promise of the document checked on the way."""
    assert json.loads((root / "playback.json").read_bytes())["format"] == 1
    for path in sorted(root.glob("backups/*/manifest.json")):
        data = path.read_bytes()
        manifest = json.loads(data)
        assert manifest["format"] == 1
        assert manifest["metadata"]["label"] == path.parent.name
        assert sha256(re.sub(rb'"checksum":"[0-9a-f]{64}",', b"", data)) == manifest["checksum"]
        plain = {name: value for name, value in manifest.items() if name != "checksum"}
        canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert sha256(canonical.encode()) == manifest["checksum"]
        packs = read_packs(root, manifest)
        tables = {table["name"]: b"".join(read_table(root, packs, table)) for table in manifest["tables"]}
        lines = [f"{table['name']}\t{table['digest']}\n" for table in manifest["tables"]]
        assert sha256("".join(sorted(lines)).encode()) == manifest["metadata"]["checksums"]["businessData"]
        yield manifest, tables


def read_table(root: Path, packs: list[bytes], table: dict[str, Any]) -> Iterator[bytes]:
    """The rows of a table, chunk by chunk."""
    assert sha256("".join(chunk["id"] + "\n" for chunk in table["chunks"]).encode()) == table["digest"]
    assert sum(chunk["rows"] for chunk in table["chunks"]) == table["rows"]
    assert sum(chunk["raw"] for chunk in table["chunks"]) == table["bytes"]
    for support in table["support"]:
        rows = b"".join(read_chunks(root, packs, support["chunks"], keyed=False))
        assert (rows.count(b"\n"), len(rows)) == (support["rows"], support["bytes"])
        assert {line.count(b"\t") for line in rows.splitlines()} == {len(support["columns"])}
    yield from read_chunks(root, packs, table["chunks"], keyed=True)


def read_packs(root: Path, manifest: dict[str, Any]) -> list[bytes]:
    """The packs of a manifest."""
    packs = [(root / "packs" / pack["id"]).read_bytes() for pack in manifest["packs"]]
    assert [len(pack) for pack in packs] == [pack["size"] for pack in manifest["packs"]]
    assert [sha256(pack) for pack in packs] == [pack["id"] for pack in manifest["packs"]]
    return packs


def read_chunks(root: Path, packs: list[bytes], chunks: list[dict[str, Any]], *, keyed: bool) -> Iterator[bytes]:
    """The rows of chunks."""
    for chunk in chunks:
        if "pack" in chunk:
            frame = packs[chunk["pack"]][chunk.get("at", 0) :][: chunk["stored"]]
        else:
            frame = (root / "chunks" / chunk["id"][:2] / chunk["id"]).read_bytes()
        assert len(frame) == chunk["stored"]
        parameters = zstandard.get_frame_parameters(frame)
        assert (parameters.content_size, parameters.has_checksum, parameters.dict_id) == (chunk["raw"], True, 0)
        rows = zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
        assert sha256(rows) == chunk["id"]
        assert rows.count(b"\n") == chunk["rows"]
        assert chunk["first"] == ([rows.split(b"\t")[0].decode()] if keyed else [])
        yield rows


def test_a_reader_made_from_the_document_reads_a_backup(tmp_path: Path) -> None:
    """Every row of every table comes back, and every digest is the one the document describes."""
    rows = {
        "orders": some_rows(500),
        "refunds": [],
        "Numbers": some_rows(3),
        "Notes": [b"1\ttab\\tnewline\\n\\\\N\xf0\x9f\x98\x80\n", b"2\t\\N\n"],
    }
    write_backup(Repository.open(LocalStore(tmp_path), create=True), rows, packed=500)
    ((manifest, tables),) = read_backups(tmp_path)
    assert tables == {name: b"".join(lines) for name, lines in rows.items()}
    assert manifest["metadata"]["stats"]["totalRecords"] == 505


def test_borders_are_where_the_document_puts_them() -> None:
    """The three steps of the document, with its own numbers, give the program's chunks of the real size."""
    rows = [hashlib.sha256(b"%d" % number).hexdigest().encode() * 300 + b"\n" for number in range(1200)]
    rows.insert(700, b"x" * 20_000_000 + b"\n")
    expected: list[int] = []
    size = 0
    for row in rows:
        if size and size + len(row) > 16 * 1024 * 1024:
            expected.append(size)
            size = 0
        size += len(row)
        if size >= 1024 * 1024 and crc32(row) * 3145728 < len(row) * 2**32:
            expected.append(size)
            size = 0
    assert [len(chunk.data) for chunk in chunks(rows)] == ([*expected, size] if size else expected)
    assert len(expected) > 5
