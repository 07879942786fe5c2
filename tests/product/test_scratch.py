"""Scratch databases beside the original: built in the order of pg_restore, marked, and gone when the play has ended."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.app.invoking import invoke, playbook
from tests.conftest import Servers
from tests.control import Control, execute, rows
from tests.places import ROOT
from toolkit.errors import DatabaseError, LockedError, RefusedError
from toolkit.model.proof import Proof
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.servers.place import alone, name_beside, place_beside
from toolkit.storage.proofs import read_proofs

CATALOG = """
catalog: application
schema: public
tenant: {table: org, key: id, label: name}
business:
  core:
    org: tenant
    ev: {owned_by: [org_id]}
    leg: {owned_by: [org_id]}
    part: {owned_by: [org_id]}
    loose: {owned_by: [org_id], references: {org_id: org.id}}
other_schemas: {side: "somebody else's"}
"""

# a circle of keys, a key whose rows need not fit, one that leads out of the schema, and all kinds of things that are
# built after the rows
TABLES = """
CREATE SCHEMA side;
CREATE TABLE side.person (id integer PRIMARY KEY);
CREATE TABLE org (id integer PRIMARY KEY, name text, head integer);
CREATE TABLE ev (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id integer NOT NULL REFERENCES org, v text,
    upper text GENERATED ALWAYS AS (upper(v)) STORED, person integer REFERENCES side.person);
ALTER TABLE org ADD FOREIGN KEY (head) REFERENCES ev DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE leg (org_id integer, at date, PRIMARY KEY (org_id, at)) PARTITION BY RANGE (at);
CREATE TABLE leg_1 PARTITION OF leg FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE leg_2 PARTITION OF leg FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
ALTER TABLE leg ADD FOREIGN KEY (org_id) REFERENCES org;
CREATE TABLE part (id integer PRIMARY KEY, org_id integer, n integer);
CREATE UNIQUE INDEX ON part (lower(n::text));
CREATE TABLE side.leg_3 PARTITION OF leg FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
CREATE TABLE loose (org_id integer, v text, at date, FOREIGN KEY (org_id, at) REFERENCES leg);
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END';
CREATE VIEW named AS SELECT id, name FROM org GROUP BY id;
"""

ROWS = """
INSERT INTO org VALUES (1, 'a', NULL), (2, 'b', NULL);
INSERT INTO side.person VALUES (7);
INSERT INTO ev (org_id, v, person) SELECT 1 + g % 2, 'V' || g, CASE WHEN g = 1 THEN 7 END FROM generate_series(1, 6) g;
UPDATE org SET head = 3 - id;
INSERT INTO leg SELECT 1 + g % 2, date '2026-01-01' + g * 20 FROM generate_series(1, 12) g;
INSERT INTO part SELECT g, CASE WHEN g < 5 THEN 1 + g % 2 ELSE 99 END, g FROM generate_series(1, 6) g;
INSERT INTO loose VALUES (1, 'x'), (1, 'x'), (2, NULL);
"""

AFTERWARDS = """
ALTER TABLE part ADD FOREIGN KEY (org_id) REFERENCES org NOT VALID;
CREATE TRIGGER loud BEFORE INSERT ON ev FOR EACH ROW EXECUTE FUNCTION loud();
"""

SCRATCH = {"like": "source", "on": "host"}


@pytest.fixture
def made(tmp_path: Path, servers: Servers, pg18: EmbeddedServer) -> Iterator[Control]:
    """A host `source` with rows, as a superuser; the scratch database beside it is dropped afterwards."""
    owner = servers.database()
    database = pg18.conninfo(name_of(owner), user="postgres")
    execute(database, TABLES, ROWS, AFTERWARDS)
    control = Control(tmp_path, CATALOG)
    control.add_host("source", database)
    control.add_host("owned", owner)
    yield control
    pg18.drop_database(scratch_of(control))


def name_of(conninfo: str) -> str:
    """The name of a database."""
    return str(psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"])


def scratch_of(control: Control) -> str:
    """The name of the scratch database beside the host."""
    return f"playback_scratch_of_{name_of(control.hosts['source']['database'])}"


def inside(control: Control) -> str:
    """The conninfo of that database."""
    return psycopg.conninfo.make_conninfo(control.hosts["source"]["database"], dbname=scratch_of(control))


def databases(control: Control) -> set[str]:
    """The databases on the host's server that were made for scratch restores of it."""
    query = f"SELECT datname FROM pg_database WHERE starts_with(datname, '{scratch_of(control)}')"
    return {name for (name,) in rows(control.hosts["source"]["database"], query)}


