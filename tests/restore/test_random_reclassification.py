"""Made-up applications whose catalog file changes between backup and restore, beside what the oracle works out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

import pytest

from tests.restore.cut_ways import cut_from, leading, own_backup
from tests.restore.laboratory import Laboratory, content
from tests.restore.oracle import Oracle, differences
from tests.restore.random_worlds import make_world
from tests.restore.spec import Columns, Row, State, Table, World
from tests.restore.states import Case, legal, make_case
from tests.restore.test_oracle import assert_numbers, source_of, there
from tests.restore.test_random_worlds import lines
from tests.restore.view import Spot, View
from tests.restore.worlds import SHOP
from tests.sweeps import seeds
from toolkit.errors import RefusedError
from toolkit.postgres.servers.embedded import EmbeddedServer

GONE = ("transient", "unlisted")
PARTIAL = 3

Line = tuple[str | None, ...]
"""A row: its table and its values."""


@pytest.fixture(scope="module")
def laboratory(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A pair of databases for all worlds."""
    name = f"reclassified_{os.getpid()}"
    made = Laboratory(pg18, SHOP, tmp_path_factory.mktemp("worlds"), name)
    yield made
    made.close()
    for role in ("source", "target"):
        pg18.drop_database(f"{name}_{role}")


@dataclass(frozen=True, kw_only=True)
class Remaining(View):
    """What is restored of a backup: nothing of the tables that are gone.

    Attributes:
        picked: single businesses are picked out of it, without what rows of those tables alone have brought.
    """

    gone: frozenset[str]
    picked: bool

    @cached_property
    def by_rule(self) -> list[Table]:
        """The tables that are restored by their rule."""
        return [table for table in View.by_rule.func(self) if table.name not in self.gone]  # type: ignore[attr-defined]

    def comes_along(self, table: str) -> bool:
        """Whether rows of a table are restored for being pointed at."""
        return table not in self.gone and super().comes_along(table)

    @cached_property
    def taken(self) -> dict[Spot, str]:
        """The rows that are restored."""
        if self.picked:
            return View.taken.func(self)  # type: ignore[attr-defined,no-any-return]
        whole = View(
            world=self.world,
            state=self.state,
            named=self.named,
            demo=self.demo,
            optional=self.optional,
            without=self.without,
        )
        return {spot: reason for spot, reason in whole.taken.items() if spot[0] not in self.gone}


@dataclass(kw_only=True)
class TodaysOracle(Oracle):
    """A mirror deletes nothing of tables whose rule of then is not known to have taken the same rows."""

    uncertain: frozenset[str]

    def _owned_alone_in_backup(self, spot: Spot) -> bool:
        """What no rule gives an owner today is everybody's, whoever's it was then."""
        return bool(self.target.world[spot[0]].owned_by) and super()._owned_alone_in_backup(spot)

    def _extra(self, table: Table, spots: list[Spot], taken: dict[Spot, str]) -> Iterator[tuple[Spot, bool]]:
        for spot, stays in super()._extra(table, spots, taken):
            yield spot, stays or table.name in self.uncertain


def changed_table(random: Random, world: World) -> tuple[World, Table] | None:
    """The application with another rule for one table; None where there is none.

    A table through which others are owned stays business data, or they could not be owned through it.
    """
    candidates = [
        table
        for table in world.tables
        if table.category == "business" and table.kind != "tenant" and not table.newest_by
    ]
    if not candidates:
        return None
    then = random.choice(candidates)
    bare = replace(then, kind="owned", owned_by=(), where=None, unowned="", cascade=False)
    lets_go = any(reference.action == "set null" for reference in then.references)
    gone = [replace(bare, category="transient"), replace(bare, category="transient" if lets_go else "unlisted")]
    choices = [
        *(gone if then.name not in leading(list(world.tables)) else []),
        *([replace(then, where=None if then.where else ("name = 'x'", _is_x))] if "name" in then.columns else []),
        *([replace(then, kind="shared", owned_by=())] if then.kind != "shared" else []),
        *(replace(then, kind="owned", owned_by=(edge,)) for edge in _other_owners(then, world)),
    ]
    if not choices:
        return None
    today = random.choice(choices)
    tables = tuple(today if table.name == then.name else table for table in world.tables)
    return replace(world, tables=tables), today


def crossed(random: Random, world: World, case: Case) -> Case:
    """The case, mostly with rows of the target that hold unique values of rows of the backup with other keys."""
    target = {name: [dict(row) for row in rows] for name, rows in case.target.items()}
    for table in world.tables:
        fixed = {*table.key, *(name for reference in table.references for name in reference.columns)}
        for names in table.unique:
            free = [row for row in case.source[table.name] if None not in (row[name] for name in names)]
            if not table.key or fixed & {*names} or not free or random.random() < 0.3:
                continue
            theirs = random.choice(free)
            others = [row for row in target[table.name] if any(row[name] != theirs[name] for name in table.key)]
            for row in random.sample(others, min(1, len(others))):
                row |= {name: theirs[name] for name in names}
                target[table.name].remove(row)
                target[table.name].insert(0, row)
    return replace(case, target=legal(world, target))


def _other_owners(table: Table, world: World) -> list[tuple[str, Columns]]:
    """Two of the columns of a table by which it could be owned, and is not."""
    towards = [("", each.columns) for each in table.references if world[each.parent].category == "business"]
    return [edge for edge in towards if table.owned_by != (edge,)][:2]


def _is_x(row: Row) -> bool:
    return row["name"] == "x"


