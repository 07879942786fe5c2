"""Rows in quarantine are tried again by the restore that put them aside: its businesses, answers and triggers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.sweeping import WRITE, Bench, Injecting, ignore
from toolkit.actions.quarantine import ACTION as RETRY
from toolkit.errors import TaskError
from toolkit.postgres.restore import transaction
from toolkit.postgres.write import batches
from toolkit.storage.quarantine import quarantines, read_rows

RULES: dict[str, Any] = {
    "users": {"owned_by": ["members.person"]},
    "members": {"owned_by": ["tenant"]},
    "rights": {"owned_by": ["person"]},
}
DDL = (
    "CREATE TABLE users (id text PRIMARY KEY, email text UNIQUE NOT NULL, seen timestamp)",
    "CREATE TABLE members (id text PRIMARY KEY, person text NOT NULL REFERENCES users, tenant text NOT NULL"
    " REFERENCES tenants)",
    "CREATE TABLE rights (id text PRIMARY KEY, person text NOT NULL REFERENCES users ON DELETE CASCADE, p text)",
)
SHARED = (
    "INSERT INTO users VALUES ('u', 'u@x', '2026-01-01'), ('v', 'v@x', '2026-01-01'), ('w', 'w@x', '2026-01-01'),"
    " ('x', 'x@x', NULL)",
    "INSERT INTO members VALUES ('mA', 'u', 'a'), ('mB', 'u', 'b'), ('mv', 'v', 'a'), ('mw', 'w', 'a')",
    "INSERT INTO members VALUES ('mx', 'x', 'a')",
    "INSERT INTO rights VALUES ('p', 'u', 'old')",
)


def aside(pair: Pair) -> set[tuple[str, str]]:
    """The tables and keys of the rows in quarantine."""
    repository = pair.control.repository
    return {(row.table, row.key) for each in quarantines(repository) for row in read_rows(repository, each)}


def test_the_rows_of_others_are_not_overwritten(make_pair: MakePair) -> None:
    """What another business owns by now stays as it is, in the retry of one business's restore as in the restore."""
    pair = make_pair(RULES, *DDL)
    pair.fill(*SHARED)
    manifest = pair.backup()
    execute(
        pair.target,
        "DELETE FROM members WHERE id IN ('mA', 'mx')",
        "DELETE FROM users WHERE id = 'x'",
        "UPDATE users SET seen = now() WHERE id = 'u'",
        "UPDATE members SET tenant = 'b' WHERE id = 'mw'",
        "UPDATE users SET email = 'w@b' WHERE id = 'w'",
        "INSERT INTO users VALUES ('y', 'x@x', NULL)",
        "INSERT INTO members VALUES ('my', 'y', 'b')",
    )
    done = pair.control.restore("target", manifest, "mirror", businesses=["a"], on_error="quarantine")
    assert done.exit_code == 3
    assert aside(pair) == {("users", "x"), ("members", "mx")}
    others = (
        "SELECT u::text FROM users u WHERE id IN ('u', 'w', 'y') UNION SELECT m::text FROM members m WHERE id = 'mw'"
    )
    before = pair.rows(f"{others} ORDER BY 1")
    # u and w go on working for b; the address is free
    execute(
        pair.target,
        "UPDATE users SET email = 'y@x' WHERE id = 'y'",
        "UPDATE users SET seen = '2027-01-01' WHERE id = 'u'",
    )
    before = pair.rows(f"{others} ORDER BY 1")
    planned = pair.control.run(RETRY, "target", {}, check=True)
    retried = pair.control.run(RETRY, "target", {})
    assert (planned.facts["restored"], retried.facts["restored"], retried.exit_code) == (2, 2, 0)
    assert pair.rows(f"{others} ORDER BY 1") == before
    assert aside(pair) == set()


