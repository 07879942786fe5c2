"""Schemas of unusual shape: what they hold goes through backup, restore, mirror and verify like any other's."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import Servers
from tests.control import Control, execute, rows
from tests.sweeps import sampled
from toolkit.config import inventory
from toolkit.config.catalog_entry import entry
from toolkit.errors import DatabaseError, RefusedError
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.servers.installations import installations

CATALOG = """
catalog: application
schema: {schema}
tenant: {{table: org, key: id, label: name}}
business:
  core:
    org: tenant
    ev: {{owned_by: [org_id]}}
{more}
"""

TABLES = """
CREATE TABLE org (id integer PRIMARY KEY, name text);
CREATE TABLE ev (id integer PRIMARY KEY, org_id integer NOT NULL REFERENCES org, v text);
"""

ROWS = """
INSERT INTO org VALUES (1, 'a'), (2, 'b');
INSERT INTO ev SELECT g, 1 + g % 2, 'V' || g FROM generate_series(1, 6) g;
"""


def control(directory: Path, servers: Servers, ddl: str, more: str = "", *, schema: str = "public") -> Control:
    """Hosts `source`, filled, and `target`, empty, of one schema."""
    made = Control(directory, CATALOG.format(schema=schema, more=more))
    for name in ("source", "target"):
        database = servers.database()
        execute(database, ddl)
        made.add_host(name, database)
    return made


def url(made: Control, host: str) -> str:
    """The conninfo of a host."""
    return str(made.hosts[host]["database"])


def round_trip(made: Control, source: str, damage: str = "") -> None:
    """Back up, mirror into the empty target, damage it, mirror it again; check mode with samples goes before each."""
    execute(url(made, "source"), source)
    manifest = made.backup("source")
    for spoilt in ("", damage):
        if spoilt:
            execute(url(made, "target"), spoilt)
        foreseen = made.restore("target", manifest, "mirror", check=True)
        done = made.restore("target", manifest, "mirror")
        numbers = ("inserts", "updates", "deletes", "kept")
        assert [foreseen.facts[name] for name in numbers] == [done.facts[name] for name in numbers]
        assert done.changed
        assert made.verify("target", manifest).exit_code == 0


DAMAGE = "UPDATE ev SET v = 'x' WHERE id = 1; DELETE FROM ev WHERE id = 2; INSERT INTO ev VALUES (100, 1, 'n')"


@pytest.mark.parametrize("schema", ["App", "my app.x", 'a"b%s'])
def test_schema_names(tmp_path: Path, servers: Servers, schema: str) -> None:
    """A schema may have capitals, blanks, dots and quotes in its name, in a scratch restore too."""
    quoted = '"{}"'.format(schema.replace('"', '""'))
    path = f"SET search_path = {quoted}; "
    more = """    'a b.c"d%s': {owned_by: ["o rg"]}"""
    odd = 'CREATE TABLE "a b.c""d%s" (id integer PRIMARY KEY, "o rg" integer REFERENCES org, "x%s" serial);'
    ddl = f"CREATE SCHEMA {quoted}; {path}{TABLES}{odd}"
    made = control(tmp_path, servers, ddl, more, schema=f"'{schema}'")
    round_trip(made, path + ROWS + 'INSERT INTO "a b.c""d%s" VALUES (1, 2)', path + DAMAGE)
    [manifest] = [made.repository.manifest(label) for label in made.repository.labels()]
    scratch = made.run(
        "restore", "source", {"from": manifest.metadata.label, "mode": "mirror", "scratch": {"like": "source"}}
    )
    assert scratch.facts["inserts"] == 9


def test_a_table_without_columns(tmp_path: Path, servers: Servers) -> None:
    """A table without columns has rows all the same, as many as there were."""
    made = control(tmp_path, servers, TABLES + "CREATE TABLE nothing ();", "    nothing: shared")
    more = "INSERT INTO nothing DEFAULT VALUES;"
    round_trip(made, ROWS + 2 * more, DAMAGE + ";" + more)
    assert rows(url(made, "target"), "SELECT count(*) FROM nothing") == [(2,)]


def test_a_column_with_a_dot_in_its_name(tmp_path: Path, servers: Servers) -> None:
    """Such a column owns, and is pointed at, where it is quoted as in SQL; so it is proposed."""
    made = control(
        tmp_path,
        servers,
        TABLES + 'CREATE TABLE part ("p.id" integer PRIMARY KEY, "ev.id" integer REFERENCES ev);'
        "CREATE TABLE bit (id integer PRIMARY KEY, part integer REFERENCES part);",
        """    part: {owned_by: ['"ev.id"']}
    bit: {owned_by: [part], references: {part: 'part."p.id"'}}""",
    )
    round_trip(
        made, ROWS + "INSERT INTO part VALUES (1, 1), (2, 2); INSERT INTO bit VALUES (1, 1), (2, 2);", "DELETE FROM bit"
    )
    (alone,) = (each.rows for each in made.backup("source", businesses=["1"]).tables if each.name == "bit")
    assert alone == 1
    loaded = inventory.load(tmp_path / "inventory").catalog("application")
    rule = loaded.rules["part"]
    assert entry(rule) == r'part: {owned_by: ["\"ev.id\""]}'


@pytest.mark.parametrize("key", sampled(["PRIMARY KEY", ""], 1))
def test_as_many_columns_as_a_table_can_have(tmp_path: Path, servers: Servers, key: str) -> None:
    """A table of 1,600 columns, keyed or not, is backed up, compared row by row, sampled, restored and built anew."""
    wide = f"CREATE TABLE wide (id integer {key}, org_id integer NOT NULL REFERENCES org, {{}});".format(
        ", ".join(f"column_{number} integer" for number in range(1598))
    )
    made = control(tmp_path, servers, TABLES + wide, "    wide: {owned_by: [org_id]}")
    round_trip(
        made,
        ROWS + "INSERT INTO wide (id, org_id, column_1) VALUES (1, 1, 5), (2, 2, 3)",
        "UPDATE wide SET column_7 = 8, column_1597 = 1 WHERE id = 1; DELETE FROM wide WHERE id = 2",
    )
    if key:
        scratch = made.run("restore", "source", {"mode": "merge", "scratch": {"like": "source"}})
        assert made.run("verify", "source", {"host": scratch.facts["host"]}).exit_code == 0


def test_only_a_table_that_is_taken_is_refused_for_object_ids(tmp_path: Path, servers: Servers) -> None:
    """A large object's id in a table that no backup holds stands in nobody's way; in one that is taken it is named."""
    ddl = TABLES + "CREATE TABLE lob (id integer PRIMARY KEY, content oid);"
    source = ROWS + "INSERT INTO lob VALUES (1, 1234)"
    made = control(tmp_path / "out", servers, ddl, "transient: {all: {lob: {}}}")
    round_trip(made, source, DAMAGE)
    taken = control(tmp_path / "in", servers, ddl, "    lob: shared")
    with pytest.raises(RefusedError) as refused:
        taken.backup("source")
    assert refused.value.reasons == ("lob.content is of type oid",)
    assert "inventory/catalogs/application.yml" in refused.value.hint


@pytest.mark.parametrize(
    "setting",
    [
        "default_transaction_read_only = on",
        "transaction_timeout = 100",
        "quote_all_identifiers = on",
        "search_path = nowhere",
        "default_transaction_isolation = serializable",
    ],
)
def test_settings_of_the_database(tmp_path: Path, servers: Servers, setting: str) -> None:
    """Whatever a database is set to for its application, a session of ours has settings of its own."""
    made = control(tmp_path, servers, TABLES)
    execute(url(made, "source"), ROWS.replace("1, 6", "1, 30000"))
    for host in ("source", "target"):
        with psycopg.connect(url(made, host), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {setting}".encode())
    manifest = made.backup("source")
    assert made.restore("target", manifest, "mirror").facts["inserts"] == 30002
    assert made.verify("target", manifest).exit_code == 0


def test_extensions_that_the_scratch_server_lacks_are_named(
    tmp_path: Path, servers: Servers, pg15: EmbeddedServer
) -> None:
    """A schema that the embedded server cannot hold is refused with all that it lacks, in the words of the action that
    asks for it, and fits beside the original."""
    servers.by_version[15] = pg15
    database = servers.database(15)
    name = str(psycopg.conninfo.conninfo_to_dict(database)["dbname"])
    superuser = pg15.conninfo(name, user="postgres")
    execute(superuser, "CREATE SCHEMA more", "CREATE EXTENSION citext SCHEMA more", "CREATE ROLE till")
    execute(superuser, "CREATE EXTENSION pgcrypto")
    execute(superuser, "GRANT USAGE ON SCHEMA more TO public")
    ordered = 'ALTER TABLE org ALTER name TYPE text COLLATE "de-x-icu"'
    policy = "CREATE POLICY own ON ev TO till USING (true)"
    execute(database, TABLES, ROWS, ordered, policy, "ALTER TABLE ev ALTER v TYPE more.citext, ADD x xml")
    made = Control(tmp_path, CATALOG.format(schema="public", more=""))
    made.add_host("source", superuser)
    wanted = {"from": made.backup("source").metadata.label, "mode": "mirror", "scratch": {"like": "source"}}
    lacking = r"cannot hold the schema.*\n  - extension pgcrypto 1\.\d+: .*\n  - collations of ICU.*\n  - type xml"
    with pytest.raises(RefusedError, match=lacking) as refused:
        made.run("restore", "source", wanted)
    assert refused.value.hint.startswith("`on: host` in `scratch`, or for shipped playbooks")
    export: dict[str, Any] = {
        "format": "sql",
        "file": str(tmp_path / "x.sql"),
        "like": "source",
        "where": {"ev": "true"},
    }
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    for action, given in {"export": export, "import": {"file": str(tmp_path / "x.json")}}.items():
        with pytest.raises(RefusedError, match=lacking) as refused:
            made.run(action, "source", given)
        assert refused.value.hint.startswith(f"`on: host` in `{action}` makes it on the host's own server")
        assert "verify" not in refused.value.hint
    try:
        done = made.run("restore", "source", {**wanted, "scratch": {"like": "source", "on": "host"}})
        assert (done.exit_code, done.facts["inserts"]) == (0, 8)
    finally:
        pg15.drop_database(f"playback_scratch_of_{name}")
        pg15.drop_database(name)
        execute(pg15.superuser, "DROP ROLE till")


def test_pg_dump_without_tls_is_passed_over(tmp_path: Path, servers: Servers, pg15: EmbeddedServer) -> None:
    """A host that asks for TLS is copied by the next pg_dump that has it; where one without is named, that is told."""
    servers.by_version[15] = pg15
    database = servers.database(15)
    execute(database, TABLES, ROWS)
    made, asking = Control(tmp_path, CATALOG.format(schema="public", more="")), f"{database} sslmode=require"
    made.add_host("source", asking)
    wanted = {"from": made.backup("source").metadata.label, "mode": "mirror", "scratch": {"like": "source"}}
    assert made.run("restore", "source", wanted).facts["inserts"] == 8
    made.add_host("source", asking, programs=str(next(iter(installations())) / "bin"))
    with pytest.raises(DatabaseError, match=r"SSL support is not compiled in \(pg_dump 18 in ") as failed:
        made.run("restore", "source", wanted)
    assert "`programs: DIRECTORY`" in failed.value.hint


KEY_VALUES = {
    "hstore": "hstore(g::text, 'a b')",
    "ltree": "('top.b' || g)::ltree",
    "cube": "cube(g, g + 1)",
    "seg": "(g || ' .. ' || g + 1)::seg",
    "isbn13": "isbn13('97800000000' || g || '?')",
    "int4range": "int4range(g, g + 5)",
    "tstzmultirange": "tstzmultirange(tstzrange('2026-01-01', timestamptz '2026-01-01' + g * interval '1 day'))",
    "place": "ROW(g, 'it''s')::place",
    "shelf": "('top.s' || g)::shelf",
}
"""Types that can be keys, each with three values: of extensions, ranges, composite, and a domain of an extension's."""


