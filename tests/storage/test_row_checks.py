"""Chunks whose SHA-256 is right and whose rows are not those of the manifest: nobody takes them for a backup's rows."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from tests.storage.samples import NOW, manifest_of
from toolkit.errors import DamageError, InputError
from toolkit.model.check import FindingKind
from toolkit.model.manifest import Chunk, KeyColumn, Manifest, StoredColumn, TableEntry, table_digest
from toolkit.model.outcome import SilentProgress
from toolkit.storage import frame, manifest_file
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.check import check
from toolkit.storage.copying import Copying
from toolkit.storage.layout import chunk_name, manifest_name
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

STORES = ("local", "bundle")

ROOT = Path(__file__).parents[2]


def entry_of(data: bytes, rows: int, first: str | None, last: str | None) -> tuple[TableEntry, bytes]:
    """A table of one chunk of which that is said, and the chunk's file."""
    stored = frame.compress(data)
    identity = sha256(data).hexdigest()
    chunk = Chunk(id=identity, rows=rows, raw=len(data), stored=len(stored), first=(first,), last=(last,))
    entry = TableEntry(
        name="notes",
        category="business",
        group="core",
        columns=(StoredColumn(name="id", type="text"), StoredColumn(name="note", type="text")),
        key=(KeyColumn(column="id", sort="text"),),
        rows=rows,
        bytes=len(data),
        digest=table_digest([identity]),
        chunks=(chunk,),
    )
    return entry, stored


def published(repository: Repository, data: bytes, rows: int, first: str | None, last: str | None) -> Manifest:
    """A backup of that table."""
    entry, stored = entry_of(data, rows, first, last)
    repository.store.put(chunk_name(entry.chunks[0].id), stored)
    return repository.write_manifest(manifest_of(repository.new_label(NOW, "job", "business"), [entry]))


WRONG = {
    "one row less": (b"1\ta\n2\tb\n", 1, "1", "2", "holds 2 rows, but the manifest says 1"),
    "one row more": (b"1\ta\n", 2, "1", "1", "holds 1 rows, but the manifest says 2"),
    "no last line feed": (b"1\ta\n2\tb", 1, "1", "2", "holds 1 rows and the beginning of another"),
    "an end among the rows": (b"1\ta\n\\.\n2\tb\n", 3, "1", "2", "a line that ends the rows"),
    "an end in the first line": (b"\\.\n1\ta\n", 2, "1", "1", "a line that ends the rows"),
    "a value too many": (b"1\ta\tx\n2\tb\n", 2, "1", "2", "holds 5 values"),
    "another first row": (b"0\ta\n2\tb\n", 2, "1", "2", "the first one has the key"),
    "another last row": (b"1\ta\n\\N\tb\n", 2, "1", "2", "the last one has the key"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=list(WRONG))
def test_rows_are_what_the_manifest_says(
    repository: Repository, tmp_path: Path, case: tuple[bytes, int, str, str, str]
) -> None:
    """Reading, checking and copying all see it, and nothing is restored or copied from it."""
    data, rows, first, last, fact = case
    manifest = published(repository, data, rows, first, last)
    label, (entry,) = manifest.metadata.label, manifest.tables
    error = pytest.raises(DamageError, match=f"table notes of backup {label}: .*{fact}")
    with BackupReader(repository, manifest) as reader, error:
        list(reader.rows_of(entry))
    (finding,) = check(repository, progress=SilentProgress()).findings
    assert (finding.kind, finding.labels, finding.tables) == (FindingKind.MANIFEST, (label,), ("notes",))
    target = Repository.open(LocalStore(tmp_path / "target"), create=True)
    with pytest.raises(DamageError, match=fact):
        Copying(repository, target).send(label, SilentProgress())
    assert target.labels() == []


def test_a_chunk_cannot_ask_for_more_than_chunks_have(repository: Repository) -> None:
    """A manifest that says so is refused before anything is allocated: by the format, and by the longest row."""
    for rows, raw in ((2, 16 * 1024**2 + 1), (1, 1024**3 + 2)):
        entry, _ = entry_of(b"1\ta\n", 1, "1", "1")
        chunk = msgspec.structs.replace(entry.chunks[0], rows=rows, raw=raw)
        larger = msgspec.structs.replace(entry, rows=rows, bytes=raw, chunks=(chunk,))
        manifest = manifest_of("20261120T020000Z-job-business", [larger])
        with pytest.raises(ValueError, match="more than a chunk can have"):
            repository.write_manifest(manifest)


def test_what_adds_up_to_something_else_is_not_read(repository: Repository) -> None:
    """A manifest with a right checksum that contradicts itself is an error of every command that reads it."""
    manifest = published(repository, b"1\ta\n", 1, "1", "1")
    hurt = msgspec.structs.replace(manifest.tables[0], digest="0" * 64)
    sealed, data = manifest_file.encode(msgspec.structs.replace(manifest, tables=(hurt,)))
    repository.store.put(manifest_name(sealed.metadata.label), data)
    with pytest.raises(InputError, match="has digest"):
        repository.manifest(sealed.metadata.label)


BOMB = """
import resource, sys
from hashlib import sha256
import zstandard
from toolkit.model.manifest import Chunk
from toolkit.storage.chunks import examine
size = 256 * 2 ** 20
packing, digest, piece = zstandard.ZstdCompressor(write_checksum=True).compressobj(size), sha256(), b"0" * 2 ** 20
parts = []
for number in range(256):
    data = piece if number < 255 else piece[:-1] + b"\\n"
    digest.update(data)
    parts.append(packing.compress(data))
stored = b"".join(parts) + packing.flush()
chunk = Chunk(id=digest.hexdigest(), rows=1, raw=size, stored=len(stored), first=("x",), last=("x",))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
examine(stored, chunk)
print(len(stored), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say how much memory a process had")
def test_a_very_long_row_is_checked_in_little_memory() -> None:
    """A file of some KB with a row of 256 MiB takes a check some tens of megabytes."""
    done = subprocess.run([sys.executable, "-c", BOMB], cwd=ROOT, capture_output=True, text=True, check=True)
    stored, grown = map(int, done.stdout.split())
    assert stored < 200_000
    assert grown < (100 * 1024 if sys.platform == "linux" else 100 * 1024**2)


def test_nothing_in_a_manifest_is_said_twice(repository: Repository) -> None:
    """A second member of the same name, which readers understand differently, is damage; white space is none."""
    manifest = published(repository, b"1\ta\n", 1, "1", "1")
    name = manifest_name(manifest.metadata.label)
    data = repository.store.get(name)
    repository.store.put(name, data.replace(b'{"absent":', b'{"absent":["x"],"absent":', 1))
    with pytest.raises(DamageError, match="absent stands there twice"):
        repository.manifest(manifest.metadata.label)
    repository.store.put(name, data.replace(b'{"absent":', b'{ "absent":', 1))
    assert repository.manifest(manifest.metadata.label) == manifest
