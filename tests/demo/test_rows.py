"""The rows: there are some everywhere, they are always the same, and what must be among them is."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Servers
from tests.demo.facts import columns, facts
from tests.installed import copied_database
from toolkit.demo import SCALES, load, true_owners
from toolkit.demo.world import key, world
from toolkit.errors import InputError
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import connect

LATER = {"customer_laybys", "customer_layby_payments", "menu_promotions"}
"""The tables that only businesses from the sixth on have rows in."""


@pytest.fixture(scope="module")
def demo(demo_template: Callable[[int], str], pg18: EmbeddedServer) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a copy of the small demo that all tests here only read."""
    name = f"rows_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(copied_database(pg18, name, demo_template(18)), autocommit=True) as connection:
        yield connection
    pg18.drop_database(name)


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def _contents(conninfo: str) -> dict[str, set[str]]:
    """The rows of every table as text."""
    with connect(conninfo) as connection:
        return {
            table: {
                line
                for (line,) in connection.execute(
                    sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("public", table))
                )
            }
            for table in columns()
        }


def _digest(contents: dict[str, set[str]]) -> str:
    lines = (f"{table} {line}" for table in sorted(contents) for line in sorted(contents[table]))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_every_table_has_rows(demo: psycopg.Connection[Any]) -> None:
    """The small demo has about 25,000 rows, and some in each of the 144 tables."""
    counts = {table: _one(demo, f'SELECT count(*) FROM "{table}"') for table in columns()}
    assert [table for table, count in counts.items() if not count] == []
    assert 23_000 < sum(counts.values()) < 27_000


def test_the_same_seed_gives_the_same_rows_on_both_servers(
    demo_template: Callable[[int], str], servers: Servers
) -> None:
    """Loads of different times on different server versions agree, and one takes less than 20 seconds."""
    sixteen, eighteen = servers.database(16, template=demo_template(16)), servers.database(18)
    assert load(eighteen).seconds < 20
    assert _digest(_contents(sixteen)) == _digest(_contents(eighteen))


def test_another_seed_gives_other_values_to_the_same_products(servers: Servers) -> None:
    """Ids and SKUs stay, prices do not."""
    found: list[dict[Any, Any]] = []
    for seed in (1, 2):
        database = servers.database(18)
        load(database, seed=seed, businesses=1)
        with psycopg.connect(database) as connection:
            found.append(dict(connection.execute('SELECT (id, sku), "basePrice" FROM business_products').fetchall()))
    assert found[0].keys() == found[1].keys()
    assert found[0] != found[1]


def test_fewer_businesses_are_the_same_application_earlier(
    demo_template: Callable[[int], str], servers: Servers
) -> None:
    """With five businesses nearly every row is one of the eight's, and the tables of later features are empty."""
    five = servers.database(18)
    report = load(five, businesses=5)
    assert {table for table, rows in report.rows.items() if not rows} == LATER
    earlier, now = _contents(five), _contents(servers.database(18, template=demo_template(18)))
    common = sum(len(earlier[table] & now[table]) for table in columns())
    assert common > 0.98 * report.total


def test_a_schema_that_is_already_there_is_filled(servers: Servers) -> None:
    """Loading into the empty schema gives what loading into an empty database gives, and leaves triggers enabled."""
    twice, once = servers.database(18), servers.database(18)
    load(twice, businesses=1)
    with psycopg.connect(twice) as connection:
        names = sql.SQL(", ").join(sql.Identifier(table) for table in columns())
        connection.execute(sql.SQL("TRUNCATE {}").format(names))
    load(twice, businesses=1)
    load(once, businesses=1)
    assert _digest(_contents(twice)) == _digest(_contents(once))
    with psycopg.connect(twice) as connection:
        assert _one(connection, "SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'") == 0


def test_an_unknown_scale_is_refused(servers: Servers) -> None:
    """The error names the scales there are."""
    with pytest.raises(InputError, match="unknown scale 'huge'"):
        load(servers.database(18), scale="huge")


def test_businesses_and_people(demo: psycopg.Connection[Any]) -> None:
    """Demo businesses, umbrellas, users in several and in no business, chains of supervisors, trees of categories."""
    assert _one(demo, "SELECT count(*) FROM businesses") >= 8
    assert _one(demo, 'SELECT count(*) FROM businesses WHERE "isDemo"') == 2
    assert _one(demo, 'SELECT count(*) FROM businesses WHERE "umbrellaBusinessId" IS NOT NULL') >= 4
    several = 'SELECT count(*) FROM (SELECT FROM business_memberships GROUP BY "userId" HAVING count(*) > 1) s'
    assert _one(demo, several) >= 5
    nowhere = """SELECT count(*) FROM users u
                 WHERE NOT EXISTS (SELECT FROM business_memberships m WHERE m."userId" = u.id)
                 AND NOT EXISTS (SELECT FROM employees e WHERE e."userId" = u.id)"""
    assert _one(demo, nowhere) >= 3
    depth = """WITH RECURSIVE tree AS (
                   SELECT id, 1 AS depth FROM {table} WHERE {parent} IS NULL
                   UNION ALL SELECT c.id, depth + 1 FROM {table} c JOIN tree ON c.{parent} = tree.id)
               SELECT max(depth) FROM tree"""
    assert _one(demo, depth.format(table="employees", parent='"supervisorId"')) >= 4
    assert _one(demo, depth.format(table="business_categories", parent='"parentId"')) >= 3
    assert _one(demo, depth.format(table="business_locations", parent='"parentLocationId"')) >= 3