def proofs(control: Control) -> list[Proof]:
    """What was tried to prove the backups."""
    attempts = read_proofs(control.repository).attempts
    return [proof for label in sorted(attempts) for proof in attempts[label]]


def test_rows_come_before_constraints(made: Control) -> None:
    """Circles of keys, rows that a NOT VALID key need not hold and keys that lead out are no obstacle, and are told."""
    manifest = made.backup("source")
    wanted = {"from": manifest.metadata.label, "mode": "mirror", "scratch": SCRATCH}
    done = made.run("restore", "source", wanted)
    assert done.facts["host"] == f"source:{scratch_of(made)}"
    assert done.facts["inserts"] == manifest.metadata.stats.total_records == 29
    assert f"psql --host source:{scratch_of(made)}" in "\n".join(done.details)
    assert [said for said in done.warnings if "leads to" in said] == [
        "key ev_person_fkey of public.ev leads to side.person, whose rows are not restored: left out"
    ]
    there = inside(made)
    shapes = (
        "SELECT conname, convalidated FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conname <>"
        " 'ev_person_fkey' ORDER BY 1",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT id, org_id, v, upper FROM ev ORDER BY id",
        "SELECT nextval('ev_id_seq')",
        "SELECT * FROM named ORDER BY 1",
    )
    for query in shapes:
        assert rows(there, query) == rows(made.hosts["source"]["database"], query), query
    after = made.run("verify", "source", {"backup": manifest.metadata.label, "host": done.facts["host"]})
    assert after.exit_code == 0, after.message
    (proof,) = proofs(made)
    assert (proof.place, proof.whole, proof.rows, proof.failure) == (done.facts["host"], True, 29, "")
    assert proof.seconds == pytest.approx(done.moved[0].seconds, abs=1)
    assert databases(made) == {scratch_of(made)}
    # one business, out of the same backup, makes it anew
    part = made.run("restore", "source", {**wanted, "businesses": ["1"]})
    assert rows(there, "SELECT id FROM org") == [(1,)]
    assert part.facts["inserts"] == 1 + 3 + 6 + 2 + 2
    wanted = {"backup": manifest.metadata.label, "host": str(part.facts["host"])}
    assert made.run("verify", "source", wanted).exit_code == 6
    assert made.run("verify", "source", {**wanted, "after": part.facts}).exit_code == 0
    execute(there, "DELETE FROM loose")
    assert made.run("verify", "source", {**wanted, "after": part.facts}).exit_code == 6
    assert [each.businesses for each in proofs(made)] == [(), ("1",)]


def test_an_index_by_a_function_that_needs_its_search_path(made: Control) -> None:
    """What cannot be built once rows are there is built before them, as the application did."""
    source = made.hosts["source"]["database"]
    function = "CREATE FUNCTION {}(t text) RETURNS text LANGUAGE {} IMMUTABLE AS $$ {} $$"
    execute(source, function.format("norm", "sql", "SELECT lower($1)"))
    execute(source, function.format("outer_norm", "plpgsql", "BEGIN RETURN norm($1); END"))
    execute(source, "CREATE TABLE word (org_id integer REFERENCES org, t text)", "CREATE INDEX ON word (outer_norm(t))")
    execute(source, "INSERT INTO word VALUES (1, 'A'), (2, 'B')", "DELETE FROM part WHERE org_id = 99")
    catalog = made.directory / "inventory" / "catalogs" / "application.yml"
    catalog.write_text(
        CATALOG.replace("    org: tenant", "    org: tenant\n    word: {owned_by: [org_id]}"), encoding="utf-8"
    )
    wanted = {"from": made.backup("source").metadata.label, "mode": "mirror", "scratch": SCRATCH}
    assert made.run("restore", "source", wanted).facts["inserts"] == 29
    assert rows(inside(made), "SELECT t FROM word WHERE outer_norm(t) = 'a'") == [("A",)]
    assert databases(made) == {scratch_of(made)}


