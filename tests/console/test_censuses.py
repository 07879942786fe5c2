"""The businesses of hosts as pages know them: at once where they are known, and later where that takes time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.control import Control, execute
from toolkit.app.console.censuses import Censuses
from toolkit.app.control import Control as CommandControl

CATALOG = {
    "catalog": "application",
    "tenant": {"table": "shops", "key": "id"},
    "business": {"all": {"shops": "tenant", "items": {"owned_by": ["shop"]}}},
}


def test_a_page_does_not_wait_for_a_slow_database(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """While others hold a table nothing is known, then names and rows; who asks again soon is told the same."""
    control = Control(tmp_path, catalog=json.dumps(CATALOG))
    database = new_database()
    execute(
        database,
        "CREATE TABLE shops (id text PRIMARY KEY); CREATE TABLE items (id integer PRIMARY KEY, shop text)",
        "ALTER TABLE items ADD FOREIGN KEY (shop) REFERENCES shops; INSERT INTO shops VALUES ('a'), ('b')",
        "INSERT INTO items VALUES (1, 'a'), (2, 'a')",
    )
    control.add_host("shop", database)
    control.add_host("dead", "host=127.0.0.1 port=9 dbname=shop user=me")
    censuses = Censuses(control=CommandControl(directory=tmp_path))
    with psycopg.connect(database) as holding:
        holding.execute("LOCK TABLE items")
        waiting = censuses.known("shop", wait=0.1)
        assert (waiting.census, waiting.counting, waiting.error) == (None, True, None)
    found = censuses.known("shop", wait=30)
    assert found.census is not None
    assert {each.key: each.rows for each in found.census.businesses} == {"a": 3, "b": 1}
    assert not found.counting
    execute(database, "INSERT INTO shops VALUES ('c')")
    assert censuses.known("shop", wait=30).census is found.census
    again = censuses.known("shop", wait=30, fresh=0).census
    assert again is not None
    assert [each.key for each in again.businesses] == ["a", "b", "c"]
    dead = censuses.known("dead", wait=30)
    assert (dead.census, dead.counting) == (None, False)
    assert "127.0.0.1:9" in str(dead.error)
