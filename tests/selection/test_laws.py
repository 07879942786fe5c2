"""Laws that hold between the selections of one application, whatever its rules are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.selection.oracle import Content
from tests.selection.reading import Laboratory, Result
from tests.selection.world import World
from tests.selection.worlds import search, worlds
from toolkit.model.scope import Demo, Scope

pytestmark = pytest.mark.timeout(3600)  # a failure is made small first
few = search(12)
DEMO = Demo.INCLUDE

Rows = Mapping[str, Counter[Content]]


def every_optional(world: World) -> dict[str, int | None]:
    """All optional tables, without limits."""
    return {name: None for name, table in world.tables.items() if table.rule.optional}


def tenants(world: World) -> list[str]:
    """The keys of all tenants."""
    return [str(row[world.key]) for row in world.tables[world.tenant].rows]


def of(laboratory: Laboratory, world: World, *businesses: str, demo: Demo = Demo.INCLUDE) -> Result:
    """What a scope takes, its optional tables included."""
    scope = Scope(businesses=businesses, demo=demo, optional=every_optional(world))
    return laboratory.select(world, scope)


def owned(result: Result) -> Rows:
    """The rows taken because a selected tenant owns them."""
    found = {}
    for name in result.tables:
        marked = result.marks.get(name)
        rows = (
            Counter({values: times for (values, mark), times in marked.items() if mark == "owned"})
            if marked is not None
            else result.mine.get(name, Counter()) & result.rows.get(name, Counter())
        )
        if rows:
            found[name] = rows
    return found


def union(parts: Iterable[Rows]) -> Rows:
    """Rows that are in any of the parts; equal rows of a table are always taken together."""
    found: dict[str, Counter[Content]] = {}
    for part in parts:
        for name, rows in part.items():
            found[name] = found.get(name, Counter()) | rows
    return found


@few
@given(world=worlds())
def test_businesses_named_together_are_their_union(laboratory: Laboratory, world: World) -> None:
    """Naming two businesses takes what naming each takes, no more and no less."""
    names = tenants(world)[:2]
    assume(len(names) == 2)
    laboratory.build(world)
    apart = [of(laboratory, world, name) for name in names]
    together = of(laboratory, world, *names)
    assert owned(together) == union(map(owned, apart))
    assert together.rows == union(result.rows for result in apart)


@few
@given(world=worlds())
def test_the_whole_is_every_business_and_what_nobody_owns(laboratory: Laboratory, world: World) -> None:
    """A whole scope takes what every business takes by itself, and beyond it no row for its owner's sake.

    It may bring a row that somebody owns and a condition leaves out, when a row of nobody points at it.
    """
    laboratory.build(world)
    parts = [of(laboratory, world, name) for name in tenants(world)]
    whole = of(laboratory, world)
    assert owned(whole) == union(map(owned, parts))
    covered = union(result.rows for result in parts)
    for name, rows in covered.items():
        assert rows <= whole.rows[name], name
    for name, rows in whole.rows.items():
        beyond = rows - covered.get(name, Counter())
        assert not beyond & owned(whole).get(name, Counter()), name


@few
@given(world=worlds())
def test_demo_and_other_businesses_make_up_all(laboratory: Laboratory, world: World) -> None:
    """The owned rows of `demo: exclude` and of `demo: only` are together those of `demo: include`."""
    laboratory.build(world)
    include, exclude, only = (of(laboratory, world, demo=demo) for demo in (Demo.INCLUDE, Demo.EXCLUDE, Demo.ONLY))
    assert union([owned(exclude), owned(only)]) == owned(include)
    assert {**exclude.tenants, **only.tenants} == include.tenants


@few
@given(world=worlds(), data=st.data())
def test_the_order_of_the_catalog_file_does_not_matter(
    laboratory: Laboratory, world: World, data: st.DataObject
) -> None:
    """The same tables in another order in the catalog file take the same rows for the same reasons."""
    named = tenants(world)[:1] if data.draw(st.booleans()) else []
    laboratory.build(world)
    before = of(laboratory, world, *named)
    laboratory.write_catalog(world, data.draw(st.permutations(list(world.tables))))
    assert of(laboratory, world, *named) == before


@few
@given(world=worlds())
def test_the_census_counts_what_a_backup_of_each_tenant_alone_owns(laboratory: Laboratory, world: World) -> None:
    """Every tenant is listed with its demo mark and the rows that a backup of it alone counts as owned."""
    laboratory.build(world)
    census = laboratory.census()
    expected = {
        tenant: sum(
            each.owned for each in laboratory.select(world, Scope(businesses=(tenant,), demo=DEMO)).counts.values()
        )
        for tenant in tenants(world)
    }
    assert {each.key: each.rows for each in census.businesses} == expected
    assert {each.key for each in census.businesses if not each.demo} == set(
        of(laboratory, world, demo=Demo.EXCLUDE).tenants
    )
    present = {name for name, table in world.tables.items() if table.rule.optional and table.present}
    assert {each.table for each in census.optional} == present
