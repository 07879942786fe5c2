"""Databases behind a pooler that gives a session of the server to another client after each transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.control import Control, execute, rows
from tests.pooler import pooler
from toolkit.errors import RefusedError
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import connect

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, name text, demo boolean);
CREATE TABLE orders (id serial PRIMARY KEY, shop text REFERENCES shops ON DELETE CASCADE, at timestamptz, code text);
CREATE TABLE items (id integer PRIMARY KEY, "order" integer REFERENCES orders ON DELETE CASCADE, price money);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not silent''; END';
INSERT INTO shops VALUES ('a', 'A', false), ('b', 'B', false), ('d', 'D', true);
INSERT INTO orders SELECT n, chr(97 + n % 2), '2026-01-01 00:00+00', n FROM generate_series(1, 40) n;
INSERT INTO items SELECT n, n, n FROM generate_series(1, 40) n;
SELECT setval('orders_id_seq', 40);
CREATE TRIGGER shout BEFORE INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION shout();
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, demo: demo}
business:
  all: {shops: tenant, orders: {owned_by: [shop]}, items: {owned_by: [order]}}
"""

STATE = """
SELECT (SELECT json_object_agg(name, setting ORDER BY name) FROM pg_settings
        WHERE context IN ('user', 'superuser') AND name NOT IN ('application_name', 'client_encoding'))::text,
       (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors),
       (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND pg_my_temp_schema() = relnamespace),
       (SELECT count(*) FROM pg_proc WHERE pg_my_temp_schema() = pronamespace),
       (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
"""


@pytest.fixture
def pooled(tmp_path: Path, new_database: Callable[[], str], pg18: EmbeddedServer) -> Iterator[Control]:
    """Hosts `direct` and, behind a pooler, `pooled`: one database, whose role has settings that would end a restore."""
    control, conninfo = Control(tmp_path, CATALOG), new_database()
    execute(conninfo, SCHEMA)
    name = psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]
    for setting in ("transaction_timeout = '2min'", "\"DateStyle\" = 'German'", "default_transaction_read_only = on"):
        execute(conninfo, f'ALTER DATABASE "{name}" SET {setting}')
    control.add_host("direct", conninfo)
    with pooler(pg18, conninfo) as through:
        control.add_host("pooled", through)
        yield control


def in_the_pool(conninfo: str, sessions: int = 3) -> list[tuple[object, ...]]:
    """What each session of the pool has become."""
    with ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(conninfo)) for _ in range(sessions)]
        found = []
        for connection in connections:  # each holds a session of its own, in a transaction
            found.append(connection.execute(STATE.encode()).fetchone() or ())
        return found


def test_a_pool_serves_and_nothing_is_left_in_it(pooled: Control) -> None:
    """Backups, restores, proofs and statements go through PgBouncer, and leave its sessions as they were."""
    direct, through = (str(pooled.hosts[name]["database"]) for name in ("direct", "pooled"))
    before = in_the_pool(through)
    manifest = pooled.backup("pooled", demo="include")
    assert manifest.tables == pooled.backup("direct", demo="include").tables
    execute(
        direct,
        "SET default_transaction_read_only = off",
        "ALTER TABLE items DISABLE TRIGGER USER",
        "DELETE FROM orders WHERE id < 9",
        "UPDATE items SET price = 0",
        "ALTER TABLE items ENABLE TRIGGER USER",
    )
    pooled.restore("pooled", manifest, "mirror", businesses=["a"])
    pooled.restore("pooled", manifest, "merge")
    assert pooled.verify("pooled", manifest).exit_code == 0
    assert rows(
        direct, 'SELECT count(*) FROM orders, items WHERE "order" = orders.id AND price::numeric = items.id'
    ) == [(40,)]
    assert not pooled.run("orphans", "pooled", {"action": "delete"}).changed
    pooled.run("sql", "pooled", {"query": "SELECT 1"})
    assert in_the_pool(through) == before


def test_steps_through_a_pool_are_refused(pooled: Control) -> None:
    """A restore in steps, whose plan outlives a transaction, is refused before anything is changed."""
    manifest = pooled.backup("direct")
    with pytest.raises(RefusedError, match="reached through a pooler"):
        pooled.restore("pooled", manifest, "merge", atomic=False)


def test_statement_pooling_is_named(tmp_path: Path, new_database: Callable[[], str], pg18: EmbeddedServer) -> None:
    """A pooler that allows no transactions is an error with the remedy."""
    control, conninfo = Control(tmp_path, CATALOG), new_database()
    execute(conninfo, SCHEMA)
    with pooler(pg18, conninfo, mode="statement") as through:
        control.add_host("pooled", through)
        with pytest.raises(Exception, match="statement pooling") as caught:
            control.backup("pooled")
        assert "pool_mode = transaction" in getattr(caught.value, "hint", "")
        with (
            pytest.raises(Exception, match="unsupported startup parameter") as caught,
            connect(psycopg.conninfo.make_conninfo(through, options="-c geqo=off")),
        ):
            pass
        assert "options" in getattr(caught.value, "hint", "")


def test_the_schema_is_copied_beside_the_pool(pooled: Control) -> None:
    """A scratch database is refused through a pooler, since pg_dump would leave its settings there, and made beside."""
    manifest, through = pooled.backup("pooled"), str(pooled.hosts["pooled"]["database"])
    before = in_the_pool(through)
    wanted = {"from": manifest.metadata.label, "mode": "mirror", "scratch": {"like": "pooled"}}
    with pytest.raises(RefusedError, match="through a pooler") as refused:
        pooled.run("restore", "pooled", wanted)
    assert "`direct`" in refused.value.hint
    pooled.add_host("pooled", through, direct=pooled.hosts["direct"]["database"])
    assert pooled.run("restore", "pooled", wanted).facts["inserts"] == manifest.metadata.stats.total_records
    assert in_the_pool(through) == before
