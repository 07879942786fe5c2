"""Some tables out of a backup, into a database that has gone on since: what they need comes along, nothing else."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.laboratory import SUPERUSER
from tests.restore.test_deletion import HOSTS
from toolkit.actions.quarantine import ACTION as RETRY
from toolkit.errors import InputError, RefusedError

MAKERS = "CREATE TABLE makers (id integer PRIMARY KEY, country text REFERENCES countries, name text)"
PRODUCTS = """
CREATE TABLE products (id serial PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, maker integer REFERENCES makers,
                       name text UNIQUE)
"""
LINES = (
    "CREATE TABLE lines (id serial PRIMARY KEY, product integer REFERENCES products ON DELETE CASCADE, amount integer)"
)
TABLES = ("CREATE TABLE countries (code text PRIMARY KEY, name text)", MAKERS, PRODUCTS, LINES)
SETTINGS = "CREATE TABLE settings (id integer PRIMARY KEY, value text)"
RULES = {
    "countries": "shared",
    "makers": "referenced",
    "products": {"owned_by": ["tenant"]},
    "lines": {"owned_by": ["product"]},
}


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """A shop whose backup has three products, of two makers, in three lines."""
    pair = make_pair(RULES, *TABLES)
    pair.fill(
        "INSERT INTO countries VALUES ('ke', 'Kenya'), ('zw', 'Zimbabwe')",
        "INSERT INTO makers VALUES (1, 'ke', 'one'), (2, 'zw', 'two')",
        "INSERT INTO products VALUES (1, 'a', 1, 'tea'), (2, 'a', 2, 'milk'), (3, 'b', 1, 'salt')",
        "INSERT INTO lines VALUES (1, 1, 10), (2, 2, 20), (3, 3, 30)",
        "SELECT setval('products_id_seq', 3), setval('lines_id_seq', 3)",
    )
    return pair


def act(pair: Pair, mode: str = "mirror", *, host: str = "target", **arguments: Any) -> tuple[Any, Any]:
    """Plan, look that nothing happened, and restore products alone; gives both outcomes."""
    manifest, before = pair.backup(), pair.state()
    wanted = {"tables": ["products"], **arguments}
    planned = pair.control.restore(host, manifest, mode, check=True, **wanted)
    assert pair.state() == before
    done = pair.control.restore(host, manifest, mode, **wanted)
    later = {"untouched": None}
    assert {**planned.facts, **later} == {**done.facts, **later}
    return planned, done


@HOSTS
def test_what_named_rows_need_comes_along_and_nothing_else(pair: Pair, host: str) -> None:
    """Deleted and spoiled rows come back, with missing parents of theirs; the rest of the business goes on."""
    execute(
        pair.target,
        "DELETE FROM products WHERE id = 2",
        "UPDATE products SET name = 'spoiled' WHERE id = 1",
        "DELETE FROM makers WHERE id = 2",
        "DELETE FROM countries WHERE code = 'zw'",
        "UPDATE makers SET name = 'renamed since'",
        "INSERT INTO lines VALUES (4, 1, 40)",
    )
    before = pair.state()
    planned, done = act(pair, host=host)
    assert done.facts["along"] == {"countries": 1, "makers": 1}
    assert done.facts["tables"]["products"] == {"inserts": 1, "updates": 1, "deletes": 0}
    assert pair.rows("SELECT id, name FROM products ORDER BY id") == [(1, "tea"), (2, "milk"), (3, "salt")]
    assert pair.rows("SELECT id, name FROM makers ORDER BY id") == [(1, "renamed since"), (2, "two")]
    after = pair.state()
    assert {name: after[name] for name in ("lines", "tenants")} == {name: before[name] for name in ("lines", "tenants")}
    text = "\n".join(done.details)
    assert "brought along: 1 row of makers, needed by products (maker), e.g. 2" in text
    assert "not brought back: 1 row of lines in the backup hangs by (product) on rows of products" in text
    assert "restored: rows of products; 2 other tables are proven to be as before" in text
    assert "2 other tables are not touched" in "\n".join(planned.details)
    assert not pair.control.restore(host, pair.backup(), "mirror", tables=["products"]).changed


def test_rows_that_others_hang_on_stay_in_a_mirror(pair: Pair) -> None:
    """What ON DELETE would do to a table that is not named is not done: the row stays, with the remedy."""
    execute(pair.target, "INSERT INTO products VALUES (8, 'a', 1, 'new'), (9, 'a', 1, 'sold')")
    execute(pair.target, "INSERT INTO lines VALUES (9, 9, 90)")
    _, done = act(pair, host="superuser")
    assert done.facts["deletes"] == 1
    assert done.facts["kept"] == {
        "rows of lines still point at them, and lines is not restored: name it under `tables` too": 1
    }
    assert pair.rows("SELECT id FROM lines ORDER BY id") == [(1,), (2,), (3,), (9,)]
    both = pair.control.restore("superuser", pair.backup(), "mirror", tables=["products", "lines"])
    assert both.facts["deletes"] == 2


def test_a_parent_that_nobody_has_is_a_conflict(pair: Pair) -> None:
    """Where neither the backup nor the target has the row that is pointed at, the restore is refused as ever."""
    key = "CONSTRAINT lines_product_fkey"
    execute(
        pair.source,
        f"ALTER TABLE lines DROP {key}",
        "INSERT INTO lines VALUES (7, 77, 1)",
        f"ALTER TABLE lines ADD {key} FOREIGN KEY (product) REFERENCES products NOT VALID",
    )
    with pytest.raises(RefusedError, match="conflicts") as refusal:
        pair.restore(tables=["lines"])
    assert "would point at no row of products" in refusal.value.reasons[0]


def test_a_brought_row_that_does_not_fit_is_put_aside_with_its_child(pair: Pair) -> None:
    """Rows in conflict are put aside, and no parent comes for a row that does not; a retry changes no parent either."""
    execute(
        pair.target,
        "DELETE FROM products WHERE id IN (1, 2)",
        "DELETE FROM makers WHERE id = 2",
        "INSERT INTO products VALUES (20, 'b', 1, 'milk')",
    )
    manifest = pair.backup()
    done = pair.control.restore("target", manifest, "merge", tables=["products"], on_error="quarantine")
    assert (done.exit_code, done.facts["along"], done.facts["inserts"]) == (3, {}, 1)
    assert pair.rows("SELECT id FROM makers") == [(1,)]
    execute(pair.target, "DELETE FROM products WHERE id = 20")
    assert pair.control.run(RETRY, "target", {}).exit_code == 3
    execute(pair.target, "INSERT INTO makers VALUES (2, 'zw', 'typed in again')")
    assert pair.control.run(RETRY, "target", {}).exit_code == 0
    assert pair.rows("SELECT id, name FROM products ORDER BY id") == [(1, "tea"), (2, "milk"), (3, "salt")]
    assert pair.rows("SELECT name FROM makers WHERE id = 2") == [("typed in again",)]


def test_drift_elsewhere_does_not_matter(pair: Pair) -> None:
    """A column that other tables have lost stops only a restore that has to bring rows of them along."""
    manifest = pair.backup()
    execute(
        pair.target,
        "ALTER TABLE lines DROP COLUMN amount",
        "ALTER TABLE makers DROP COLUMN name",
        "UPDATE products SET name = 'spoiled' WHERE id = 1",
    )
    assert pair.control.restore("target", manifest, "mirror", tables=["products"]).facts["updates"] == 1
    execute(pair.target, "UPDATE products SET maker = 1", "DELETE FROM makers WHERE id = 2")
    with pytest.raises(RefusedError, match="does not fit") as refusal:
        pair.control.restore("target", manifest, "mirror", tables=["products"])
    assert refusal.value.reasons == ("column makers.name is missing",)


def test_only_their_sequences_move(pair: Pair) -> None:
    """A sequence of a table that is not named stays where it is, though the backup's is further."""
    execute(pair.target, "SELECT setval('products_id_seq', 1), setval('lines_id_seq', 1)")
    _, done = act(pair)
    assert done.facts["sequences"] == {"products_id_seq": 3}


