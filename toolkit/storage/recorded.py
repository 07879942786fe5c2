"""Which chunks the backups of a repository reference, read once per process: a run backs many hosts up into one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

import msgspec

from toolkit.errors import DamageError, MissingError
from toolkit.storage import manifest_file
from toolkit.storage.decoding import decoded
from toolkit.storage.store import Store, StoredFile

Recorded = frozenset[tuple[str, int]]
"""Chunk id, and size of its file."""


class _Chunk(msgspec.Struct, frozen=True):
    id: str
    stored: int


class _Support(msgspec.Struct, frozen=True):
    chunks: tuple[_Chunk, ...]


class _Table(msgspec.Struct, frozen=True):
    chunks: tuple[_Chunk, ...]
    support: tuple[_Support, ...] = ()


class _Tables(msgspec.Struct, frozen=True):
    """The part of a manifest that says which chunks are stored, decoded alone because all manifests are read for it."""

    tables: tuple[_Table, ...]


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
    """Give every chunk that some of these manifests references; those that cannot be read are passed over.

    What this process has read before is read again only where a manifest has changed or is gone.

    Args:
        identity: the repository's.
        ahead: gives what a function gives of each name, several at once.
    """

    def read(name: str) -> Recorded:
        try:
            return chunks_in(store.get(name, limit=manifest_file.LIMIT))
        except (MissingError, DamageError, msgspec.DecodeError):
            return frozenset()

    there = frozenset((file.name, file.size, file.modified) for file in manifests)
    with _lock:
        known = _known.get((store.place, identity))
    if known is None or not known.manifests <= there:
        known = _Known(frozenset(), frozenset())
    chunks = known.chunks.union(*ahead(sorted(name for name, *_ in there - known.manifests), read))
    with _lock:
        _known[store.place, identity] = _Known(there, chunks)
    return chunks


def chunks_in(manifest: bytes) -> Recorded:
    """Give every chunk that a manifest's file references; DecodeError where it is none."""
    tables = decoded(_TABLES, manifest).tables
    parts = chain.from_iterable((table.chunks, *(part.chunks for part in table.support)) for table in tables)
    return frozenset((chunk.id, chunk.stored) for chunk in chain.from_iterable(parts))
