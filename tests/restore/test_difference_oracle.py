"""What differs between two states, beside a comparison of all their rows by hand."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.restore.laboratory import Laboratory
from tests.restore.random_schemas import spread
from tests.restore.random_worlds import make_world
from tests.restore.spec import Row, Table
from tests.restore.states import make_case
from tests.restore.test_difference import Numbers, compare, numbers
from tests.restore.test_oracle import source_of, there
from tests.restore.view import View
from tests.restore.worlds import SHOP
from tests.sweeps import EVERYTHING, examples
from toolkit.errors import InputError, RefusedError
from toolkit.planning import chunking
from toolkit.planning.chunking import ChunkSizes
from toolkit.postgres.servers.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def laboratory(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A pair of databases for all worlds; their few rows are many chunks."""
    name = f"difference_{os.getpid()}"
    made = Laboratory(pg18, SHOP, tmp_path_factory.mktemp("difference"), name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "FORMAT_1", ChunkSizes(minimum=1, beyond=20, maximum=400))
        yield made
    made.close()
    for role in ("source", "target"):
        pg18.drop_database(f"{name}_{role}")


def expected(before: View, after: View, tables: list[str], business: str = "") -> Numbers:
    """The same, worked out from all rows."""
    return {
        name: by_hand(before.world[name], rows(before, name, business), rows(after, name, business)) for name in tables
    }


def rows(view: View, table: str, business: str) -> list[Row]:
    """The rows of a scope, or those of them that a business owns."""
    return [
        view.row(spot) for spot in view.taken if spot[0] == table and (not business or business in view.owners[spot])
    ]


def by_hand(table: Table, before: list[Row], after: list[Row]) -> tuple[int, int, int]:
    """How one state of a table comes from another."""
    names = tuple(table.columns)
    if not table.identity:
        old, new = (Counter(tuple(row[name] for name in names) for row in each) for each in (before, after))
        return (new - old).total(), 0, (old - new).total()
    first, second = ({key(table, row): row for row in each} for each in (before, after))
    both = first.keys() & second.keys()
    changed = sum(1 for each in both if first[each] != second[each])
    return len(second) - len(both), changed, len(first) - len(both)


def key(table: Table, row: Row) -> tuple[Any, ...]:
    """What identifies a row: numbers by their value, all else by its text."""
    return tuple(
        Decimal(value) if value is not None and table.columns[name].startswith("numeric") else value
        for name in table.identity
        for value in [row[name]]
    )


SEARCH = settings(
    max_examples=examples(4),
    derandomize=not EVERYTHING,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@given(random=st.randoms(use_true_random=True))
@SEARCH
@pytest.mark.timeout(7200)
def test_differences_are_those_of_all_rows(laboratory: Laboratory, random: Random) -> None:
    """Of any application two backups, and a backup and a database, differ in the rows that a person would find."""
    world = spread(random, make_world(random))
    case = make_case(random, world)
    laboratory.build(world)
    laboratory.load("source", case.source)
    laboratory.load("target", case.target)
    note(f"{world.ddl}\n{world.catalog}\n{case}")
    first = laboratory.backup(case.arguments)
    before = source_of(world, case)
    tables = [entry.name for entry in first.tables]
    beside = Beside(laboratory=laboratory, random=random, before=before, tables=tables)
    beside.check(there(before, first, case.target), first.metadata.label, host="target")
    try:
        second = laboratory.backup(case.arguments, host="target")
    except (InputError, RefusedError):  # none of the businesses is there
        return
    labels = [first.metadata.label, second.metadata.label]
    after = replace(before, state=case.target)
    beside.check(after, *labels)
    assert compare(laboratory.directory, labels[0], labels[0]).nothing


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The earlier state, and what is compared of it."""

    laboratory: Laboratory
    random: Random
    before: View
    tables: list[str]

    def check(self, after: View, *labels: str, host: str = "") -> None:
        """Compare all rows, then those of one business, where these can be told."""
        directory = self.laboratory.directory
        assert numbers(compare(directory, *labels, host=host)) == expected(self.before, after, self.tables)
        if not self.before.tenants:
            return
        business = self.random.choice(sorted(self.before.tenants))
        try:
            found = compare(directory, *labels, host=host, business=business)
        except RefusedError as error:
            if any("told to be equal" not in reason for reason in error.reasons):
                raise
            return
        limited = [each.table for each in found.tables if each.reason]
        assert set(limited) == {name for name in self.before.optional if self.before.optional[name]} & set(
            numbers(found)
        )
        compared = [name for name in numbers(found) if name not in limited]
        wanted = expected(self.before, after, compared, business)
        assert {name: each for name, each in numbers(found).items() if name in compared} == wanted
