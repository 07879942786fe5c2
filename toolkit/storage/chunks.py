"""Reading chunks: nothing is trusted without its SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from toolkit.errors import DamageError, MissingError
from toolkit.model.manifest import Chunk, Pack, Place, TableEntry, chunk_id
from toolkit.planning.chunking import FORMAT_1
from toolkit.planning.totals import PACK_MAXIMUM
from toolkit.storage import frame
from toolkit.storage.layout import chunk_name, pack_name
from toolkit.storage.row_checks import RowCount, problem_of
from toolkit.storage.store import Store

_HINT = (
    "take another backup, or copy the chunk from a copy of the repository; where the database still has these rows,"
    " remove the damaged file and back up again"
)
_OTHER_ROWS = "its rows have another SHA-256"

YOUNG = timedelta(hours=6)
"""For how long an unreferenced chunk is reused as it is: much less than the time for which a prune spares it."""


class Damage(StrEnum):
    """What can be wrong with a stored chunk, or, where its rows are right, with what the manifest says of them."""

    MISSING = "missing"
    TRUNCATED = "truncated"
    ALTERED = "altered"
    MANIFEST = "manifest"


class DamagedChunkError(DamageError):
    """A chunk is not what was written."""

    def __init__(self, kind: Damage, identity: str, fact: str) -> None:
        super().__init__(f"chunk {identity} {fact}", hint=_HINT)
        self.kind = kind
        self.fact = fact


def load(store: Store, chunk: Chunk, packs: Sequence[Pack], entry: TableEntry | None = None) -> bytes:
    """Give the rows of a chunk.

    Args:
        packs: those of its manifest.
        entry: the table whose rows they have to be.

    Raises:
        DamagedChunkError: they are not what was written, or not what the manifest says of them.
    """
    return rows_in(stored_form(store, chunk, packs), chunk, entry)


def file_of(chunk: Chunk, packs: Sequence[Pack]) -> str:
    """Give the name of the file that a chunk stands in: its own, or one of these packs."""
    return chunk_name(chunk.id) if chunk.pack is None else pack_name(packs[chunk.pack].id)


def place_of(chunk: Chunk, packs: Sequence[Pack]) -> Place | None:
    """Give where a chunk stands in one of these packs; None where it is a file of its own."""
    if chunk.pack is None:
        return None
    pack = packs[chunk.pack]
    return Place(pack=pack.id, size=pack.size, at=chunk.at, stored=chunk.stored)


def stored_form(store: Store, chunk: Chunk, packs: Sequence[Pack]) -> bytes:
    """Give the bytes of a chunk as it is stored, not looked into.

    Args:
        packs: those of its manifest.

    Raises:
        DamagedChunkError: there is nothing that could be it.
    """
    name = file_of(chunk, packs)
    try:
        if chunk.pack is None:
            return store.get(name, limit=frame.longest(chunk.raw))
        return store.get_part(name, chunk.at, chunk.stored, limit=PACK_MAXIMUM)
    except MissingError as error:
        if chunk.pack is not None:
            raise _pack_missing(chunk.id, packs[chunk.pack].id) from error
        raise DamagedChunkError(Damage.MISSING, chunk.id, "is missing") from error
    except DamageError as error:
        raise DamagedChunkError(Damage.ALTERED, chunk.id, f"is damaged: {error.message}") from error


def pack_content(store: Store, pack_id: str, chunk: str, *, limit: int = PACK_MAXIMUM) -> bytes:
    """Give the content of a pack, not looked into.

    Args:
        chunk: the id of a chunk that stands in it.

    Raises:
        DamagedChunkError: there is nothing that could be it.
    """
    try:
        return store.get(pack_name(pack_id), limit=limit)
    except MissingError as error:
        raise _pack_missing(chunk, pack_id) from error
    except DamageError as error:
        raise DamagedChunkError(Damage.ALTERED, chunk, f"is damaged: {error.message}") from error


def _pack_missing(chunk: str, pack_id: str) -> DamagedChunkError:
    return DamagedChunkError(Damage.MISSING, chunk, f"is missing with pack {pack_id}")


def rows_in(stored: bytes, chunk: Chunk, entry: TableEntry | None = None) -> bytes:
    """Give the rows in the file of a chunk; raises as `load` does.

    The SHA-256 of the rows decides. A stored size other than the manifest's is only named as the likely cause: another
    version of the compressor may have written the same rows again.
    """
    try:
        rows = frame.decompress(stored, chunk.raw)
    except ValueError as error:
        raise _damaged(stored, chunk, str(error)) from error
    if chunk_id(rows) != chunk.id:
        raise _damaged(stored, chunk, _OTHER_ROWS)
    _check_rows(chunk, problem_of(rows, chunk, entry))
    return rows


def check_form(stored: bytes, identity: str, raw: int) -> None:
    """Raise DamagedChunkError unless bytes are the stored form of a chunk, which has so many bytes of rows."""
    try:
        rows = frame.decompress(stored, raw)
    except ValueError as error:
        raise DamagedChunkError(Damage.ALTERED, identity, f"is damaged: {error}") from error
    if chunk_id(rows) != identity:
        raise DamagedChunkError(Damage.ALTERED, identity, f"is damaged: {_OTHER_ROWS}")


def examine(stored: bytes, chunk: Chunk, entry: TableEntry | None = None) -> None:
    """Check the file of a chunk as `rows_in` does, in bounded memory however large the chunk is."""
    if chunk.raw <= FORMAT_1.maximum:
        rows_in(stored, chunk, entry)
        return
    digest, count = sha256(), RowCount()
    try:
        for piece in frame.pieces(stored, chunk.raw):
            digest.update(piece)
            count.add(piece)
    except ValueError as error:
        raise _damaged(stored, chunk, str(error)) from error
    if digest.hexdigest() != chunk.id:
        raise _damaged(stored, chunk, _OTHER_ROWS)
    _check_rows(chunk, count.problem(chunk))


def _damaged(stored: bytes, chunk: Chunk, reason: str) -> DamagedChunkError:
    kind = Damage.TRUNCATED if len(stored) < chunk.stored else Damage.ALTERED
    cause = f" (its file has {len(stored)} bytes instead of {chunk.stored})" if len(stored) != chunk.stored else ""
    return DamagedChunkError(kind, chunk.id, f"is damaged: {reason}{cause}")


def _check_rows(chunk: Chunk, problem: str) -> None:
    if problem:
        raise DamagedChunkError(Damage.MANIFEST, chunk.id, problem)