def test_names_that_are_no_tables_of_the_backup(make_pair: MakePair) -> None:
    """What is misspelt, or was left out of the backup, is one error before anything is looked at."""
    ddl = (*TABLES, "CREATE TABLE sessions (id integer PRIMARY KEY)")
    pair = make_pair(RULES, *ddl, transient={"sessions": {}})
    with pytest.raises(InputError) as refusal:
        pair.restore(tables=["prodcuts", "products", "x_*", "sess*"])
    assert [(each.path, each.message.partition(" has ")[2]) for each in refusal.value.problems] == [
        ("restore.tables[0]", "no table prodcuts; did you mean products?"),
        ("restore.tables[2]", "no table x_*"),
        ("restore.tables[3]", "left sessions (transient) out, so that there is nothing to restore"),
    ]


def test_verify_compares_named_tables_alone(pair: Pair) -> None:
    """The same argument means the same; a success says nothing of the backup as a whole."""
    manifest = pair.backup()
    execute(pair.target, "UPDATE lines SET amount = 0")
    found = pair.control.run("verify", "target", {"backup": manifest.metadata.label, "tables": ["product*"]})
    assert (found.exit_code, found.facts["tables"]) == (0, {})
    assert pair.control.verify("target", manifest).exit_code


def test_into_a_scratch_database_comes_all_that_they_need(pair: Pair) -> None:
    """A database that is made for it holds the named rows, and of other tables what they point at."""
    manifest = pair.backup()
    scratch = {"like": "superuser", "on": "host"}
    done = pair.control.restore("superuser", manifest, "merge", tables=["lines"], scratch=scratch)
    execute(
        psycopg.conninfo.make_conninfo(pair.target, user=SUPERUSER),
        f"DROP DATABASE {str(done.facts['host']).partition(':')[2]}",
    )
    assert done.facts["along"] == {"countries": 2, "makers": 2, "products": 3, "tenants": 2}


