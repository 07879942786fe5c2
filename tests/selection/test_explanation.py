"""Explanations and leaks against brute force, on random applications."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.selection.oracle import Expected, Spot, content, expect
from tests.selection.reading import Laboratory
from tests.selection.world import LEFT_OUT, Reference, Row, Value, World
from tests.selection.worlds import scopes, search, worlds
from toolkit.config import catalog as catalogs
from toolkit.errors import InputError
from toolkit.model.explanation import Explanation
from toolkit.model.leak import Leaks
from toolkit.model.scope import Demo, Scope
from toolkit.postgres.selection.explanation import SAMPLES, Explainer
from toolkit.postgres.selection.leaks import find_leaks
from toolkit.postgres.selection.snapshot import consistent_snapshot

pytestmark = pytest.mark.timeout(3600)  # a failure is made small first
few = search(15, 500)

Pairs = frozenset[tuple[str, str]]
Link = tuple[str, Pairs, str]
"""A reference: child, pairs of columns, parent."""


@few
@given(data=st.data(), world=worlds())
def test_explanations_equal_brute_force(laboratory: Laboratory, world: World, data: st.DataObject) -> None:
    """Whose a row is, by a shortest way, its mark, what points at it and what it brings in are as worked out."""
    laboratory.build(world)
    scope = data.draw(scopes(world))
    expected = expect(world, scope)
    assume(expected is not None)
    assert expected is not None
    catalog = catalogs.load(laboratory.catalog)
    with consistent_snapshot(laboratory.connection, catalog, scope, unclassified="warn") as survey:
        explainer = Explainer(laboratory.connection, survey)
        for spot in spots(world):
            check(world, expected, spot, explainer)


@few
@given(world=worlds())
def test_leaks_equal_brute_force(laboratory: Laboratory, world: World) -> None:
    """Rows of several owners, and pairs of rows across owners, are counted as by looking at every row and pair."""
    laboratory.build(world)
    scope = Scope(demo=Demo.INCLUDE)
    expected = expect(world, scope)
    assert expected is not None
    with consistent_snapshot(
        laboratory.connection, catalogs.load(laboratory.catalog), scope, unclassified="warn"
    ) as survey:
        found = find_leaks(survey)
    several = Counter(name for (name, _), owners in expected.owners.items() if len(owners) > 1)
    assert {each.table: each.rows for each in found.co_owned} == several
    assert dict(found.tenants) == dict(expected.tenants)
    check_crossing(world, expected, found)


def spots(world: World) -> list[Spot]:
    """The rows that can be named."""
    return [
        (name, number)
        for name, table in world.tables.items()
        for number, row in enumerate(table.rows)
        if table.present and not name.startswith(LEFT_OUT) and any(value is not None for value in row.values())
    ]


def check(world: World, expected: Expected, spot: Spot, explainer: Explainer) -> None:
    """Explain a row, named by all its columns that are not NULL, and compare everything."""
    row = world.tables[spot[0]].rows[spot[1]]
    words = [f"{column}={text(value)}" for column, value in row.items() if value is not None]
    fitting = fitting_rows(world, spot)
    if len({content(world.tables[spot[0]], number) for _, number in fitting}) > 1:
        with pytest.raises(InputError, match="several rows"):
            explainer.explain(spot[0], words)
        return
    found = explainer.explain(spot[0], words)
    # rows that are equal in everything share an explanation, but a limit may cut between them
    assert found.mark in {expected.marks.get(each) for each in fitting}
    assert found.reasons
    check_owners(world, expected, spot, found)
    check_pointing(world, expected, spot, found)
    check_brings(world, expected, spot, found)


def text(value: Value) -> str:
    """A value as PostgreSQL prints it."""
    return {True: "t", False: "f"}[value] if isinstance(value, bool) else str(value)


def fitting_rows(world: World, spot: Spot) -> list[Spot]:
    """The rows of the table that agree with a row in all its columns that are not NULL."""
    name, number = spot
    rows = world.tables[name].rows
    columns = world.tables[name].columns
    wanted = {column: columns[column].normal(value) for column, value in rows[number].items() if value is not None}
    return [
        (name, place)
        for place, row in enumerate(rows)
        if all(columns[column].normal(row[column]) == value for column, value in wanted.items())
    ]


def check_owners(world: World, expected: Expected, spot: Spot, found: Explanation) -> None:
    """The owners; the ways to them are made of owning references, hang together and cannot be shorter."""
    assert {owner.tenant for owner in found.owners} == expected.owners.get(spot, frozenset())
    distances = tenant_distances(world, spot)
    for owner in found.owners:
        assert owner.selected == (owner.tenant in expected.tenants)
        assert len(owner.path) == distances[owner.tenant]
        tables = [spot[0], *(step.owner.table for step in owner.path)]
        assert [step.row.table for step in owner.path] == tables[:-1]
        assert tables[-1] == world.tenant
        rows = [step.row for step in owner.path[1:]]
        assert rows == [step.owner for step in owner.path[:-1]]
        for step in owner.path:
            pairs = frozenset(zip(step.columns, step.owner_columns, strict=True))
            assert any(pairs == owning for _, owning in owning_links(world, step.row.table, step.owner.table))


def owning_links(world: World, table: str, owner: str) -> Iterator[tuple[str, Pairs]]:
    """By the rule of `table`: the columns by which rows of `owner` own its rows."""
    for edge in world.tables[table].rule.owned_by:
        for reference in world.references:
            pairs = list(zip(reference.columns, reference.parent_columns, strict=True))
            if reference.child != (edge.table or table) or set(reference.columns) != set(edge.columns):
                continue
            if not edge.table and reference.parent == owner:
                yield owner, frozenset(pairs)
            elif edge.table == owner and reference.parent == table:
                yield owner, frozenset((theirs, own) for own, theirs in pairs)


def tenant_distances(world: World, start: Spot) -> dict[str, int]:
    """Steps from a row to every tenant that owns it."""
    distances = {start: 0}
    waiting = [start]
    for spot in waiting:
        for owner, table in world.tables.items():
            for _, pairs in owning_links(world, spot[0], owner) if table.present else ():
                row = world.tables[spot[0]].rows[spot[1]]
                for number, other in enumerate(table.rows):
                    if (owner, number) not in distances and joined(world, (spot[0], row), (owner, other), pairs):
                        distances[owner, number] = distances[spot] + 1
                        waiting.append((owner, number))
    tenants = world.tables[world.tenant].rows
    return {str(tenants[number][world.key]): far for (name, number), far in distances.items() if name == world.tenant}


def joined(world: World, one: tuple[str, Row], another: tuple[str, Row], pairs: Pairs) -> bool:
    """Whether two rows, each with its table, agree in whatever spelling their types find equal; NULLs never do."""
    (table, row), (other_table, other) = one, another
    ours, theirs = world.tables[table].columns, world.tables[other_table].columns

    def same(left: str, right: str) -> bool:
        return ours[left].normal(theirs[right].normal(row[left])) == theirs[right].normal(
            ours[left].normal(other[right])
        )

    return all(row[left] is not None and same(left, right) for left, right in pairs)


def references(world: World) -> list[Reference]:
    """The references between tables that are there."""
    return [each for each in world.references if world.tables[each.child].present and world.tables[each.parent].present]


def link(child: str, columns: Sequence[str], parent: str, parent_columns: Sequence[str]) -> Link:
    """A reference, however its columns are ordered."""
    return child, frozenset(zip(columns, parent_columns, strict=True)), parent


def pointing_pairs(world: World, reference: Reference) -> Iterator[tuple[Spot, Spot]]:
    """All pairs of a row and a row it points at by a reference."""
    pairs = frozenset(zip(reference.columns, reference.parent_columns, strict=True))
    for number, row in enumerate(world.tables[reference.child].rows):
        for place, parent in enumerate(world.tables[reference.parent].rows):
            if joined(world, (reference.child, row), (reference.parent, parent), pairs):
                yield (reference.child, number), (reference.parent, place)


def check_pointing(world: World, expected: Expected, spot: Spot, found: Explanation) -> None:
    """Rows that point at the row, and those of them that are taken, by reference."""
    counts: dict[Link, tuple[int, int]] = {}
    for reference in references(world):
        pointing = [child for child, parent in pointing_pairs(world, reference) if parent == spot]
        taken = sum(child in expected.marks for child in pointing)
        if pointing and (world.tables[reference.child].is_business or taken):
            key = link(reference.child, reference.columns, reference.parent, reference.parent_columns)
            counts[key] = len(pointing), taken
    told = {
        link(each.table, each.columns, spot[0], each.parent_columns): (each.rows, each.taken)
        for each in found.pointing
        # tables of a device that take part in the scope are looked at, too
        if world.tables[each.table].is_business or each.taken
    }
    assert told == counts
    assert all(len(each.samples) == min(each.rows, SAMPLES) for each in found.pointing)


def check_brings(world: World, expected: Expected, spot: Spot, found: Explanation) -> None:
    """Rows that the row points at, directly or not, by table, and those of them that are only referenced."""
    parents: Mapping[Spot, list[Spot]] = defaultdict(list)
    for reference in references(world):
        if world.tables[reference.parent].rule.category in ("business", "device"):
            for child, parent in pointing_pairs(world, reference):
                parents[child].append(parent)
    reached, waiting = {spot}, [spot]
    for each in waiting:
        for parent in parents[each]:
            if parent not in reached:
                reached.add(parent)
                waiting.append(parent)
    reached.remove(spot)
    assert {each.table: each.rows for each in found.brings} == Counter(name for name, _ in reached)
    only = Counter(each[0] for each in reached if expected.marks.get(each) == "referenced")
    assert Counter({each.table: each.only_referenced for each in found.brings}) == only


def check_crossing(world: World, expected: Expected, found: Leaks) -> None:
    """Pairs of rows of which the first has an owner that the second, which somebody owns, has not."""
    counts: dict[Link, tuple[int, int]] = {}
    for reference in references(world):
        owners = [
            (expected.owners.get(child, frozenset()), expected.owners.get(parent, frozenset()))
            for child, parent in pointing_pairs(world, reference)
        ]
        crossing = [(ours, theirs) for ours, theirs in owners if theirs and not ours <= theirs]
        if crossing:
            key = link(reference.child, reference.columns, reference.parent, reference.parent_columns)
            counts[key] = len(crossing), sum(not ours.isdisjoint(theirs) for ours, theirs in crossing)
    told = {
        link(each.table, each.columns, each.parent, each.parent_columns): (each.pairs, each.related)
        for each in found.references
    }
    assert told == counts
    for each in found.references:
        for child, parent in each.samples:
            assert not set(child.owners) <= set(parent.owners)
