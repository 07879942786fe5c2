"""Asking a store what it can do and how fast it is, by using it under a temporary name and cleaning up afterwards."""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from toolkit.errors import StorageError
from toolkit.storage.store import Ability, Store

_SAMPLE = 8 * 1024 * 1024
_ROUNDS = 5


def probe(store: Store) -> Iterator[Ability]:
    """Use a store under temporary names, and say what was found; nothing stays behind.

    Raises:
        StorageError: it cannot be reached, or not be written to.
        InputError: its keys cannot be had.
    """
    if store.one_file:
        yield from store.probe("")
        return
    prefix = f"probe-{uuid.uuid4().hex}-"
    try:
        yield from _basics(store, prefix)
        yield from _speed(store, prefix)
        yield from store.probe(prefix)
    except BaseException:
        with suppress(StorageError):
            _clean_up(store, prefix)
        raise
    _clean_up(store, prefix)


def median_ms(action: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Give the median time of several calls, in milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _clean_up(store: Store, prefix: str) -> None:
    store.delete_many([stored.name for stored in store.list(prefix)])


def _basics(store: Store, prefix: str) -> Iterator[Ability]:
    """Write, list, read and remove one file; then whether new files are atomic and deleted ones gone."""
    name = f"{prefix}file"
    store.put(name, b"playback")
    written = datetime.now(UTC)
    listed = list(store.list(prefix))
    if store.get(name) != b"playback" or [stored.name for stored in listed] != [name]:
        raise StorageError(f"{store.place} does not give back what was just written to it")
    yield Ability(what="write, list, read", found="work")
    skew = abs((listed[0].modified - written).total_seconds())
    late = skew > 60
    yield Ability(
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
    yield Ability(what="remove", found="works")
    atomic = store.conditional
    yield Ability(
        what="make only if absent",
        found="atomic" if atomic else "not atomic",
        meaning=""
        if atomic
        else "two runs that choose the same label in the same second could collide; locks do not need it",
    )
    kept = store.keeps_deleted
    yield Ability(
        what="deleted files",
        found="kept as old versions" if kept else "gone",
        meaning="prune frees nothing by itself: let the bucket's lifecycle rules expire old versions" if kept else "",
    )


def _speed(store: Store, prefix: str) -> Iterator[Ability]:
    small = f"{prefix}small"
    store.put(small, b"1")
    yield Ability(what="latency", found=f"{median_ms(lambda: store.size(small)):.1f} ms a question")
    data = os.urandom(_SAMPLE)
    large = f"{prefix}large"
    up = median_ms(lambda: store.put(large, data), rounds=2)
    yield Ability(what="speed of writing", found=_rate(up), meaning="one file at a time; a backup writes several")
    down = median_ms(lambda: store.get(large), rounds=2)
    yield Ability(what="speed of reading", found=_rate(down), meaning="one file at a time; a restore reads several")


def _rate(milliseconds: float) -> str:
    return f"{_SAMPLE / 2**20 / max(milliseconds, 0.001) * 1000:.0f} MiB/s"
