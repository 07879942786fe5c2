"""`exclusive: true`: empty tables get their indexes and foreign keys after their rows, and everything is as before."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Servers
from tests.control import Control, execute, rows
from tests.restore.conftest import Pair
from tests.restore.laboratory import SUPERUSER
from tests.sweeps import covering
from toolkit.errors import InputError, RefusedError
from toolkit.postgres.restore import rebuilding
from toolkit.postgres.servers.embedded import EmbeddedServer

CATALOG = {
    "catalog": "application",
    "tenant": {"table": "tenants", "key": "id", "label": "name"},
    "business": {
        "all": {
            "tenants": "tenant",
            "items": {"owned_by": ["tenant"]},
            "parts": {"owned_by": ["item"]},
            "events": {"owned_by": ["tenant"]},
            "few": {"owned_by": ["tenant"]},
            "notes": {"owned_by": ["tenant"]},
        }
    },
}

TABLES = """
CREATE TABLE tenants (id text PRIMARY KEY, name text);
CREATE TABLE items (
    id integer PRIMARY KEY, tenant text NOT NULL, name text NOT NULL, "Code" text NOT NULL, during tsrange, body jsonb,
    parent integer, old text, CHECK (name <> ''));
ALTER TABLE items ADD CONSTRAINT "Per tenant" UNIQUE (tenant, "Code") INCLUDE (name) WITH (fillfactor = 70);
ALTER TABLE items ADD CONSTRAINT none_twice UNIQUE NULLS NOT DISTINCT (id, parent);
ALTER TABLE items ADD CONSTRAINT apart EXCLUDE USING gist (during WITH &&)
    WHERE (during IS NOT NULL) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX by_name ON items (lower(name) text_pattern_ops, "Code" COLLATE "C" DESC NULLS LAST)
    WITH (fillfactor = 80) WHERE parent IS NULL;
