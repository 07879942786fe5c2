"""Backups where no temporary table can be made: on a standby, and as a role without the TEMPORARY privilege."""

from __future__ import annotations

import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.control import Control, execute, new_role
from toolkit.config import inventory
from toolkit.errors import RefusedError
from toolkit.model.census import Census
from toolkit.model.explanation import Explanation
from toolkit.model.leak import Leaks
from toolkit.model.scope import Demo, Scope
from toolkit.postgres.selection.census import take_census
from toolkit.postgres.selection.explanation import Explainer
from toolkit.postgres.selection.leaks import find_leaks
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.account import account_of
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import connect

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, "isDemo" boolean);
CREATE TABLE persons (id char(3) PRIMARY KEY, friend char(3) REFERENCES persons);
CREATE TABLE orders (id integer PRIMARY KEY, "shopId" text REFERENCES shops, "personId" char(3) REFERENCES persons);
CREATE TABLE items (id integer PRIMARY KEY, "orderId" integer REFERENCES orders, "partOf" integer REFERENCES items);
INSERT INTO shops VALUES ('a', false), ('b', true), ('{"c', NULL);
INSERT INTO persons VALUES ('x', 'x'), ('y', NULL), ('z', 'y'), ('w', NULL);
INSERT INTO orders VALUES (1, 'a', 'z'), (2, 'b', 'y'), (3, NULL, NULL), (5, '{"c', 'x');
INSERT INTO items VALUES (1, 1, NULL), (2, 2, NULL), (3, 3, NULL), (4, NULL, 1), (5, NULL, 4), (6, 1, 2), (7, 5, 5);
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, demo: isDemo}
business:
  all: {shops: tenant, orders: {owned_by: [shopId]}, persons: referenced}
  parts: {items: {owned_by: [orderId, partOf], where: id < 100}}
"""


@pytest.fixture
def control(tmp_path: Path, new_database: Callable[[], str]) -> Control:
    """A host `primary` with a small application."""
    made = Control(tmp_path, CATALOG)
    conninfo = new_database()
    execute(conninfo, SCHEMA)
    made.add_host("primary", conninfo)
    return made


def check_reader(control: Control, host: str, settle: Callable[[], None] = lambda: None) -> None:
    """A host on which every command that only reads gives what it gives on the primary, and others are refused."""
    scopes = ({"demo": "include"}, {"demo": "exclude"}, {"businesses": ['{"c']})
    for arguments in scopes:
        expected, manifest = (control.backup(each, **arguments) for each in ("primary", host))
        assert manifest.tables == expected.tables
        assert manifest.selection == expected.selection
        assert control.verify(host, expected).exit_code == 0
    assert told(control, host) == told(control, "primary")
    assert control.run("orphans", host, {}).facts == control.run("orphans", "primary", {}).facts
    execute(control.hosts["primary"]["database"], 'UPDATE items SET "partOf" = NULL WHERE id = 7')
    settle()
    assert "its rows differ; which ones is not known here" in str(control.verify(host, expected))
    with pytest.raises(RefusedError, match=r"is on a standby|TEMPORARY privilege"):
        control.restore(host, expected, "merge", check=True)


def told(control: Control, host: str) -> tuple[Leaks, Census, list[Explanation]]:
    """What ties its businesses together, what they own, and why a scope takes some of its rows or does not."""
    catalog = inventory.load(control.directory / "inventory").catalog("application")
    scope = Scope(businesses=("a",))
    with connect(control.hosts[host]["database"]) as connection:
        with consistent_snapshot(connection, catalog, scope) as survey:
            rows = (("items", "6"), ("items", "4"), ("persons", "y"), ("persons", "x"), ("orders", "3"))
            explainer = Explainer(connection, survey)
            explained = [explainer.explain(table, [key]) for table, key in rows]
        with consistent_snapshot(connection, catalog, Scope(demo=Demo.INCLUDE)) as survey:
            found = find_leaks(survey)
            census = take_census(survey)
    assert found.co_owned
    assert [each.rows for each in census.businesses] == [7, 4, 3]
    assert any(each.owners for each in explained)
    return found, census, explained


def test_a_role_without_the_privilege_reads_everything(control: Control, pg18: EmbeddedServer) -> None:
    """Without TEMPORARY every scope is backed up, verified and explained as ever, and a restore is refused."""
    conninfo, role = control.hosts["primary"]["database"], f"reader_{uuid.uuid4().hex[:8]}"
    new_role(pg18.superuser, role)
    try:
        database = conninfo_to_dict(conninfo)["dbname"]
        execute(conninfo, f'REVOKE TEMPORARY ON DATABASE "{database}" FROM PUBLIC')
        execute(
            conninfo, f"GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
        )
        control.add_host("reader", make_conninfo(conninfo, user=role))
        check_reader(control, "reader")
    finally:
        execute(conninfo, f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        execute(conninfo, f"REVOKE ALL ON SCHEMA public FROM {role}")
        execute(pg18.superuser, f"DROP ROLE {role}")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[EmbeddedServer, EmbeddedServer]]:
    """A new server and a streaming standby of it."""
    primary = embedded.start(tmp_path / "primary")
    home = tmp_path / "standby"
    data = home / "data"
    home.mkdir(mode=0o700)
    program = str(primary.binaries / "pg_basebackup")
    subprocess.run([program, "-D", str(data), "-d", primary.superuser, "-R", "-c", "fast"], check=True)
    shutil.copy(tmp_path / "primary" / "password", home)
    data.chmod(0o700)
    # for root the server has an account of its own, which gets at another server of its account through that alone
    number = (primary.directory / "postmaster.pid").read_text("utf-8").splitlines()[0]
    host = str(conninfo_to_dict(primary.superuser)["host"])
    if account_of(data).number is not None and host == str(primary.directory):
        host = f"/proc/{number}/cwd"
    password = (home / "password").read_text("ascii").strip().rpartition(":")[2]
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"primary_conninfo = 'host={host} port=5432 user=postgres password={password}'\n")
    account_of(primary.directory).own(data)
    yield primary, embedded.start(home)
    for each in ("standby", "primary"):
        embedded.stop(tmp_path / each)


def test_a_standby_serves_all_that_only_reads(tmp_path: Path, pair: tuple[EmbeddedServer, EmbeddedServer]) -> None:
    """On a standby every scope is backed up, verified and explained as on its primary, and a restore is refused."""
    primary, standby = pair
    control = Control(tmp_path, CATALOG)
    control.add_host("primary", primary.create_database("application"))
    execute(control.hosts["primary"]["database"], SCHEMA)
    control.add_host("standby", standby.conninfo("application"))

    def settle() -> None:
        with psycopg.connect(primary.superuser) as connection:
            wanted = connection.execute("SELECT pg_current_wal_lsn()").fetchone()
        with psycopg.connect(standby.superuser, autocommit=True) as connection:
            for _ in range(2000):
                if connection.execute("SELECT pg_last_wal_replay_lsn() >= %s", wanted).fetchone() == (True,):
                    return
                time.sleep(0.05)
        pytest.fail("the standby does not follow")

    settle()
    check_reader(control, "standby", settle)
    execute(control.hosts["primary"]["database"], "ALTER TABLE items SET UNLOGGED")
    settle()
    with pytest.raises(RefusedError, match="on the primary only"):
        control.backup("standby")
