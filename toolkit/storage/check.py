"""Is what a repository holds still what was written? Every backup, every chunk, every checksum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from toolkit.errors import PlaybackError, StorageError
from toolkit.model.manifest import Chunk, Manifest
from toolkit.model.outcome import Progress
from toolkit.planning.totals import inconsistencies
from toolkit.storage.chunks import DamagedChunkError, load
from toolkit.storage.layout import LOCKS, MARKER, chunk_id_of, label_of
from toolkit.storage.prefetch import prefetch
from toolkit.storage.repository import Repository


class FindingKind(StrEnum):
    """What is wrong. All are damage but `foreign`, a file that is no part of the repository."""

    MISSING = "missing"
    TRUNCATED = "truncated"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    MANIFEST = "manifest"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found.

    Attributes:
        labels: the backups it harms, sorted; empty for a foreign file.
        tables: the tables it harms, by name; empty when it is not about a chunk.
        chunk: the chunk's id, or empty.
    """

    kind: FindingKind
    message: str
    labels: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    chunk: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The result of a check.

    Attributes:
        backups: how many there are, damaged ones included.
        chunks: how many the readable backups reference, each counted once.
        rows: rows in the chunks that were read and found right.
        bytes: their raw size.
        stored: the size of the files read for it.
        orphans: chunks no readable backup references; an interrupted or deleted backup leaves them, they harm nothing.
        orphan_bytes: the size of their files.
    """

    findings: tuple[Finding, ...]
    backups: int
    chunks: int
    rows: int
    bytes: int
    stored: int
    orphans: int
    orphan_bytes: int

    @property
    def damaged(self) -> bool:
        """Whether any finding is damage."""
        return any(finding.kind is not FindingKind.FOREIGN for finding in self.findings)


@dataclass(slots=True)
class _Contents:
    """What the listing and the manifests say."""

    labels: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    referenced: dict[tuple[str, int, int], Chunk] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def check(repository: Repository, *, read_data: bool = True, progress: Progress) -> CheckReport:
    """Check every backup of a repository.

    Args:
        read_data: read every referenced chunk back; otherwise only those whose file has not the recorded size.

    Returns:
        Everything found. Nothing is repaired.

    Raises:
        StorageError: the repository cannot be listed.
    """
    contents = _contents(repository)
    chosen = [
        chunk for chunk in contents.referenced.values() if read_data or contents.files.get(chunk.id) != chunk.stored
    ]
    progress.start("check", rows=sum(chunk.rows for chunk in chosen), bytes=sum(chunk.raw for chunk in chosen))
    bad: dict[str, Finding] = {}
    rows = size = stored = 0
    for chunk, finding in _read(repository, chosen):
        progress.advance(rows=chunk.rows, bytes=chunk.raw)
        stored += contents.files.get(chunk.id, 0)
        if finding is not None:
            bad[chunk.id] = finding
        else:
            rows += chunk.rows
            size += chunk.raw
    referenced = {chunk.id for chunk in contents.referenced.values()}
    orphans = [stored_size for chunk_id, stored_size in contents.files.items() if chunk_id not in referenced]
    return CheckReport(
        findings=(*contents.findings, *_attributed(repository, contents.labels, bad)),
        backups=len(contents.labels),
        chunks=len(referenced),
        rows=rows,
        bytes=size,
        stored=stored,
        orphans=len(orphans),
        orphan_bytes=sum(orphans),
    )


def _contents(repository: Repository) -> _Contents:
    contents = _Contents()
    for file in repository.store.list(""):
        if label := label_of(file.name):
            contents.labels.append(label)
        elif chunk_id := chunk_id_of(file.name):
            contents.files[chunk_id] = file.size
        elif file.name != MARKER and not file.name.startswith(LOCKS):
            message = f"{repository.place}/{file.name} is no part of the repository"
            contents.findings.append(Finding(kind=FindingKind.FOREIGN, message=message))
    contents.labels.sort()
    for label in contents.labels:
        try:
            manifest = repository.manifest(label)
        except PlaybackError as error:
            contents.findings.append(Finding(kind=FindingKind.MANIFEST, labels=(label,), message=error.message))
            continue
        for problem in inconsistencies(manifest):
            contents.findings.append(Finding(kind=FindingKind.MANIFEST, labels=(label,), message=str(problem)))
        for _, chunk in _chunks_of(manifest):
            _reference(contents, chunk)
    return contents


def _reference(contents: _Contents, chunk: Chunk) -> None:
    """Note a reference. Of several recorded sizes of the same rows the one the file has is kept."""
    key = (chunk.id, chunk.rows, chunk.raw)
    known = contents.referenced.get(key)
    if known is None or chunk.stored == contents.files.get(chunk.id):
        contents.referenced[key] = chunk


def _chunks_of(manifest: Manifest) -> Iterator[tuple[str, Chunk]]:
    for table in manifest.tables:
        for chunk in table.chunks:
            yield table.name, chunk


def _read(repository: Repository, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Finding | None]]:
    def examine(chunk: Chunk) -> tuple[Chunk, Finding | None]:
        return chunk, _examine(repository, chunk)

    return prefetch(chunks, examine, size=lambda chunk: chunk.raw)


def _examine(repository: Repository, chunk: Chunk) -> Finding | None:
    try:
        rows = load(repository.store, chunk)
    except DamagedChunkError as damage:
        return Finding(kind=FindingKind(damage.kind.value), chunk=chunk.id, message=damage.message)
    except StorageError as error:
        return Finding(kind=FindingKind.UNREADABLE, chunk=chunk.id, message=error.message)
    lines = rows.count(b"\n")
    if lines != chunk.rows or not rows.endswith(b"\n"):
        message = f"chunk {chunk.id} holds {lines} rows, but the manifest says {chunk.rows}"
        return Finding(kind=FindingKind.MANIFEST, chunk=chunk.id, message=message)
    return None


def _attributed(repository: Repository, labels: Iterable[str], bad: dict[str, Finding]) -> list[Finding]:
    """The findings about chunks with the backups and tables they harm.

    The manifests are read once more for it: to keep every use of every chunk in memory would cost more, and damage is
    the exception.
    """
    if not bad:
        return []
    harmed: dict[str, tuple[dict[str, None], set[str]]] = {chunk_id: ({}, set()) for chunk_id in bad}
    for label in labels:
        try:
            manifest = repository.manifest(label)
        except PlaybackError:
            continue
        for table, chunk in _chunks_of(manifest):
            if chunk.id in bad:
                harmed[chunk.id][0][label] = None
                harmed[chunk.id][1].add(table)
    return [
        replace(finding, labels=tuple(harmed[chunk_id][0]), tables=tuple(sorted(harmed[chunk_id][1])))
        for chunk_id, finding in bad.items()
    ]