CREATE INDEX in_body ON items USING gin (body jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX by_range ON items USING brin (id) WITH (pages_per_range = 16);
CREATE INDEX by_hash ON items USING hash ("Code");
CREATE INDEX by_old ON items (old);
CREATE INDEX by_tenant ON items (tenant) INCLUDE (name);
CREATE UNIQUE INDEX identity ON items ("Code", id);
CREATE UNIQUE INDEX pointed_at ON items (id, tenant);
ALTER TABLE items RENAME old TO renamed;
ALTER TABLE items CLUSTER ON by_tenant;
ALTER TABLE items REPLICA IDENTITY USING INDEX identity;
ALTER INDEX by_name ALTER COLUMN 1 SET STATISTICS 700;
ALTER TABLE items ALTER body SET STATISTICS 300;
COMMENT ON INDEX by_hash IS 'it''s "quick" 100 %';
COMMENT ON INDEX "Per tenant" IS 'of an index';
COMMENT ON CONSTRAINT "Per tenant" ON items IS 'of a constraint';
CREATE STATISTICS related (dependencies) ON tenant, name FROM items;
ALTER TABLE items ADD FOREIGN KEY (tenant) REFERENCES tenants ON DELETE CASCADE;
ALTER TABLE items ADD CONSTRAINT itself FOREIGN KEY (parent) REFERENCES items DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT itself ON items IS 'a tree';
CREATE TABLE parts (
    id integer, item integer NOT NULL, tenant text, whole integer,
    CONSTRAINT "Key" PRIMARY KEY (id) INCLUDE (tenant) WITH (fillfactor = 60),
    FOREIGN KEY (item, tenant) REFERENCES items (id, tenant), FOREIGN KEY (whole) REFERENCES parts);
CREATE UNIQUE INDEX "After key" ON parts (id);
COMMENT ON CONSTRAINT "Key" ON parts IS 'of a key';
COMMENT ON INDEX "Key" IS 'of its index';
ALTER TABLE parts ADD CONSTRAINT unchecked FOREIGN KEY (item) REFERENCES items NOT VALID;
CREATE INDEX ON parts (item);
CREATE TABLE events (id integer, tenant text NOT NULL REFERENCES tenants, at integer, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (20);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (20) TO (100);
CREATE INDEX ON events (tenant);
CREATE INDEX alone ON events_1 (at);
CREATE TABLE few (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants);
CREATE INDEX ON few (tenant);
CREATE TABLE notes (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, tenant text REFERENCES tenants);
ALTER TABLE notes CLUSTER ON notes_pkey;
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END';
CREATE TRIGGER plain BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION loud();
CREATE TRIGGER always AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION loud();
ALTER TABLE items ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER off BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION loud();
ALTER TABLE items DISABLE TRIGGER off;
CREATE VIEW grouped AS SELECT id, name FROM items GROUP BY id;
CREATE PUBLICATION shown FOR TABLE items (id, tenant, "Code");
"""

ROWS = """
ALTER TABLE items DISABLE TRIGGER USER;
INSERT INTO tenants VALUES ('a', 'A'), ('b', 'B');
INSERT INTO items SELECT g, CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END, 'Name ' || g, 'C' || g,
    tsrange('2026-01-01'::timestamp + g * interval '1 day', '2026-01-02'::timestamp + g * interval '1 day'),
    jsonb_build_object('n', g), nullif(g / 2, 0), NULL FROM generate_series(1, 40) g;
INSERT INTO parts SELECT g, g, CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END, nullif(g / 2, 0)
    FROM generate_series(1, 40) g;
INSERT INTO notes SELECT g, 'a' FROM generate_series(1, 40) g;
INSERT INTO events SELECT g, 'a', g FROM generate_series(1, 40) g;
INSERT INTO few VALUES (1, 'a');
"""

INDEXES = """
SELECT c.relname::text, c.oid::bigint FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT conname::text, oid::bigint FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace
AND conrelid <> ALL (ARRAY(SELECT inhrelid FROM pg_inherits))
"""

BUILT = set("none_twice apart by_name in_body by_range by_hash by_tenant parts_item_idx notes_pkey".split())
BUILT.update(["Per tenant", "After key"])
KEYS = set("items_tenant_fkey itself parts_item_tenant_fkey parts_whole_fkey notes_tenant_fkey pointed_at Key".split())
"""Foreign keys, and what only these depend on."""


@pytest.fixture(autouse=True)
def _small_tables_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of ten rows are as worth it as large ones."""
    monkeypatch.setattr(rebuilding, "LEAST_ROWS", 10)


@pytest.fixture
def make(tmp_path: Path, servers: Servers) -> Callable[[int], Pair]:
    """Makes a pair on a server of some version: `source` has rows, `target` has none."""

    def made(version: int) -> Pair:
        control = Control(tmp_path, catalog=json.dumps(CATALOG))
        pair = Pair(control, servers.database(version), servers.database(version))
        pair.fill(TABLES)
        execute(pair.source, ROWS)
        control.add_host("source", pair.source)
        control.add_host("target", pair.target)
        control.add_host("superuser", psycopg.conninfo.make_conninfo(pair.target, user=SUPERUSER))
        return pair

    return made


@pytest.fixture
def pair(make: Callable[[int], Pair]) -> Pair:
    """A pair on the newest server."""
    return make(18)


def schema_of(server: EmbeddedServer, conninfo: str) -> list[str]:
    """All that pg_dump says of a schema."""
    command = [str(server.binaries / "pg_dump"), "--schema-only", "--dbname", conninfo]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


def content(conninfo: str) -> list[object]:
    """Every row."""
    return [rows(conninfo, f"SELECT * FROM {name} ORDER BY id") for name in CATALOG["business"]["all"]]  # type: ignore[index]


@pytest.mark.parametrize(("version", "host"), covering([16, 18], ["target", "superuser"]))
def test_indexes_are_built_after_the_rows(
    make: Callable[[int], Pair], servers: Servers, version: int, host: str
) -> None:
    """What can be built anew is, what cannot stays, and every definition, comment, state and mark is as before."""
    pair, server = make(version), servers.by_version[version]
    before, indexes = schema_of(server, pair.target), dict(pair.rows(INDEXES))
    done = pair.restore(host=host, exclusive=True)
    assert schema_of(server, pair.target) == before
    assert content(pair.target) == content(pair.source)
    built = {name for name, number in pair.rows(INDEXES) if indexes[name] != number}
    assert built == BUILT | (KEYS if host == "target" else set())
    assert any(line.startswith("items is empty: ") and "by_name" in line for line in done.details)
    assert pair.restore(host=host, exclusive=True).changed is False


@pytest.mark.parametrize(
    ("statements", "new"),
    [
        (["DROP PUBLICATION shown"], True),
        ([], False),
        (["DROP PUBLICATION shown", "CREATE TRIGGER t BEFORE TRUNCATE ON parts EXECUTE FUNCTION loud()"], False),
        (["DROP PUBLICATION shown", "ALTER TABLE few ADD part integer REFERENCES parts"], False),
    ],
)
def test_an_empty_table_gets_a_new_file_where_nobody_would_hear_of_it(
    pair: Pair, statements: list[str], new: bool
) -> None:
    """A subscriber would empty its own table, a trigger would fire, and a key of another table forbids it."""
    pair.fill(*statements)
    file = pair.rows("SELECT pg_relation_filenode('parts')")
    assert pair.restore(exclusive=True).changed is True
    assert content(pair.target) == content(pair.source)
    assert (pair.rows("SELECT pg_relation_filenode('parts')") != file) is new


def test_check_mode_says_what_others_wait_for(pair: Pair) -> None:
    """Which indexes will be built anew, which stay, and that nobody may read meanwhile; and nothing is changed."""
    indexes = pair.rows(INDEXES)
    execute(pair.target, "INSERT INTO tenants VALUES ('a', 'A')", "INSERT INTO events VALUES (1, 'a', 1)")
    done = pair.restore(check=True, exclusive=True)
    assert done.plan is not None
    assert str(done.plan["locking"]).endswith(", and to read items, notes, parts, tenants")
    named = ["items is empty", "notes is empty", "parts is empty"]
    assert [line.partition(":")[0] for line in done.plan["rebuilding"]] == named  # type: ignore[attr-defined]
    assert pair.rows(INDEXES) == indexes


def test_a_table_with_rows_goes_the_normal_way(pair: Pair) -> None:
    """Its indexes stay, others are built anew, and the plan says so."""
    execute(pair.target, "INSERT INTO tenants VALUES ('a', 'A')")
    execute(pair.target, "ALTER TABLE items DISABLE TRIGGER USER", "INSERT INTO items VALUES (90, 'a', 'x', 'x')")
    indexes = dict(pair.rows(INDEXES))
    done = pair.restore(exclusive=True)
    assert content(pair.target) == content(pair.source)
    assert "indexes of items stay in place: it holds rows" in done.details
    assert {name for name, number in pair.rows(INDEXES) if indexes[name] != number} == {
        "Key",
        "After key",
        "parts_item_idx",
        "parts_item_tenant_fkey",
        "parts_whole_fkey",
        "notes_pkey",
        "notes_tenant_fkey",
    }


@pytest.mark.parametrize("staying", [False, True])
def test_foreign_keys_act_in_the_order_in_which_they_were_made(pair: Pair, staying: bool) -> None:
    """What could be deleted before the restore can be afterwards: of two keys the one that deletes rows comes first.

    A third key that stays in place keeps the one before it there.
    """
    third = "ALTER TABLE few ADD third text CONSTRAINT third REFERENCES tenants ON DELETE SET NULL"
    stays = "ALTER TABLE few ADD CONSTRAINT fourth FOREIGN KEY (third) REFERENCES tenants NOT VALID"
    pair.fill(
        "ALTER TABLE few DROP CONSTRAINT few_tenant_fkey",
        "ALTER TABLE few ADD CONSTRAINT second FOREIGN KEY (tenant) REFERENCES tenants ON DELETE CASCADE",
        "ALTER TABLE few ADD billed text CONSTRAINT first REFERENCES tenants",
        *([third, stays] if staying else []),
    )
    execute(
        pair.source,
        "INSERT INTO tenants VALUES ('c', 'C')",
        "INSERT INTO few (id, tenant, billed) SELECT g, 'c', 'c' FROM generate_series(11, 40) g",
    )
    before = dict(pair.rows(INDEXES))
    done = pair.restore(exclusive=True)
    assert not any("would not be the same" in line for line in done.details)
    after = dict(pair.rows(INDEXES))
    assert (before["second"] == after["second"]) is staying
    assert before["few_tenant_idx"] != after["few_tenant_idx"]
    execute(pair.target, "DELETE FROM tenants WHERE id = 'c'")


def test_a_key_stays_before_that_of_another_table_where_that_matters(pair: Pair) -> None:
    """Items have rows already, so their key stays: made anew after it, that of few would delete parts too late."""
    pair.fill(
        "ALTER TABLE few DROP CONSTRAINT few_tenant_fkey",
        "ALTER TABLE items DROP CONSTRAINT items_tenant_fkey",
        "ALTER TABLE few ADD CONSTRAINT first FOREIGN KEY (tenant) REFERENCES tenants ON DELETE CASCADE",
        "ALTER TABLE items ADD CONSTRAINT second FOREIGN KEY (tenant) REFERENCES tenants ON DELETE CASCADE",
        "ALTER TABLE parts ADD few integer REFERENCES few ON DELETE CASCADE",
    )
    execute(
        pair.source,
        "INSERT INTO tenants VALUES ('c', 'C')",
        "INSERT INTO few SELECT g, 'c' FROM generate_series(11, 40) g",
        "INSERT INTO items VALUES (50, 'c', 'x', 'x')",
        "INSERT INTO parts VALUES (50, 50, 'c', NULL, 11)",
    )
    execute(pair.target, "INSERT INTO tenants VALUES ('a', 'A')", "ALTER TABLE items DISABLE TRIGGER USER")
    execute(pair.target, "INSERT INTO items VALUES (90, 'a', 'y', 'y')")
    before = dict(pair.rows(INDEXES))
    done = pair.restore(exclusive=True)
    assert not any("would not be the same" in line for line in done.details)
    after = dict(pair.rows(INDEXES))
    assert before["few_tenant_idx"] != after["few_tenant_idx"]
    assert before["notes_tenant_fkey"] != after["notes_tenant_fkey"]
    assert before["first"] == after["first"]
    execute(pair.target, "DELETE FROM tenants WHERE id = 'c'")


@pytest.mark.parametrize("check", [False, True])
def test_who_owns_no_tables_is_refused(pair: Pair, clerk: str, check: bool) -> None:
    """A role that may write and does not own is refused, with what it lacks and what to do."""
    execute(
        pair.target,
        f"GRANT USAGE ON SCHEMA public TO {clerk}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {clerk}",
    )
    pair.control.add_host("clerk", psycopg.conninfo.make_conninfo(pair.target, user=clerk))
    with pytest.raises(RefusedError, match=r"indexes of table public\.items are its owner's to build") as refusal:
        pair.restore(host="clerk", exclusive=True, check=check)
    assert "run as the owner of the tables, or leave `exclusive` out" in str(refusal.value.hint)


def test_steps_are_not_exclusive(pair: Pair) -> None:
    """A restore in steps gives its locks back, so that it cannot have tables for itself."""
    with pytest.raises(InputError, match="exclusive"):
        pair.restore(exclusive=True, atomic=False)


def test_a_schema_that_would_change_is_left_alone(pair: Pair, servers: Servers) -> None:
    """An index that no statement brings back as it was: rolled back, done again with indexes in place, and said."""
    execute(pair.target, "ALTER TABLE by_name RENAME COLUMN lower TO odd")
    before, indexes = schema_of(servers.by_version[18], pair.target), pair.rows(INDEXES)
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'by_name'::regclass ORDER BY attnum"
    done = pair.restore(exclusive=True)
    assert (pair.rows(columns)[0], pair.rows(INDEXES)) == (("odd",), indexes)
    assert schema_of(servers.by_version[18], pair.target) == before
    assert content(pair.target) == content(pair.source)
    assert any("built anew they would not be the same: column 1 of public.by_name" in line for line in done.details)


def test_an_event_trigger_keeps_indexes_in_place(pair: Pair, servers: Servers) -> None:
    """What would hear of dropped indexes hears of none."""
    execute(
        psycopg.conninfo.make_conninfo(pair.target, user=SUPERUSER),
        "CREATE TABLE public.heard (what text)",
        "GRANT ALL ON public.heard TO PUBLIC",
        "CREATE FUNCTION hear() RETURNS event_trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO public.heard VALUES (tg_tag); END'",
        "CREATE EVENT TRIGGER hears ON sql_drop EXECUTE FUNCTION hear()",
    )
    done = pair.restore(exclusive=True)
    assert any("event trigger hears would hear of it" in line for line in done.details)
    assert content(pair.target) == content(pair.source)


def test_rows_that_fit_no_index_are_named(pair: Pair) -> None:
    """Where the rows break a constraint of the target, all of them are said, and everything is as before."""
    execute(pair.target, "CREATE UNIQUE INDEX too_strict ON items (tenant)")
    indexes = pair.rows(INDEXES)
    with pytest.raises(RefusedError, match="too_strict"):
        pair.restore(exclusive=True)
    assert pair.rows(INDEXES) == indexes
    assert content(pair.target) == [[], [], [], [], [], []]


def test_rows_that_point_at_nothing_are_named(pair: Pair) -> None:
    """A foreign key that is built after the rows refuses them as one that is there before, and all is as before."""
    execute(
        pair.source,
        "ALTER TABLE parts DROP CONSTRAINT parts_whole_fkey",
        "INSERT INTO parts VALUES (41, 1, 'b', 99)",
    )
    with pytest.raises(RefusedError, match="parts_whole_fkey"):
        pair.restore(exclusive=True)
    assert content(pair.target) == [[], [], [], [], [], []]
