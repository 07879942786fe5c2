"""A database for made-up applications."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.caseless import create_caseless
from tests.selection.reading import Laboratory
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import connect


@pytest.fixture(scope="module")
def laboratory(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """One connection to a database of its own."""
    name = f"selection_{os.getpid()}"
    pg18.drop_database(name)
    owner = pg18.create_database(name)
    create_caseless(pg18.conninfo(name, user="postgres"), "types")
    with connect(owner) as connection:
        yield Laboratory(connection, tmp_path_factory.mktemp("catalogs"))
    pg18.drop_database(name)
