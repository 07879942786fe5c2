"""Keys and foreign keys of kinds that are rare: computed, temporal, not enforced, composite, MATCH FULL."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from tests.caseless import create_caseless
from tests.control import execute
from tests.installed import needs
from tests.restore.conftest import MakePair, Pair
from toolkit.errors import RefusedError

OWNED = {"owned_by": ["tenant"]}


def _caseless(pair: Pair, *ddl: str) -> None:
    for conninfo in (pair.source, pair.target):
        create_caseless(make_conninfo(conninfo, user="postgres"))
    pair.fill(*ddl)


def test_keys_that_the_server_computes(make_pair: MakePair) -> None:
    """Rows whose key is generated are backed up, matched, updated, shown and verified like others."""
    columns = "a integer NOT NULL, tenant text NOT NULL REFERENCES tenants, text text"
    pair = make_pair(
        {"docs": OWNED, "pages": {"owned_by": ["doc"]}, "marks": OWNED},
        f"CREATE TABLE docs ({columns}, b integer GENERATED ALWAYS AS (a * 2) STORED PRIMARY KEY)",
        "CREATE TABLE pages (id integer PRIMARY KEY, doc integer REFERENCES docs)",
        f"CREATE TABLE marks ({columns}, b integer NOT NULL GENERATED ALWAYS AS (a * 2) STORED UNIQUE)",
    )
    fill = (
        "INSERT INTO docs (a, tenant, text) VALUES (1, 'a', 'x'), (2, 'a', 'y'), (3, 'b', 'z')",
        "INSERT INTO pages VALUES (1, 2), (2, 6)",
        "INSERT INTO marks (a, tenant, text) VALUES (1, 'a', 'x'), (2, 'b', 'y')",
    )
    pair.fill(*fill)
    whole = pair.backup()
    assert {entry.name: len(entry.key) for entry in whole.tables} == {"docs": 0, "pages": 1, "marks": 0, "tenants": 1}
    execute(
        pair.target,
        "UPDATE docs SET text = 'changed'",
        "DELETE FROM marks WHERE a = 1",
        "INSERT INTO docs (a, tenant) VALUES (9, 'a')",
    )
    assert pair.control.verify("target", whole).exit_code == 6
    done = pair.control.restore("target", whole, "mirror", businesses=["a"])
    assert done.facts["tables"] == {
        "docs": {"inserts": 0, "updates": 2, "deletes": 1},
        "marks": {"inserts": 1, "updates": 0, "deletes": 0},
    }
    assert pair.rows("SELECT b, text FROM docs ORDER BY b") == [(2, "x"), (4, "y"), (6, "changed")]
    pair.control.restore("target", whole, "mirror", check=True)
    pair.control.restore("target", whole, "mirror")
    assert "are equal" in pair.control.verify("target", whole).message
    execute(pair.target, "TRUNCATE docs, marks CASCADE")
    pair.control.restore("target", whole, "merge", atomic=False)
    assert "are equal" in pair.control.verify("target", whole).message


def test_values_that_are_composite_and_empty(make_pair: MakePair) -> None:
    """A composite value whose fields all are NULL is a value: in a NOT NULL column, a key and a foreign key."""
    pair = make_pair(
        {"places": OWNED, "visits": {"owned_by": ["place"], "references": {"place": "places.at"}}},
        "CREATE TYPE pair AS (a integer, b integer)",
        "CREATE TABLE places (at pair PRIMARY KEY, tenant text REFERENCES tenants, size pair NOT NULL)",
        "CREATE TABLE visits (id integer PRIMARY KEY, place pair REFERENCES places)",
    )
    execute(
        pair.source,
        "INSERT INTO places VALUES ('(,)', 'a', '(,)'), ('(1,)', 'a', '(,)'), ('(1,2)', 'b', '(1,1)')",
        "INSERT INTO visits VALUES (1, '(,)'), (2, '(1,)'), (3, '(1,2)'), (4, NULL)",
    )
    assert {entry.name: entry.rows for entry in pair.backup(businesses=["a"]).tables} == {
        "places": 2,
        "tenants": 1,
        "visits": 2,
    }
    whole = pair.backup()
    execute(pair.target, "INSERT INTO places VALUES ('(5,)', 'a', '(,)')")
    pair.control.restore("target", whole, "mirror")
    assert "are equal" in pair.control.verify("target", whole).message
    execute(pair.target, "DELETE FROM visits", "DELETE FROM places WHERE at = '(,)'::pair")
    execute(
        pair.source, "ALTER TABLE visits DROP CONSTRAINT visits_place_fkey", "DELETE FROM places WHERE tenant = 'a'"
    )
    lost = pair.backup()
    with pytest.raises(RefusedError, match=r"visits_place_fkey: \(place\) would point at no row of places: 2 rows"):
        pair.control.restore("target", lost, "mirror")


def test_either_all_columns_or_none(make_pair: MakePair) -> None:
    """Under MATCH FULL a row that is NULL in some columns alone is told before anything is written."""
    pair = make_pair(
        {"spots": OWNED, "marks": {"owned_by": [["x", "y"]], "references": {"x, y": "spots.x, y"}}},
        "CREATE TABLE spots (x integer, y integer, tenant text REFERENCES tenants, PRIMARY KEY (x, y))",
        "CREATE TABLE marks (id integer PRIMARY KEY, x integer, y integer,"
        " FOREIGN KEY (x, y) REFERENCES spots MATCH FULL)",
    )
    execute(
        pair.source,
        "INSERT INTO spots VALUES (1, 1, 'a')",
        "INSERT INTO marks VALUES (1, 1, 1), (2, NULL, NULL)",
    )
    execute(pair.target, "INSERT INTO spots VALUES (1, 1, 'a')", "INSERT INTO marks VALUES (3, NULL, NULL)")
    pair.restore()
    assert pair.rows("SELECT id FROM marks ORDER BY id") == [(1,), (2,)]
    execute(
        pair.source,
        "ALTER TABLE marks DROP CONSTRAINT marks_x_y_fkey",
        "INSERT INTO marks VALUES (4, 1, NULL)",
    )
    state, manifest = pair.state(), pair.backup()
    for host in ("target", "superuser"):
        with pytest.raises(RefusedError, match=r"\(x, y\) would point at no row of spots: 1 row"):
            pair.restore(of=manifest, host=host)
    assert pair.state() == state


@needs(18)
def test_periods(make_pair: MakePair) -> None:
    """A row points at all whose period overlaps its own; together they have to cover it, and no two may overlap."""
    pair = make_pair(
        {
            "prices": OWNED,
            "sales": {"owned_by": [["item", "during"]], "references": {"item, during": "prices.item, during"}},
        },
        "CREATE TABLE prices (item int4range, during daterange, tenant text REFERENCES tenants, amount integer,"
        " PRIMARY KEY (item, during WITHOUT OVERLAPS))",
        "CREATE TABLE sales (id integer PRIMARY KEY, item int4range, during daterange,"
        " FOREIGN KEY (item, PERIOD during) REFERENCES prices (item, PERIOD during))",
    )
    early, late, over = "[2026-01-01,2026-02-01)", "[2026-02-01,2026-03-01)", "[2026-01-20,2026-02-10)"
    execute(
        pair.source,
        f"INSERT INTO prices VALUES ('[1,2)', '{early}', 'a', 1), ('[1,2)', '{late}', 'a', 2),"
        f" ('[2,3)', '{early}', 'b', 3)",
        f"INSERT INTO sales VALUES (1, '[1,2)', '{over}'), (2, '[2,3)', '{early}'), (3, '[1,2)', NULL)",
    )
    own = pair.backup(businesses=["a"])
    assert {entry.name: entry.rows for entry in own.tables} == {"prices": 2, "sales": 1, "tenants": 1}
    whole = pair.backup()
    # one price for both months stands in the way of two, until it goes
    execute(
        pair.target,
        "INSERT INTO prices VALUES ('[1,2)', '[2026-01-01,2026-03-01)', 'a', 9)",
        f"INSERT INTO sales VALUES (1, '[1,2)', '{late}')",
    )
    with pytest.raises(RefusedError, match="prices_pkey"):
        pair.control.restore("target", whole, "merge", businesses=["a"])
    pair.control.restore("superuser", whole, "mirror")
    assert "are equal" in pair.control.verify("target", whole).message
    execute(pair.target, f"UPDATE prices SET amount = 7 WHERE during = '{late}'", "DELETE FROM sales WHERE id = 1")
    assert pair.control.restore("target", whole, "mirror", businesses=["a"]).facts["tables"] == {
        "prices": {"inserts": 0, "updates": 1, "deletes": 0},
        "sales": {"inserts": 1, "updates": 0, "deletes": 0},
    }
    # half of a period is not covered
    execute(
        pair.source, "ALTER TABLE sales DROP CONSTRAINT sales_item_during_fkey", "DELETE FROM prices WHERE amount = 2"
    )
    execute(pair.target, "DELETE FROM sales", "DELETE FROM prices")
    manifest = pair.backup()
    for host in ("target", "superuser"):
        with pytest.raises(RefusedError, match=r"\(item, during\) would point at no row of prices: 1 row"):
            pair.restore(of=manifest, host=host)
    # where they came from, two may overlap
    execute(pair.source, "ALTER TABLE prices DROP CONSTRAINT prices_pkey, ADD PRIMARY KEY (item, during)")
    execute(pair.source, f"INSERT INTO prices VALUES ('[1,2)', '{over}', 'a', 4)")
    with pytest.raises(RefusedError, match=r"exclude each other under prices_pkey .*: 1 row"):
        pair.restore()


@needs(18)
def test_references_that_nobody_enforces(make_pair: MakePair) -> None:
    """NOT ENFORCED foreign keys lead to owners and parents, refuse nothing and delete nothing."""
    pair = make_pair(
        {"items": OWNED, "parts": {"owned_by": ["item"]}},
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants)",
        "CREATE TABLE parts (id integer PRIMARY KEY,"
        " item integer CONSTRAINT loose REFERENCES items ON DELETE CASCADE NOT ENFORCED)",
        "CREATE TABLE drafts (id integer PRIMARY KEY, item integer REFERENCES items ON DELETE CASCADE NOT ENFORCED)",
        transient={"drafts": {"cascade": True}},
    )
    execute(
        pair.source, "INSERT INTO items VALUES (1, 'a'), (2, 'b')", "INSERT INTO parts VALUES (1, 1), (2, 2), (3, 9)"
    )
    assert {entry.name: entry.rows for entry in pair.backup(businesses=["a"]).tables}["parts"] == 1
    execute(pair.target, "INSERT INTO items VALUES (5, 'a')", "INSERT INTO parts VALUES (3, 5), (4, 8)")
    whole = pair.backup()
    for host in ("target", "superuser"):
        pair.control.restore(host, whole, "mirror")
        assert "are equal" in pair.control.verify("target", whole).message
    # the rows that point at it stay, and so does it
    execute(pair.target, "INSERT INTO items VALUES (6, 'a')", "INSERT INTO parts VALUES (6, 6)")
    execute(pair.source, "INSERT INTO parts VALUES (6, 6)")
    execute(pair.target, "INSERT INTO items VALUES (7, 'a')", "INSERT INTO drafts VALUES (1, 7)")
    pair.restore()
    assert pair.rows("SELECT item FROM parts WHERE id = 6") == [(6,)]
    assert pair.rows("SELECT item FROM drafts") == [(7,)]


def test_a_foreign_key_that_acts_on_another_spelling(make_pair: MakePair) -> None:
    """Where ON UPDATE would act on rows whose parent is only spelled otherwise, the restore is refused beforehand."""
    pair = make_pair({"items": OWNED, "parts": {"owned_by": ["item"]}})
    _caseless(
        pair,
        "CREATE TABLE items (id caseless PRIMARY KEY, tenant text REFERENCES tenants)",
        "CREATE TABLE parts (id integer PRIMARY KEY, item caseless REFERENCES items ON UPDATE CASCADE)",
    )
    execute(pair.source, "INSERT INTO items VALUES ('One', 'a'), ('Two', 'a')", "INSERT INTO parts VALUES (1, 'oNE')")
    execute(pair.target, "INSERT INTO items VALUES ('one', 'a'), ('two', 'a')", "INSERT INTO parts VALUES (1, 'ONE')")
    state = pair.state()
    with pytest.raises(RefusedError, match="parts_item_fkey of parts is ON UPDATE CASCADE") as caught:
        pair.restore()
    assert ": 1 row" in str(caught.value)
    assert pair.state() == state
    pair.restore(host="superuser")
    assert pair.rows("SELECT item::text FROM parts") == [("oNE",)]


def test_a_key_that_tells_fewer_rows_apart(make_pair: MakePair) -> None:
    """Rows that the target's key takes for one are named, whatever the target holds, and nothing is written."""
    pair = make_pair({"items": OWNED})
    _caseless(pair)
    columns = "id {} PRIMARY KEY, tenant text REFERENCES tenants, code {} UNIQUE"
    execute(pair.source, f"CREATE TABLE items ({columns.format('text', 'text')})")
    execute(pair.target, f"CREATE TABLE items ({columns.format('caseless', 'caseless')})")
    execute(pair.source, "INSERT INTO items VALUES ('one', 'a', 'x'), ('ONE', 'a', 'y'), ('two', 'a', 'Y')")
    manifest = pair.backup()
    for held in ("", "INSERT INTO items VALUES ('one', 'a', 'x')"):
        if held:
            execute(pair.target, held)
        for host in ("target", "superuser"):
            with pytest.raises(RefusedError, match=r"same key \(id\) on the target") as caught:
                pair.restore(of=manifest, host=host)
            assert "the same values of unique key items_code_key" in str(caught.value)


