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
from psycopg.conninfo import make_conninfo

from tests.control import Control, execute, new_role
from toolkit.errors import RefusedError
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.account import account_of
from toolkit.postgres.servers.embedded import EmbeddedServer

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, "isDemo" boolean);
CREATE TABLE orders (id integer PRIMARY KEY, "shopId" text REFERENCES shops);
CREATE TABLE items (id integer PRIMARY KEY, "orderId" integer REFERENCES orders);
INSERT INTO shops VALUES ('a', false), ('b', true);
INSERT INTO orders VALUES (1, 'a'), (2, 'b'), (3, NULL);
INSERT INTO items VALUES (1, 1), (2, 2), (3, 3), (4, NULL);
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, demo: isDemo}
business:
  all: {shops: tenant, orders: {owned_by: [shopId]}, items: {owned_by: [orderId]}}
"""


@pytest.fixture
def control(tmp_path: Path, new_database: Callable[[], str]) -> Control:
    """A host `primary` with a small application."""
    made = Control(tmp_path, CATALOG)
    conninfo = new_database()
    execute(conninfo, SCHEMA)
    made.add_host("primary", conninfo)
    return made


def check_reader(control: Control, host: str) -> None:
    """A host on which whole scopes that need no temporary table give what the primary gives; others are refused."""
    expected = control.backup("primary", demo="include")
    manifest = control.backup(host, demo="include")
    assert manifest.tables == expected.tables
    assert manifest.selection == expected.selection
    for arguments in ({"businesses": ["a"]}, {"demo": "exclude"}):
        with pytest.raises(RefusedError, match="needs temporary tables"):
            control.backup(host, **arguments)


def test_a_role_without_the_privilege_reads_what_needs_no_temporary_table(
    control: Control, pg18: EmbeddedServer
) -> None:
    """Without TEMPORARY a whole scope is backed up as ever, and a named one is refused with the reason."""
    conninfo, role = control.hosts["primary"]["database"], f"reader_{uuid.uuid4().hex[:8]}"
    new_role(pg18.superuser, role)
    try:
        database = psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]
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
    host = primary.directory if account_of(data).number is None else f"/proc/{number}/cwd"
    password = (home / "password").read_text("ascii").strip().rpartition(":")[2]
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"primary_conninfo = 'host={host} port=5432 user=postgres password={password}'\n")
    account_of(primary.directory).own(data)
    yield primary, embedded.start(home)
    for each in ("standby", "primary"):
        embedded.stop(tmp_path / each)


def test_a_standby_serves_what_needs_no_temporary_table(
    tmp_path: Path, pair: tuple[EmbeddedServer, EmbeddedServer]
) -> None:
    """On a standby a whole scope is backed up as on its primary, and a named one is refused with the reason."""
    primary, standby = pair
    control = Control(tmp_path, CATALOG)
    control.add_host("primary", primary.create_database("application"))
    execute(control.hosts["primary"]["database"], SCHEMA)
    control.add_host("standby", standby.conninfo("application"))
    with psycopg.connect(primary.superuser) as connection:
        wanted = connection.execute("SELECT pg_current_wal_lsn()").fetchone()
    with psycopg.connect(standby.superuser, autocommit=True) as connection:
        while connection.execute("SELECT pg_last_wal_replay_lsn() >= %s", wanted).fetchone() != (True,):
            time.sleep(0.05)
    check_reader(control, "standby")
