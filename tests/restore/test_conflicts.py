"""Rows that the target cannot take as they are: foreseen in the plan with their keys, or resolved on the way."""

from __future__ import annotations

import pytest

from tests.control import execute
from tests.installed import needs
from tests.restore.conftest import MakePair, Pair
from tests.restore.test_deletion import HOSTS
from toolkit.errors import RefusedError

ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text, size integer)"
RULES = {"items": {"owned_by": ["tenant"]}}


def refused(pair: Pair, mode: str = "mirror", host: str = "target") -> list[str]:
    """The conflicts that check mode shows; applying is refused with the same ones and changes nothing."""
    state, manifest = pair.state(), pair.backup()
    planned = pair.restore(mode, of=manifest, host=host, check=True)
    assert planned.exit_code == 4
    with pytest.raises(RefusedError) as refusal:
        pair.restore(mode, of=manifest, host=host)
    assert list(refusal.value.reasons) == planned.facts["conflicts"]
    assert pair.state() == state
    return list(refusal.value.reasons)


@pytest.mark.parametrize(
    ("key", "ours", "theirs"),
    [
        ("UNIQUE (name)", "'x', 1", "'x', 2"),
        ("UNIQUE (tenant, name)", "'x', 1", "'x', 2"),
        ("UNIQUE (name) DEFERRABLE", "'x', 1", "'x', 2"),
        ("UNIQUE (name, gross)", "'x', 1", "'x', 1"),
        ("EXCLUDE (name WITH =)", "'x', 1", "'x', 2"),
        ("EXCLUDE USING gist (int4range(size, size + 3) WITH &&)", "'x', 1", "'y', 3"),
    ],
)
def test_a_value_held_by_another_row_is_a_conflict(make_pair: MakePair, key: str, ours: str, theirs: str) -> None:
    """Whatever kind of constraint holds the value, the plan says which, and for which rows."""
    ddl = f"ALTER TABLE items ADD gross integer GENERATED ALWAYS AS (size * 2) STORED, ADD CONSTRAINT second {key}"
    pair = make_pair(RULES, ITEMS, ddl)
    execute(pair.source, f"INSERT INTO items VALUES (1, 'a', {ours})")
    execute(pair.target, f"INSERT INTO items VALUES (2, 'a', {theirs})")
    (reason,) = refused(pair, "merge")
    assert reason.startswith("items: values of ")
    assert " second (" in reason
    assert reason.endswith("are held by other rows (such as 2): 1 row, e.g. 1")


@pytest.mark.parametrize(
    ("index", "conflicting"),
    [
        ("(lower(name))", True),
        ("(name) WHERE size > 0", True),
        ("(name) WHERE size > 1", False),
        pytest.param("(name, size) NULLS NOT DISTINCT", False, marks=needs(15)),
    ],
)
def test_indexes_of_expressions_and_of_some_rows_are_foreseen(
    make_pair: MakePair, index: str, conflicting: bool
) -> None:
    """A unique index that is no constraint counts as much."""
    pair = make_pair(RULES, ITEMS, f"CREATE UNIQUE INDEX second ON items {index}")
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1)")
    execute(pair.target, "INSERT INTO items VALUES (2, 'a', 'X', 2)", "UPDATE items SET name = 'x' WHERE size = 2")
    if conflicting:
        assert "unique key second" in refused(pair, "merge")[0]
    else:
        assert pair.restore("merge").facts["inserts"] == 1


@HOSTS
@pytest.mark.parametrize(
    ("kind", "key", "values"),
    [
        ("text", "UNIQUE (name)", "'x' 'y' 'z'"),
        ("text NOT NULL", "UNIQUE (name)", "'x' 'y' 'z'"),
        ("varchar(8) NOT NULL", "UNIQUE (tenant, name)", "'x' 'y' 'z'"),
        ("integer NOT NULL", "UNIQUE (name)", "1 2 3"),
        ("numeric(8,2) NOT NULL", "UNIQUE (name)", "1 2 3"),
        ("uuid NOT NULL", "UNIQUE (name)", "md5('x')::uuid md5('y')::uuid md5('z')::uuid"),
        ("date NOT NULL", "UNIQUE (name)", "'2026-01-01' '2026-01-02' '2026-01-03'"),
        ("timestamptz NOT NULL", "UNIQUE (name)", "'2026-01-01Z' '2026-01-02Z' '2026-01-03Z'"),
        ("boolean NOT NULL", "UNIQUE (name) DEFERRABLE", "true false NULL"),
        ("text", "EXCLUDE (name WITH =)", "'x' 'y' 'z'"),
    ],
)
def test_swapped_values_are_swapped_back(make_pair: MakePair, host: str, kind: str, key: str, values: str) -> None:
    """Rows that hold one another's unique values let go of them first; new rows and rows that go take part."""
    x, y, z = values.split()
    ddl = ITEMS.replace("name text", f"name {kind}")
    pair = make_pair(RULES, ddl, f"ALTER TABLE items ADD CONSTRAINT second {key}")
    execute(pair.source, f"INSERT INTO items VALUES (1, 'a', {x}), (2, 'a', {y})")
    execute(pair.target, f"INSERT INTO items VALUES (1, 'a', {y}), (2, 'a', {x})")
    if z != "NULL":
        execute(pair.source, f"INSERT INTO items VALUES (3, 'a', {z})")
        execute(pair.target, f"INSERT INTO items VALUES (4, 'a', {z})")
    manifest = pair.backup()
    pair.restore("mirror", of=manifest, host=host)
    assert pair.rows(f"SELECT id FROM items WHERE name = {x} UNION ALL SELECT id FROM items WHERE name = {y}") == [
        (1,),
        (2,),
    ]
    assert not pair.restore("mirror", of=manifest, host=host).changed


