"""Stores and repositories for the tests of storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.storage.bundle.store import BundleStore
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository
from toolkit.storage.s3.store import S3Store
from toolkit.storage.store import Store


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module on the stores its `STORES` names; on the local one where it names none."""
    if "store_kind" in metafunc.fixturenames:
        metafunc.parametrize("store_kind", getattr(metafunc.module, "STORES", ("local",)))


@pytest.fixture
def store(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of every kind that the module asks for."""
    if store_kind == "local":
        return LocalStore(tmp_path / "store")
    if store_kind == "bundle":
        return BundleStore(tmp_path / "store.playback")
    return S3Store(request.getfixturevalue(f"{store_kind}_repository"))


@pytest.fixture
def repository(store: Store) -> Repository:
    """A new repository in an empty store."""
    return Repository.open(store, create=True)
