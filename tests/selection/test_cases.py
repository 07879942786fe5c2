"""Cases the random search seldom meets, each worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tests.selection.oracle import expect
from tests.selection.reading import Laboratory, Result
from tests.selection.test_oracle import check
from tests.selection.world import Column, Condition, Declared, Edge, Reference, Row, Rule, Table, World
from toolkit.model.scope import Scope

SHOPS: tuple[Row, ...] = ({"id": 1, "name": "one"}, {"id": 2, "name": "two"})
OWNED = Rule(category="business", kind="owned", owned_by=(Edge(columns=("shop",)),))
REFERENCED = Rule(category="business", kind="referenced")
TYPES: Mapping[type, str] = {int: "integer", str: "text", bool: "boolean"}


def table(name: str, rows: Sequence[Row], rule: Rule, *, present: bool = True) -> Table:
    """A table with the key `id`; types are those of the first row, and `shop` is NOT NULL."""
    columns = {column: Column(type=TYPES[type(value)], nullable=column != "shop") for column, value in rows[0].items()}
    return Table(name=name, columns=columns, key=("id",), unique=(), rows=tuple(rows), rule=rule, present=present)


def world(references: Sequence[Reference], *tables: Table) -> World:
    """An application of shops."""
    shops = table("shops", SHOPS, Rule(category="business", kind="tenant"))
    return World(
        tables={each.name: each for each in (shops, *tables)},
        references=tuple(references),
        schema="public",
        tenant="shops",
        key="id",
        label="name",
        demo="",
    )


def reference(child: str, column: str, parent: str, declared: Declared, to: str = "id") -> Reference:
    """A reference of one column."""
    return Reference(child=child, columns=(column,), parent=parent, parent_columns=(to,), declared=declared)


def taken(laboratory: Laboratory, made: World, scope: Scope) -> Result:
    """What the product takes, once it has been found to be what brute force takes."""
    laboratory.build(made)
    expected, found = expect(made, scope), laboratory.select(made, scope, all_owners=True)
    assert expected is not None
    check(made, scope, expected, found, all_owners=True)
    return found


def ids(result: Result, name: str) -> Mapping[str, set[object]]:
    """The ids taken of a table whose first column is `id`, by mark."""
    marks: dict[str, set[object]] = {}
    for values, mark in result.marks.get(name, {}):
        marks.setdefault(mark, set()).add(values[0])
    return marks


def test_a_foreign_key_that_is_not_valid_owns_only_what_it_reaches(laboratory: Laboratory) -> None:
    """Rows that dangle under a NOT VALID foreign key are nobody's, even where every tenant is selected."""
    orders = table("orders", [{"id": 1, "shop": 1}, {"id": 2, "shop": 99}], OWNED)
    made = world([reference("orders", "shop", "shops", Declared.NOT_VALID)], orders)
    counts = taken(laboratory, made, Scope()).counts["orders"]
    assert (counts.owned, counts.unowned) == (1, 1)
    assert ids(taken(laboratory, made, Scope(businesses=("1", "2"))), "orders") == {"owned": {1}}


def test_an_owner_in_an_absent_table_owns_nothing(laboratory: Laboratory) -> None:
    """An entry of `owned_by` that leads to a table which the database lacks is passed over, the others count."""
    gone = table("gone", [{"id": 1, "shop": 1}], OWNED, present=False)
    rule = Rule(category="business", kind="owned", owned_by=(Edge(columns=("shop",)), Edge(columns=("parent",))))
    orders = table("orders", [{"id": 1, "shop": 1, "parent": 1}, {"id": 2, "shop": 2, "parent": 1}], rule)
    made = world(
        [
            reference("gone", "shop", "shops", Declared.CATALOG),
            reference("orders", "shop", "shops", Declared.FOREIGN_KEY),
            reference("orders", "parent", "gone", Declared.CATALOG),
        ],
        gone,
        orders,
    )
    assert ids(taken(laboratory, made, Scope(businesses=("1",))), "orders") == {"owned": {1}}


def test_the_catalog_file_may_add_to_a_foreign_key(laboratory: Laboratory) -> None:
    """A reference of the catalog file counts although a foreign key leads from the same column to the same table."""
    orders = table("orders", [{"id": 1, "shop": 1, "item": 10}], OWNED)
    items = table("items", [{"id": 10, "code": 5}, {"id": 11, "code": 10}, {"id": 12, "code": 12}], REFERENCED)
    made = world(
        [
            reference("orders", "shop", "shops", Declared.FOREIGN_KEY),
            reference("orders", "item", "items", Declared.FOREIGN_KEY),
            reference("orders", "item", "items", Declared.CATALOG, to="code"),
        ],
        orders,
        items,
    )
    assert ids(taken(laboratory, made, Scope(businesses=("1",))), "items") == {"referenced": {10, 11}}


def test_a_condition_loses_no_rows_that_only_point_at_each_other(laboratory: Laboratory) -> None:
    """Where every tenant is taken, `referenced` rows on a cycle come along if the condition holds for them."""
    condition = Condition(text="kept", holds=lambda row: row["kept"] is True)
    rule = Rule(category="business", kind="referenced", where=condition)
    rows = [{"id": 1, "kept": True, "next": 2}, {"id": 2, "kept": True, "next": 1}, {"id": 3, "kept": False, "next": 3}]
    people = table("people", rows, rule)
    made = world([reference("people", "next", "people", Declared.FOREIGN_KEY)], people)
    assert ids(taken(laboratory, made, Scope()), "people") == {"unowned": {1, 2}}
    assert ids(taken(laboratory, made, Scope(businesses=("1",))), "people") == {}


@pytest.mark.parametrize("partitioned", [False, True])
def test_ownership_goes_down_chains_and_around_circles(laboratory: Laboratory, partitioned: bool) -> None:
    """Whoever stands below somebody's staff, at any depth and in circles, is theirs; a free circle is not."""
    rule = Rule(category="business", kind="owned", owned_by=(Edge(columns=("works_for",)), Edge(columns=("boss",))))
    chain = [{"id": number, "works_for": 1 if number == 1 else None, "boss": number - 1} for number in range(1, 6)]
    free = [{"id": 8, "works_for": None, "boss": 9}, {"id": 9, "works_for": None, "boss": 8}]
    chain[0]["boss"] = 5
    staff = replace(table("staff", [*chain, *free], rule), partitioned=partitioned)
    made = world(
        [
            reference("staff", "works_for", "shops", Declared.FOREIGN_KEY),
            reference("staff", "boss", "staff", Declared.FOREIGN_KEY),
        ],
        staff,
    )
    assert ids(taken(laboratory, made, Scope(businesses=("1",))), "staff") == {"owned": {1, 2, 3, 4, 5}}
    assert ids(taken(laboratory, made, Scope(businesses=("2",))), "staff") == {}
    counts = taken(laboratory, made, Scope()).counts["staff"]
    assert (counts.owned, counts.unowned) == (5, 2)