def test_keys_of_every_type(tmp_path: Path, pg15: EmbeddedServer) -> None:
    """Whatever its type, the server's, an extension's, a composite or a domain, a key tells rows apart and leads."""
    names = {f"key{number}": kind for number, kind in enumerate(KEY_VALUES)}
    catalog = CATALOG.format(
        schema="public",
        more="".join(f"    {name}: {{owned_by: [org_id]}}\n    {name}s: {{owned_by: [k]}}\n" for name in names),
    )
    made = Control(tmp_path, catalog)
    types = "CREATE TYPE place AS (x integer, y text); CREATE DOMAIN shelf AS ltree CHECK (nlevel(VALUE) = 2);"
    ddl = "".join(
        f"CREATE TABLE {name} (k {kind} PRIMARY KEY, org_id integer NOT NULL REFERENCES org, v text);"
        f"CREATE TABLE {name}s (id integer PRIMARY KEY, k {kind} REFERENCES {name});"
        for name, kind in names.items()
    )
    for host in ("source", "target"):
        database = f"keys_{host}_{uuid4().hex[:8]}"
        made.add_host(host, pg15.create_database(database))
        extensions = "; ".join(f"CREATE EXTENSION {name}" for name in "hstore ltree cube seg isn".split())
        execute(psycopg.conninfo.make_conninfo(url(made, host), user="postgres"), extensions)
        execute(url(made, host), types + TABLES + ddl)
    fill = "".join(
        f"INSERT INTO {name} SELECT {KEY_VALUES[kind]}, 1 + g % 2, 'v' FROM generate_series(1, 3) g;"
        f"INSERT INTO {name}s SELECT g, {KEY_VALUES[kind]} FROM generate_series(1, 3) g;"
        for name, kind in names.items()
    )
    damage = "".join(
        f"UPDATE {name} SET v = 'w' WHERE k = (SELECT k FROM {name}s WHERE id = 1);"
        f"UPDATE {name}s SET k = (SELECT k FROM {name}s WHERE id = 1) WHERE id = 3;"
        f"DELETE FROM {name} WHERE k NOT IN (SELECT k FROM {name}s);"
        for name in names
    )
    round_trip(made, ROWS + fill, damage)
    execute(url(made, "target"), damage)
    one = made.backup("source", businesses=["2"])
    assert {entry.name: entry.rows for entry in one.tables if entry.name in names} == dict.fromkeys(names, 2)
    assert made.restore("target", one, "mirror").changed
    assert made.verify("target", one).exit_code == 0
    for host in ("source", "target"):
        pg15.drop_database(str(psycopg.conninfo.conninfo_to_dict(url(made, host))["dbname"]))
