"""Backups from one repository into another: missing chunks only, each checked on the way, the manifest last."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from toolkit.errors import DamageError, PlaybackError, RefusedError, StorageError
from toolkit.model.manifest import Chunk, Manifest, Stats, TableEntry
from toolkit.model.outcome import Progress
from toolkit.storage import manifest_file
from toolkit.storage.chunks import YOUNG, DamagedChunkError, examine, stored_file
from toolkit.storage.layout import CHUNKS, chunk_id_of, chunk_name, manifest_name
from toolkit.storage.prefetch import IN_FLIGHT, prefetch
from toolkit.storage.proofs import carry_proofs, lacking_proofs
from toolkit.storage.repository import Repository


class PlannedCopy(Struct, frozen=True, kw_only=True):
    """What copying one backup takes.

    Attributes:
        there: whether the target has the very backup already.
        chunks: how many chunks the target lacks, those that an earlier backup of the plan brings not counted.
        bytes: the size of their files as the source has them.
        raw: the size of the rows of all its chunks that have to be sent or looked at.
        proofs: how many records of attempts to prove it the target lacks.
        refusal: why it cannot be copied; None when it can.
    """

    label: str
    there: bool = False
    chunks: int = 0
    bytes: int = 0
    raw: int = 0
    proofs: int = 0
    refusal: PlaybackError | None = None


class SentBackup(Struct, frozen=True, kw_only=True):
    """A backup that the target has now.

    Attributes:
        stats: the totals of the backup.
        chunks: how many were sent for it.
        bytes: the size of their files.
    """

    label: str
    stats: Stats
    chunks: int
    bytes: int


class Copying:
    """Copies backups between two repositories. What has been sent stays, so an interrupted copy goes on where it was.

    Args:
        target: None for a repository that is not there yet; then only a plan can be made.

    Raises:
        StorageError: the target cannot be listed.
    """

    def __init__(self, source: Repository, target: Repository | None) -> None:
        self._source = source
        self._target = target
        self._labels = set(target.labels()) if target else set()
        self._proofs: dict[str, list[str]] = {}
        self._folded = {label.casefold(): label for label in self._labels}
        recorded = target.recorded_chunks() if target else frozenset()
        self._files = _usable_files(target, recorded) if target else {}
        # a file that no backup of the target vouches for is read before it is taken for the chunk
        self._known = {chunk_id for chunk_id, size in self._files.items() if (chunk_id, size) in recorded}

    def plan(self, labels: Iterable[str]) -> list[PlannedCopy]:
        """Give what copying those backups of the source takes, in that order."""
        coming, wanted = set(self._known), list(labels)
        if self._target:
            self._proofs = lacking_proofs(self._source, self._target, wanted)
        planned = [self._planned(label, coming) for label in wanted]
        return [replace(each, proofs=len(self._proofs.get(each.label, ()))) for each in planned]

    def send(self, label: str, progress: Progress) -> SentBackup:
        """Copy one backup that the plan neither finds there nor refuses.

        Raises:
            DamageError: a part of it cannot be read in the source, or is not what was written.
            StorageError: the target could not be written.
        """
        target = self._target
        if target is None:
            raise ValueError("there is no repository to copy to")
        data = self._read_manifest(label)
        manifest = manifest_file.decode(data, label=label, file=f"{self._source.place}/{manifest_name(label)}")
        chunks = sent = 0
        transfers = prefetch(
            _each_once(manifest, self._known),
            partial(self._transfer, target, label),
            size=lambda part: part[1].raw,
            workers=max(self._source.store.parallel, target.store.parallel),
            in_flight=2 * IN_FLIGHT,
        )
        for chunk, size, new in transfers:
            progress.advance(rows=chunk.rows, bytes=chunk.raw)
            chunks, sent = chunks + new, sent + size * new
            self._files[chunk.id] = size
            self._known.add(chunk.id)
        target.adopt_manifest(label, data, self._files)
        carry_proofs(
            self._source, target, self._proofs.pop(label, ()), checksums=(manifest.checksum, manifest.checksum)
        )
        return SentBackup(label=label, stats=manifest.metadata.stats, chunks=chunks, bytes=sent)

    def carry(self, label: str) -> int:
        """Take along what was tried to prove a backup that the target has already; gives how many records.

        Raises:
            StorageError: the target could not be written.
        """
        target = self._target
        if target is None:
            raise ValueError("there is no repository to copy to")
        checksums = self._source.manifest(label).checksum, target.manifest(label).checksum
        return carry_proofs(self._source, target, self._proofs.pop(label, ()), checksums=checksums)

    def _planned(self, label: str, coming: set[str]) -> PlannedCopy:
        try:
            manifest = self._source.manifest(label)
            if self._target and label in self._labels:
                _check_same(manifest, self._target.manifest(label), self._target.place)
                return PlannedCopy(label=label, there=True)
            alike = self._folded.get(label.casefold(), label)
            if self._target and alike != label:
                raise RefusedError(
                    f"{self._target.place} has a backup {alike}, whose label differs from {label} in capitals alone",
                    hint="give each device a repository or prefix of its own to copy to",
                )
        except PlaybackError as error:
            return PlannedCopy(label=label, refusal=error)
        touched = [chunk for _, chunk in _each_once(manifest, coming)]
        missing = [chunk for chunk in touched if chunk.id not in self._files]
        coming.update(chunk.id for chunk in touched)
        return PlannedCopy(
            label=label,
            chunks=len(missing),
            bytes=sum(chunk.stored for chunk in missing),
            raw=sum(chunk.raw for chunk in touched),
        )

    def _read_manifest(self, label: str) -> bytes:
        try:
            return self._source.store.get(manifest_name(label), limit=manifest_file.LIMIT)
        except StorageError as error:
            raise _unreadable(label, error) from error

    def _transfer(self, target: Repository, label: str, part: tuple[TableEntry, Chunk]) -> tuple[Chunk, int, bool]:
        """See that the target has a chunk; gives its size there in bytes, and whether it had to be sent."""
        table, chunk = part
        size = self._files.get(chunk.id)
        if size is not None and _is_sound(target, chunk):
            target.store.make_durable([chunk_name(chunk.id)])
            return chunk, size, False
        try:
            stored = stored_file(self._source.store, chunk)
            examine(stored, chunk, table)
        except StorageError as error:
            raise _unreadable(f"{label}, table {table.name}", error) from error
        target.store.put(chunk_name(chunk.id), stored)
        return chunk, len(stored), True


def _is_sound(target: Repository, chunk: Chunk) -> bool:
    try:
        examine(stored_file(target.store, chunk), chunk)
    except DamagedChunkError:
        return False
    return True


def _unreadable(what: str, error: StorageError) -> DamageError:
    return DamageError(f"backup {what}: {error.message}", hint=error.hint)


def _usable_files(repository: Repository, recorded: Container[tuple[str, int]]) -> dict[str, int]:
    """Chunk id → size of the file, without those that a prune may remove soon because no backup needs them."""
    old = datetime.now(UTC) - YOUNG
    files = ((chunk_id_of(file.name), file) for file in repository.store.list(CHUNKS))
    return {
        chunk_id: file.size
        for chunk_id, file in files
        if chunk_id and (file.modified >= old or (chunk_id, file.size) in recorded)
    }


def _each_once(manifest: Manifest, known: Container[str]) -> Iterator[tuple[TableEntry, Chunk]]:
    """The chunks of a backup that are not known, each once, with the first table that has it."""
    passed = set[str]()
    parts = chain.from_iterable((table, *table.supporting) for table in manifest.tables)
    for part in parts:
        for chunk in part.chunks:
            if chunk.id not in known and chunk.id not in passed:
                passed.add(chunk.id)
                yield part, chunk


def _check_same(ours: Manifest, theirs: Manifest, place: str) -> None:
    """Raise RefusedError unless both manifests of one label describe the same backup."""
    if ours.checksum != theirs.checksum and _content(ours) != _content(theirs):
        label = ours.metadata.label
        raise RefusedError(
            f"{place} has another backup {label}: of host {theirs.metadata.host}, made"
            f" {theirs.metadata.timestamp} on {theirs.metadata.source_hostname}",
            hint="give each device a repository or prefix of its own to copy to, or its jobs other names",
        )


def _content(manifest: Manifest) -> Manifest:
    """The manifest without what depends on where it is stored: how well its chunks were compressed there."""
    replace = msgspec.structs.replace

    def plain(chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
        return tuple(replace(chunk, stored=0) for chunk in chunks)

    tables = tuple(
        replace(
            table,
            chunks=plain(table.chunks),
            support=tuple(replace(support, chunks=plain(support.chunks)) for support in table.support),
        )
        for table in manifest.tables
    )
    stats = replace(manifest.metadata.stats, compressed_size=0)
    return replace(manifest, checksum="", tables=tables, metadata=replace(manifest.metadata, stats=stats))