def test_links_between_businesses(demo: psycopg.Connection[Any]) -> None:
    """A loan from a real to a demo business, rows written by strangers, staff and vehicles shared."""
    loan = """SELECT count(*) FROM inter_business_loans l JOIN businesses a ON a.id = l."lenderBusinessId"
              JOIN businesses b ON b.id = l."borrowerBusinessId" WHERE a."isDemo" <> b."isDemo" """
    assert _one(demo, loan) >= 1
    stranger = """SELECT count(*) FROM business_transactions t WHERE NOT EXISTS (SELECT FROM business_memberships m
                  WHERE m."userId" = t."createdBy" AND m."businessId" = t."businessId")"""
    assert _one(demo, stranger) >= 10
    shared = (
        'SELECT count(*) FROM (SELECT FROM employee_business_assignments GROUP BY "employeeId" HAVING count(*) > 1) s'
    )
    assert _one(demo, shared) >= 5
    trips = """SELECT count(*) FROM vehicle_trips t JOIN vehicles v ON v.id = t."vehicleId"
               WHERE v."businessId" <> t."businessId" """
    assert _one(demo, trips) >= 5


def test_rows_of_no_business(demo: psycopg.Connection[Any]) -> None:
    """Categories, suppliers and barcodes exist that belong to no business, and products use them."""
    for table in ("business_categories", "business_suppliers", "product_barcodes"):
        assert _one(demo, f'SELECT count(*) FROM {table} WHERE "businessId" IS NULL') >= 3
    used = """SELECT count(*) FROM business_products p JOIN business_suppliers s ON s.id = p."supplierId"
              WHERE s."businessId" IS NULL"""
    assert _one(demo, used) >= 10


def test_skus_are_stable(demo: psycopg.Connection[Any]) -> None:
    """The first product of the first business is BLZ-001, and SKUs are unique within a business."""
    first = (
        """SELECT b.name FROM business_products p JOIN businesses b ON b.id = p."businessId" WHERE sku = 'BLZ-001'"""
    )
    assert _one(demo, first) == "Blaze Hardware & Sons"
    assert _one(demo, "SELECT count(*) FROM business_products WHERE sku !~ '^[A-Z0-9]{3}-[0-9]{3}$'") == 0


@pytest.mark.parametrize(
    "text",
    ["", "\\N", "NULL", "a tab\there and\tthere", "two\nlines\n", "back\\slash and \\t that is no tab", "\\.",
     'double "quotes" and \'single\' ones', "emoji 😀 👩‍👩‍👧 🇿🇼", "cafe\u0301 is not café"],
)  # fmt: skip
def test_text_that_breaks_naive_tools(demo: psycopg.Connection[Any], text: str) -> None:
    """Every awkward text stands in a column beside NULLs."""
    counts = demo.execute(
        "SELECT count(*) FILTER (WHERE notes = %s), count(*) FILTER (WHERE notes IS NULL) FROM business_orders", [text]
    ).fetchone()
    assert counts is not None
    assert min(counts) >= 1


def test_values_at_the_edge(demo: psycopg.Connection[Any]) -> None:
    """Infinite times, arrays with NULL and JSON null are there."""
    linked = 'SELECT count(*) FROM business_products WHERE NOT isfinite("templateLinkedAt")'
    assert _one(demo, linked) >= 1
    assert _one(demo, "SELECT count(*) FROM business_products WHERE array_position(allergens, NULL) IS NOT NULL") >= 1
    assert _one(demo, "SELECT count(*) FROM business_orders WHERE attributes = 'null'") >= 1


def test_true_owners_name_every_row(demo: psycopg.Connection[Any]) -> None:
    """There is an entry for the key of each row, and owners are businesses that exist."""
    owners = true_owners()
    assert owners.keys() == columns().keys()
    existing = {id_ for (id_,) in demo.execute("SELECT id FROM businesses")}
    for table in columns():
        key_of = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(each)) for each in facts()[table].key)
        keys = set(demo.execute(sql.SQL("SELECT {} FROM {}").format(key_of, sql.Identifier(table))))
        assert owners[table].keys() == keys, table
        assert existing.issuperset(set().union(*owners[table].values())), table


def test_true_owners_of_some_rows() -> None:
    """A few, worked out by hand from the story the demo tells."""
    owners = true_owners()
    every = frozenset(key[0] for key in owners["businesses"])
    assert len(every) == 8
    assert owners["users"][("user-admin",)] == every
    assert owners["users"][("user-outsider-0",)] == frozenset()
    assert owners["inter_business_loans"][("loan-l-demo",)] == {"biz-blaze-hardware", "biz-demo-cafe"}
    assert owners["inter_business_loans"][("loan-l-private",)] == frozenset()
    assert owners["r710_device_registry"][("r710-0",)] == {"biz-blaze-hardware", "biz-umoja-grill"}
    assert owners["receipt_sequences"][("biz-umoja-grill", "2025-02-01")] == {"biz-umoja-grill"}
    assert owners["business_suppliers"][("supplier-common-0",)] == frozenset()
    assert all(not each for table in ("job_titles", "persons", "sync_events") for each in owners[table].values())


def test_rows_of_several_businesses_are_common() -> None:
    """Enough rows have several owners, and enough have none, to tell rules apart."""
    owners = true_owners()
    several = {table for table, rows in owners.items() if any(1 < len(each) < 8 for each in rows.values())}
    assert several >= {
        "users",
        "employees",
        "employee_contracts",
        "expense_accounts",
        "vehicle_drivers",
        "vehicle_trips",
    }
    assert len(several) >= 20


def test_keys_and_draws_are_the_same_in_every_process() -> None:
    """Both are hashes of what they are for, so a later run or another machine gives the same ones."""
    assert key("users", 0, 0) == "2378c35e-5600-69ad-4e75-7e9822eb0a38"
    assert world(SCALES["small"], seed=1).draw("price", "BLZ-001") == 16359365373286173738