def test_what_others_call_equal(make_pair: MakePair) -> None:
    """An operator that somebody plants beside a type, or in a schema on the path, compares nothing of ours."""
    pair = make_pair({"items": OWNED, "parts": {"owned_by": ["item"], "references": {"twin": "items.id"}}})
    _caseless(
        pair,
        "CREATE DOMAIN tag AS caseless",
        "CREATE TABLE items (id tag PRIMARY KEY, tenant text REFERENCES tenants, text text)",
        "CREATE TABLE parts (id integer PRIMARY KEY, item tag REFERENCES items, twin tag)",
        "CREATE FUNCTION never(tag, tag) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'",
        "CREATE FUNCTION never(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'",
        "CREATE OPERATOR = (FUNCTION = never, LEFTARG = tag, RIGHTARG = tag)",
        "CREATE OPERATOR = (FUNCTION = never, LEFTARG = text, RIGHTARG = text)",
        "INSERT INTO items VALUES ('one', 'a', 'x'), ('two', 'b', 'y')",
        "INSERT INTO parts VALUES (1, 'ONE', 'TWO')",
    )
    own = pair.backup(businesses=["a"])
    assert {entry.name: entry.rows for entry in own.tables} == {"items": 2, "parts": 1, "tenants": 2}
    execute(pair.target, "UPDATE items SET id = 'ONE', text = 'changed'  WHERE text = 'x'")
    done = pair.restore()
    assert done.facts["tables"] == {"items": {"inserts": 0, "updates": 1, "deletes": 0}}


