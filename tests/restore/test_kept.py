"""Rows that stay as they are although the backup has them otherwise: whose they are now, and what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.test_deletion import HOSTS

MEMBERS = (
    "CREATE TABLE users (id text PRIMARY KEY, email text UNIQUE NOT NULL, seen date)",
    "CREATE TABLE members (id text PRIMARY KEY, person text NOT NULL REFERENCES users,"
    " tenant text NOT NULL REFERENCES tenants)",
    "CREATE TABLE permissions (id text PRIMARY KEY, person text NOT NULL REFERENCES users, name text)",
)
MEMBER_RULES = {
    "users": {"owned_by": ["members.person"]},
    "members": {"owned_by": ["tenant"]},
    "permissions": {"owned_by": ["person"]},
}
LOGS = (
    "CREATE TABLE docs (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants ON DELETE CASCADE)",
    "CREATE TABLE logs (id integer PRIMARY KEY, doc integer REFERENCES docs ON DELETE SET NULL,"
    " other integer REFERENCES docs ON DELETE SET NULL, text text)",
)
LOG_RULES = {"docs": {"owned_by": ["tenant"]}, "logs": {"owned_by": ["doc", "other"]}}


def kept(facts: Any) -> list[tuple[str, str, int, list[str], list[str]]]:
    """What stays: table, reason, how many rows, the keys and the owners of a few."""
    return [
        (each["table"], each["reason"], each["rows"], each["samples"], each["owners"]) for each in facts["kept_rows"]
    ]


def moved(make_pair: MakePair) -> Pair:
    """User u was of both businesses and is of b alone now, w has moved to b, v is still of a."""
    pair = make_pair(MEMBER_RULES, *MEMBERS)
    pair.fill(
        "INSERT INTO users VALUES ('u', 'u@x', '2026-01-01'), ('v', 'v@x', '2026-01-01'), ('w', 'w@x', '2026-01-01')",
        "INSERT INTO members VALUES ('ma', 'u', 'a'), ('mb', 'u', 'b'), ('mv', 'v', 'a'), ('mw', 'w', 'a')",
        "INSERT INTO permissions VALUES ('p', 'u', 'old')",
    )
    execute(
        pair.target,
        "DELETE FROM members WHERE id = 'ma'",
        "UPDATE users SET seen = '2026-05-05' WHERE id = 'u'",
        "UPDATE members SET tenant = 'b' WHERE id = 'mw'",
        "UPDATE users SET email = 'w@b' WHERE id = 'w'",
    )
    return pair


@HOSTS
@pytest.mark.parametrize("mode", ["merge", "mirror"])
@pytest.mark.parametrize("on_error", ["abort", "quarantine"])
def test_rows_that_are_anothers_now_are_kept_and_explained(
    make_pair: MakePair, host: str, mode: str, on_error: str
) -> None:
    """A row whose owner has changed is no conflict: it stays, named with the business that has it, and the rest is
    restored."""
    pair = moved(make_pair)
    before = pair.rows("SELECT ctid, xmin, * FROM users WHERE id <> 'v' ORDER BY id")
    manifest = pair.backup()
    planned = pair.control.restore(host, manifest, mode, businesses=["a"], on_error=on_error, check=True)
    done = pair.control.restore(host, manifest, mode, businesses=["a"], on_error=on_error)
    expected = [
        ("members", "belong to another business now", 1, ["mw"], ["b"]),
        ("users", "belong to another business now", 2, ["u", "w"], ["b"]),
    ]
    assert kept(planned.facts) == kept(done.facts) == expected
    assert planned.exit_code == done.exit_code == 0
    pointing = "members: 1 rows to be written point by (person) at rows of users that are another business's now"
    assert [[line for line in each.warnings if line.startswith(pointing)] for each in (planned, done)] == [
        [f"{pointing}, and not as they were in the backup, e.g. ma"]
    ] * 2
    assert "kept users: 2 rows: belong to another business now (b), e.g. u, w" in done.details
    assert planned.plan is not None
    assert [each["rows"] for table in _tables(planned.plan) for each in table["kept_rows"]] == [1, 2]
    assert pair.rows("SELECT ctid, xmin, * FROM users WHERE id <> 'v' ORDER BY id") == before
    assert pair.rows("SELECT id, tenant FROM members ORDER BY id") == [
        ("ma", "a"),
        ("mb", "b"),
        ("mv", "a"),
        ("mw", "b"),
    ]


def _tables(plan: Any) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = plan["tables"]
    return tables


def lost(make_pair: MakePair) -> Pair:
    """Both businesses' logs, of which the last is of both; then business a is deleted, and b's doc 4."""
    pair = make_pair(LOG_RULES, *LOGS)
    pair.fill(
        "INSERT INTO docs SELECT n, CASE WHEN n % 2 = 1 THEN 'a' ELSE 'b' END FROM generate_series(1, 4) n",
        "INSERT INTO logs SELECT n, n, NULL, 'log ' || n FROM generate_series(1, 4) n",
        "INSERT INTO logs VALUES (5, 1, 2, 'of both'), (6, 1, 4, 'of both, then of nobody'), (7, NULL, NULL, 'common')",
    )
    execute(pair.target, "DELETE FROM tenants WHERE id = 'a'", "DELETE FROM docs WHERE id = 4")
    execute(pair.target, "UPDATE logs SET text = 'changed' WHERE id = 7")
    return pair


@HOSTS
@pytest.mark.parametrize("mode", ["merge", "mirror"])
@pytest.mark.parametrize("own", [False, True])
def test_rows_of_a_deleted_business_come_back(make_pair: MakePair, host: str, mode: str, own: bool) -> None:
    """What SET NULL left behind as nobody's is the restored business's again where the backup says that it was its
    alone, out of a wider backup and out of its own; what was others' too stays, by key."""
    pair = lost(make_pair)
    manifest = pair.backup(businesses=["a"]) if own else pair.backup()
    arguments: dict[str, Any] = {} if own else {"businesses": ["a"]}
    planned = pair.control.restore(host, manifest, mode, check=True, **arguments)
    done = pair.control.restore(host, manifest, mode, **arguments)
    assert kept(planned.facts) == kept(done.facts)
    assert kept(done.facts) == [
        ("logs", "belong to another business now", 1, ["5"], ["b"]),
        ("logs", "of no business, and not the restored businesses' alone in the backup", 1, ["6"], []),
    ]
    assert pair.rows("SELECT id, doc, other FROM logs ORDER BY id") == [
        (1, 1, None),
        (2, 2, None),
        (3, 3, None),
        (4, None, None),
        (5, None, 2),
        (6, None, None),
        (7, None, None),
    ]
    assert pair.rows("SELECT text FROM logs WHERE id = 7") == [("changed",)]
    assert done.facts["updates"] == 2