def uncertain_tables(world: World, table: Table) -> frozenset[str]:
    """The table, what is owned through it, and `referenced` ones that it points at: what took them is not known."""
    reached, waiting = {table.name}, [table.name]
    while waiting:
        child = world[waiting.pop()]
        pointed = [world[reference.parent] for reference in child.references]
        found = {each.name for each in pointed if each.category == "business" and each.kind == "referenced"}
        found |= {each.name for each in world.tables if child.name in leading([each])}
        waiting += found - reached
        reached |= found
    return frozenset(reached)


def lines_of(view: View, spots: Collection[Spot]) -> Counter[Line]:
    """Rows as lines."""
    return Counter(
        (name, *(view.row((name, place))[each] for each in view.world[name].columns)) for name, place in spots
    )


def put_aside(laboratory: Laboratory, *, keep: bool = False) -> Counter[Line]:
    """The rows that are in quarantine, as lines."""
    return lines(laboratory.world, laboratory.put_aside(keep=keep))


def check_retry(laboratory: Laboratory, random: Random, catalogs: Sequence[World]) -> None:
    """Whatever the catalog file says by then, and whatever has gone: a retry writes rows that were put aside, or leaves
    them there; none is lost, and no other row is touched."""
    if not (aside := put_aside(laboratory, keep=True)):
        return
    print(f"aside: {aside}")
    for _ in range(2):
        laboratory.classify(random.choice(catalogs))
        state = laboratory.state("target")
        if random.random() < 0.7:
            freed = random.sample(sorted({line[0] or "" for line in aside}), 1)
            state |= {name: [] for name in freed}
            laboratory.load("target", legal(laboratory.world, state))
        before, versions = laboratory.read("target"), laboratory.versions("target")
        retried = laboratory.retry("target")
        left, after = put_aside(laboratory, keep=True), laboratory.read("target")
        written = Counter[Line]()
        for name, rows in after.items():
            assert rows >= before[name]
            written.update({(name, *row): times for row, times in (rows - before[name]).items()})
        now = laboratory.versions("target")
        assert all(places <= now.get(line, set()) for line, places in versions.items())
        kept = retried.facts["kept"]
        assert isinstance(kept, int)
        assert written + left <= aside
        assert written.total() + left.total() + kept == aside.total()
        assert retried.exit_code == (PARTIAL if left else 0)
        if not (aside := left):
            break
    laboratory.put_aside()


@pytest.mark.parametrize("seed", seeds(6, 100))
def test_todays_catalog_decides(laboratory: Laboratory, seed: int) -> None:
    """Whatever a table has become: what is written, deleted, kept and found by a verification is as the design says."""
    random = Random(seed)
    world = make_world(random)
    if (changed := changed_table(random, world)) is None:
        return
    today, table = changed
    case = crossed(random, world, make_case(random, world))
    laboratory.build(world)
    laboratory.load("source", case.source)
    laboratory.load("target", case.target)
    source = source_of(world, case)
    manifest = laboratory.backup(case.arguments)
    laboratory.classify(today)
    businesses = tuple(sorted(source.tenants)[:1]) if random.random() < 0.35 else ()
    print(f"{world.ddl}\n{world.catalog}\n{today.catalog}\n{case}\n{businesses}")
    arguments: dict[str, Any] = {"businesses": list(businesses)} if businesses else {}
    quarantines = random.random() < 0.8
    if businesses:
        wider, source = source, own_backup(source, businesses)
        if cut_from(wider, source):
            return
    gone = frozenset({table.name} if table.category in GONE else ())
    left = Remaining(
        world=world,
        state=source.state,
        named=source.named,
        demo=source.demo,
        optional=source.optional,
        gone=gone,
        picked=bool(businesses),
    )

    def on_target(state: State) -> View:
        return replace(source if businesses else there(source, manifest, state), state=state, world=today)

    target = on_target(case.target)
    unlimited = replace(target, optional=dict.fromkeys(target.optional))
    uncertain = uncertain_tables(today, table)
    oracle = TodaysOracle(source=left, target=unlimited, mode=case.mode, uncertain=uncertain)
    expected = oracle.expected()
    if quarantines and expected.conflicts:
        arguments["on_error"], expected = "quarantine", oracle.quarantined()
    if expected.strained:
        return
    if expected.conflicts:
        with pytest.raises(RefusedError):
            laboratory.restore("target", manifest, case.mode, **arguments)
        assert laboratory.read("target") == content(world, case.target)
        return
    planned = laboratory.restore("target", manifest, case.mode, check=True, **arguments)
    done = laboratory.restore("target", manifest, case.mode, **arguments)
    assert laboratory.read("target") == content(world, expected.state)
    assert_numbers(done.facts, expected)
    assert planned.warnings == done.warnings
    if manifest.table(table.name) is not None:
        assert any(each.startswith(f"table {table.name} ") for each in done.warnings)
    assert done.exit_code == planned.exit_code == (PARTIAL if expected.aside else 0)
    assert put_aside(laboratory, keep=True) == lines_of(left, expected.aside)
    if businesses:
        check_retry(laboratory, random, (world, today))
        return
    after = on_target(laboratory.state("target"))
    found = {
        name: {**numbers, "extra": 0} if name in uncertain else numbers
        for name, numbers in differences(left, after).items()
    }
    found = {name: numbers for name, numbers in found.items() if any(numbers.values())}
    assert laboratory.verify(manifest).facts["tables"] == found
    check_retry(laboratory, random, (world, today))
