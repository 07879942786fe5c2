"""The selection against brute force, on random applications."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.selection.oracle import Content, Expected, content, expect
from tests.selection.reading import Laboratory, Result
from tests.selection.world import World
from tests.selection.worlds import scopes, search, seldom, worlds
from toolkit.errors import InputError
from toolkit.model.scope import BackupType, Scope


@pytest.mark.timeout(3600)  # a failure is made small first, and whoever sets more examples has the time
@search(30, 600)
@given(data=st.data(), world=worlds())
def test_selection_equals_brute_force(laboratory: Laboratory, world: World, data: st.DataObject) -> None:
    """On any application and scope the rows taken, their marks and their counts are those worked out row by row."""
    laboratory.build(world)
    for _ in range(2):
        scope, all_owners = data.draw(scopes(world)), data.draw(seldom)
        expected = expect(world, scope)
        if expected is None:
            with pytest.raises(InputError):
                laboratory.select(world, scope)
            continue
        found = laboratory.select(world, scope, all_owners=all_owners)
        check(world, scope, expected, found, all_owners=all_owners)


def check(world: World, scope: Scope, expected: Expected, found: Result, *, all_owners: bool) -> None:
    """Compare everything."""
    assert dict(found.tenants) == dict(expected.tenants)
    assert found.dropped == expected.dropped
    assert found.cutoffs == expected.cutoffs
    rows = expected.rows(world)
    for name in world.tables:
        marked = rows.get(name, Counter())
        plain: Counter[Content] = Counter()
        marks: Counter[str] = Counter()
        for (values, mark), times in marked.items():
            plain[values] += times
            marks[mark] += times
        assert found.rows.get(name, Counter()) == plain, name
        if name in found.marks:
            assert found.marks[name] == marked, name
        if name in found.tables:
            counts = found.counts[name]
            told = {"owned": counts.owned, "shared": counts.shared}
            told |= {"unowned": counts.unowned, "referenced": counts.referenced}
            assert {mark: count for mark, count in told.items() if count} == marks, name
    check_tables(world, scope, found)
    check_owners(world, expected, found, all_owners=all_owners)


def check_tables(world: World, scope: Scope, found: Result) -> None:
    """A table that the scope covers takes part even without rows; one that it must not read does not."""
    for name, table in world.tables.items():
        rule = table.rule
        covered = table.is_business and (not rule.optional or name in scope.optional)
        if table.present and (covered or (rule.category == "device" and scope.type is BackupType.FULL_DEVICE)):
            assert name in found.tables, name
        if rule.category in ("transient", "") or not table.present:
            assert name not in found.tables, name


def check_owners(world: World, expected: Expected, found: Result, *, all_owners: bool) -> None:
    """Rows owned by selected tenants are known as such; those of others where that was asked for."""
    mine, others = Counter[tuple[str, Content]](), Counter[tuple[str, Content]]()
    for (name, number), owners in expected.owners.items():
        row = (name, content(world.tables[name], number))
        mine[row] += not owners.isdisjoint(expected.tenants)
        others[row] += not owners <= expected.tenants.keys()
    assert Counter({(name, row): n for name, rows in found.mine.items() for row, n in rows.items()}) == +mine
    if all_owners:
        assert Counter({(name, row): n for name, rows in found.others.items() for row, n in rows.items()}) == +others
