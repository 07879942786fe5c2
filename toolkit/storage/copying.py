"""Backups from one repository into another: missing chunks only, each checked on the way, the manifest last."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import chain

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from toolkit.errors import DamageError, PlaybackError, RefusedError, StorageError
from toolkit.model.manifest import Chunk, Manifest, Pack, Place, Stats, TableEntry
from toolkit.model.outcome import Progress
from toolkit.storage import manifest_file
from toolkit.storage.chunks import YOUNG, DamagedChunkError, examine, pack_content, stored_form
from toolkit.storage.layout import OF_ROWS, chunk_id_of, chunk_name, manifest_name, pack_id_of, pack_name
from toolkit.storage.prefetch import IN_FLIGHT, prefetch
from toolkit.storage.proofs import carry_proofs, lacking_proofs
from toolkit.storage.recorded import Recorded
from toolkit.storage.repository import Repository


class PlannedCopy(Struct, frozen=True, kw_only=True):
    """What copying one backup takes.

    Attributes:
        there: whether the target has the very backup already.
        chunks: how many chunks are in files that the target lacks, those that an earlier backup of the plan brings not
            counted.
        bytes: the size of these files as the source has them.
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
        bytes: the size of the files that were sent.
    """

    label: str
    stats: Stats
    chunks: int
    bytes: int


_Known = str | tuple[str, Place]
"""A chunk that is a file of its own, or one at its place in a pack."""


class _Parcel(Struct, frozen=True):
    """A file of chunks that a backup needs.

    Attributes:
        id: of the chunk, or of the pack.
        parts: its chunks, each with the first table that has it.
        pack: None for a chunk that is a file of its own.
    """

    id: str
    parts: list[tuple[TableEntry, Chunk]]
    pack: Pack | None = None

    @property
    def size(self) -> int:
        """Its size in bytes as the source has it."""
        return self.pack.size if self.pack else self.parts[0][1].stored

    @property
    def raw(self) -> int:
        """The size of the rows of its chunks."""
        return sum(chunk.raw for _, chunk in self.parts)

    @property
    def known(self) -> list[_Known]:
        """What is known of a repository that has these chunks in it."""
        return [_known(chunk, self.pack) for _, chunk in self.parts]

    @property
    def needed(self) -> int:
        """How many bytes are in memory while it is sent."""
        return max(chunk.raw for _, chunk in self.parts) + (self.pack.size if self.pack else 0)


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
        recorded = target.recorded_chunks() if target else Recorded()
        self._files = _usable_files(target, recorded.files | recorded.packs) if target else {}
        # what no backup of the target vouches for is read before it is taken for what is wanted
        self._known = _vouched(recorded, self._files)

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
            _parcels(manifest, self._known),
            partial(self._transfer, target, label),
            size=lambda parcel: parcel.needed,
            workers=max(self._source.store.parallel, target.store.parallel),
            in_flight=2 * IN_FLIGHT,
        )
        for parcel, size, new in transfers:
            progress.advance(rows=sum(chunk.rows for _, chunk in parcel.parts), bytes=parcel.raw)
            chunks, sent = chunks + len(parcel.parts) * new, sent + size * new
            self._files[parcel.id] = size
            self._known.update(parcel.known)
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

    def _planned(self, label: str, coming: set[_Known]) -> PlannedCopy:
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
        touched = list(_parcels(manifest, coming))
        missing = [parcel for parcel in touched if parcel.id not in self._files and parcel.id not in coming]
        for parcel in touched:
            coming.update((parcel.id, *parcel.known))
        return PlannedCopy(
            label=label,
            chunks=sum(len(parcel.parts) for parcel in missing),
            bytes=sum(parcel.size for parcel in missing),
            raw=sum(parcel.raw for parcel in touched),
        )

    def _read_manifest(self, label: str) -> bytes:
        try:
            return self._source.store.get(manifest_name(label), limit=manifest_file.LIMIT)
        except StorageError as error:
            raise _unreadable(label, error) from error

    def _transfer(self, target: Repository, label: str, parcel: _Parcel) -> tuple[_Parcel, int, bool]:
        """See that the target has a file; gives its size there in bytes, and whether it had to be sent."""
        name = pack_name(parcel.id) if parcel.pack else chunk_name(parcel.id)
        size = self._files.get(parcel.id)
        if size is not None and (parcel.pack is None or size == parcel.size) and _is_sound(target, parcel):
            target.store.make_durable([name])
            return parcel, size, False
        content = _content_of(self._source, label, parcel, strict=size is not None)
        target.store.put(name, content)
        return parcel, len(content), True


def _is_sound(target: Repository, parcel: _Parcel) -> bool:
    try:
        _check_parts(parcel, _read(target, parcel))
    except DamagedChunkError:
        return False
    return True


def _read(repository: Repository, parcel: _Parcel) -> bytes:
    first = parcel.parts[0][1]
    return (
        pack_content(repository.store, parcel.id, first.id) if parcel.pack else stored_form(repository.store, first, ())
    )


def _check_parts(parcel: _Parcel, content: bytes, label: str = "") -> None:
    """See that the chunks in a file are what was written; the error names the table, given a label."""
    for table, chunk in parcel.parts:
        stored = content[chunk.at : chunk.at + chunk.stored] if parcel.pack else content
        try:
            examine(stored, chunk, table)
        except DamagedChunkError as error:
            if not label:
                raise
            raise _unreadable(f"{label}, table {table.name}", error) from error


def _content_of(source: Repository, label: str, parcel: _Parcel, *, strict: bool) -> bytes:
    """The content of a file, its chunks checked; DamageError names the table that is hurt.

    Args:
        strict: the target has the file, and it is damaged there: other backups there may need what is damaged here.
    """
    try:
        content = _read(source, parcel)
    except StorageError as error:
        raise _unreadable(f"{label}, table {parcel.parts[0][0].name}", error) from error
    _check_parts(parcel, content, label)
    if strict and parcel.pack and sha256(content).hexdigest() != parcel.id:
        raise DamageError(
            f"backup {label}: pack {parcel.id} is damaged in both repositories",
            hint="`invoke check --repository R` says where; copy the backup from another copy of the repository",
        )
    return content


def _unreadable(what: str, error: StorageError) -> DamageError:
    return DamageError(f"backup {what}: {error.message}", hint=error.hint)


def _usable_files(repository: Repository, recorded: Container[tuple[str, int]]) -> dict[str, int]:
    """Id → size of each chunk with a file of its own and of each pack.

    Without those that a prune may remove soon because no backup needs them.
    """
    old = datetime.now(UTC) - YOUNG
    listed = chain.from_iterable(map(repository.store.list, OF_ROWS))
    files = ((chunk_id_of(file.name) or pack_id_of(file.name), file) for file in listed)
    return {
        file_id: file.size
        for file_id, file in files
        if file_id and (file.modified >= old or (file_id, file.size) in recorded)
    }


def _known(chunk: Chunk, pack: Pack | None) -> _Known:
    """By what it is known that a chunk is stored, as a manifest with that pack says."""
    if pack is None:
        return chunk.id
    return chunk.id, Place(pack=pack.id, size=pack.size, at=chunk.at, stored=chunk.stored)


def _vouched(recorded: Recorded, files: Mapping[str, int]) -> set[_Known]:
    """The chunks of a repository that backups there have, and whose files are there."""
    known: set[_Known] = {chunk_id for chunk_id, size in recorded.files if files.get(chunk_id) == size}
    for chunk_id, places in recorded.places.items():
        known.update((chunk_id, place) for place in places if files.get(place.pack) == place.size)
    return known


def _parcels(manifest: Manifest, known: Container[_Known]) -> Iterator[_Parcel]:
    """The files with chunks of a backup that are not known, each once, with these chunks."""
    passed, packs = set[str](), dict[int, _Parcel]()
    parts = chain.from_iterable((table, *table.supporting) for table in manifest.tables)
    for part in parts:
        for chunk in part.chunks:
            if chunk.id in passed:
                continue
            passed.add(chunk.id)
            pack = None if chunk.pack is None else manifest.packs[chunk.pack]
            if _known(chunk, pack) in known:
                continue
            if pack is None:
                yield _Parcel(chunk.id, [(part, chunk)])
            else:
                packs.setdefault(chunk.pack or 0, _Parcel(pack.id, [], pack)).parts.append((part, chunk))
    yield from packs.values()


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
    """The manifest without what depends on where it is stored: how its chunks were compressed, and stand in packs."""
    replace = msgspec.structs.replace

    def plain(chunks: Iterable[Chunk]) -> tuple[Chunk, ...]:
        return tuple(replace(chunk, stored=0, pack=None, at=0) for chunk in chunks)

    tables = tuple(
        replace(
            table,
            chunks=plain(table.chunks),
            support=tuple(replace(support, chunks=plain(support.chunks)) for support in table.support),
        )
        for table in manifest.tables
    )
    stats = replace(manifest.metadata.stats, compressed_size=0)
    return replace(manifest, checksum="", packs=(), tables=tables, metadata=replace(manifest.metadata, stats=stats))