@pytest.mark.parametrize("filled", [False, True])
def test_constraints_of_the_target_are_tried_beforehand(make_pair: MakePair, filled: bool) -> None:
    """CHECK and NOT NULL of the target that the source does not have."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', NULL, -1), (3, 'a', 'x', NULL)")
    execute(pair.target, "INSERT INTO items VALUES (4, 'a', 'x', 1)" if filled else "SELECT 1")
    execute(pair.target, "ALTER TABLE items ALTER name SET NOT NULL, ADD CONSTRAINT positive CHECK (size > 0)")
    state, manifest = pair.state(), pair.backup()
    planned = pair.restore("merge", of=manifest, check=True)
    assert planned.facts["conflicts"] == [
        "items: column name is NOT NULL on the target and has no value: 1 row, e.g. 2",
        "items: constraint positive says CHECK ((size > 0)): 1 row, e.g. 2",
    ]
    with pytest.raises(RefusedError):
        pair.restore("merge", of=manifest)
    assert pair.state() == state


@HOSTS
def test_a_parent_that_will_not_be_there_is_a_conflict(make_pair: MakePair, host: str) -> None:
    """A row may point at a table that no backup has; where the row there is missing, the plan says so."""
    pair = make_pair(
        RULES,
        "CREATE TABLE runs (id integer PRIMARY KEY)",
        ITEMS.replace("size integer", "size integer REFERENCES runs"),
        transient={"runs": {}},
    )
    execute(pair.source, "INSERT INTO runs VALUES (1), (2)")
    execute(pair.target, "INSERT INTO runs VALUES (1)")
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'x', 2), (3, 'a', 'x', NULL)")
    execute(pair.target, "INSERT INTO items VALUES (4, 'b', 'x', 1)")
    (reason,) = refused(pair, "merge", host)
    assert reason == "items: items_size_fkey: (size) would point at no row of runs: 1 row, e.g. 2"


@pytest.mark.parametrize("mode", ["merge", "mirror"])
def test_rows_without_a_key_come_back_as_often_as_they_were(make_pair: MakePair, mode: str) -> None:
    """Of equal rows as many are added, or deleted, as there are fewer, or more."""
    pair = make_pair(
        {"logs": {"owned_by": ["tenant"]}}, "CREATE TABLE logs (tenant text REFERENCES tenants, line text)"
    )
    execute(pair.source, "INSERT INTO logs VALUES ('a', 'x'), ('a', 'x'), ('a', NULL), ('b', 'y')")
    assert pair.restore(mode).facts["inserts"] == 4
    assert not pair.restore(mode).changed
    execute(pair.target, "DELETE FROM logs WHERE line = 'x'", "INSERT INTO logs VALUES ('a', 'x'), ('b', 'y')")
    outcome = pair.restore(mode)
    assert [outcome.facts[name] for name in ("inserts", "deletes")] == [1, mode == "mirror"]
    query = "SELECT tenant, line, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2"
    assert pair.rows(query) == [("a", "x", 2), ("a", None, 1), ("b", "y", 1 if mode == "mirror" else 2)]
    assert not pair.restore(mode).changed


@HOSTS
def test_a_parked_value_is_none_that_a_new_row_brings(make_pair: MakePair, host: str) -> None:
    """What a row holds while another takes its value over is neither on the target nor in the backup."""
    ddl = ITEMS.replace("size integer", "size integer NOT NULL UNIQUE")
    pair = make_pair(RULES, ddl)
    listed = ", ".join(f"({number}, 'a', 'x', {number})" for number in range(1, 9))
    execute(pair.source, f"INSERT INTO items VALUES {listed}, (9, 'a', 'x', 10), (10, 'a', 'x', 9)")
    execute(pair.target, "INSERT INTO items VALUES (9, 'a', 'x', 9), (10, 'a', 'x', 10)")
    assert pair.restore(host=host).facts["inserts"] == 8
    assert not pair.restore(host=host).changed


def test_rows_that_change_places_are_not_blamed_for_another(make_pair: MakePair) -> None:
    """Where a trigger refuses one row, those that take over one another's values at the same time are not named."""
    pair = make_pair(RULES, ITEMS.replace("size integer", "size integer UNIQUE"))
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 2), (2, 'a', 'x', 3), (3, 'a', 'bad', 1)")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'x', 2)")
    execute(
        pair.target,
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.name = 'bad' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    with pytest.raises(RefusedError) as refusal:
        pair.restore(triggers="fire")
    assert refusal.value.reasons == ("items (3): no",)


@HOSTS
def test_a_row_that_goes_may_hold_what_several_rows_wait_for(make_pair: MakePair, host: str) -> None:
    """One of its values is in a swap, which is parked; another is simply free once it is deleted."""
    pair = make_pair(RULES, ITEMS.replace("name text, size integer", "name text UNIQUE, size integer UNIQUE"))
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'y', 2), (4, 'a', 'v', 3)")
    execute(pair.target, "INSERT INTO items VALUES (1, 'a', 'y', 1), (2, 'a', 'w', 2), (3, 'a', 'x', 3)")
    outcome = pair.restore(host=host)
    assert [outcome.facts[name] for name in ("inserts", "updates", "deletes")] == [1, 2, 1]
    assert not pair.restore(host=host).changed