def test_a_reference_of_another_type_than_its_key(make_pair: MakePair) -> None:
    """It is compared as the foreign key has it, not as `=` would be of these two types: blanks at the end, digits."""
    pair = make_pair(
        {"items": OWNED, "parts": {"owned_by": ["padded", "exact", "rough", "trimmed"]}},
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, padded character(4) UNIQUE,"
        " exact character varying UNIQUE, rough real UNIQUE, trimmed text)",
        "CREATE UNIQUE INDEX trimmed ON items (trimmed bpchar_ops)",
        "CREATE TABLE parts (id integer PRIMARY KEY, padded text REFERENCES items (padded),"
        " exact character(4) REFERENCES items (exact), rough numeric REFERENCES items (rough),"
        " trimmed text REFERENCES items (trimmed), text text)",
    )
    pair.fill(
        "INSERT INTO items VALUES (1, 'a', 'x', 'x', 0.1, 'x '), (2, 'b', 'y', 'x ', 0.2, 'y'),"
        " (3, 'b', 'z', 'z', 3, 'z')",
        "INSERT INTO parts (id, padded) VALUES (1, 'x'), (2, 'x  '), (3, 'y ')",
        "INSERT INTO parts (id, exact) VALUES (4, 'x'), (5, 'z')",
        "INSERT INTO parts (id, rough) VALUES (6, 0.1), (7, 0.10), (8, 0.2)",
        "INSERT INTO parts (id, trimmed) VALUES (9, 'x'), (10, 'x  '), (11, 'y ')",
    )
    whole = pair.backup()
    assert {entry.name: entry.rows for entry in pair.backup(businesses=["a"]).tables} == {
        "items": 1,
        "parts": 7,
        "tenants": 1,
    }
    for host in ("target", "superuser"):
        execute(pair.target, "UPDATE parts SET text = 'changed'", "DELETE FROM parts WHERE id IN (2, 7, 10)")
        pair.control.restore(host, whole, "mirror", businesses=["a"])
        assert pair.rows("SELECT id FROM parts WHERE text IS NULL ORDER BY id") == [
            (n,) for n in (1, 2, 4, 6, 7, 9, 10)
        ]
        pair.control.restore(host, whole, "mirror")
        assert "are equal" in pair.control.verify("target", whole).message
    # without the first item only 'x ' is left of what looks like the others
    execute(
        make_conninfo(pair.source, user="postgres"),
        "SET session_replication_role = replica; DELETE FROM items WHERE id = 1",
    )
    execute(pair.target, "DELETE FROM parts", "DELETE FROM items")
    manifest = pair.backup()
    for host in ("target", "superuser"):
        with pytest.raises(RefusedError) as refused:
            pair.restore(of=manifest, host=host)
        told = "\n".join(refused.value.reasons)
        assert [
            f"({name}) would point at no row of items: {count} row" in told
            for name, count in (("padded", 2), ("exact", 1), ("rough", 2), ("trimmed", 2))
        ] == [True] * 4


