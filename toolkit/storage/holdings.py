"""What a repository holds: how many backups, what each of them added, when it was checked, and who locks it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from toolkit.errors import DamageError, MissingError
from toolkit.model.holding import Added, Holding
from toolkit.planning.clock import instant
from toolkit.storage import manifest_file
from toolkit.storage.checks import LastChecks, last_checks
from toolkit.storage.layout import BACKUPS, label_of, manifest_name
from toolkit.storage.prefetch import prefetch
from toolkit.storage.recorded import chunks_in
from toolkit.storage.remembered import Remembered
from toolkit.storage.repository import Repository
from toolkit.storage.store import StoredFile
from toolkit.storage.unlocking import found_locks

_CHUNK: Final = struct.Struct("<QQ")
"""Of a file of chunks the first 8 bytes of its id, which no other one has, and its size."""


def holding(
    repository: Repository, name: str, *, free: int | None, now: datetime, memory: Path | None = None
) -> Holding:
    """Look into a repository; StorageError where it cannot be listed.

    Args:
        name: what it is called.
        free: bytes that are free on its file system.
        memory: where what manifests say is remembered, so that each is read once; None for nowhere.
    """
    manifests = {label: each for each in repository.store.list(BACKUPS) if (label := label_of(each.name))}
    bundle = repository.store.one_file is not None
    checks = LastChecks() if bundle else last_checks(repository, now=now)
    return Holding(
        repository=name,
        place=repository.place,
        backups=len(manifests),
        added=tuple(_added(repository, manifests, memory)),
        check=checks.any,
        whole=checks.whole,
        checkable=not bundle,
        locks=found_locks(repository),
        free=free,
    )


def _added(repository: Repository, manifests: Mapping[str, StoredFile], memory: Path | None) -> Iterator[Added]:
    """What each backup added to the chunks of those before it; labels begin with the time."""

    def read(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        workers = repository.store.parallel
        each = prefetch(
            names, lambda name: (name, _packed(repository, name)), size=lambda _: 1, workers=workers, in_flight=64
        )
        return ((name, packed) for name, packed in each if packed is not None)

    known = Remembered(memory, repository, "files-1", bytes).read(list(manifests.values()), read)
    there: set[int] = set()
    for label in sorted(manifests):
        packed = known.get(manifest_name(label))
        if packed is not None:
            fresh = {chunk: size for chunk, size in _CHUNK.iter_unpack(packed) if chunk not in there}
            there.update(fresh)
            yield Added(label=label, time=instant(label.partition("-")[0]), bytes=sum(fresh.values()))


def _packed(repository: Repository, name: str) -> bytes | None:
    """The files with the chunks of a backup; None where its manifest is gone or cannot be read."""
    try:
        chunks = chunks_in(repository.store.get(name, limit=manifest_file.LIMIT))
    except (MissingError, DamageError, msgspec.DecodeError):
        return None
    return b"".join(_CHUNK.pack(int(chunk[:16], 16), size) for chunk, size in sorted(chunks.files | chunks.packs))