@pytest.mark.parametrize("gone", [False, True])
def test_deferrable_keys_are_no_help_across_transactions(make_pair: MakePair, gone: bool) -> None:
    """Restored in steps, a value is free before the transaction ends that brings it again."""
    pair = make_pair(RULES, ITEMS.replace("size integer", "size integer UNIQUE DEFERRABLE"))
    execute(pair.source, f"INSERT INTO items VALUES (1, 'a', 'x', 1){'' if gone else ', (2, $$a$$, $$x$$, 2)'}")
    execute(pair.target, "INSERT INTO items VALUES (2, 'a', 'x', 1)")
    pair.restore(atomic=False)
    assert pair.rows("SELECT id, size FROM items ORDER BY id") == ([(1, 1)] if gone else [(1, 1), (2, 2)])


@HOSTS
@pytest.mark.parametrize("filled", [False, True])
def test_what_cannot_be_computed_is_a_conflict(make_pair: MakePair, host: str, filled: bool) -> None:
    """The rows that make an expression of a constraint or an index fail are named, and no others."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'y', 0), (3, 'a', 'z', -1)")
    execute(pair.target, "INSERT INTO items VALUES (4, 'a', 'x', 5)" if filled else "SELECT 1")
    execute(pair.target, "ALTER TABLE items ADD CONSTRAINT inverse CHECK (10 / size > 0)")
    execute(pair.target, "CREATE UNIQUE INDEX second ON items ((12 / size))")
    assert refused(pair, "merge", host) == [
        "items: inverse cannot be computed: division by zero: 1 row, e.g. 2",
        "items: constraint inverse says CHECK (((10 / size) > 0)): 1 row, e.g. 3",
        "items: second cannot be computed: division by zero: 1 row, e.g. 2",
    ]
    outcome = pair.restore("merge", host=host, on_error="quarantine")
    assert (outcome.facts["inserts"], outcome.exit_code) == (1, 3)


@HOSTS
def test_an_exclusion_that_only_the_target_has_is_foreseen(make_pair: MakePair, host: str) -> None:
    """Rows of the backup may exclude each other, in an empty table too."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'y', 2), (3, 'a', 'z', 9)")
    execute(
        pair.target, "ALTER TABLE items ADD CONSTRAINT apart EXCLUDE USING gist (int4range(size, size + 3) WITH &&)"
    )
    (reason,) = refused(pair, "merge", host)
    assert reason.startswith("items: several rows of the backup have values that exclude each other under apart (")


@HOSTS
def test_a_deferrable_key_that_only_the_target_has_is_not_passed_over(make_pair: MakePair, host: str) -> None:
    """The replica role would not look at it when an empty table is loaded."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'x', 2)")
    execute(pair.target, "ALTER TABLE items ADD CONSTRAINT second UNIQUE (name) DEFERRABLE")
    (reason,) = refused(pair, "merge", host)
    assert "the same values of unique key second (name)" in reason


@HOSTS
def test_a_stricter_domain_is_drift_with_keys(make_pair: MakePair, host: str) -> None:
    """The type has kept its name; which rows do not fit any more is said before anything is written."""
    pair = make_pair(RULES, "CREATE DOMAIN word AS text", ITEMS.replace("name text", "name word"))
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'bad', 2), (3, 'a', NULL, 3)")
    execute(pair.target, "ALTER DOMAIN word ADD CHECK (VALUE <> 'bad')", "ALTER DOMAIN word SET NOT NULL")
    for check in (True, False):
        with pytest.raises(RefusedError) as refusal:
            pair.restore("merge", host=host, check=check)
        (reason,) = refusal.value.reasons
        assert (
            reason == "column items.name: public.word does not have 'bad', NULL any more: 2 rows do not fit, e.g. 2; 3"
        )
