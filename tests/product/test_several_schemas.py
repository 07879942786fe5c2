"""Databases of several schemas: all of them are seen, what is covered is restored, what is left out is not harmed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.app.invoking import invoke
from tests.conftest import Servers
from tests.control import Control, execute, new_role, rows
from toolkit.errors import RefusedError

CATALOG = """
catalog: application
schemas: [public, auth, Bill Ing]
other_schemas: {reporting: rebuilt every night}
tenant: {table: org, key: id, label: name}
business:
  core:
    org: {rule: tenant}
    doc: {owned_by: [org_id]}
    auth.users: {owned_by: [org.owner_id]}
    Bill Ing.invoice: {owned_by: [org_id], references: {approved_by: auth.users.id}}
"""

TABLES = """
CREATE SCHEMA auth; CREATE SCHEMA "Bill Ing"; CREATE SCHEMA reporting;
CREATE TYPE auth.kind AS ENUM ('person', 'robot');
CREATE TABLE auth.users (id serial PRIMARY KEY, email text UNIQUE, kind auth.kind);
CREATE TABLE org (id integer PRIMARY KEY, name text, owner_id integer REFERENCES auth.users);
CREATE TABLE doc (id integer PRIMARY KEY, org_id integer NOT NULL REFERENCES org, note text);
CREATE TABLE "Bill Ing".invoice (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id integer NOT NULL REFERENCES org,
    approved_by integer, total numeric, doc_id integer REFERENCES doc ON DELETE CASCADE
);
CREATE TABLE reporting.charge (id integer PRIMARY KEY, doc_id integer NOT NULL REFERENCES doc ON DELETE CASCADE);
CREATE TABLE reporting.line (id integer PRIMARY KEY, charge_id integer REFERENCES reporting.charge ON DELETE CASCADE);
CREATE TABLE reporting.hint (id integer PRIMARY KEY, doc_id integer REFERENCES doc ON DELETE SET NULL);
CREATE TABLE reporting.alone (id integer);
"""

ROWS = """
INSERT INTO auth.users (email, kind) VALUES ('a@x', 'person'), ('b@x', 'robot');
INSERT INTO org VALUES (1, 'a', 1), (2, 'b', 2);
INSERT INTO doc SELECT g, 1 + g % 2, 'n' FROM generate_series(1, 6) g;
INSERT INTO "Bill Ing".invoice (org_id, approved_by, total, doc_id)
SELECT 1 + g % 2, 1 + g % 2, g, g FROM generate_series(1, 6) g;
"""

COVERED = ("auth.users", "org", "doc", '"Bill Ing".invoice')


@pytest.fixture
def made(tmp_path: Path, servers: Servers) -> Control:
    """Hosts `source`, filled, and `target`, empty, of the same schemas."""
    control = Control(tmp_path, CATALOG)
    for name in ("source", "target"):
        database = servers.database()
        execute(database, TABLES)
        control.add_host(name, database)
    execute(url(control, "source"), ROWS)
    return control


def url(made: Control, host: str) -> str:
    """The conninfo of a host."""
    return str(made.hosts[host]["database"])


def held(made: Control, host: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the covered tables."""
    return {table: rows(url(made, host), f"SELECT t.*::text FROM {table} t ORDER BY 1") for table in COVERED}


def test_a_mirror_of_all_schemas_and_of_one_business(made: Control) -> None:
    """Rows, sequences and references of every covered schema come back; the plan names tables with their schema."""
    manifest = made.backup("source")
    assert {each.name for each in manifest.tables} == {"Bill Ing.invoice", "auth.users", "doc", "org"}
    assert [(each.table, each.reason) for each in manifest.left_out] == [
        (f"reporting.{name}", "schema") for name in ("alone", "charge", "hint", "line")
    ]
    done = made.restore("target", manifest, "mirror")
    assert done.facts["inserts"] == 16
    assert held(made, "target") == held(made, "source")
    assert made.verify("target", manifest).exit_code == 0
    assert rows(url(made, "target"), "SELECT nextval('auth.users_id_seq')") == [(3,)]
    damage = """
        UPDATE "Bill Ing".invoice SET total = 0; DELETE FROM doc WHERE id = 2;
        INSERT INTO auth.users (email) VALUES ('c@x'); UPDATE auth.users SET email = upper(email)
    """
    execute(url(made, "target"), damage)
    only = made.restore("target", manifest, "mirror", businesses=["1"])
    changed: Any = only.facts["tables"]
    assert {name: table["updates"] for name, table in changed.items() if table["updates"]} == {
        "Bill Ing.invoice": 2,
        "auth.users": 1,
    }
    assert rows(url(made, "target"), 'SELECT DISTINCT total FROM "Bill Ing".invoice WHERE org_id = 2') == [(0,)]
    assert rows(url(made, "target"), "SELECT email FROM auth.users WHERE id = 1") == [("a@x",)]