def test_names_are_found_as_in_the_original(made: Control) -> None:
    """Functions that find what they name by the database's own search path do so in the scratch database, too."""
    source = made.hosts["source"]["database"]
    execute(source, "CREATE SCHEMA more", "ALTER TABLE ev ADD CHECK (v IS NOT NULL)")
    function = (
        "CREATE FUNCTION more.{}(s text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN {}; END $$"
    )
    execute(source, function.format("live", "s <> 'dead'"), function.format("lives", "live(s)"))
    execute(source, f'ALTER DATABASE "{name_of(source)}" SET search_path = public, more')
    execute(source, "CREATE TABLE word (org_id integer REFERENCES org, t text CHECK (more.lives(t)))")
    execute(source, "INSERT INTO word VALUES (1, 'A'), (2, 'B')", "DELETE FROM part WHERE org_id = 99")
    rule = 'word: {owned_by: [org_id], where: "live(t)"}'
    catalog = made.directory / "inventory" / "catalogs" / "application.yml"
    catalog.write_text(CATALOG.replace("    org: tenant", f"    org: tenant\n    {rule}"), encoding="utf-8")
    label = made.backup("source").metadata.label
    for on in ("host", "embedded"):
        wanted = {"from": label, "mode": "mirror", "scratch": {"like": "source", "on": on}}
        done = made.run("restore", "source", wanted)
        assert (done.facts["inserts"], made.run("verify", "source", {"host": done.facts["host"]}).exit_code) == (29, 0)


def test_what_is_planned_in_serves_again(made: Control) -> None:
    """On a server of ours the empty draft stays for the next restore, closed to all, for as long as the schema is."""
    source = made.hosts["source"]["database"]
    execute(source, "DELETE FROM part WHERE org_id = 99")
    wanted = {"mode": "mirror", "scratch": {"like": "source"}}

    def planned_in(**further: object) -> list[tuple[object, ...]]:
        made.run("restore", "source", {**wanted, **further, "from": made.backup("source").metadata.label})
        server = embedded.start(made.directory / ".playback" / "scratch")
        query = "SELECT oid FROM pg_database WHERE datname = 'scratch.whole' AND NOT datallowconn"
        return rows(server.superuser, query)

    first = planned_in()
    execute(source, "INSERT INTO loose VALUES (2, 'y')")
    assert planned_in() == first != []
    execute(source, "ALTER TABLE loose ADD CHECK (org_id > 0)")
    assert planned_in() not in (first, [])
    # what is carried out in it makes it the scratch database itself
    assert planned_in(atomic=False) == []


def test_a_server_that_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    """The server of scratch databases is made anew where the machine may have crashed; nobody is shown its old data."""
    home = tmp_path / "scratch"
    server = embedded.start(home, hasty=True)
    server.create_database("scratch")
    embedded.stop(home)
    assert embedded.start(home).has_database("scratch")
    assert rows(server.superuser, "SELECT current_setting('fsync'), current_setting('wal_level')") == [
        ("off", "minimal")
    ]
    embedded.stop(home)
    (home / "hasty").write_text("an earlier start", encoding="ascii")
    with pytest.raises(DatabaseError, match="from before the machine was started again"):
        embedded.start(home)
    assert not embedded.start(home, hasty=True).has_database("scratch")
    embedded.stop(home)


