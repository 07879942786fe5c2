"""The action `seed`, on a real server."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.actions.running import act
from tests.control import execute
from toolkit.errors import DatabaseError, InputError, RefusedError
from toolkit.model.outcome import Outcome
from toolkit.model.seeding import NAMESPACE
from toolkit.postgres.servers.embedded import EmbeddedServer

SCHEMA = """
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE TABLE kinds (id uuid PRIMARY KEY, shop text NOT NULL, name text NOT NULL);
CREATE TABLE products (
    id text PRIMARY KEY, shop text NOT NULL, sku varchar(8) NOT NULL, name text NOT NULL,
    price numeric(8, 2) NOT NULL, weight numeric, colour colour, tags text[], extra jsonb, raw json,
    kind uuid REFERENCES kinds, made timestamptz, stock integer NOT NULL DEFAULT 7,
    shown text GENERATED ALWAYS AS (sku || name) STORED
);
CREATE TABLE numbers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL, n integer);
"""

Seed = Callable[..., Outcome]
FILE = {"table": "products", "key": ["shop", "sku"], "file": "products.csv", "set": {"shop": "a"}}
HEADER = "sku,name,price"


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """A database with a small shop."""
    conninfo = new_database()
    with psycopg.connect(conninfo) as connection:
        connection.execute(SCHEMA)
    return conninfo


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of somebody else."""
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened


@pytest.fixture
def seed(database: str, tmp_path: Path) -> Seed:
    """Seeds rows; a text is the content of products.csv."""

    def run(text: str = "", *, check: bool = False, diff: bool = False, **arguments: Any) -> Outcome:
        if text:
            (tmp_path / "products.csv").write_text(text, encoding="utf-8")
        given = {**(FILE if text else {}), **arguments}
        return act("seed", given, tmp_path, database=database, check=check, diff=diff)

    return run