def test_schemas_that_the_file_does_not_name_stop_the_run(made: Control) -> None:
    """A schema with tables stands under `schemas` or `other_schemas`; one for each tenant is called that."""
    execute(url(made, "source"), "CREATE SCHEMA stray CREATE TABLE one (id integer) CREATE TABLE two (id integer)")
    with pytest.raises(RefusedError, match="1 schema of the database with tables is not in") as refused:
        made.backup("source")
    assert refused.value.reasons == ("stray (2 tables: one, two)",)
    for number in range(3):
        execute(url(made, "source"), f"CREATE SCHEMA t{number} CREATE TABLE a (id integer) CREATE TABLE b (id integer)")
    with pytest.raises(RefusedError, match="every tenant has a schema of its own"):
        made.backup("source")
    warned = made.run("backup", "source", {"unclassified": "warn"})
    assert "table t0.a is not classified and not backed up" in warned.warnings


def test_a_table_that_was_moved_into_a_left_out_schema(made: Control) -> None:
    """Where a table of the backup is missing, one of its name in a schema that is left out is named."""
    execute(url(made, "source"), "CREATE TABLE moved (id integer)", "INSERT INTO moved VALUES (1)")
    catalog = made.directory / "inventory" / "catalogs" / "application.yml"
    catalog.write_text(catalog.read_text(encoding="utf-8") + "    moved: {rule: shared}\n", encoding="utf-8")
    manifest = made.backup("source")
    execute(url(made, "target"), "CREATE TABLE moved (id integer)", "ALTER TABLE moved SET SCHEMA reporting")
    with pytest.raises(RefusedError) as refused:
        made.restore("target", manifest, "mirror")
    where = "reporting.moved is in a schema that the catalog file leaves out"
    assert refused.value.reasons == (f"table moved is missing ({where}); the backup has 1 rows of it",)


def test_what_a_left_out_schema_would_lose_stays(made: Control) -> None:
    """A row to which something outside the covered schemas clings by CASCADE is kept, and counted with the reason."""
    manifest = made.backup("source")
    more = """
        INSERT INTO doc VALUES (8, 1, 'new'), (9, 1, 'new'), (10, 1, 'new');
        INSERT INTO reporting.charge VALUES (1, 8); INSERT INTO reporting.line VALUES (1, 1);
        INSERT INTO reporting.hint VALUES (1, 9)
    """
    execute(url(made, "source"), more)
    foreseen = made.restore("source", manifest, "mirror", check=True)
    done = made.restore("source", manifest, "mirror")
    assert foreseen.facts["tables"] == done.facts["tables"]
    assert rows(url(made, "source"), "SELECT id FROM doc WHERE id > 6") == [(8,)]
    assert rows(url(made, "source"), "SELECT count(*) FROM reporting.line") == [(1,)]
    assert done.facts["set_null"] == 1
    assert done.facts["kept"] == {"rows of reporting.charge still point at them": 1}


@pytest.mark.parametrize("superuser", [False, True])
def test_rows_that_need_a_left_out_schema_are_conflicts(made: Control, servers: Servers, superuser: bool) -> None:
    """What points into a schema that is left out has to find its row on the target, whoever restores."""
    for host in ("source", "target"):
        execute(url(made, host), "CREATE TABLE reporting.place (id integer PRIMARY KEY)")
        execute(url(made, host), "ALTER TABLE doc ADD place_id integer REFERENCES reporting.place")
    execute(url(made, "source"), "INSERT INTO reporting.place VALUES (1)", "UPDATE doc SET place_id = 1 WHERE id < 3")
    manifest = made.backup("source")
    if superuser:
        name = psycopg.conninfo.conninfo_to_dict(url(made, "target"))["dbname"]
        made.add_host("target", servers.by_version[18].conninfo(str(name), user="postgres"))
    with pytest.raises(RefusedError) as conflict:
        made.restore("target", manifest, "mirror")
    assert "reporting.place" in str(conflict.value.reasons)
    assert rows(url(made, "target"), "SELECT count(*) FROM doc") == [(0,)]
    execute(url(made, "target"), "INSERT INTO reporting.place VALUES (1)")
    assert made.restore("target", manifest, "mirror").facts["inserts"] == 16


