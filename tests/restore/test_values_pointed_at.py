"""Foreign keys to unique columns that are no primary key: the values rows are found by may change hands."""

from __future__ import annotations

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.test_conflicts import refused
from tests.restore.test_deletion import HOSTS

SCHEMA = (
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, code text UNIQUE)",
    "CREATE TABLE lines (id integer PRIMARY KEY, tenant text REFERENCES tenants, code text REFERENCES items (code))",
)
RULES = {"items": {"owned_by": ["tenant"]}, "lines": {"owned_by": ["tenant"]}}


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """Lines of both businesses point at items by their code."""
    return make_pair(RULES, *SCHEMA)


@HOSTS
def test_a_value_that_others_point_at_is_not_taken_away(pair: Pair, host: str) -> None:
    """The plan says which row would leave which foreign key without the row it leads to."""
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'new')")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'old')", "INSERT INTO lines VALUES (1, 'b', 'old')")
    (reason,) = refused(pair, "merge", host)
    assert reason == "items: lines_code_fkey: rows of lines point at (code) as it is now: 1 row, e.g. 1"


@HOSTS
def test_a_value_may_be_taken_away_where_what_points_at_it_goes_too(pair: Pair, host: str) -> None:
    """Rows that are deleted, or point elsewhere afterwards, are in nobody's way."""
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'new')", "INSERT INTO lines VALUES (1, 'b', 'new')")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'old')")
    execute(pair.target, "INSERT INTO lines VALUES (1, 'b', 'old'), (2, 'b', 'old')")
    outcome = pair.restore(host=host)
    assert [outcome.facts[name] for name in ("updates", "deletes")] == [2, 1]
    assert pair.rows("SELECT * FROM lines") == [(1, "b", "new")]


@HOSTS
def test_a_row_may_be_replaced_by_another_with_the_value_that_is_pointed_at(pair: Pair, host: str) -> None:
    """The row that goes is pointed at no longer: the one that comes with it is."""
    execute(pair.source, "INSERT INTO items VALUES (2, 'a', 'x')", "INSERT INTO lines VALUES (1, 'a', 'x')")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'x')", "INSERT INTO lines VALUES (1, 'a', 'x')")
    manifest = pair.backup()
    outcome = pair.restore(of=manifest, host=host)
    assert [outcome.facts[name] for name in ("inserts", "deletes")] == [1, 1]
    assert pair.rows("SELECT id, code FROM items") == [(2, "x")]
    assert not pair.restore(of=manifest, host=host).changed


@pytest.mark.parametrize("action", ["RESTRICT", "CASCADE", "SET NULL"])
def test_a_row_that_others_are_bound_to_is_replaced_by_none(make_pair: MakePair, action: str) -> None:
    """Foreign keys that act, or refuse, as soon as a row goes leave no way; only without them there is one."""
    pair = make_pair(RULES, SCHEMA[0], f"{SCHEMA[1][:-1]} ON DELETE {action})")
    execute(pair.source, "INSERT INTO items VALUES (2, 'a', 'x')", "INSERT INTO lines VALUES (1, 'a', 'x')")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'x')", "INSERT INTO lines VALUES (1, 'a', 'x')")
    (reason,) = refused(pair)
    assert reason == (
        "items: values of unique key items_code_key (code) are held by other rows (such as 1), which cannot let go of"
        " them first under the foreign keys that lead to them: 1 row, e.g. 2"
    )
    assert pair.restore(host="superuser").facts["inserts"] == 1
    assert pair.rows("SELECT id, code FROM lines") == [(1, "x")]
