"""Is what a repository holds still what was written? Every backup, every chunk, every checksum."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.errors import DamageError, PlaybackError, RefusedError, StorageError
from toolkit.model.check import CheckReport, Finding, FindingKind
from toolkit.model.manifest import Chunk, Manifest, Place, TableEntry
from toolkit.model.outcome import Progress
from toolkit.planning.sampling import Sample
from toolkit.storage.chunks import DamagedChunkError, examine, pack_content, place_of, stored_form
from toolkit.storage.layout import (
    DAMAGED,
    LOCKS,
    MARKER,
    QUARANTINE,
    check_time_of,
    chunk_id_of,
    label_of,
    manifest_name,
    pack_id_of,
    proof_label_of,
    published_label_of,
    record_label_of,
)
from toolkit.storage.prefetch import prefetch
from toolkit.storage.repository import Repository, vanished_error
from toolkit.storage.store import Store

_Key = tuple[str, int, int, int, Place | None]
"""A chunk as a manifest describes it: id, rows, raw size, a hash of columns and keys, and its place in a pack.

Two manifests may contradict each other about an id.
"""


class _Use(Struct, frozen=True):
    """A chunk, and the table whose rows it holds, without its chunks.

    Attributes:
        supporting: they are no rows of the table, but support them.
        place: where it stands in a pack; None where it is a file of its own.
    """

    chunk: Chunk
    table: TableEntry
    supporting: bool
    place: Place | None

    @property
    def file(self) -> tuple[str, int]:
        """The id of the file that it stands in, and its size."""
        return (self.place.pack, self.place.size) if self.place else (self.chunk.id, self.chunk.stored)

    @property
    def key(self) -> _Key:
        """What a manifest says of the chunk."""
        chunk, table = self.chunk, self.table
        content = hash((chunk.first, chunk.last, table.columns, table.key))
        return chunk.id, chunk.rows, chunk.raw, content, self.place


class _Contents(Struct):
    """What the listing and the manifests say.

    Attributes:
        files: id → size of each chunk that is a file of its own, and of each pack.
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
    good: set[tuple[str, Place | None]] = set()
    counted: set[str] = set()
    spoilt: list[Finding] = []
    rows = size = stored = 0
    for read in _read(repository, chosen):
        stored += contents.files.get(read.file, 0)
        spoilt += [read.spoilt] if read.spoilt else []
        for use, finding in read.found:
            chunk = use.chunk
            progress.advance(rows=chunk.rows, bytes=chunk.raw)
            if finding is not None:
                bad[use.key] = finding
            else:
                good.add((chunk.id, use.place))
                if chunk.id not in counted:  # one that stands in several packs holds the same rows
                    counted.add(chunk.id)
                    rows += 0 if use.supporting else chunk.rows
                    size += chunk.raw
    for key in [key for key in bad if (key[0], key[-1]) in good]:  # the file is right, so the manifest is wrong
        bad[key] = replace(bad[key], kind=FindingKind.MANIFEST)
    referenced = {use.file[0] for use in contents.referenced.values()}
    orphans = [stored_size for file_id, stored_size in contents.files.items() if file_id not in referenced]
    findings = (*contents.findings, *_attributed(repository, contents.labels, bad), *spoilt)
    if labels is None and all(each.kind.harmless for each in findings):
        findings += _misleading(repository)
    return CheckReport(
        findings=findings,
        backups=len(contents.labels),
        chunks=len({use.chunk.id for use in contents.referenced.values()}),
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
    """The chunks to read: those in files asked for, and in every file that has not the recorded size."""
    uses = contents.referenced.values()
    taken = sample.of({use.file[0] for use in uses}) if sample and read_data else None
    return [
        use
        for use in uses
        if contents.files.get(use.file[0]) != use.file[1] or (read_data and (taken is None or use.file[0] in taken))
    ]


def _contents(repository: Repository, labels: Collection[str] | None) -> _Contents:
    contents = _Contents()
    published: set[str] = set()
    for file in repository.store.list(""):
        if label := label_of(file.name):
            if labels is None or label in labels:
                contents.labels.append(label)
        elif file_id := chunk_id_of(file.name) or pack_id_of(file.name):
            contents.files[file_id] = file.size
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
    if key not in contents.referenced or use.file[1] == contents.files.get(use.file[0]):
        contents.referenced[key] = use


def _uses_in(manifest: Manifest) -> Iterator[_Use]:
    for table in manifest.tables:
        for part in (table, *table.supporting):
            alone = msgspec.structs.replace(part, chunks=(), support=())
            for chunk in part.chunks:
                yield _Use(chunk, alone, part is not table, place_of(chunk, manifest.packs))


class _FileRead(Struct, frozen=True):
    """What was found in a file.

    Attributes:
        found: each of its chunks, with what is wrong with it.
        spoilt: what is wrong with the file itself, though no chunk that a backup needs is hurt by it.
    """

    file: str
    found: list[tuple[_Use, Finding | None]]
    spoilt: Finding | None = None


def _read(repository: Repository, uses: Iterable[_Use]) -> Iterator[_FileRead]:
    files: dict[str, list[_Use]] = {}
    for use in uses:
        files.setdefault(use.file[0], []).append(use)

    def look(inside: list[_Use]) -> _FileRead:
        try:
            return _look(repository.store, inside)
        except DamagedChunkError as damage:
            errors = [(use, DamagedChunkError(damage.kind, use.chunk.id, damage.fact)) for use in inside]
            return _FileRead(inside[0].file[0], [(use, _finding(use, error)) for use, error in errors])
        except StorageError as error:
            return _FileRead(inside[0].file[0], [(use, _finding(use, error)) for use in inside])

    return prefetch(files.values(), look, size=_needed, workers=repository.store.parallel)


def _needed(inside: Sequence[_Use]) -> int:
    """How many bytes are in memory while a file is looked into: chunk by chunk."""
    return max(use.chunk.raw for use in inside) + max(use.place.size if use.place else 0 for use in inside)


def _look(store: Store, inside: Sequence[_Use]) -> _FileRead:
    """Look into one file; raises StorageError where there is nothing to look into."""
    file, first = inside[0].file[0], inside[0].chunk
    if inside[0].place is None:
        stored = stored_form(store, first, ())
        return _FileRead(file, [(use, _examined(stored, use)) for use in inside])
    content = pack_content(store, file, first.id)
    places = [(use, use.place) for use in inside if use.place]
    found = [(use, _examined(content[at.at : at.at + at.stored], use)) for use, at in places]
    whole = sha256(content).hexdigest() == file
    spoilt = None
    if not whole and not any(finding for _, finding in found):
        message = f"pack {file} is damaged where no backup needs it; it goes when no backup needs any of it"
        spoilt = Finding(kind=FindingKind.SPOILT, pack=file, message=message)
    return _FileRead(file, found, spoilt)


def _examined(stored: bytes, use: _Use) -> Finding | None:
    try:
        examine(stored, use.chunk, use.table)
    except DamagedChunkError as damage:
        return _finding(use, damage)
    return None


def _finding(use: _Use, error: StorageError) -> Finding:
    kind = FindingKind(error.kind.value) if isinstance(error, DamagedChunkError) else FindingKind.UNREADABLE
    pack = use.place.pack if use.place else ""
    return Finding(kind=kind, chunk=use.chunk.id, pack=pack, message=error.message)


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