def test_a_build_that_fails_leaves_nothing(made: Control) -> None:
    """Rows that a key does not let in are named with it, and neither the old scratch database nor a draft stays."""
    source = made.hosts["source"]["database"]
    wanted = {"mode": "mirror", "scratch": SCRATCH, "from": made.backup("source").metadata.label}
    made.run("restore", "source", wanted)
    execute(source, "DELETE FROM part WHERE n = 1", "ALTER TABLE part ADD CONSTRAINT more CHECK (n > 1)")
    with pytest.raises(RefusedError, match=r"constraint more says CHECK .*: 1 row, e\.g\. 1"):
        made.run("restore", "source", wanted)
    assert databases(made) == set()
    execute(source, "ALTER TABLE part DROP CONSTRAINT more")
    execute(source, "ALTER TABLE part DROP CONSTRAINT part_org_id_fkey")
    execute(source, "DELETE FROM part WHERE org_id = 99", "ALTER TABLE part ADD FOREIGN KEY (org_id) REFERENCES org")
    with pytest.raises(RefusedError, match=r"part_org_id_fkey: \(org_id\) would point at no row of org: 2 rows"):
        made.run("restore", "source", wanted)
    assert databases(made) == set()


def test_no_two_databases_share_a_name(made: Control) -> None:
    """A name that is cut, or that could be read in two ways, is told apart by a digest."""
    source = made.hosts["source"]["database"]
    original = name_of(source)
    assert name_beside("scratch", source) == f"playback_scratch_of_{original}"
    assert name_beside("x_of_y", source).startswith(f"playback_x_of_y_of_{original[:10]}")
    names = {name_beside(name, source) for name in ("x_of_y", "x" * 60, "x" * 61, "x" * 62)}
    assert len(names) == 4
    there = {name_beside("scratch", source, host=host) for host in ("till-1", "till-2")}
    assert there == {f"playback_scratch_of_{original}_at_till-1", f"playback_scratch_of_{original}_at_till-2"}
    assert all(len(name) <= 63 and name != f"playback_x_of_y_of_{original}" for name in names)


def test_whose_database_it_is(made: Control) -> None:
    """A database without our mark is never replaced, one that another run is making is left to it, and rights lack."""
    label = made.backup("source").metadata.label
    wanted = {"from": label, "mode": "mirror", "scratch": SCRATCH}
    source = made.hosts["source"]["database"]
    with (
        alone(place_beside(source, "source", like=source), scratch_of(made)),
        pytest.raises(LockedError, match="another run"),
    ):
        made.run("restore", "source", wanted)
    execute(source, f'CREATE DATABASE "{scratch_of(made)}" TEMPLATE template0')
    other = place_beside(source, "source", like="host=elsewhere dbname=shop")
    execute(source, f"COMMENT ON DATABASE \"{scratch_of(made)}\" IS '{other.mark}'")
    with pytest.raises(RefusedError, match="is a scratch database like database shop on elsewhere"):
        made.run("restore", "source", wanted)
    execute(source, f'COMMENT ON DATABASE "{scratch_of(made)}" IS NULL')
    with pytest.raises(RefusedError, match="was not made as a scratch database"):
        made.run("restore", "source", wanted)
    with pytest.raises(RefusedError, match="ALTER ROLE playback CREATEDB"):
        made.run("restore", "source", {**wanted, "scratch": {"like": "source", "on": "owned"}})
    assert databases(made) == {scratch_of(made)}


def test_it_is_gone_when_the_play_has_ended(made: Control, tmp_path: Path) -> None:
    """A scratch database beside the original is dropped at the end of its play, and that is told."""
    task = "restore: {mode: mirror, scratch: {like: source, on: host}}\n      register: made"
    again = 'verify: {host: "{{ made.host }}"}'
    tasks = playbook(tmp_path, "backup: {}", task, again, hosts="source")
    shutil.copy(ROOT / "tasks.py", tmp_path)
    done = invoke("run", str(tasks), cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert done.code == 0, done.text
    assert "are equal: 5 of 5 tables exact" in done.out
    assert f"TASK [Drop scratch database {scratch_of(made)}]" in done.out
    assert databases(made) == set()
    opened = invoke(
        "psql", "--host", "source", "--command", "SELECT 6 * 7", cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}
    )
    assert (opened.code, "42" in opened.out) == (0, True), opened.text
    nowhere = invoke("psql", "--host", "embedded:nope", cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert (nowhere.code, "there is no embedded:nope" in nowhere.text) == (2, True), nowhere.text
    assert not (tmp_path / ".playback" / "nope").exists()
