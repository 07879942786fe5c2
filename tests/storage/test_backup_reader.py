"""Reading a backup's rows from a store that is far away."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest

from tests.storage.faults import FaultyStore, flip_bit
from tests.storage.samples import some_rows, write_backup
from toolkit.errors import DamageError
from toolkit.model.outcome import SilentProgress
from toolkit.storage import backup_reader
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.layout import CHUNKS
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store

TABLES = {f"t{number:03}": some_rows(1 + number % 9, seed=number) for number in range(129)}


class FarStore(FaultyStore):
    """A store that answers late, and counts what is asked of it."""

    parallel = 8

    def __init__(self, store: Store, latency: float = 0.05) -> None:
        super().__init__(store)
        self.latency = latency
        self.asked = Counter[str]()
        self.together = 0
        self._asking = list[str]()

    def get(self, name: str, *, limit: int | None = None) -> bytes:
        """Wait, then get; counts those beside which two others are asked for."""
        self._asking.append(name)
        self.together += len(self._asking) > 2
        time.sleep(self.latency)
        self._asking.remove(name)
        self.asked[name] += name.startswith(CHUNKS)
        return super().get(name, limit=limit)


@pytest.mark.parametrize("order", ["as listed", "backwards", "mixed"])
def test_small_tables_are_read_ahead(repository: Repository, order: str) -> None:
    """129 tables of one chunk, 50 ms away: most are asked for beside others, each file once."""
    manifest, _ = write_backup(repository, TABLES)
    store = FarStore(repository.store)
    entries = list(manifest.tables)
    if order != "as listed":
        entries = entries[::-1] if order == "backwards" else random.Random(1).sample(entries, len(entries))
    before = threading.active_count()
    with BackupReader(Repository(store, repository.id), manifest) as reader:
        for entry in entries:
            assert b"".join(reader.rows_of(entry)) == b"".join(TABLES[entry.name])
    assert store.together > 129 / 2
    assert set(store.asked.values()) == {1}
    assert threading.active_count() <= before


def test_what_is_read_ahead_is_bounded(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """One table asked for brings as many others along as fit, and those alone; asked for again it is read again."""
    manifest, stored = write_backup(repository, TABLES)
    store = FarStore(repository.store, latency=0)
    largest = max(each.stored for each in stored)
    monkeypatch.setattr(backup_reader, "IN_FLIGHT", 5 * largest)
    with BackupReader(Repository(store, repository.id), manifest) as reader:
        for _ in range(2):
            assert list(reader.rows_of(manifest.tables[0])) == [b"".join(TABLES["t000"])]
    assert 3 < store.asked.total() < 24


def test_damage_is_said_where_the_rows_are_used(repository: Repository) -> None:
    """A file that was read ahead and is damaged is named with its table by who asks for it, and by a check."""
    manifest, _ = write_backup(repository, TABLES)
    store = FarStore(repository.store, latency=0)
    bad = manifest.tables[5]
    store.damage = lambda name, data: flip_bit(data, 100) if name.endswith(bad.chunks[0].id) else data
    named = f"table {bad.name} of backup {manifest.metadata.label}: chunk {bad.chunks[0].id} is damaged"
    with BackupReader(Repository(store, repository.id), manifest) as reader:
        assert list(reader.rows_of(manifest.tables[4]))
        with pytest.raises(DamageError, match=named):
            list(reader.rows_of(bad))
        with pytest.raises(DamageError, match=named):
            reader.check(SilentProgress())
