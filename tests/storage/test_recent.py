"""Keeping what was decoded last."""

from __future__ import annotations

import pytest

from tests.storage.samples import sample_rows, write_backup
from toolkit.errors import DamageError
from toolkit.storage.layout import manifest_name
from toolkit.storage.recent import Recent
from toolkit.storage.repository import Repository


def test_what_was_not_asked_for_longest_makes_room() -> None:
    """As much is kept as there is room for: the newest, and what was asked for since."""
    recent: Recent[str] = Recent(10)
    for key, size in (("a", 4), ("b", 4)):
        recent.keep(key, key.upper(), size)
    assert recent.get("a") == "A"
    recent.keep("c", "C", 4)
    recent.keep("larger than all of it", "", 11)
    assert [recent.get(key) for key in ("a", "b", "c", "larger than all of it")] == ["A", None, "C", None]


def test_a_manifest_is_decoded_once_while_its_file_stays_as_it_is(repository: Repository) -> None:
    """Read again, a backup is the same manifest; a file that has changed since is looked at anew."""
    label = write_backup(repository, sample_rows())[0].metadata.label
    assert repository.manifest(label) is repository.manifest(label)
    name = manifest_name(label)
    repository.store.put(name, repository.store.get(name)[:-1] + b" ")
    with pytest.raises(DamageError):
        repository.manifest(label)
