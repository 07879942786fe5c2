"""What is remembered of checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.storage.samples import sample_rows, write_backup
from toolkit.model.check import CheckRecord
from toolkit.planning.clock import stamp
from toolkit.storage.checks import checks, forgotten, last_checks, record_check
from toolkit.storage.layout import CHECKS
from toolkit.storage.repository import Repository

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def test_the_newest_checks_are_found_and_old_ones_forgotten(repository: Repository) -> None:
    """Of many the newest and the newest whole one count, none from the future; after a year only the newest stays."""
    write_backup(repository, sample_rows())
    assert last_checks(repository, now=NOW).any is None
    for days in range(50):
        record = CheckRecord(time=stamp(NOW - timedelta(days=days)), damaged=False, subset="" if days == 45 else "5%")
        record_check(repository, record)
    record_check(repository, CheckRecord(time=stamp(NOW + timedelta(days=2)), damaged=True))
    repository.store.put(f"{CHECKS}20261127T120000Z-00000000.json", b"{]")
    found = last_checks(repository, now=NOW)
    assert found.any is not None
    assert found.whole is not None
    assert (found.any.time, found.whole.time) == (stamp(NOW), stamp(NOW - timedelta(days=45)))
    assert [each.time for each in checks(repository, most=3)][1:] == [stamp(NOW)]
    assert len(forgotten(repository, NOW + timedelta(days=366))) == 49 + 1
    assert len(forgotten(repository, NOW + timedelta(days=3660))) == 51
