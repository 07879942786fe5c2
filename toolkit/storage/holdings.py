"""What a repository holds: how many backups, what each of them added, when it was checked, and who locks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from toolkit.errors import PlaybackError
from toolkit.model.holding import Added, Holding
from toolkit.model.manifest import Manifest
from toolkit.planning.clock import instant
from toolkit.storage.checks import LastChecks, last_checks
from toolkit.storage.layout import BACKUPS, label_of
from toolkit.storage.repository import Repository
from toolkit.storage.unlocking import found_locks


@dataclass(slots=True)
class _Known:
    """What was found out of the oldest backups of a repository, to go on from."""

    manifests: list[tuple[str, int, datetime]] = field(default_factory=list)
    added: list[Added] = field(default_factory=list)
    chunks: set[bytes] = field(default_factory=set)
    turn: threading.Lock = field(default_factory=threading.Lock)


_known: Final[dict[tuple[str, str], _Known]] = {}
_lock: Final = threading.Lock()


def holding(repository: Repository, name: str, *, free: int | None, now: datetime) -> Holding:
    """Look into a repository; StorageError where it cannot be listed.

    What this process has read before is read again only where backups were removed.

    Args:
        name: what it is called.
        free: bytes that are free on its file system.
    """
    manifests = sorted(
        (label_of(each.name) or "", each.size, each.modified.astimezone(UTC))
        for each in repository.store.list(BACKUPS)
        if label_of(each.name)
    )
    bundle = repository.store.one_file is not None
    checks = LastChecks() if bundle else last_checks(repository, now=now)
    return Holding(
        repository=name,
        place=repository.place,
        backups=len(manifests),
        added=_added(repository, manifests),
        check=checks.any,
        whole=checks.whole,
        checkable=not bundle,
        locks=found_locks(repository),
        free=free,
    )


def _added(repository: Repository, manifests: Sequence[tuple[str, int, datetime]]) -> Sequence[Added]:
    with _lock:
        known = _known.setdefault((repository.store.place, repository.id), _Known())
    with known.turn:
        before = len(known.manifests)
        if not before or known.manifests != manifests[:before]:
            before, known.added, known.chunks = 0, [], set()
        # whatever ends this early, it begins from the start the next time
        known.manifests = []
        fresh = list(_read(repository, [label for label, *_ in manifests[before:]], known.chunks))
        known.added, known.manifests = [*known.added, *fresh], list(manifests)
        return tuple(known.added)


def _read(repository: Repository, labels: Sequence[str], chunks: set[bytes]) -> Iterator[Added]:
    """What each of these backups added to chunks that there were, which it adds to; they begin with their time."""

    def seen(manifest: Manifest) -> tuple[datetime, dict[bytes, int]]:
        stored = {bytes.fromhex(chunk.id): chunk.stored for _, chunk in manifest.stored_chunks}
        return instant(manifest.metadata.timestamp), stored

    for label, found in repository.each(labels, seen):
        if not isinstance(found, PlaybackError):
            time, stored = found
            yield Added(label=label, time=time, bytes=sum(size for key, size in stored.items() if key not in chunks))
            chunks.update(stored)
