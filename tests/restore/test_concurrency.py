"""Restores while other sessions write: begun again where they stood in the way, and right in the end."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.laboratory import SUPERUSER
from tests.restore.proxy import Proxy
from tests.restore.sweeping import SESSIONS
from toolkit.errors import DatabaseError
from toolkit.postgres.write import recovery

ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)"


@pytest.fixture
def pair(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Ten rows, of which the first has changed."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    made = make_pair({"items": {"owned_by": ["tenant"]}}, ITEMS)
    made.fill("INSERT INTO items SELECT n, 'a', 'same' FROM generate_series(1, 10) n")
    execute(made.source, "UPDATE items SET name = 'of the backup' WHERE id = 1")
    return made


def commit_when_waited_for(pair: Pair, writer: psycopg.Connection[tuple[object, ...]]) -> threading.Thread:
    """Commit a session's transaction as soon as the restore waits for one of its locks."""
    waiting = f"SELECT 1 {SESSIONS} AND wait_event_type = 'Lock'"

    def run() -> None:
        # only a superuser sees what the sessions of others wait for
        with psycopg.connect(pair.target, user=SUPERUSER, autocommit=True) as watcher:
            for _ in range(10_000):
                if watcher.execute(waiting.encode()).fetchone():
                    break
                time.sleep(0.01)
        writer.commit()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE items SET name = 'meanwhile' WHERE id = 1",
        "DELETE FROM items WHERE id = 1",
        "UPDATE items SET id = 11 WHERE id = 1",
    ],
)
def test_a_row_that_changes_meanwhile_is_planned_anew(pair: Pair, statement: str) -> None:
    """A row to be updated that another session changes or deletes: the restore begins again and gets it right."""
    manifest = pair.backup()
    with psycopg.connect(pair.target) as writer:
        writer.execute(statement.encode())
        thread = commit_when_waited_for(pair, writer)
        outcome = pair.control.restore("target", manifest, "mirror")
        thread.join()
    assert outcome.facts["inserts" if "name" not in statement else "updates"] == 1
    assert pair.control.verify("target", manifest).exit_code == 0
    assert not pair.control.restore("target", manifest, "mirror").changed


def test_nobody_writes_while_foreign_keys_are_suspended(pair: Pair) -> None:
    """A superuser's restore waits for writers, then sees what they wrote: no row is left pointing at nothing."""
    execute(pair.target, "INSERT INTO tenants VALUES ('x', 'extra', false)")
    manifest = pair.backup()
    with psycopg.connect(pair.target) as writer:
        writer.execute("INSERT INTO items VALUES (12, 'x', 'meanwhile')")
        thread = commit_when_waited_for(pair, writer)
        outcome = pair.control.restore("superuser", manifest, "mirror")
        thread.join()
    assert outcome.facts["deletes"] == 2
    assert pair.control.verify("target", manifest).exit_code == 0


def test_a_restore_that_never_gets_through_changes_nothing(pair: Pair) -> None:
    """When every attempt meets a serialization failure in the middle, the last is reported and nothing has changed."""
    manifest = pair.backup()
    execute(
        pair.target,
        "CREATE SEQUENCE attempts",
        """
        CREATE FUNCTION in_the_way() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM nextval('public.attempts');
            RAISE EXCEPTION 'in the way' USING ERRCODE = 'serialization_failure';
        END $$
        """,
        "ALTER TABLE items ADD CHECK (in_the_way()) NOT VALID",
    )
    state = pair.state()
    with pytest.raises(DatabaseError, match="in the way"):
        pair.control.restore("target", manifest, "mirror")
    assert pair.rows("SELECT last_value FROM attempts") == [(8,)]
    assert pair.state() == state


@pytest.mark.parametrize("atomic", [True, False])
def test_a_row_that_another_session_never_lets_go_ends_the_restore(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, *, atomic: bool
) -> None:
    """Three waits in each of two transactions, the second with the tables locked; then it says who holds the row."""
    monkeypatch.setattr(recovery, "LOCK_SECONDS", 0.02)
    manifest = pair.backup()
    with Proxy(pair.target) as proxy, psycopg.connect(pair.target) as holder:
        tries = list[str]()
        proxy.on_statement = lambda _, statement: tries.append(statement)
        pair.control.add_host("behind", proxy.conninfo(pair.target))
        holder.execute("SELECT FROM items WHERE id = 1 FOR UPDATE")
        state = pair.state()
        with pytest.raises(DatabaseError, match="another session holds rows") as error:
            pair.control.restore("behind", manifest, "mirror", atomic=atomic)
        assert f"session {holder.info.backend_pid} (" in str(error.value)
        assert sum('"public"."items" t SET' in statement for statement in tries) == 6
        assert pair.state() == state
        holder.rollback()
    assert pair.control.restore("target", manifest, "mirror", atomic=atomic).changed
    assert pair.control.verify("target", manifest).exit_code == 0