def test_a_row_that_another_business_took_meanwhile_is_kept(make_pair: MakePair) -> None:
    """A quarantined row whose place a row of another business holds by now is kept and counted, not updated."""
    pair = make_pair(RULES, *DDL)
    pair.fill(*SHARED)
    execute(pair.target, "DELETE FROM members WHERE id = 'mx'", "DELETE FROM users WHERE id = 'x'")
    execute(pair.target, "INSERT INTO users VALUES ('y', 'x@x')", "INSERT INTO members VALUES ('my', 'y', 'b')")
    manifest = pair.backup()
    pair.control.restore("target", manifest, "merge", businesses=["a"], on_error="quarantine")
    execute(pair.target, "DELETE FROM members WHERE id = 'my'", "DELETE FROM users WHERE id = 'y'")
    execute(
        pair.target, "INSERT INTO users VALUES ('x', 'typed in for b')", "INSERT INTO members VALUES ('mz', 'x', 'b')"
    )
    retried = pair.control.run(RETRY, "target", {})
    assert pair.rows("SELECT email FROM users WHERE id = 'x'") == [("typed in for b",)]
    # u, whom both businesses know, was never put aside
    assert retried.facts["kept"] == 1
    assert "kept users: 1 row: belong to another business now (b), e.g. x" in retried.details


def test_a_row_that_would_be_anothers_by_now_stays_in_quarantine(make_pair: MakePair) -> None:
    """A quarantined row that hangs on a row which has become another business's is put aside again, not handed over."""
    rules = {"customers": {"owned_by": ["tenant"]}, "notes": {"owned_by": ["customer"]}}
    pair = make_pair(
        rules,
        "CREATE TABLE customers (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants)",
        "CREATE TABLE notes (id integer PRIMARY KEY, customer integer NOT NULL REFERENCES customers, text text UNIQUE)",
    )
    pair.fill(
        "INSERT INTO customers VALUES (4, 'a'), (5, 'a'), (6, 'b')", "INSERT INTO notes VALUES (1, 4, 'n'), (2, 5, 's')"
    )
    execute(pair.target, "DELETE FROM notes", "INSERT INTO notes VALUES (8, 6, 'n'), (9, 6, 's')")
    pair.control.restore("target", pair.backup(), "merge", businesses=["a"], on_error="quarantine")
    execute(pair.target, "DELETE FROM notes", "UPDATE customers SET tenant = 'b' WHERE id = 5")
    retried = pair.control.run(RETRY, "target", {})
    assert (retried.facts["restored"], retried.exit_code, aside(pair)) == (1, 3, {("notes", "2")})
    assert pair.rows("SELECT id FROM notes") == [(1,)]


def test_answers_to_drift_are_carried(make_pair: MakePair) -> None:
    """Rows of a renamed table with a renamed, a dropped and a new column come back; nothing is asked again."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, name text UNIQUE, old text)",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 'o'), (2, 'a', 'y', 'o')")
    manifest = pair.backup()
    execute(
        pair.target,
        "ALTER TABLE items RENAME TO things",
        "ALTER TABLE things RENAME name TO title",
        "ALTER TABLE things DROP old",
        "ALTER TABLE things ADD channel text NOT NULL",
        "INSERT INTO things VALUES (9, 'b', 'y', 'web')",
    )
    catalog = pair.control.directory / "inventory" / "catalogs" / "application.yml"
    catalog.write_text(catalog.read_text(encoding="utf-8").replace('"items"', '"things"'), encoding="utf-8")
    answers: dict[str, Any] = {
        "rename": {"items": "things", "items.name": "title"},
        "drop_columns": ["items.old"],
        "defaults": {"things.channel": "shop"},
    }
    done = pair.control.restore("target", manifest, "merge", on_error="quarantine", **answers)
    assert done.exit_code == 3
    assert pair.control.run(RETRY, "target", {}).exit_code == 3
    execute(pair.target, "UPDATE things SET title = 'z' WHERE id = 9")
    assert pair.control.run(RETRY, "target", {}).facts["restored"] == 1
    assert pair.rows("SELECT * FROM things WHERE id = 2") == [(2, "a", "y", "shop")]
    assert aside(pair) == set()


def test_a_retry_says_what_its_restore_would_say(make_pair: MakePair) -> None:
    """The warnings of the plan are those of the retry."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE TABLE items (id integer GENERATED BY DEFAULT AS IDENTITY (MAXVALUE 50) PRIMARY KEY,"
        " tenant text REFERENCES tenants, name text UNIQUE)",
    )
    execute(pair.source, "INSERT INTO items VALUES (100, 'a', 'x')")
    execute(pair.target, "INSERT INTO items VALUES (9, 'b', 'x')")
    pair.restore("merge", on_error="quarantine")
    execute(pair.target, "DELETE FROM items")
    said = ("sequence items_id_seq ends at 50: items.id holds 100, past its end",)
    assert pair.control.run(RETRY, "target", {}).warnings == said