def shared_members(make_pair: MakePair) -> Pair:
    """Users who are members: u of a and b, v of a; their permissions became nobody's when the users were deleted."""
    pair = make_pair(
        {**MEMBER_RULES, "permissions": {"owned_by": ["person", "tenant"]}, "notes": {"owned_by": ["permission"]}},
        *MEMBERS[:2],
        "CREATE TABLE permissions (id text PRIMARY KEY, person text REFERENCES users ON DELETE SET NULL,"
        " tenant text REFERENCES tenants ON DELETE SET NULL, name text)",
        "CREATE TABLE notes (id text PRIMARY KEY, permission text REFERENCES permissions, text text)",
    )
    pair.fill(
        "INSERT INTO users VALUES ('u', 'u@x'), ('v', 'v@x')",
        "INSERT INTO members VALUES ('ma', 'u', 'a'), ('mb', 'u', 'b'), ('mv', 'v', 'a')",
        "INSERT INTO permissions VALUES ('pu', 'u', NULL, 'old'), ('pv', 'v', NULL, 'old'), ('pt', NULL, 'a', 'old')",
        "INSERT INTO notes VALUES ('nu', 'pu', 'old'), ('nv', 'pv', 'old'), ('nt', 'pt', 'old')",
    )
    execute(
        pair.target,
        "DELETE FROM members",
        "DELETE FROM users",
        "UPDATE permissions SET tenant = NULL",
        "UPDATE notes SET text = 'edited by b'",
    )
    return pair


@HOSTS
@pytest.mark.parametrize("own", [False, True])
def test_what_members_of_others_owned_too_stays(make_pair: MakePair, host: str, own: bool) -> None:
    """A row of nobody that was another business's too, by a member who is none of the restored business's, stays as it
    is, by key, with what hangs on it; what the restored business's members alone owned comes back."""
    pair = shared_members(make_pair)
    manifest = pair.backup(businesses=["a"]) if own else pair.backup()
    arguments: dict[str, Any] = {} if own else {"businesses": ["a"]}
    planned = pair.control.restore(host, manifest, "mirror", check=True, **arguments)
    done = pair.control.restore(host, manifest, "mirror", **arguments)
    why = "of no business, and not the restored businesses' alone in the backup"
    assert (
        kept(planned.facts) == kept(done.facts) == [("notes", why, 1, ["nu"], []), ("permissions", why, 1, ["pu"], [])]
    )
    assert pair.rows("SELECT id, text FROM notes ORDER BY id") == [
        ("nt", "old"),
        ("nu", "edited by b"),
        ("nv", "old"),
    ]
    assert pair.rows("SELECT id, person, tenant FROM permissions ORDER BY id") == [
        ("pt", None, "a"),
        ("pu", None, None),
        ("pv", "v", None),
    ]
