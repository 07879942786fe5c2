"""Is what a repository holds still what was written? Every backup, every chunk, every checksum."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.errors import DamageError, PlaybackError, RefusedError, StorageError
from toolkit.model.check import CheckReport, Finding, FindingKind
from toolkit.model.manifest import Chunk, Manifest, TableEntry
from toolkit.model.outcome import Progress
from toolkit.planning.sampling import Sample
from toolkit.storage.chunks import DamagedChunkError, examine, stored_file
from toolkit.storage.layout import (
    DAMAGED,
    LOCKS,
    MARKER,
    QUARANTINE,
    check_time_of,
    chunk_id_of,
    label_of,
    manifest_name,
    proof_label_of,
    published_label_of,
    record_label_of,
)
from toolkit.storage.prefetch import prefetch
from toolkit.storage.repository import Repository, vanished_error

_Key = tuple[str, int, int, int]
"""A chunk as a manifest describes it: id, rows, raw size, and a hash of columns and keys.

Two manifests may contradict each other about an id.
"""


class _Use(Struct, frozen=True):
    """A chunk, and the table whose rows it holds, without its chunks.

    Attributes:
        supporting: they are no rows of the table, but support them.
    """

    chunk: Chunk
    table: TableEntry
    supporting: bool

    @property
    def key(self) -> _Key:
        """What a manifest says of the chunk."""
        chunk, table = self.chunk, self.table
        return chunk.id, chunk.rows, chunk.raw, hash((chunk.first, chunk.last, table.columns, table.key))


class _Contents(Struct):
    """What the listing and the manifests say.

    Attributes:
        supporting: those of the referenced chunks that hold no rows of tables, but what supports them.
    """

    labels: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    referenced: dict[_Key, _Use] = field(default_factory=dict)
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
    progress.start("check", rows=sum(use.chunk.rows for use in chosen), bytes=sum(use.chunk.raw for use in chosen))
    bad: dict[_Key, Finding] = {}
    good: set[str] = set()
    rows = size = stored = 0
    for use, finding in _read(repository, chosen):
        chunk = use.chunk
        progress.advance(rows=chunk.rows, bytes=chunk.raw)
        stored += contents.files.get(chunk.id, 0)
        if finding is not None:
            bad[use.key] = finding
        else:
            good.add(chunk.id)
            rows += 0 if use.supporting else chunk.rows
            size += chunk.raw
    for key in [key for key in bad if key[0] in good]:  # the file is right, so the manifest is wrong
        bad[key] = replace(bad[key], kind=FindingKind.MANIFEST)
    referenced = {use.chunk.id for use in contents.referenced.values()}
    orphans = [stored_size for chunk_id, stored_size in contents.files.items() if chunk_id not in referenced]
    findings = (*contents.findings, *_attributed(repository, contents.labels, bad))
    if labels is None and all(each.kind is FindingKind.FOREIGN for each in findings):
        findings += _misleading(repository)
    return CheckReport(
        findings=findings,
        backups=len(contents.labels),
        chunks=len(referenced),
        rows=rows,
        bytes=size,
        stored=stored,
        orphans=0 if labels is not None else len(orphans),
        orphan_bytes=0 if labels is not None else sum(orphans),
    )


def _misleading(repository: Repository) -> tuple[Finding, ...]:
    one_file = repository.store.one_file
    remedy = "what it holds can be read; `copy` it into another bundle, or carry it again, before other programs do"
    lines = one_file.misleading() if one_file else ()
    return tuple(Finding(kind=FindingKind.HEADER, message=f"{line}; {remedy}") for line in lines)


def _chosen(contents: _Contents, read_data: bool, sample: Sample | None) -> list[_Use]:
    """The chunks to read: those asked for, and every one whose file has not the recorded size."""
    uses = contents.referenced.values()
    taken = sample.of({use.chunk.id for use in uses}) if sample and read_data else None
    return [
        use
        for use in uses
        if contents.files.get(use.chunk.id) != use.chunk.stored
        or (read_data and (taken is None or use.chunk.id in taken))
    ]


def _contents(repository: Repository, labels: Collection[str] | None) -> _Contents:
    contents = _Contents()
    published: set[str] = set()
    for file in repository.store.list(""):
        if label := label_of(file.name):
            if labels is None or label in labels:
                contents.labels.append(label)
        elif chunk_id := chunk_id_of(file.name):
            contents.files[chunk_id] = file.size
        elif label := published_label_of(file.name):
            published.add(label)
        elif labels is None and not _is_known(file.name):
            name = file.name.replace("\n", "\N{REPLACEMENT CHARACTER}")
            message = f"{repository.place}/{name} is no part of the repository"
            contents.findings.append(Finding(kind=FindingKind.FOREIGN, message=message))
    contents.labels.sort()
    for label in sorted(published.difference(contents.labels)):
        # a backup may be published between the two parts of the list
        if (labels is None or label in labels) and not repository.store.exists(manifest_name(label)):
            message = vanished_error(label, repository.place).message
            contents.findings.append(Finding(kind=FindingKind.VANISHED, labels=(label,), message=message))
    contents.findings += _alike(contents.labels)
    for label, uses in repository.each(contents.labels, _uses_in):
        if isinstance(uses, PlaybackError):
            contents.findings.append(Finding(kind=_kind(uses), labels=(label,), message=uses.message))
            continue
        for use in uses:
            _reference(contents, use)
    return contents


def _alike(labels: Iterable[str]) -> Iterator[Finding]:
    """Labels that are one name on file systems that do not tell capitals from small letters."""
    known: dict[str, str] = {}
    for label in labels:
        other = known.setdefault(label.casefold(), label)
        if other != label:
            message = f"backups {other} and {label} differ in capitals alone; not every system tells them apart"
            yield Finding(kind=FindingKind.FOREIGN, message=message)


def _is_known(name: str) -> bool:
    """Whether a file that is no backup and no chunk belongs to a repository all the same."""
    if name == MARKER or name.startswith((LOCKS, DAMAGED, QUARANTINE)):
        return True
    return any(known(name) is not None for known in (record_label_of, proof_label_of, check_time_of))


def _kind(error: PlaybackError) -> FindingKind:
    """What it means that a manifest could not be read."""
    if isinstance(error, RefusedError):
        return FindingKind.LATER
    if isinstance(error, StorageError) and not isinstance(error, DamageError):
        return FindingKind.UNREADABLE
    return FindingKind.MANIFEST


def _reference(contents: _Contents, use: _Use) -> None:
    """Note a reference. Of several recorded sizes of the same rows the one the file has is kept."""
    key = use.key
    if key not in contents.referenced or use.chunk.stored == contents.files.get(use.chunk.id):
        contents.referenced[key] = use


def _uses_in(manifest: Manifest) -> Iterator[_Use]:
    for table in manifest.tables:
        for part in (table, *table.supporting):
            alone = msgspec.structs.replace(part, chunks=(), support=())
            for chunk in part.chunks:
                yield _Use(chunk, alone, supporting=part is not table)


def _read(repository: Repository, uses: Iterable[_Use]) -> Iterator[tuple[_Use, Finding | None]]:
    def look(use: _Use) -> tuple[_Use, Finding | None]:
        return use, _examine(repository, use)

    return prefetch(uses, look, size=lambda use: use.chunk.raw, workers=repository.store.parallel)


def _examine(repository: Repository, use: _Use) -> Finding | None:
    chunk = use.chunk
    try:
        examine(stored_file(repository.store, chunk), chunk, use.table)
    except DamagedChunkError as damage:
        return Finding(kind=FindingKind(damage.kind.value), chunk=chunk.id, message=damage.message)
    except StorageError as error:
        return Finding(kind=FindingKind.UNREADABLE, chunk=chunk.id, message=error.message)
    return None


def _attributed(repository: Repository, labels: Iterable[str], bad: dict[_Key, Finding]) -> list[Finding]:
    """The findings about chunks with the backups and tables they harm.

    The manifests are read once more for it: to keep every use of every chunk in memory would cost more, and damage is
    the exception.
    """
    if not bad:
        return []
    harmed: dict[_Key, tuple[dict[str, None], set[str]]] = {key: ({}, set()) for key in bad}
    for label, uses in repository.each(labels, _uses_in):
        for use in () if isinstance(uses, PlaybackError) else uses:
            if found := harmed.get(use.key):
                found[0][label] = None
                found[1].add(use.table.name)
    return [
        replace(finding, labels=tuple(harmed[key][0]), tables=tuple(sorted(harmed[key][1])))
        for key, finding in bad.items()
    ]
