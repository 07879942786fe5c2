"""Restores of random states over random states, beside what the oracle works out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.restore.laboratory import Laboratory, content
from tests.restore.oracle import Expected, Oracle, differences
from tests.restore.spec import State, World
from tests.restore.states import Case, make_case
from tests.restore.view import View
from tests.restore.worlds import WORLDS
from tests.sweeps import EVERYTHING, examples
from toolkit.errors import RefusedError
from toolkit.model.manifest import Manifest
from toolkit.postgres.servers.embedded import EmbeddedServer

"""How many restores are tried into applications made up at random; a tenth as many into each of those made by hand."""


@pytest.fixture(scope="module", params=WORLDS, ids=lambda world: world.name)
def laboratory(
    request: pytest.FixtureRequest, pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Laboratory]:
    """A pair of databases for each world."""
    world: World = request.param
    made = Laboratory(pg18, world, tmp_path_factory.mktemp(world.name), f"oracle_{os.getpid()}_{world.name}")
    yield made
    made.close()
    for role in ("source", "target"):
        pg18.drop_database(f"oracle_{os.getpid()}_{world.name}_{role}")


def source_of(world: World, case: Case) -> View:
    """The scope of a case on the source."""
    wanted: Any = case.arguments.get("optional", {})
    optional = {name: each.get("limit") for name, each in wanted.items()}
    demo = str(case.arguments["demo"])
    return View(world=world, state=case.source, named=tuple(case.named), demo=demo, optional=optional)


def there(source: View, manifest: Manifest, target: State) -> View:
    """The same scope on a target: the businesses that were backed up, or all that its demo rule takes there.

    Those that the rule left out of the backup are not the restore's, whatever they are there.
    """
    if not source.named:
        left_out = frozenset(row["id"] or "" for row in source.state["tenants"]) - source.tenants
        assert left_out == manifest.selection.left_out.keys()
        return replace(source, state=target, without=left_out)
    return replace(source, state=target, named=tuple(manifest.selection.tenants), demo="include")


def expected_of(source: View, target: View, mode: str) -> Expected:
    """What restoring does; a limit says what was backed up, not what it is compared with."""
    unlimited = replace(target, optional=dict.fromkeys(target.optional))
    return Oracle(source=source, target=unlimited, mode=mode).expected()


@given(random=st.randoms(use_true_random=True), superuser=st.booleans())
@settings(
    max_examples=examples(2, 50),
    derandomize=not EVERYTHING,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # every example takes a good part of a second: shrinking would take many minutes
)
def test_a_restore_does_what_the_oracle_says(laboratory: Laboratory, random: Random, superuser: bool) -> None:
    """The target, the plan's numbers, a second restore and a verification are what the design's words make them."""
    world = laboratory.world
    case = make_case(random, world)
    note(str(case))
    laboratory.load("source", case.source)
    laboratory.load("target", case.target)
    manifest = laboratory.backup(case.arguments)
    source = source_of(world, case)
    assert taken_by(source) == taken_in(manifest)
    target = there(source, manifest, case.target)
    expected = expected_of(source, target, case.mode)
    note(f"expected {expected.numbers}, refused {expected.refused}")
    host = "superuser" if superuser else "target"
    if expected.refused:
        planned = laboratory.restore(host, manifest, case.mode, check=True)
        assert planned.exit_code == RefusedError.exit_code
        assert _tables_of(planned.facts["conflicts"]) == expected.refused
        with pytest.raises(RefusedError) as refusal:
            laboratory.restore(host, manifest, case.mode)
        assert _tables_of(refusal.value.reasons) == expected.refused
        assert laboratory.read("target") == content(world, case.target)
        assert laboratory.verify(manifest).facts["tables"] == differences(source, target)
        return
    planned = laboratory.restore(host, manifest, case.mode, check=True)
    assert laboratory.read("target") == content(world, case.target)
    done = laboratory.restore(host, manifest, case.mode)
    assert laboratory.read("target") == content(world, expected.state)
    assert {**planned.facts, "untouched": None} == {**done.facts, "untouched": None}
    assert_numbers(done.facts, expected)
    target = there(source, manifest, laboratory.state("target"))
    verified = laboratory.verify(manifest)
    assert verified.facts["tables"] == differences(source, target)
    if not done.facts["kept"]:
        assert not laboratory.restore(host, manifest, case.mode).changed
        assert verified.exit_code == 0
        return
    # a row that was kept may have got an owner by what was restored beside it
    again = expected_of(source, target, case.mode)
    if again.refused:
        with pytest.raises(RefusedError):
            laboratory.restore(host, manifest, case.mode)
    else:
        laboratory.restore(host, manifest, case.mode)
        assert laboratory.read("target") == content(world, again.state)


def assert_numbers(facts: Mapping[str, Any], expected: Expected) -> None:
    """What a restore reports is what the oracle counted."""
    for name in ("inserts", "updates", "deletes", "unchanged", "set_null"):
        assert facts[name] == sum(getattr(each, name) for each in expected.numbers.values()), name
    assert sum(facts["kept"].values()) == sum(each.kept for each in expected.numbers.values())
    changes = {
        name: {what: getattr(each, what) for what in ("inserts", "updates", "deletes")}
        for name, each in expected.numbers.items()
        if each.inserts or each.updates or each.deletes or each.set_null
    }
    assert facts["tables"] == changes


def _tables_of(conflicts: Any) -> set[str]:
    return {text.partition(":")[0] for text in conflicts}


def taken_by(view: View) -> dict[str, int]:
    """Rows by table that the oracle takes."""
    counts: dict[str, int] = {}
    for name, _ in view.taken:
        counts[name] = counts.get(name, 0) + 1
    return counts


def taken_in(manifest: Manifest) -> dict[str, int]:
    """Rows by table of a backup."""
    return {table.name: table.rows for table in manifest.tables if table.rows}
