"""SQL out of a backup is loaded by psql into an empty schema, whose constraints are in place, and all is there."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.conftest import Servers
from tests.control import Control, execute
from tests.formats.conftest import Exporting
from tests.formats.loading import content, load, sequences
from tests.formats.nasty import NAMES, PLAIN_TABLES, TABLES
from toolkit.postgres.servers.programs import ProgramError


@pytest.mark.parametrize("kind", ["sql", "copy"])
def test_everything_comes_back(shop: Control, export: Exporting, tmp_path: Path, servers: Servers, kind: str) -> None:
    """Every value and sequence, rows that point at themselves or in circles too, by a role that is no superuser."""
    outcome = export(kind, "all.sql")
    elsewhere = servers.database(18 if kind == "sql" else 16)
    execute(elsewhere, TABLES if kind == "sql" else PLAIN_TABLES)
    load(elsewhere, tmp_path / "all.sql")
    source = shop.hosts["shop"]["database"]
    assert content(elsewhere, NAMES) == content(source, NAMES)
    assert sequences(elsewhere) == sequences(source)
    assert (outcome.changed, outcome.warnings) == (True, ())
    head = (tmp_path / "all.sql").read_text(encoding="utf-8").partition("BEGIN;")[0]
    assert "-- Triggers of users fire as the rows come in, on bare." in head
    # rows that are there already refuse it, and nothing is changed
    with pytest.raises(ProgramError, match="duplicate key"):
        load(elsewhere, tmp_path / "all.sql")
    assert content(elsewhere, NAMES) == content(source, NAMES)


def test_inserts_take_neither_psql_nor_the_owner(
    shop: Control, export: Exporting, tmp_path: Path, elsewhere: str, clerk: str
) -> None:
    """INSERT statements are taken by any program, as one text, under a role with the privileges that the head names,
    whatever the session is set to."""
    export("sql", "all.sql")
    with psycopg.connect(clerk, autocommit=True) as connection:
        connection.execute("SET array_nulls = off; SET xmloption = document; SET TimeZone = 'Asia/Kathmandu'")
        connection.execute("SET DateStyle = 'SQL, DMY'; SET IntervalStyle = sql_standard")
        connection.execute((tmp_path / "all.sql").read_bytes())
    assert content(elsewhere, NAMES) == content(shop.hosts["shop"]["database"], NAMES)
