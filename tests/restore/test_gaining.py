"""Rows of nobody that are a restored business's by what the restore writes: a mirror is complete at once."""

from __future__ import annotations

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair
from tests.restore.test_deletion import HOSTS

DDL = (
    "CREATE TABLE deals (id integer PRIMARY KEY, tenant text REFERENCES tenants ON DELETE SET NULL)",
    "CREATE TABLE lines (row_id integer PRIMARY KEY, stage_id integer REFERENCES deals)",
    "CREATE TABLE users (id integer PRIMARY KEY)",
    "CREATE TABLE members (person integer REFERENCES users, tenant text REFERENCES tenants, PRIMARY KEY (person))",
    "CREATE TABLE notes (id integer PRIMARY KEY, person integer REFERENCES users, state text)",
)
RULES = {
    "deals": {"owned_by": ["tenant"]},
    "lines": {"owned_by": ["stage_id"]},
    "users": {"owned_by": ["members.person"]},
    "members": {"owned_by": ["tenant"]},
    "notes": {"owned_by": ["person"], "where": "state <> 'draft'"},
}


@HOSTS
@pytest.mark.parametrize("mode", ["merge", "mirror"])
def test_what_hangs_on_rows_that_get_an_owner(make_pair: MakePair, host: str, mode: str) -> None:
    """Rows that the backup lacks, below rows of nobody that it gives an owner, are treated like all of the business's:
    a second mirror changes nothing."""
    pair = make_pair(RULES, *DDL)
    pair.fill(
        "INSERT INTO deals VALUES (1, 'a'), (2, NULL)",
        "INSERT INTO lines VALUES (1, 1), (2, 2)",
        "INSERT INTO users VALUES (7), (8)",
        "INSERT INTO notes VALUES (1, 7, 'sent'), (2, 8, 'sent')",
    )
    execute(pair.source, "INSERT INTO members VALUES (7, 'a')")
    execute(
        pair.target,
        "DELETE FROM tenants WHERE id = 'b'",
        "UPDATE deals SET tenant = NULL",
        "INSERT INTO lines VALUES (3, 1), (4, 2)",
        "INSERT INTO notes VALUES (3, 7, 'sent'), (4, 7, 'draft'), (5, 8, 'sent')",
    )
    manifest = pair.backup(businesses=["a"])
    planned = pair.control.restore(host, manifest, mode, check=True)
    done = pair.control.restore(host, manifest, mode)
    assert planned.facts["tables"] == done.facts["tables"]
    kept = {(row["table"], row["rows"]) for row in done.facts["kept_rows"]}  # type: ignore[attr-defined]
    assert kept == {("notes", 1)} | ({("lines", 1)} if mode == "merge" else set())
    assert pair.rows("SELECT * FROM deals ORDER BY id") == [(1, "a"), (2, None)]
    assert [row_id for (row_id,) in pair.rows("SELECT row_id FROM lines ORDER BY 1")] == [
        1,
        2,
        *[3] * (mode == "merge"),
        4,
    ]
    assert len(pair.rows("SELECT FROM notes")) == 5
    assert not pair.control.restore(host, manifest, mode).changed
