"""Optional tables that no task asked for: only rows that others point at are backed up."""

from __future__ import annotations

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair


@pytest.mark.parametrize(("owner", "expected"), [("a", "new"), ("b", "old")])
def test_rows_of_a_table_that_was_left_out_are_updated_like_others(
    make_pair: MakePair, owner: str, expected: str
) -> None:
    """A row that was backed up for being pointed at is the restored businesses' or not, whatever its table's rule."""
    pair = make_pair(
        {"logs": {"owned_by": ["tenant"], "optional": True}, "items": {"owned_by": ["tenant"]}},
        "CREATE TABLE logs (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)",
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, log integer REFERENCES logs)",
    )
    pair.fill(f"INSERT INTO logs VALUES (1, '{owner}', 'old')", "INSERT INTO items VALUES (1, 'a', 1)")
    execute(pair.source, "UPDATE logs SET name = 'new'")
    execute(pair.target, "INSERT INTO logs VALUES (2, 'a', 'other')")
    manifest = pair.control.backup("source", businesses=["a"], demo="include")
    pair.control.restore("target", manifest, "mirror")
    assert pair.rows("SELECT id, name FROM logs ORDER BY id") == [(1, expected), (2, "other")]
    assert not pair.control.restore("target", manifest, "mirror").changed


def test_a_star_stands_for_all_optional_tables(make_pair: MakePair) -> None:
    """All that the catalog file calls optional are taken, each by its own settings where it is named as well."""
    rule = {"owned_by": ["tenant"], "optional": True, "newest_by": "id"}
    pair = make_pair(
        {"logs": rule, "events": rule, "gone": rule},
        "CREATE TABLE logs (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants)",
        "CREATE TABLE events (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants)",
    )
    pair.fill(
        "INSERT INTO logs SELECT n, 'a' FROM generate_series(1, 3) n",
        "INSERT INTO events SELECT n, 'a' FROM generate_series(1, 3) n",
    )
    execute(pair.target, "DELETE FROM logs", "DELETE FROM events")
    manifest = pair.control.backup("source", demo="include", optional={"*": {}, "events": {"limit": 2}})
    pair.control.restore("target", manifest, "mirror")
    assert pair.rows("SELECT (SELECT array_agg(id) FROM logs), (SELECT array_agg(id) FROM events)") == [
        ([1, 2, 3], [2, 3])
    ]
