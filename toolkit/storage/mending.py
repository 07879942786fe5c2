"""Mending damaged packs: chunks that a later backup stored anew are put back where they stood."""

from __future__ import annotations

from hashlib import sha256

from toolkit.errors import StorageError
from toolkit.model.manifest import Chunk, Manifest, Pack, Place
from toolkit.storage.chunks import DamagedChunkError, check_form, pack_content
from toolkit.storage.layout import pack_name
from toolkit.storage.recorded import Recorded
from toolkit.storage.repository import Repository


def mend_packs(repository: Repository, manifest: Manifest) -> None:
    """Make those packs whole that a backup needs, as far as other backups have what is damaged in them.

    A pack is written only where it then is what its name says.

    Raises:
        StorageError: something could not be read or written.
    """
    inside: dict[int, dict[str, Chunk]] = {}
    for _, chunk in manifest.stored_chunks:
        if chunk.pack is not None:
            inside.setdefault(chunk.pack, {})[chunk.id] = chunk
    recorded = repository.recorded_chunks()
    for number, chunks in inside.items():
        _mend(repository, manifest.packs[number], list(chunks.values()), recorded)


def _mend(repository: Repository, pack: Pack, chunks: list[Chunk], recorded: Recorded) -> None:
    try:
        content = pack_content(repository.store, pack.id, chunks[0].id)
    except DamagedChunkError:
        content = b""
    if sha256(content).hexdigest() == pack.id:
        return
    mended = bytearray(content[: pack.size].ljust(pack.size, b"\0"))
    for chunk in chunks:
        within = slice(chunk.at, chunk.at + chunk.stored)
        if not _is_chunk(bytes(mended[within]), chunk):
            others = (place for place in recorded.places.get(chunk.id, ()) if place.stored == chunk.stored)
            mended[within] = next(
                (form for place in sorted(others) if (form := _form(repository, place, chunk))), mended[within]
            )
    if sha256(mended).hexdigest() == pack.id:
        repository.store.put(pack_name(pack.id), bytes(mended))


def _form(repository: Repository, place: Place, chunk: Chunk) -> bytes | None:
    """The stored form of a chunk in another pack, where it is whole there."""
    try:
        form = repository.store.get_part(pack_name(place.pack), place.at, place.stored, limit=place.size)
    except StorageError:
        return None
    return form if _is_chunk(form, chunk) else None


def _is_chunk(form: bytes, chunk: Chunk) -> bool:
    try:
        check_form(form, chunk.id, chunk.raw)
    except DamagedChunkError:
        return False
    return True
