"""Servers that several stories share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.product.guarded import Guarded, guarded_server


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server that takes nothing but TLS."""
    with guarded_server(tmp_path_factory.mktemp("certificates")) as server:
        yield server
