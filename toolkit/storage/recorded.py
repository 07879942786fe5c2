"""Which chunks the backups of a repository reference, read once per process: a run backs many hosts up into one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

import msgspec

from toolkit.errors import DamageError, MissingError
from toolkit.model.manifest import Pack, Place
from toolkit.storage import manifest_file
from toolkit.storage.decoding import decoded
from toolkit.storage.store import Store, StoredFile


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What backups reference.

    Attributes:
        files: chunk id and size of each chunk that is a file of its own.
        places: chunk id → where it stands in packs.
    """

    files: frozenset[tuple[str, int]] = frozenset()
    places: Mapping[str, frozenset[Place]] = {}

    @property
    def packs(self) -> frozenset[tuple[str, int]]:
        """Id and size of each pack."""
        return frozenset((place.pack, place.size) for places in self.places.values() for place in places)


class _Chunk(msgspec.Struct, frozen=True):
    id: str
    stored: int
    pack: int | None = None
    at: int = 0


class _Support(msgspec.Struct, frozen=True):
    chunks: tuple[_Chunk, ...]


class _Table(msgspec.Struct, frozen=True):
    chunks: tuple[_Chunk, ...]
    support: tuple[_Support, ...] = ()


class _Tables(msgspec.Struct, frozen=True):
    """The part of a manifest that says which chunks are stored, decoded alone because all manifests are read for it."""

    tables: tuple[_Table, ...]
    packs: tuple[Pack, ...] = ()


_TABLES = msgspec.json.Decoder(_Tables)
"""Made here, because msgspec crashes when several threads decode into a type for the first time at once."""


@dataclass(frozen=True, slots=True)
class _Known:
    manifests: frozenset[tuple[str, int, datetime]]
    chunks: Recorded


_known: Final[dict[tuple[str, str], _Known]] = {}
_lock: Final = threading.Lock()


def recorded_chunks(
    store: Store,
    identity: str,
    manifests: Iterable[StoredFile],
    ahead: Callable[[Iterable[str], Callable[[str], Recorded]], Iterator[Recorded]],
) -> Recorded:
    """Give what some of these manifests reference; those that cannot be read, or are damaged, are passed over.

    What this process has read before is read again only where a manifest has changed or is gone.

    Args:
        identity: the repository's.
        ahead: gives what a function gives of each name, several at once.
    """

    def read(name: str) -> Recorded:
        try:
            data = store.get(name, limit=manifest_file.LIMIT)
            # what is wrong with a place in a pack would not be seen by whoever uses it
            return chunks_in(data) if manifest_file.is_intact(data) else Recorded()
        except (MissingError, DamageError, msgspec.DecodeError):
            return Recorded()

    there = frozenset((file.name, file.size, file.modified) for file in manifests)
    with _lock:
        known = _known.get((store.place, identity))
    if known is None or not known.manifests <= there:
        known = _Known(frozenset(), Recorded())
    chunks = _together([known.chunks, *ahead(sorted(name for name, *_ in there - known.manifests), read)])
    with _lock:
        _known[store.place, identity] = _Known(there, chunks)
    return chunks


def chunks_in(data: bytes) -> Recorded:
    """Give what a manifest's file references; DecodeError where it is none."""
    manifest = decoded(_TABLES, data)
    parts = chain.from_iterable((table.chunks, *(part.chunks for part in table.support)) for table in manifest.tables)
    files, places = set[tuple[str, int]](), dict[str, frozenset[Place]]()
    for chunk in chain.from_iterable(parts):
        if chunk.pack is None:
            files.add((chunk.id, chunk.stored))
        elif not 0 <= chunk.pack < len(manifest.packs):
            raise msgspec.DecodeError(f"there is no pack {chunk.pack}")
        else:
            pack = manifest.packs[chunk.pack]
            places[chunk.id] = frozenset([Place(pack=pack.id, size=pack.size, at=chunk.at, stored=chunk.stored)])
    return Recorded(files=frozenset(files), places=places)


def _together(found: Sequence[Recorded]) -> Recorded:
    if len(found) == 1:
        return found[0]
    places = dict(found[0].places)
    for each in found[1:]:
        for identity, some in each.places.items():
            known = places.get(identity)
            places[identity] = some if known is None else known if some <= known else known | some
    return Recorded(files=frozenset().union(*(each.files for each in found)), places=places)