def test_a_reference_to_nothing_that_is_spelled_otherwise(make_pair: MakePair) -> None:
    """The server looks at it again where the key tells the two spellings apart, and not where it does not."""
    pair = make_pair({"items": OWNED, "codes": OWNED, "parts": OWNED})
    for conninfo in (pair.source, pair.target):
        execute(make_conninfo(conninfo, user="postgres"), "CREATE EXTENSION citext")
    pair.fill(
        "CREATE TABLE items (id text PRIMARY KEY, tenant text REFERENCES tenants)",
        "CREATE TABLE codes (id citext PRIMARY KEY, tenant text REFERENCES tenants)",
        "CREATE TABLE parts (id integer PRIMARY KEY, tenant text REFERENCES tenants, item citext, code citext)",
    )
    execute(pair.source, "INSERT INTO parts VALUES (1, 'a', 'LOST', 'GONE')")
    execute(pair.target, "INSERT INTO parts VALUES (1, 'a', 'lost', 'gone')")
    pair.fill("ALTER TABLE parts ADD CONSTRAINT code FOREIGN KEY (code) REFERENCES codes NOT VALID")
    manifest = pair.backup()
    execute(pair.target, "ALTER TABLE parts ADD CONSTRAINT item FOREIGN KEY (item) REFERENCES items NOT VALID")
    planned = pair.control.restore("target", manifest, "mirror", check=True)
    assert planned.facts["conflicts"] == ["parts: item: (item) would point at no row of items: 1 row, e.g. 1"]
    with pytest.raises(RefusedError, match=r"\(item\) would point at no row of items: 1 row"):
        pair.control.restore("target", manifest, "mirror")
    execute(pair.target, "ALTER TABLE parts DROP CONSTRAINT item")
    pair.control.restore("target", manifest, "mirror")
    assert pair.rows("SELECT item::text, code::text FROM parts") == [("LOST", "GONE")]
