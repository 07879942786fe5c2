"""Sequences, identity and generated columns: what the database would make itself."""

from __future__ import annotations

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from toolkit.errors import RefusedError

ITEMS = """
CREATE TABLE items (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL REFERENCES tenants,
    number serial,
    price numeric,
    gross numeric GENERATED ALWAYS AS (price * 2) STORED
)
"""
VALUES = "INSERT INTO items (id, tenant, number, price) OVERRIDING SYSTEM VALUE VALUES"
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences ORDER BY sequencename"


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """A table with an identity column, a serial and a generated column."""
    return make_pair({"items": {"owned_by": ["tenant"]}}, ITEMS)


def test_ids_are_preserved_and_generated_values_computed(pair: Pair) -> None:
    """Rows keep the ids of GENERATED ALWAYS columns; generated columns follow from the restored ones."""
    execute(pair.source, f"{VALUES} (5, 'a', 50, 1.5), (7, 'a', 70, 2)")
    execute(pair.target, f"{VALUES} (7, 'a', 70, 9)")
    outcome = pair.restore()
    assert (outcome.facts["inserts"], outcome.facts["updates"]) == (1, 1)
    assert pair.rows("SELECT id, number, gross FROM items ORDER BY id") == [(5, 50, 3), (7, 70, 4)]


def test_sequences_go_to_the_greatest_of_all(pair: Pair) -> None:
    """A sequence moves to the greatest of its own state, the backup's and its column's values."""
    execute(pair.source, f"{VALUES} (5, 'a', 900, 1)", "SELECT setval('items_id_seq', 40)")
    execute(pair.target, "SELECT setval('items_id_seq', 12)", "SELECT setval('items_number_seq', 30)")
    pair.restore()
    assert pair.rows(SEQUENCES) == [("items_id_seq", 40), ("items_number_seq", 900)]


def test_sequences_never_go_back(pair: Pair) -> None:
    """A sequence that is further than the backup and the rows stays where it is, and nothing counts as changed."""
    execute(pair.source, f"{VALUES} (5, 'a', 6, 1)")
    pair.restore()
    execute(pair.target, "SELECT setval('items_id_seq', 1000)", "SELECT setval('items_number_seq', 1000)")
    assert not pair.restore().changed
    assert pair.rows(SEQUENCES) == [("items_id_seq", 1000), ("items_number_seq", 1000)]


def test_sequences_wait_for_success(pair: Pair) -> None:
    """A restore that fails moves no sequence, and neither does check mode."""
    execute(pair.source, f"{VALUES} (5, 'a', 6, 1)", "SELECT setval('items_id_seq', 40)")
    before = pair.rows(SEQUENCES)
    assert pair.restore(check=True).changed
    assert pair.rows(SEQUENCES) == before
    execute(pair.target, "ALTER TABLE items ADD CHECK (price > 1)")
    with pytest.raises(RefusedError, match="items_price_check"):
        pair.restore()
    assert pair.rows(SEQUENCES) == before


def test_a_sequence_may_serve_a_text_column(make_pair: MakePair) -> None:
    """A sequence owned by a column that holds no numbers moves to the backup's state."""
    pair = make_pair(
        {"bills": {"owned_by": ["tenant"]}},
        "CREATE SEQUENCE bill_numbers",
        "CREATE TABLE bills (id text PRIMARY KEY DEFAULT 'B-' || nextval('bill_numbers'), tenant text NOT NULL)",
        "ALTER TABLE bills ADD FOREIGN KEY (tenant) REFERENCES tenants",
        "ALTER SEQUENCE bill_numbers OWNED BY bills.id",
    )
    execute(pair.source, "INSERT INTO bills (tenant) VALUES ('a'), ('a')")
    pair.restore()
    assert pair.rows(SEQUENCES) == [("bill_numbers", 2)]


def test_an_identity_column_that_only_an_insert_can_set_is_refused(make_pair: MakePair) -> None:
    """A row whose GENERATED ALWAYS column differs beside its key cannot be updated: refused by name."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE TABLE items (id text PRIMARY KEY, tenant text REFERENCES tenants,"
        " n integer GENERATED ALWAYS AS IDENTITY)",
    )
    execute(pair.source, "INSERT INTO items (id, tenant) VALUES ('y', 'a'), ('x', 'a')")
    execute(pair.target, "INSERT INTO items (id, tenant) VALUES ('x', 'a')")
    state = pair.state()
    with pytest.raises(RefusedError, match="items: differs in n, which only an insert can set: 1 row"):
        pair.restore()
    assert pair.state() == state
