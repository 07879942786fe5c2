"""Rows that others write all the time do not defeat a restore, and none of what they write is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.proxy import Proxy, Session
from tests.restore.test_deletion import HOSTS
from tests.sweeps import covering
from toolkit.errors import DatabaseError
from toolkit.postgres.write import recovery

DDL = (
    "ALTER TABLE tenants ADD visits integer NOT NULL DEFAULT 0",
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text,"
    " hits integer NOT NULL DEFAULT 0)",
    "CREATE TABLE parts (id serial PRIMARY KEY, item integer NOT NULL REFERENCES items, name text)",
    "CREATE TABLE loans (id integer PRIMARY KEY, lender text REFERENCES tenants, borrower text REFERENCES tenants,"
    " amount integer NOT NULL DEFAULT 0)",
    "CREATE TABLE views (id integer PRIMARY KEY, item integer REFERENCES items ON DELETE SET NULL, hits integer)",
)
RULES = {
    "items": {"owned_by": ["tenant"]},
    "parts": {"owned_by": ["item"]},
    "loans": {"owned_by": ["lender", "borrower"]},
}
SECONDS = 100.0
"""What is a few seconds on a machine that does other things as well."""


@pytest.fixture
def pair(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Items of both businesses, of which most of a's have changed, one has gone and one is new."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    made = make_pair(RULES, *DDL, device={"views": {}})
    made.fill(
        "INSERT INTO items SELECT n, CASE WHEN n % 3 = 0 THEN 'b' ELSE 'a' END, 'same' FROM generate_series(1, 90) n",
        "INSERT INTO loans VALUES (1, 'a', 'b', 0)",
        "INSERT INTO parts (item, name) SELECT n, 'p' FROM generate_series(1, 90) n",
    )
    execute(
        made.target,
        "UPDATE items SET name = 'changed' WHERE tenant = 'a' AND id < 60",
        "DELETE FROM parts WHERE item = 89",
        "DELETE FROM items WHERE id = 89",
        "INSERT INTO items VALUES (100, 'a', 'new')",
        "INSERT INTO views VALUES (1, 100, 0)",
    )
    return made


@contextmanager
def writing(pair: Pair, *statements: str) -> Iterator[list[int]]:
    """Run each statement over and over in a session of its own; gives how often each has been committed."""
    ended, done = threading.Event(), [0 for _ in statements]

    def run(number: int) -> None:
        with psycopg.connect(pair.target, autocommit=True) as connection:
            while not ended.is_set():
                # a row that is written to may be gone
                with suppress(psycopg.errors.ForeignKeyViolation, psycopg.errors.DeadlockDetected):
                    connection.execute(statements[number].encode())
                    done[number] += 1
                time.sleep(0.002)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(statements))]
    for thread in threads:
        thread.start()
    try:
        while not all(done):
            time.sleep(0.01)
        yield done
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@HOSTS
@pytest.mark.parametrize(
    ("mode", "scope"), covering(["merge", "mirror"], [{}, {"businesses": ["a"]}, {"atomic": False}])
)
def test_a_restore_ends_among_writers(pair: Pair, host: str, mode: str, scope: dict[str, object]) -> None:
    """Hot updates of a row to be restored, of another business's row, of a row of both and of a row outside, and new
    children of a row to be written: the restore ends soon, is right, and no write of others is lost or half done."""
    manifest = pair.backup()
    begun = time.monotonic()
    statements = (
        "UPDATE items SET hits = hits + 1, name = 'hot' WHERE id = 1",
        "UPDATE items SET hits = hits + 1 WHERE id = 3",
        "UPDATE loans SET amount = amount + 1",
        "UPDATE views SET hits = hits + 1",
        "INSERT INTO parts (item, name) VALUES (3, 'hot')",
        "UPDATE tenants SET visits = visits + 1 WHERE id = 'b'",
    )
    theirs = statements if scope.get("businesses") else (statements[0], *statements[3:4])
    with writing(pair, *theirs) as done:
        outcome = pair.control.restore(host, manifest, mode, **scope)  # type: ignore[arg-type]
        counted = list(done)
        assert time.monotonic() - begun < SECONDS
    assert min(counted) > 0
    assert outcome.facts["inserts"] == 2 or "atomic" in scope  # some may be in an earlier attempt's batches
    assert pair.rows("SELECT count(*) FROM parts WHERE item = 89") == [(1,)]
    assert pair.rows("SELECT count(*) FROM items WHERE tenant = 'a' AND id NOT IN (1, 100) AND name <> 'same'") == [
        (0,)
    ]
    assert pair.rows("SELECT count(*) FROM items WHERE id = 100") == [(0 if mode == "mirror" else 1,)]
    assert pair.rows("SELECT hits FROM views") == [(done[theirs.index(statements[3])],)]
    if scope.get("businesses"):
        assert pair.rows("SELECT hits FROM items WHERE id = 3") == [(done[1],)]
        assert pair.rows("SELECT amount FROM loans") == [(done[2],)]
        assert pair.rows("SELECT count(*) FROM parts WHERE name = 'hot'") == [(done[4],)]
        assert pair.rows("SELECT visits FROM tenants WHERE id = 'b'") == [(done[5],)]


def test_locking_is_announced(pair: Pair) -> None:
    """After two attempts that others stood in the way of, the restore says which tables it locks."""
    manifest = pair.backup()
    with Proxy(pair.target) as proxy, psycopg.connect(pair.target, autocommit=True) as writer:
        writer.execute("SET lock_timeout = '100ms'")

        def write(session: Session, statement: str) -> None:
            # just before the restore does; in the end it has locked the table
            if '"public"."items" t SET' in statement:
                with suppress(psycopg.errors.LockNotAvailable):
                    writer.execute("UPDATE items SET hits = hits + 1, name = 'hot' WHERE id = 1")

        proxy.on_statement = write
        pair.control.add_host("behind", proxy.conninfo(pair.target))
        outcome = pair.control.restore("behind", manifest, "mirror")
    (locking,) = (line for line in outcome.details if "kept writing" in line)
    assert locking.endswith("so they wait to write to items, parts, tenants, views")
    assert outcome.plan is not None
    assert outcome.plan["locking"] == locking


@HOSTS
def test_who_holds_a_table_is_named(pair: Pair, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """A session that never ends its transaction is waited for no longer than is bearable, and is named."""
    monkeypatch.setattr(recovery, "TABLE_SECONDS", 0.5)
    monkeypatch.setattr(recovery, "LOCK_SECONDS", 0.05)
    manifest = pair.backup()
    state = pair.state()
    with psycopg.connect(pair.target, application_name="till") as holder:
        holder.execute("UPDATE items SET hits = 1 WHERE id = 1")
        with pytest.raises(DatabaseError, match="have held tables") as error:
            pair.control.restore(host, manifest, "mirror")
        assert f"session {holder.info.backend_pid} (till as " in str(error.value)
        assert "holds items" in str(error.value)
        holder.rollback()
    assert pair.state() == state


@HOSTS
def test_children_that_others_add_all_the_time_hold_up_no_delete(pair: Pair, host: str) -> None:
    """A row that a mirror deletes gets new children meanwhile: they go with it, and who adds more is told no."""
    manifest = pair.backup()
    with writing(pair, "INSERT INTO parts (item, name) VALUES (100, 'hot')"):
        outcome = pair.control.restore(host, manifest, "mirror", businesses=["a"])
    assert outcome.facts["set_null"] == 1
    assert pair.rows(
        "SELECT (SELECT count(*) FROM items WHERE id = 100), (SELECT count(*) FROM parts WHERE item = 100)"
    ) == [(0, 0)]
