"""Stores and repositories for the tests of storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository
from toolkit.storage.store import Store


@pytest.fixture(params=["local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of every kind there is."""
    makers = {"local": lambda: LocalStore(tmp_path / "store")}
    return makers[request.param]()


@pytest.fixture
def repository(store: Store) -> Repository:
    """A new repository in an empty store."""
    return Repository.open(store, create=True)
