"""Is what a repository holds still what was written? Every backup, every chunk, every checksum."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from toolkit.errors import DamageError, PlaybackError, RefusedError, StorageError
from toolkit.model.manifest import Chunk, Manifest
from toolkit.model.outcome import Progress
from toolkit.planning.sampling import Sample
from toolkit.planning.totals import inconsistencies
from toolkit.storage.chunks import DamagedChunkError, load
from toolkit.storage.layout import DAMAGED, LOCKS, MARKER, QUARANTINE, chunk_id_of, label_of, record_label_of
from toolkit.storage.prefetch import prefetch
from toolkit.storage.repository import Repository


class FindingKind(StrEnum):
    """What is wrong. All are damage but `foreign`, a file that is no part of the repository.

    `unreadable` is what could not be read now, and `later` a backup that only a later version can read: whether these
    are whole is not known.
    """

    MISSING = "missing"
    TRUNCATED = "truncated"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    LATER = "later"
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


_Key = tuple[str, int, int]
"""A chunk as a manifest describes it: id, rows, raw size. Two manifests may contradict each other about an id."""


@dataclass(slots=True)
class _Contents:
    """What the listing and the manifests say."""

    labels: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    referenced: dict[_Key, Chunk] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def check(
    repository: Repository,
    *,
    read_data: bool = True,
    sample: Sample | None = None,
    labels: Collection[str] | None = None,
    progress: Progress,
) -> CheckReport:
    """Check the backups of a repository.

    Args:
        read_data: read referenced chunks back; otherwise only those whose file has not the recorded size.
        sample: which of them are read back; all when there is none.
        labels: the backups to check; all when not given.

    Returns:
        Everything found. Nothing is repaired.

    Raises:
        StorageError: the repository cannot be listed.
    """
    contents = _contents(repository, labels)
    chosen = _chosen(contents, read_data, sample)
    progress.start("check", rows=sum(chunk.rows for chunk in chosen), bytes=sum(chunk.raw for chunk in chosen))
    bad: dict[_Key, Finding] = {}
    good: set[str] = set()
    rows = size = stored = 0
    for chunk, finding in _read(repository, chosen):
        progress.advance(rows=chunk.rows, bytes=chunk.raw)
        stored += contents.files.get(chunk.id, 0)
        if finding is not None:
            bad[_key(chunk)] = finding
        else:
            good.add(chunk.id)
            rows += chunk.rows
            size += chunk.raw
    for key in [key for key in bad if key[0] in good]:  # the file is right, so the manifest is wrong
        bad[key] = replace(bad[key], kind=FindingKind.MANIFEST)
    referenced = {chunk.id for chunk in contents.referenced.values()}
    orphans = [stored_size for chunk_id, stored_size in contents.files.items() if chunk_id not in referenced]
    return CheckReport(
        findings=(*contents.findings, *_attributed(repository, contents.labels, bad)),
        backups=len(contents.labels),
        chunks=len(referenced),
        rows=rows,
        bytes=size,
        stored=stored,
        orphans=0 if labels is not None else len(orphans),
        orphan_bytes=0 if labels is not None else sum(orphans),
    )


def _chosen(contents: _Contents, read_data: bool, sample: Sample | None) -> list[Chunk]:
    """The chunks to read: those asked for, and every one whose file has not the recorded size."""
    chunks = contents.referenced.values()
    taken = sample.of({chunk.id for chunk in chunks}) if sample and read_data else None
    return [
        chunk
        for chunk in chunks
        if contents.files.get(chunk.id) != chunk.stored or (read_data and (taken is None or chunk.id in taken))
    ]


def _key(chunk: Chunk) -> _Key:
    return chunk.id, chunk.rows, chunk.raw


def _contents(repository: Repository, labels: Collection[str] | None) -> _Contents:
    contents = _Contents()
    for file in repository.store.list(""):
        if label := label_of(file.name):
            if labels is None or label in labels:
                contents.labels.append(label)
        elif chunk_id := chunk_id_of(file.name):
            contents.files[chunk_id] = file.size
        elif labels is None and not _is_known(file.name):
            message = f"{repository.place}/{file.name} is no part of the repository"
            contents.findings.append(Finding(kind=FindingKind.FOREIGN, message=message))
    contents.labels.sort()
    for label in contents.labels:
        try:
            manifest = repository.manifest(label)
        except PlaybackError as error:
            contents.findings.append(Finding(kind=_kind(error), labels=(label,), message=error.message))
            continue
        for problem in inconsistencies(manifest):
            contents.findings.append(Finding(kind=FindingKind.MANIFEST, labels=(label,), message=str(problem)))
        for _, chunk in _chunks_of(manifest):
            _reference(contents, chunk)
    return contents


def _is_known(name: str) -> bool:
    """Whether a file that is no backup and no chunk belongs to a repository all the same."""
    return name == MARKER or name.startswith((LOCKS, DAMAGED, QUARANTINE)) or record_label_of(name) is not None


def _kind(error: PlaybackError) -> FindingKind:
    """What it means that a manifest could not be read."""
    if isinstance(error, RefusedError):
        return FindingKind.LATER
    if isinstance(error, StorageError) and not isinstance(error, DamageError):
        return FindingKind.UNREADABLE
    return FindingKind.MANIFEST


def _reference(contents: _Contents, chunk: Chunk) -> None:
    """Note a reference. Of several recorded sizes of the same rows the one the file has is kept."""
    known = contents.referenced.get(_key(chunk))
    if known is None or chunk.stored == contents.files.get(chunk.id):
        contents.referenced[_key(chunk)] = chunk


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


def _attributed(repository: Repository, labels: Iterable[str], bad: dict[_Key, Finding]) -> list[Finding]:
    """The findings about chunks with the backups and tables they harm.

    The manifests are read once more for it: to keep every use of every chunk in memory would cost more, and damage is
    the exception.
    """
    if not bad:
        return []
    harmed: dict[_Key, tuple[dict[str, None], set[str]]] = {key: ({}, set()) for key in bad}
    for label in labels:
        try:
            manifest = repository.manifest(label)
        except PlaybackError:
            continue
        for table, chunk in _chunks_of(manifest):
            if found := harmed.get(_key(chunk)):
                found[0][label] = None
                found[1].add(table)
    return [
        replace(finding, labels=tuple(harmed[key][0]), tables=tuple(sorted(harmed[key][1])))
        for key, finding in bad.items()
    ]