@pytest.mark.parametrize("fire", [True, False])
def test_triggers_are_as_they_were_asked_for(make_pair: MakePair, fire: bool) -> None:
    """`triggers: fire` holds for the retry too; without it they are silent."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, name text UNIQUE)",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x')")
    execute(
        pair.target,
        "INSERT INTO items VALUES (9, 'b', 'x')",
        "CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'heard'; RETURN NEW; END $$",
        "CREATE TRIGGER loud BEFORE INSERT ON items FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION loud()",
    )
    manifest = pair.backup()
    how: dict[str, Any] = {"triggers": "fire"} if fire else {}
    assert pair.control.restore("target", manifest, "merge", on_error="quarantine", **how).exit_code == 3
    execute(pair.target, "DELETE FROM items WHERE id = 9")
    if fire:  # the trigger changes what is written, and the proof says so
        with pytest.raises(Exception, match="not what they should be"):
            pair.control.run(RETRY, "target", {})
    else:
        pair.control.run(RETRY, "target", {})
        assert pair.rows("SELECT name FROM items") == [("x",)]
    assert aside(pair) == ({("items", "1")} if fire else set())


def test_a_resumed_restore_in_steps_says_what_is_asked_for_otherwise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes on with another mode, identity or answers than the run that stopped is told."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(batches, "BLOCKS", 1)
    bench.reset()
    bench.proxy.on_statement = Injecting(WRITE, 3, lambda session, statement: session.cut(), times=1000)
    with monkeypatch.context() as patch:
        patch.setattr(transaction, "ATTEMPTS", 2)
        with pytest.raises(TaskError):
            bench.restore("owner", atomic=False)
    bench.proxy.on_statement = ignore
    done = bench.control.restore("owner", bench.manifest, "mirror", atomic=False, identity="auto")
    assert any(each.endswith("; it was asked for otherwise: identity source, now auto") for each in done.warnings)


def test_a_retry_counts_rows_of_tables_that_are_not_restored_any_more(make_pair: MakePair) -> None:
    """Rows whose table became transient stay in quarantine, and the check says so as the retry does."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, name text UNIQUE)",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x')")
    execute(pair.target, "INSERT INTO items VALUES (9, 'b', 'x')")
    assert pair.control.restore("target", pair.backup(), "merge", on_error="quarantine").exit_code == 3
    catalog = pair.control.directory / "inventory" / "catalogs" / "application.yml"
    written = json.loads(catalog.read_text(encoding="utf-8"))
    for tables in written["business"].values():
        tables.pop("items", None)
    written.setdefault("transient", {})["later"] = {"items": {}}
    catalog.write_text(json.dumps(written), encoding="utf-8")
    planned = pair.control.run(RETRY, "target", {}, check=True)
    done = pair.control.run(RETRY, "target", {})
    assert planned.exit_code == done.exit_code == 3
    assert planned.facts["quarantined"] == done.facts["quarantined"]
    assert aside(pair) == {("items", "1")}