def test_a_business_of_a_table(pair: Pair) -> None:
    """Tables and businesses restrict each other; what others have in the table is proven untouched."""
    execute(pair.target, "UPDATE products SET name = name || '!'", "DELETE FROM lines WHERE id = 2")
    execute(pair.target, "DELETE FROM products WHERE id = 2", "DELETE FROM makers WHERE id = 2")
    _, done = act(pair, businesses=["a"])
    assert done.facts["along"] == {"makers": 1}
    assert pair.rows("SELECT id, name FROM products ORDER BY id") == [(1, "tea"), (2, "milk"), (3, "salt!")]
    assert done.facts["untouched"] == 2  # the other's product, and the maker that was there


def test_what_some_tables_cannot_be_combined_with(pair: Pair) -> None:
    """What would touch more than the tables is refused beforehand."""
    with pytest.raises(InputError) as refusal:
        pair.restore(tables=["products"], atomic=False, identity="new")
    assert [each.path for each in refusal.value.problems] == ["restore.atomic", "restore.identity"]


def test_device_tables_and_the_device(make_pair: MakePair) -> None:
    """On another device its own tables stay, and on the same one they come back; node id and sync state stay."""
    pair = make_pair(RULES, *TABLES, SETTINGS, device={"settings": {}})
    execute(pair.source, "INSERT INTO settings VALUES (1, 'loud')")
    manifest = pair.backup(scope="full-device")
    with pytest.raises(RefusedError, match="another device's"):
        pair.control.restore("target", manifest, "mirror", tables=["settings"], identity="auto")
    assert pair.control.restore("target", manifest, "mirror", tables=["settings"]).facts["inserts"] == 1


@pytest.mark.parametrize("rule", ["null", "skip_row"])
def test_a_row_that_comes_along_and_points_at_a_transient_one(make_pair: MakePair, rule: str) -> None:
    """Where that is gone it comes without the reference, or, where its rule would leave it away, not at all."""
    rules = {
        "carts": {"owned_by": ["tenant"], "references": {"session": {"to": "sessions.id", "on_restore": rule}}},
        "items": {"owned_by": ["cart"]},
    }
    pair = make_pair(
        rules,
        "CREATE TABLE sessions (id integer PRIMARY KEY)",
        "CREATE TABLE carts (id integer PRIMARY KEY, tenant text REFERENCES tenants, session integer)",
        "CREATE TABLE items (id integer PRIMARY KEY, cart integer REFERENCES carts)",
        transient={"sessions": {}},
    )
    execute(pair.source, "INSERT INTO sessions VALUES (1)", "INSERT INTO carts VALUES (1, 'a', 1), (2, 'a', NULL)")
    execute(pair.source, "INSERT INTO items VALUES (1, 1), (2, 2)")
    if rule == "skip_row":
        with pytest.raises(RefusedError, match="conflicts") as refusal:
            pair.restore(tables=["items"])
        assert "would point at no row of carts: 1 row" in refusal.value.reasons[0]
        return
    done = pair.restore(tables=["items"])
    assert any(text.startswith("rows of carts that come along are without (session)") for text in done.warnings)
    assert pair.rows("SELECT * FROM carts ORDER BY id") == [(1, "a", None), (2, "a", None)]


def test_a_table_that_a_trigger_wrote_to_is_not_called_untouched(pair: Pair) -> None:
    """Where triggers are to be heard, digests tell which tables they wrote to; the others are proven all the same."""
    made = (
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO public.lines (id, product, amount) VALUES (99, new.id, 0); RETURN new; END'"
    )
    execute(
        pair.target,
        "UPDATE products SET name = 'spoiled' WHERE id = 1",
        made,
        "CREATE TRIGGER note AFTER UPDATE ON products FOR EACH ROW EXECUTE FUNCTION note()",
    )
    looked = pair.restore(tables=["products"], triggers="fire", check=True)
    assert "4 other tables are touched by triggers and rules at most" in "\n".join(looked.details)
    done = pair.restore(tables=["products"], triggers="fire")
    assert done.facts["not_touched"] == ["countries", "makers", "tenants"]
    assert any(text.startswith("lines: rows outside the restore changed") for text in done.warnings)
    assert "3 other tables are proven to be as before" in "\n".join(done.details)
