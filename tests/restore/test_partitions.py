"""Keys and constraints that only some partitions of a table have, or lead to."""

from __future__ import annotations

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from toolkit.errors import RefusedError

PAYMENTS = (
    "CREATE TABLE customers (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants) PARTITION BY RANGE (id)",
    "CREATE TABLE early PARTITION OF customers FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE late PARTITION OF customers FOR VALUES FROM (10) TO (20)",
    "CREATE TABLE bills (id integer, tenant text NOT NULL REFERENCES tenants, customer integer, size integer,"
    " PRIMARY KEY (id)) PARTITION BY RANGE (id)",
    "CREATE TABLE small PARTITION OF bills FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id)",
    "CREATE TABLE smallest PARTITION OF small FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE large PARTITION OF bills FOR VALUES FROM (10) TO (100)",
)
RULES = {"bills": {"owned_by": ["tenant"]}, "customers": {"owned_by": ["tenant"]}}


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """Bills, in partitions, of customers, in partitions."""
    return make_pair(RULES, *PAYMENTS)


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_a_key_that_every_partition_declares_orders_the_plan(pair: Pair, host: str) -> None:
    """As in Pagila: parents are written before the rows of the partitions."""
    pair.fill(
        "ALTER TABLE smallest ADD CONSTRAINT a FOREIGN KEY (customer) REFERENCES customers",
        "ALTER TABLE large ADD CONSTRAINT b FOREIGN KEY (customer) REFERENCES customers",
    )
    execute(pair.source, "INSERT INTO customers VALUES (1, 'a'), (11, 'a')")
    execute(pair.source, "INSERT INTO bills VALUES (1, 'a', 11, 1), (10, 'a', 1, 1), (12, 'a', NULL, 1)")
    manifest = pair.backup()
    assert pair.restore(of=manifest, host=host).facts["inserts"] == 5
    assert not pair.restore(of=manifest, host=host).changed
    execute(pair.source, "DELETE FROM bills", "DELETE FROM customers")
    assert pair.restore(host=host).facts["deletes"] == 5


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_a_key_of_one_partition_holds_for_its_rows_alone(pair: Pair, host: str) -> None:
    """Rows of that partition that would point at nothing are conflicts, by name and number; those of others are not."""
    execute(pair.target, "ALTER TABLE small ADD CONSTRAINT of_small FOREIGN KEY (customer) REFERENCES customers")
    execute(pair.source, "INSERT INTO bills VALUES (1, 'a', 5, 1), (2, 'a', 6, 1), (10, 'a', 7, 1)")
    manifest = pair.backup()
    for check in (False, True):
        if check:
            conflicts = pair.restore(of=manifest, host=host, check=True).facts["conflicts"]
            assert conflicts == ["bills: of_small: (customer) would point at no row of customers: 2 rows, e.g. 1, 2"]
            continue
        with pytest.raises(RefusedError, match="conflicts") as refusal:
            pair.restore(of=manifest, host=host)
        assert len(refusal.value.reasons) == 1
    execute(pair.source, "DELETE FROM bills WHERE id < 10")
    assert pair.restore(host=host).facts["inserts"] == 1


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_a_key_that_leads_to_one_partition_finds_rows_there_alone(pair: Pair, host: str) -> None:
    """A parent in another partition is none."""
    execute(pair.target, "ALTER TABLE bills ADD CONSTRAINT to_early FOREIGN KEY (customer) REFERENCES early (id)")
    execute(pair.source, "INSERT INTO customers VALUES (1, 'a'), (11, 'a')")
    execute(pair.source, "INSERT INTO bills VALUES (1, 'a', 11, 1), (10, 'a', 1, 1)")
    conflicts: list[str] = pair.restore(host=host, check=True).facts["conflicts"]  # type: ignore[assignment]
    assert len(conflicts) == 1
    assert "to_early" in conflicts[0]
    execute(pair.source, "DELETE FROM bills WHERE id = 1")
    assert pair.restore(host=host).facts["inserts"] == 3


@pytest.mark.parametrize("host", ["target", "superuser"])
def test_constraints_of_a_leaf_are_foreseen(pair: Pair, host: str) -> None:
    """CHECK, NOT NULL, unique and exclusion constraints of one partition speak of its rows, and of no others."""
    execute(
        pair.target,
        "ALTER TABLE large ADD CONSTRAINT positive CHECK (size > 0)",
        "ALTER TABLE large ALTER customer SET NOT NULL",
        "CREATE UNIQUE INDEX sizes ON large (size)",
        "ALTER TABLE large ADD CONSTRAINT spans EXCLUDE USING gist (int4range(size, size + 2) WITH &&)",
        "INSERT INTO bills VALUES (50, 'b', 1, 3)",
    )
    execute(pair.source, "INSERT INTO bills VALUES (50, 'b', 1, 3), (1, 'a', NULL, 0), (2, 'a', NULL, 3)")
    assert pair.restore(host=host, businesses=["a"]).facts["inserts"] == 2
    execute(
        pair.source,
        "INSERT INTO bills VALUES (11, 'a', 1, 0), (12, 'a', NULL, 7), (13, 'a', 1, 3), (14, 'a', 1, 4),"
        " (15, 'a', 1, 20), (16, 'a', 1, 21)",
    )
    with pytest.raises(RefusedError) as refusal:
        pair.restore(host=host, businesses=["a"])
    refused = [
        (next(name for name in ("positive", "customer", "sizes", "spans") if name in reason), reason.split("e.g. ")[1])
        for reason in refusal.value.reasons
    ]
    assert refused == [
        ("customer", "12"),
        ("positive", "11"),
        ("sizes", "13"),
        ("spans", "14, 16"),  # each other
        ("spans", "13, 14"),
    ]
