"""Asking a store what it can do and how fast it is, by using it under a temporary name and cleaning up afterwards."""

from __future__ import annotations

import os
import shutil
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from toolkit.errors import StorageError
from toolkit.model.host import LocalRepository, RepositoryConfig, S3Repository
from toolkit.storage.local import LocalStore
from toolkit.storage.open import open_store
from toolkit.storage.store import Store

_SAMPLE = 8 * 1024 * 1024
_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a probe found.

    Attributes:
        what: what was asked about, in a word or two.
        found: the answer.
        meaning: what it means for backups here; empty when it goes without saying.
        bad: a repository cannot be used like this.
    """

    what: str
    found: str
    meaning: str = ""
    bad: bool = False


def probe(config: RepositoryConfig) -> Iterator[Finding]:
    """Use a repository's store under a temporary prefix, and say what was found; nothing stays behind.

    Raises:
        StorageError: it cannot be reached, or not be written to.
        InputError: its keys cannot be had.
    """
    store = open_store(config)
    prefix = f"probe-{uuid.uuid4().hex}/"
    try:
        yield from _basics(store, prefix)
        yield from _speed(store, prefix)
        if isinstance(config, S3Repository):
            from toolkit.storage.s3.probing import probe_server  # noqa: PLC0415 - loads boto3

            yield from probe_server(config, prefix)
        else:
            yield from _disk(config)
    except BaseException:
        with suppress(StorageError):
            _clean_up(store, config, prefix)
        raise
    _clean_up(store, config, prefix)


def _clean_up(store: Store, config: RepositoryConfig, prefix: str) -> None:
    store.delete_many([stored.name for stored in store.list(prefix)])
    if isinstance(config, LocalRepository) and (config.path / prefix).is_dir():
        (config.path / prefix).rmdir()


def _basics(store: Store, prefix: str) -> Iterator[Finding]:
    """Write, list, read and remove one file; then whether new files are atomic and deleted ones gone."""
    name = f"{prefix}file"
    store.put(name, b"playback")
    written = datetime.now(UTC)
    listed = list(store.list(prefix))
    if store.get(name) != b"playback" or [stored.name for stored in listed] != [name]:
        raise StorageError(f"{store.place} does not give back what was just written to it")
    yield Finding(what="write, list, read", found="work")
    skew = abs((listed[0].modified - written).total_seconds())
    late = skew > 60
    yield Finding(
        what="clock",
        found=f"{skew:.0f} s apart" if late else "the same",
        meaning="set this machine's clock: S3 refuses more than 15 minutes, locks and grace periods need it right"
        if late
        else "",
        bad=skew > 15 * 60,
    )
    store.delete(name)
    if store.exists(name):
        raise StorageError(f"{store.place} still has a file that was just removed")
    yield Finding(what="remove", found="works")
    atomic = store.conditional
    yield Finding(
        what="make only if absent",
        found="atomic" if atomic else "not atomic",
        meaning=""
        if atomic
        else "two runs that choose the same label in the same second could collide; locks do not need it",
    )
    kept = store.keeps_deleted
    yield Finding(
        what="deleted files",
        found="kept as old versions" if kept else "gone",
        meaning="prune frees nothing by itself: let the bucket's lifecycle rules expire old versions" if kept else "",
    )


def _disk(config: LocalRepository) -> Iterator[Finding]:
    existing = next(folder for folder in (config.path, *config.path.parents) if folder.exists())
    usage = shutil.disk_usage(existing)
    share = usage.free / usage.total if usage.total else 0.0
    yield Finding(
        what="free space",
        found=f"{usage.free / 2**30:.1f} GiB, {share:.0%} of the file system",
        meaning="soon full: prune, or use another place" if share < 0.1 else "",
    )
    yield Finding(what="flush to disk", found=f"{_median_ms(lambda: _flushed(existing)):.1f} ms for a small file")


def _speed(store: Store, prefix: str) -> Iterator[Finding]:
    small = f"{prefix}small"
    store.put(small, b"1")
    yield Finding(what="latency", found=f"{_median_ms(lambda: store.size(small)):.1f} ms a question")
    data = os.urandom(_SAMPLE)
    large = f"{prefix}large"
    up = _median_ms(lambda: store.put(large, data), rounds=2)
    yield Finding(what="speed of writing", found=_rate(up), meaning="one file at a time; a backup writes several")
    down = _median_ms(lambda: store.get(large), rounds=2)
    yield Finding(what="speed of reading", found=_rate(down), meaning="one file at a time; a restore reads several")


def _rate(milliseconds: float) -> str:
    return f"{_SAMPLE / 2**20 / max(milliseconds, 0.001) * 1000:.0f} MiB/s"


def _median_ms(action: Callable[[], object], rounds: int = _ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _flushed(folder: Path) -> None:
    store = LocalStore(folder)
    name = f"probe-{uuid.uuid4().hex}"
    store.put(name, b"1")
    store.delete(name)
