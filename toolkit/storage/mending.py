"""Mending damaged packs: chunks that stand whole anywhere else are put back where they stood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from toolkit.errors import StorageError
from toolkit.model.manifest import Chunk, Manifest, Pack, Place
from toolkit.storage import frame
from toolkit.storage.chunks import DamagedChunkError, check_form, pack_content, place_of
from toolkit.storage.layout import chunk_name, pack_name
from toolkit.storage.repository import Repository

Needed = Mapping[Place, Chunk]
"""What a backup needs of one pack."""


def mend_packs(repository: Repository, manifests: Sequence[Manifest]) -> None:
    """Make whole again what backups need of their packs, as far as the repository has it elsewhere.

    What is damaged in one pack may be needed by several backups, and each chunk is mended for all of them. A pack is
    written where a backup has all that it needs of it by that; every other byte stays as it was.

    Args:
        manifests: of the backups that were put aside.

    Raises:
        StorageError: something could not be read or written.
    """
    needed: dict[Pack, list[Needed]] = {}
    elsewhere: dict[str, set[Place]] = {}
    for manifest in manifests:
        for pack, chunks in _needed(manifest).items():
            needed.setdefault(pack, []).append(chunks)
            for place, chunk in chunks.items():
                elsewhere.setdefault(chunk.id, set()).add(place)
    recorded = repository.recorded_chunks()
    in_use: dict[str, set[Place]] = {}
    for identity, places in recorded.places.items():
        for place in places:
            in_use.setdefault(place.pack, set()).add(place)
        if identity in elsewhere:
            elsewhere[identity] |= places
    for pack, each in needed.items():
        _mend(repository, pack, each, in_use.get(pack.id, set()), elsewhere)


def _needed(manifest: Manifest) -> dict[Pack, dict[Place, Chunk]]:
    found: dict[Pack, dict[Place, Chunk]] = {}
    for _, chunk in manifest.stored_chunks:
        if chunk.pack is not None and (place := place_of(chunk, manifest.packs)) is not None:
            found.setdefault(manifest.packs[chunk.pack], {})[place] = chunk
    return found


def _mend(
    repository: Repository,
    pack: Pack,
    needed: Sequence[Needed],
    in_use: Iterable[Place],
    elsewhere: Mapping[str, Iterable[Place]],
) -> None:
    chunks = {place: chunk for each in needed for place, chunk in each.items()}
    try:
        content = pack_content(repository.store, pack.id, next(iter(chunks.values())).id)
    except DamagedChunkError:
        content = b""
    mended = bytearray(content[: pack.size].ljust(pack.size, b"\0"))
    damaged = {place for place, chunk in chunks.items() if not _is_chunk(content[_within(place)], chunk)}
    # one of two that overlap does not stand where its manifest says
    if not damaged or _overlap({*chunks, *in_use}):
        return
    left = set(damaged)
    for place in damaged:
        forms = _forms(repository, chunks[place], elsewhere[chunks[place].id])
        if (form := next(forms, None)) is not None:
            mended[_within(place)] = form
            left.discard(place)
    if any(damaged & each.keys() and not left & each.keys() for each in needed):
        repository.store.put(pack_name(pack.id), bytes(mended))


def _within(place: Place) -> slice:
    return slice(place.at, place.at + place.stored)


def _overlap(places: Iterable[Place]) -> bool:
    end = 0
    for start, stop in sorted({(place.at, place.at + place.stored) for place in places}):
        if start < end:
            return True
        end = stop
    return False


def _forms(repository: Repository, chunk: Chunk, elsewhere: Iterable[Place]) -> Iterator[bytes]:
    """The stored forms of a chunk that are whole in other places, as long as the one that was lost."""
    for place in sorted(elsewhere):
        if place.stored == chunk.stored:
            yield from _form(repository, chunk, place)
    yield from _form(repository, chunk, None)


def _form(repository: Repository, chunk: Chunk, place: Place | None) -> Iterator[bytes]:
    try:
        if place is None:
            form = repository.store.get(chunk_name(chunk.id), limit=frame.longest(chunk.raw))
        else:
            form = repository.store.get_part(pack_name(place.pack), place.at, place.stored, limit=place.size)
    except StorageError:
        return
    if len(form) == chunk.stored and _is_chunk(form, chunk):
        yield form


def _is_chunk(form: bytes, chunk: Chunk) -> bool:
    try:
        check_form(form, chunk.id, chunk.raw)
    except DamagedChunkError:
        return False
    return True
