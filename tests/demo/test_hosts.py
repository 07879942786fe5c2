"""Databases that are started and filled on first use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.control import execute
from toolkit.actions.databases import open_database
from toolkit.errors import InputError
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.creation import create_once
from toolkit.postgres.servers.embedded import EmbeddedServer


@pytest.fixture
def name(pg18: EmbeddedServer) -> Iterator[str]:
    """A name for a database of the test server, dropped at the end with its draft."""
    chosen = f"once_{os.getpid()}"
    yield chosen
    pg18.drop_database(chosen)
    pg18.drop_database(f"{chosen}.draft")


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Path]:
    """A control directory whose demo server is stopped at the end."""
    yield tmp_path
    embedded.stop(tmp_path / ".playback" / "demo")


def _businesses(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM businesses").fetchone()
    assert row is not None
    return int(row[0])


def test_other_databases_are_left_as_they_are(tmp_path: Path) -> None:
    """A conninfo of one's own comes back unchanged, and nothing is started."""
    assert open_database(tmp_path, "host=db.example.com dbname=shop") == "host=db.example.com dbname=shop"
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    """The error says what names look like."""
    with pytest.raises(InputError, match=r"embedded database name '\.\./x'"):
        open_database(tmp_path, "embedded:../x")


def test_demo_is_filled_on_first_use_and_kept(control: Path) -> None:
    """The first use starts a server and fills its database; the second finds what was changed since."""
    first = open_database(control, "embedded:demo")
    assert (control / ".playback" / "demo").is_dir()
    assert _businesses(first) == 8
    with psycopg.connect(first) as connection:
        connection.execute("DELETE FROM sync_events")
    second = open_database(control, "embedded:demo")
    assert second == first
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT count(*) FROM sync_events").fetchone() == (0,)


def test_what_a_killed_run_left_is_not_taken_for_the_demo(pg18: EmbeddedServer, name: str) -> None:
    """A draft without its rows is thrown away and made anew; only the complete database gets the name."""
    pg18.create_database(f"{name}.draft")
    assert not pg18.has_database(name)
    create_once(pg18, name, fill=lambda made: execute(made, "CREATE TABLE businesses AS SELECT generate_series(1, 8)"))
    assert _businesses(pg18.conninfo(name)) == 8
    assert not pg18.has_database(f"{name}.draft")


def test_an_empty_database_is_made_for_any_other_name(pg18: EmbeddedServer, name: str) -> None:
    """It belongs to the role that is no superuser, and asking again changes nothing."""
    create_once(pg18, name)
    create_once(pg18, name)
    with psycopg.connect(pg18.conninfo(name)) as connection:
        found = connection.execute(
            "SELECT pg_get_userbyid(datdba), (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert found == ("playback", 0)