def test_a_role_that_may_not_use_a_schema(made: Control, servers: Servers) -> None:
    """A role without USAGE on a schema is refused by the schema's name before anything is read."""
    name, clerk = str(psycopg.conninfo.conninfo_to_dict(url(made, "source"))["dbname"]), "playback_test_clerk"
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        new_role(servers.by_version[18].superuser, clerk)
    execute(url(made, "source"), f'GRANT SELECT ON ALL TABLES IN SCHEMA public, auth, "Bill Ing" TO {clerk}')
    made.add_host("clerk", servers.by_version[18].conninfo(name, user=clerk))
    with pytest.raises(RefusedError, match="cannot read everything") as refused:
        made.backup("clerk")
    assert refused.value.reasons == (
        "no USAGE on schema Bill Ing",
        "no USAGE on schema auth",
        "no SELECT on sequence Bill Ing.invoice_id_seq",
        "no SELECT on sequence auth.users_id_seq",
    )
    assert 'GRANT USAGE ON SCHEMA "Bill Ing", "auth" TO "playback_test_clerk"; GRANT SELECT' in refused.value.hint


def test_classify_proposes_all_schemas(made: Control) -> None:
    """A first look covers every schema with tables; with a file, those that it does not name are told."""
    catalog = made.directory / "inventory" / "catalogs" / "application.yml"
    said = CATALOG.splitlines()
    catalog.unlink()
    words = ("classify", "--host", "source", "--inventory", str(made.directory / "inventory"))
    done = invoke(*words)
    assert done.code == 0, done.err
    assert 'schemas: [public, "Bill Ing", auth, reporting]' in done.out
    assert "\n    auth.users: " in done.out
    catalog.write_text("\n".join(line for line in said if "other_schemas" not in line), encoding="utf-8")
    done = invoke(*words, "--update")
    assert "schema reporting (4 tables: alone, charge, hint, line) is not looked at" in done.err


def test_explain_says_that_a_schema_is_left_out(made: Control) -> None:
    """A row that no backup can hold is said to be in a schema that is left out."""
    words = ("explain", "--host", "source", "--inventory", str(made.directory / "inventory"))
    assert "auth.users.id = org.owner_id, row 1" in invoke(*words, "auth.users", "1").out
    done = invoke(*words, "reporting.alone", "1")
    assert (done.code, "is in schema reporting, which the catalog file leaves out" in done.err) == (2, True), done.err


def test_what_becomes_of_references_into_a_left_out_schema_is_declared(made: Control) -> None:
    """`on_restore` holds for rows that point into a schema that is left out; without it, the run asks."""
    for host in ("source", "target"):
        execute(url(made, host), "CREATE TABLE reporting.place (id integer PRIMARY KEY)")
        execute(url(made, host), "ALTER TABLE doc ADD place_id integer REFERENCES reporting.place")
    execute(url(made, "source"), "INSERT INTO reporting.place VALUES (1)", "UPDATE doc SET place_id = 1 WHERE id < 3")
    asked = made.run("backup", "source", {})
    assert "doc (place_id) points at reporting.place, which is transient" in str(asked.warnings)
    told = "references: {place_id: {to: reporting.place.id, on_restore: null}}"
    catalog = made.directory / "inventory" / "catalogs" / "application.yml"
    catalog.write_text(CATALOG.replace("doc: {owned_by: [org_id]}", f"doc: {{owned_by: [org_id], {told}}}"))
    manifest = made.backup("source")
    assert made.restore("target", manifest, "mirror").facts["inserts"] == 16
    assert rows(url(made, "target"), "SELECT count(*) FROM doc WHERE place_id IS NULL") == [(6,)]


def test_a_sequence_that_numbers_rows_of_a_schema_that_is_left_out(made: Control) -> None:
    """It moves with the rows that are restored, past those of the other schema too where these may be read."""
    numbered = "CREATE SEQUENCE number; ALTER TABLE doc ALTER id SET DEFAULT nextval('number');"
    for host in ("source", "target"):
        execute(url(made, host), f"{numbered} ALTER TABLE reporting.alone ALTER id SET DEFAULT nextval('number')")
    execute(url(made, "target"), "INSERT INTO reporting.alone VALUES (40)")
    manifest = made.backup("source")
    planned = made.restore("target", manifest, "mirror", check=True)
    made.restore("target", manifest, "mirror")
    sequences: dict[str, int] = planned.facts["sequences"]  # type: ignore[assignment]
    assert sequences["number"] == 40
    assert rows(url(made, "target"), "SELECT nextval('number')") == [(41,)]
