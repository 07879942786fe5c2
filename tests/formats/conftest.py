"""A backup of unpleasant rows, made once, and databases to load exports into."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.control import Control, execute, new_role
from tests.formats.nasty import CATALOG, ROWS, TABLES
from toolkit.model.outcome import Outcome
from toolkit.postgres.servers.embedded import EmbeddedServer

CLERK = "playback_test_clerk"

Exporting = Callable[..., Outcome]


@pytest.fixture(scope="package")
def shop(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """The host `shop`, of whose database there is a backup."""
    name = f"export_{os.getpid()}"
    pg18.drop_database(name)
    control = Control(tmp_path_factory.mktemp("export"), CATALOG)
    control.add_host("shop", pg18.create_database(name))
    control.add_host("maker", pg18.conninfo(name, user="postgres"))  # which may make databases
    execute(control.hosts["shop"]["database"], TABLES, ROWS)
    control.backup("shop")
    yield control
    pg18.drop_database(name)


@pytest.fixture
def export(shop: Control, tmp_path: Path) -> Exporting:
    """Exports the backup; `to` is a file, or without an ending a directory, below the test's own directory."""

    def run(kind: str, to: str, *, check: bool = False, **arguments: Any) -> Outcome:
        place = "file" if Path(to).suffix else "directory"
        given = {"format": kind, place: str(tmp_path / to), **arguments}
        return shop.run("export", "shop", given, check=check)

    return run


@pytest.fixture
def clerk(pg18: EmbeddedServer, elsewhere: str) -> str:
    """The same database for a role that owns nothing, with the privileges that an export asks for in its head."""
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        new_role(pg18.superuser, CLERK)
    schemas = 'public, types, "Bill ""Ing"""'
    execute(
        elsewhere,
        f"GRANT USAGE ON SCHEMA {schemas} TO {CLERK}",
        f"GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA {schemas} TO {CLERK}",
        f"GRANT UPDATE ON ALL SEQUENCES IN SCHEMA {schemas} TO {CLERK}",
    )
    return pg18.conninfo(str(psycopg.conninfo.conninfo_to_dict(elsewhere)["dbname"]), user=CLERK)


@pytest.fixture
def elsewhere(new_database: Callable[[], str]) -> str:
    """An empty database with the same schema."""
    made = new_database()
    execute(made, TABLES)
    return made
