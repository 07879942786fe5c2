"""What no backup holds is named by the run that meets it; what one holds although it might not seem so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.control import Control, execute
from tests.runner.playbooks import run_text
from toolkit.app import control as app
from toolkit.app.commands.run import Options
from toolkit.errors import RefusedError

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, name text);
CREATE UNLOGGED TABLE orders (id integer PRIMARY KEY, shop text REFERENCES shops);
INSERT INTO shops VALUES ('a', 'A');
INSERT INTO orders VALUES (1, 'a');
CREATE VIEW names AS SELECT name FROM shops;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM shops;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE remote (id integer) SERVER elsewhere;
CREATE RULE quiet AS ON DELETE TO orders WHERE OLD.id = 0 DO INSTEAD NOTHING;
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch();
CREATE PUBLICATION news FOR TABLE shops;
CREATE SUBSCRIPTION heard CONNECTION 'host=/nowhere' PUBLICATION news WITH (connect = false);
COMMENT ON TABLE shops IS 'all of them';
COMMENT ON COLUMN shops.name IS 'as on the door';
GRANT SELECT ON shops TO pg_monitor;
CREATE POLICY own ON shops USING (true);
SELECT lo_create(0);
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id}
business:
  all: {shops: tenant, orders: {owned_by: [shop]}}
"""


def test_each_thing_that_no_backup_holds_is_named(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """A warning of the backup names it, and so does the manifest; rows of an unlogged table are backed up."""
    control = Control(tmp_path, CATALOG)
    conninfo = new_database()
    superuser = make_conninfo(conninfo, user="postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
    control.add_host("source", superuser)
    try:
        manifest = control.backup("source")
        aloud, quiet = (backed_up_twice(tmp_path, quiet=quiet) for quiet in (False, True))
    finally:
        execute(superuser, "ALTER SUBSCRIPTION heard SET (slot_name = NONE)", "DROP SUBSCRIPTION heard")
    assert manifest.schema.not_covered == (
        "definitions beside the rows: 2 comments, 1 grants, 1 row-level policies",
        "event trigger watching",
        "foreign table remote",
        "large objects of the database: 1",
        "materialized view totals",
        "publication news",
        "rule quiet of table orders",
        "subscription heard",
        "view names",
    )
    assert manifest.warnings == tuple(f"not covered by any backup: {each}" for each in manifest.schema.not_covered)
    assert {entry.name: entry.rows for entry in manifest.tables} == {"orders": 1, "shops": 1}
    for warning in manifest.warnings:
        assert aloud.count(f"{warning}\n") == 1
    assert aloud.count("all of it in 2 chunks stored before") == 2
    assert [line for line in quiet.splitlines() if line] == [
        "[WARNING]: [source] table gone of inventory/catalogs/application.yml is absent from the database"
    ]


def backed_up_twice(directory: Path, *, quiet: bool) -> str:
    """What a run prints that backs up twice, by a catalog file with a table that is not there."""
    file = directory / "inventory" / "catalogs" / "application.yml"
    file.write_text(CATALOG.replace("[shop]}", "[shop]}, gone: {owned_by: [shop]}"), encoding="utf-8")
    text = "- hosts: all\n  tasks:\n    - backup: {scope: business}\n    - backup: {scope: business}\n"
    ran = run_text(text, directory, Options(quiet=quiet), app.Control(directory=directory))
    assert ran.code == 0
    return ran.out


def test_rows_that_a_policy_hides_are_refused(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """A table whose rows a policy hides from the role stops the run by name, before a row is read."""
    control = Control(tmp_path, CATALOG)
    conninfo = new_database()
    execute(
        conninfo,
        "CREATE TABLE shops (id text PRIMARY KEY)",
        "CREATE TABLE orders (id integer, shop text REFERENCES shops)",
    )
    execute(conninfo, "ALTER TABLE orders ENABLE ROW LEVEL SECURITY", "ALTER TABLE orders FORCE ROW LEVEL SECURITY")
    control.add_host("source", conninfo)
    with pytest.raises(RefusedError, match="cannot read everything") as refused:
        control.backup("source")
    assert "hides rows of table orders" in str(refused.value)


def test_a_partition_that_is_a_foreign_table_is_refused(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """Its rows are another database's, so a table with it cannot be backed up or restored; it is named."""
    conninfo = new_database()
    execute(
        make_conninfo(conninfo, user="postgres"),
        "CREATE FOREIGN DATA WRAPPER nowhere",
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere",
        "CREATE TABLE shops (id text PRIMARY KEY)",
        "CREATE TABLE orders (id integer, shop text) PARTITION BY RANGE (id)",
        "CREATE TABLE orders_new PARTITION OF orders FOR VALUES FROM (10) TO (20)",
        "CREATE FOREIGN TABLE orders_old PARTITION OF orders FOR VALUES FROM (0) TO (10) SERVER elsewhere",
    )
    control = Control(tmp_path, CATALOG.replace("[shop]", "[shop], references: {shop: shops.id}"))
    control.add_host("source", make_conninfo(conninfo, user="postgres"))
    with pytest.raises(RefusedError, match="partitions are foreign tables") as refused:
        control.backup("source")
    assert refused.value.reasons == ("orders_old, a partition of table orders",)