def csv(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


def test_rows_are_inserted_once_and_refined_ones_stay(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """Rows that are missing are inserted, in check mode not; those that are there stay as they are by default."""
    text = csv("A,Shirt,9.90", "B,Coat,50", "C,Hat,5")
    would = seed(text, check=True, diff=True)
    assert (would.changed, would.details) == (
        True,
        ("+ a, A: name Shirt, price 9.90", "+ a, B: name Coat, price 50.00", "+ a, C: name Hat, price 5.00"),
    )
    [long] = seed(csv(f"A,{'x' * 50},1"), check=True, diff=True).details
    assert long == f"+ a, A: name {'x' * 40}…, price 1.00"
    many = seed(csv(*(f"{n},n,1" for n in range(12))), check=True, diff=True)
    assert many.details[-1] == "+ 2 more"
    assert connection.execute("SELECT count(*) FROM products").fetchone() == (0,)
    done = seed(text)
    assert done.message == "products: 3 of 3 are there: 3 inserted, 0 updated, 0 kept as refined"
    found = connection.execute("SELECT price::text, stock, shown FROM products WHERE sku = 'A'").fetchone()
    assert found == ("9.90", 7, "AShirt")
    connection.execute("UPDATE products SET price = 60, stock = 1 WHERE sku = 'B'")
    again = seed(text, diff=True)
    assert not again.changed
    assert again.message == "products: 3 of 3 are there: 0 inserted, 0 updated, 1 kept as refined"
    assert again.details == ("= a, B: price 60.00 stays, not 50.00",)
    updated = seed(text, update=["price"], diff=True)
    assert (updated.facts["updated"], updated.details) == (1, ("~ a, B: price 60.00 → 50.00",))
    assert connection.execute("SELECT price, stock FROM products WHERE sku = 'B'").fetchone() == (50, 1)
    assert not seed(text, update="all").changed


def test_ids_are_the_same_everywhere(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """An id follows from table and natural key alone; a row that was given another key is known by it."""
    seed(csv("A,Shirt,9.90"))
    wanted = uuid.uuid5(NAMESPACE, '["products",{"shop":"a","sku":"A"}]')
    assert str(wanted) == "7a92b637-0601-5aa2-9599-8e90e40d7330", "ids that were given out would change"
    assert connection.execute("SELECT id FROM products").fetchone() == (str(wanted),)
    connection.execute("UPDATE products SET sku = 'A2'")
    again = seed(csv("A,Shirt,9.90"), key=["sku", "shop"], diff=True)
    assert again.details == ("= A, a: its id is there under another key",)
    assert (again.changed, again.facts["renamed"], again.facts["there"]) == (False, 1, 1)


def test_values_are_compared_as_the_server_does(seed: Seed) -> None:
    """Another spelling of the same value is no difference, another value is."""
    row: dict[str, Any] = {"shop": "a", "sku": "A", "name": "n", "price": "1.0"}
    given = {"table": "products", "key": ["shop", "sku"], "update": "all"}
    first = {
        "weight": "1.0",
        "extra": '{"a": 1, "b": 2}',
        "made": "2026-01-01T12:00:00Z",
        "tags": "{a,b}",
        "raw": '{"a": 1}',
    }
    other = {**first, "weight": "01.00", "extra": '{"b":2,  "a":1}', "made": "2026-01-01 14:00+02", "tags": '{"a",b}'}
    seed(**given, rows=[row | first])
    assert not seed(**given, rows=[row | other]).changed
    none = dict.fromkeys(other)
    gone = seed(**given, rows=[row | none], diff=True)
    assert gone.facts["updated"] == 1
    assert all(f"{column} " in gone.details[0] for column in other)


def test_every_problem_is_listed_with_its_line(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """Values that a column does not take, missing ones and keys given twice are listed together; nothing is changed."""
    rows = ["A,Shirt,dear,red", "B,,5,green", "toolongsku,x,1,", "C,Hat,5,", "C,Hat,5,", ",Cap,1,", "D,'x,1,blue"]
    with pytest.raises(InputError) as raised:
        seed(csv(*rows, header=f"{HEADER},colour"))
    found = [(problem.line, problem.path) for problem in raised.value.problems]
    assert sorted(found) == [(2, "price"), (3, "colour"), (4, "sku"), (6, ""), (7, "sku")]
    assert "products.csv:2: price: invalid input syntax for type numeric" in str(raised.value)
    assert connection.execute("SELECT count(*) FROM products").fetchone() == (0,)


def test_no_more_problems_than_can_be_read(seed: Seed) -> None:
    """Of one kind so many are listed, and that there are more is said."""
    lookup = {"kind": {"table": "kinds", "key": {"name": "name"}}}
    for rows, given in (
        (["A,Shirt,1"] * 99, {}),
        ([f"A{n},,1" for n in range(99)], {}),
        ([f"A{n},x{n},1" for n in range(99)], {"lookup": lookup}),
    ):
        with pytest.raises(InputError) as raised:
            seed(csv(*rows), **given)
        assert len(raised.value.problems) == 26, given
        assert str(raised.value).splitlines()[-1] == "only the first 25 problems of a kind are listed"
    assert seed(csv(*rows), lookup=lookup, check=True).facts["inserted"] == 99


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (csv("A,Shirt", "B,x,1,2"), "products.csv:2: 2 fields where the header has 3\nproducts.csv:3: 4 fields"),
        ("sku,name,price\n", "products.csv:1: there is no row in it"),
        ("sku;name;price\nA;x;1\n", "separated by semicolons"),
        ("sku,nme,price,shown,sku\n", "products.csv:1: sku: the column is there twice"),
        ("sku,nme,price,shown\n", "did you mean name?\nproducts.csv:1: shown: shown is computed"),
        ("sku,name\nA,x\n", "products.csv:1: price: no row gives price"),
        ('sku,name,price\nA,"x,1\n', "products.csv:2: not valid CSV"),
        ("sku,name,price,shop\n", "rows give shop, and `set` does as well"),
    ],
)
def test_files_that_are_wrong(seed: Seed, text: str, said: str) -> None:
    """What is wrong with a file is said with its line before a row is read."""
    with pytest.raises(InputError) as raised:
        seed(text)
    assert said in str(raised.value)


def test_arguments_that_do_not_fit_the_table(seed: Seed) -> None:
    """Every argument that does not fit is named, with what fits."""
    rows = [{"code": "x", "n": 1}]
    for arguments, said in (
        ({"table": "number", "key": ["code"]}, "did you mean numbers?"),
        ({"table": "numbers", "key": ["cod"]}, "seed.key: numbers has no column cod"),
        ({"table": "numbers", "key": ["code"]}, "`ids: database` takes its default"),
        ({"table": "numbers", "key": ["code"], "ids": "kept"}, "the rows do not give id"),
        ({"table": "numbers", "key": ["code"], "ids": "database", "update": ["m"]}, "seed.update: no row gives m"),
        ({"table": "numbers", "key": ["code"], "ids": "database", "update": ["code"]}, "says which row it is"),
        ({"table": "numbers", "key": ["code"], "ids": "database", "set": {"n": "x"}}, "rows give n, and `set`"),
    ):
        with pytest.raises(InputError) as raised:
            seed(rows=rows, **arguments)
        assert said in str(raised.value)


def test_identity_columns_count_on(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """Ids are the database's own where asked, or kept, and then the database counts on behind them."""
    given = {"table": "numbers", "key": ["code"]}
    seed(**given, rows=[{"code": "a"}, {"code": "b", "n": 2}], ids="database")
    assert connection.execute("SELECT id, code, n FROM numbers ORDER BY id").fetchall() == [(1, "a", None), (2, "b", 2)]
    seed(**given, rows=[{"id": 40, "code": "c"}], ids="kept")
    connection.execute("INSERT INTO numbers (code) VALUES ('d')")
    assert connection.execute("SELECT id FROM numbers WHERE code = 'd'").fetchone() == (41,)
    taken = seed(**given, rows=[{"id": 40, "code": "e"}], ids="kept")
    assert (taken.changed, taken.facts["renamed"]) == (False, 1)
    assert "1 row with an id that another natural key has" in taken.warnings[0]


def test_rows_of_other_tables_are_found_by_their_natural_key(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """A reference is given by the natural key of its row; one that leads nowhere or to several is named by its line."""
    seed(table="kinds", key=["shop", "name"], rows=[{"shop": "a", "name": "hats"}, {"shop": "b", "name": "hats"}])
    lookup = {"kind": {"table": "kinds", "key": {"name": "kind_name", "shop": "shop"}}}
    text = csv("A,Hat,1,hats", "B,Cap,1,", header=f"{HEADER},kind_name")
    assert seed(text, lookup=lookup).facts["inserted"] == 2
    assert connection.execute(
        "SELECT p.sku, k.shop FROM products p LEFT JOIN kinds k ON k.id = p.kind ORDER BY 1"
    ).fetchall() == [("A", "a"), ("B", None)]
    assert not seed(text, lookup=lookup, update="all").changed
    text = csv("C,Hat,1,hts", header=f"{HEADER},kind_name")
    with pytest.raises(InputError, match=r"products.csv:2: kind: no row of kinds has name 'hts', shop 'a'"):
        seed(text, lookup=lookup)
    assert "earlier task may insert them" in seed(text, lookup=lookup, check=True).warnings[0]
    lookup["kind"]["key"] = {"name": "kind_name"}
    with pytest.raises(InputError, match="2 rows of kinds have name 'hats'"):
        seed(csv("C,Hat,1,hats", header=f"{HEADER},kind_name"), lookup=lookup)


def test_a_key_that_the_table_has_twice(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """Where the table has a natural key several times nothing is written, and they are listed."""
    for name in "xy":
        connection.execute("INSERT INTO products VALUES (%s, 'a', 'A', 'n', 1)", [name])
    with pytest.raises(RefusedError, match=r"several times\n  - a, A: 2 rows"):
        seed(csv("A,Shirt,1", "B,Coat,2"))
    assert connection.execute("SELECT count(*) FROM products").fetchone() == (2,)


def test_triggers_fire_and_what_they_do_is_told(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """Triggers see the rows as those of an application; a row that one leaves out does not count as there."""
    connection.execute(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN IF NEW.sku = 'B' THEN RETURN NULL; END IF; NEW.name := upper(NEW.name); RETURN NEW; END$$;"
        "CREATE TRIGGER t BEFORE INSERT ON products FOR EACH ROW EXECUTE FUNCTION f()"
    )
    done = seed(csv("A,Shirt,1", "B,Coat,2"))
    assert (done.facts["there"], done.facts["inserted"]) == (1, 1)
    assert "1 row inserted and not there: a trigger" in done.warnings[0]
    assert connection.execute("SELECT name FROM products").fetchall() == [("SHIRT",)]


def test_a_row_that_a_constraint_refuses(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """A row that a constraint of the table refuses fails with what the server says, and nothing is kept."""
    connection.execute("ALTER TABLE products ADD CHECK (price > 0)")
    rows = [{"shop": "a", "sku": sku, "name": name, "price": 1} for sku, name in (("A", "n"), ("B", "\0"))]
    with pytest.raises(InputError, match=r"seed.rows\[1\].name: the character with the number 0"):
        seed(table="products", key=["shop", "sku"], rows=rows)
    with pytest.raises(DatabaseError, match="violates check constraint"):
        seed(csv("A,Shirt,1", "B,Coat,-1"))
    assert connection.execute("SELECT count(*) FROM products").fetchone() == (0,)


def test_yaml_and_json_rows_are_read_as_they_are_written(
    seed: Seed, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """Numbers of a file stay what was written, and lists and mappings become arrays and JSON."""
    (tmp_path / "p.yml").write_text(
        "- {sku: 007, name: on, price: 1.10, tags: [a, 'b, c'], extra: {n: 1}}\n- {sku: B, name: ~, price: 1}\n"
    )
    given = {**FILE, "file": "p.yml"}
    with pytest.raises(InputError, match=r"p.yml:2: name: no value, and name must have one"):
        seed(**given)
    (tmp_path / "p.json").write_text('[\t{"sku": "007", "name": "on", "price": 1.10,\n\t"tags": ["a", "b, c"]}]')
    seed(**{**given, "file": "p.json"})
    assert connection.execute("SELECT sku, name, tags FROM products").fetchone() == ("007", "on", ["a", "b, c"])
    (tmp_path / "p.yml").write_text("- {sku: 007, name: on, price: 1.10, extra: {n: 1}}\n")
    assert seed(**given, update="all").facts["updated"] == 1
    assert connection.execute("SELECT extra FROM products").fetchone() == ({"n": 1},)


def test_values_that_types_of_ones_own_refuse(seed: Seed, connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    """A domain's refusal and bad JSON are named by their line; types that cannot be compared are compared as texts."""
    connection.execute(
        "CREATE DOMAIN positive AS integer CHECK (value > 0); CREATE DOMAIN needed AS text NOT NULL;"
        "CREATE TYPE pair AS (a integer, b json);"
        "CREATE TABLE odd (id uuid PRIMARY KEY, k text, p positive, m needed DEFAULT 'x', j jsonb, c pair, b box);"
        "CREATE TABLE short (id varchar(8) PRIMARY KEY, k text)"
    )
    given = {"table": "odd", "key": ["k"], "file": "odd.csv"}
    (tmp_path / "odd.csv").write_text('k,p,j\na,1,{}\nb,-1,[]\nc,0,{a\nd,2,"{""v7_"":}"\n')
    with pytest.raises(InputError) as raised:
        seed(**given)
    assert [(each.line, each.path) for each in raised.value.problems] == [(3, "p"), (4, "p"), (4, "j"), (5, "j")]
    (tmp_path / "odd.csv").write_text("k,m\na,x\nb,\n")
    with pytest.raises(InputError, match=r"odd.csv:3: m: domain needed does not allow null values"):
        seed(**given)
    given = {"table": "odd", "key": ["k"], "update": "all"}
    row = {"k": "a", "c": '(1,"{}")', "b": "(1,1),(0,0)"}
    assert seed(**given, rows=[row]).changed
    assert not seed(**given, rows=[row]).changed
    assert seed(**given, rows=[{**row, "b": "(2,0.5),(0,0)"}]).changed  # another box of the same size
    with pytest.raises(InputError, match=r"seed.key: c is public.pair, of which the server cannot say what is equal"):
        seed(table="odd", key=["c"], rows=[row])
    with pytest.raises(InputError, match=r"id is character varying\(8\), and a UUID is no value of it"):
        seed(table="short", key=["k"], rows=[{"k": "a"}])


def test_a_trigger_that_changes_the_key(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """Rows that cannot be found again once they are inserted are refused: every run would insert them anew."""
    connection.execute(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.code := lower(NEW.code); RETURN NEW; END$$"
        ";"
        "CREATE TRIGGER t BEFORE INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION f()"
    )
    given = {"table": "numbers", "key": ["code"], "ids": "database"}
    with pytest.raises(RefusedError, match="1 row inserted into numbers cannot be found again by code"):
        seed(**given, rows=[{"code": "ABC"}, {"code": "x"}])
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    assert seed(**given, rows=[{"code": "abc"}]).changed


def test_sequences_never_go_back(seed: Seed, connection: psycopg.Connection[Any]) -> None:
    """Behind ids that are kept a sequence goes on in its own direction, from where it was to begin, owned or not."""
    connection.execute(
        "CREATE SEQUENCE later START 1000; CREATE SEQUENCE down INCREMENT -1;"
        "CREATE TABLE late (id bigint PRIMARY KEY DEFAULT nextval('later'), k text);"
        "CREATE TABLE less (id bigint PRIMARY KEY DEFAULT nextval('down'), k text)"
    )
    for table, kept, following in (("late", 5, 1000), ("late", 1005, 1006), ("less", -3, -4)):
        seed(table=table, key=["k"], ids="kept", rows=[{"k": f"k{kept}", "id": kept}])
        got = connection.execute(f"INSERT INTO {table} (k) VALUES ('mine') RETURNING id").fetchone()  # type: ignore[arg-type,unused-ignore]
        assert got == (following,)


def test_a_database_whose_transactions_see_one_snapshot(
    seed: Seed, database: str, connection: psycopg.Connection[Any]
) -> None:
    """A row that another session inserts while a seed waits for it is found, whatever isolation the database has."""
    name = connection.info.dbname
    connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")  # type: ignore[arg-type,unused-ignore]
    with psycopg.connect(database) as other, ThreadPoolExecutor() as pool:
        other.execute("INSERT INTO numbers (code) VALUES ('a')")
        seeding = pool.submit(seed, table="numbers", key=["code"], ids="database", rows=[{"code": "a"}])
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'numbers'::regclass"
        while not seeding.done() and connection.execute(waiting).fetchone() == (0,):
            time.sleep(0.01)
        other.commit()
        assert not seeding.result().changed
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (1,)


def test_keys_that_a_collation_takes_for_one(pg15: EmbeddedServer, tmp_path: Path) -> None:
    """Two spellings of a key that the column's collation takes for equal are one key given twice."""
    conninfo = pg15.create_database("seed_collation")
    try:
        execute(
            conninfo,
            "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "CREATE TABLE t (id text PRIMARY KEY, k text COLLATE folded, n integer)",
        )
        arguments = {"table": "t", "key": ["k"], "rows": [{"k": "Shirt", "n": 1}, {"k": "SHIRT", "n": 2}]}
        with pytest.raises(InputError, match=r"seed.rows\[1\]: Shirt is there already, on line 1"):
            act("seed", arguments, tmp_path, database=conninfo)
    finally:
        pg15.drop_database("seed_collation")


def test_a_key_given_twice_is_listed_beside_a_bad_value_of_the_same_row(seed: Seed) -> None:
    """Every problem of a row is told at once, whichever of the rows with one key has the other problem."""
    for rows in (("A,Shirt,9.90", "A,Coat,dear"), ("A,Shirt,dear", "A,Coat,9.90")):
        with pytest.raises(InputError) as refused:
            seed(csv(*rows))
        assert "dear" in str(refused.value)
        assert "a, A is there already, on line 2" in str(refused.value)
