"""Restores of random states over random states, beside what the oracle works out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.restore.laboratory import Laboratory, content
from tests.restore.oracle import Expected, Oracle, View
from tests.restore.spec import State, World
from tests.restore.states import Case, cases
from tests.restore.worlds import WORLDS
from toolkit.errors import RefusedError
from toolkit.model.manifest import Manifest
from toolkit.postgres.embedded import EmbeddedServer

EXAMPLES = int(os.environ.get("PLAYBACK_RESTORE_EXAMPLES", "50"))
"""How many restores are tried in all."""


@pytest.fixture(scope="module", params=WORLDS, ids=lambda world: world.name)
def laboratory(
    request: pytest.FixtureRequest, pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Laboratory]:
    """A pair of databases for each world."""
    world: World = request.param
    made = Laboratory(pg18, world, tmp_path_factory.mktemp(world.name), f"oracle_{os.getpid()}")
    yield made
    made.close()
    for role in ("source", "target"):
        pg18.drop_database(f"oracle_{os.getpid()}_{world.name}_{role}")


def oracle_of(world: World, case: Case, manifest: Manifest, target: State, *, suspends: bool) -> Oracle:
    """The oracle's view of a case, with `target` as the state that is restored over."""
    wanted: Any = case.arguments.get("optional", {})
    optional = {name: each.get("limit") for name, each in wanted.items()}
    demo = str(case.arguments["demo"])
    source = View(world=world, state=case.source, named=tuple(case.named), demo=demo, optional=optional)
    unlimited = dict.fromkeys(optional)
    there = View(
        world=world,
        state=target,
        named=tuple(manifest.selection.tenants) if case.named else (),
        demo="include" if case.named else demo,
        optional=unlimited,
    )
    return Oracle(source=source, target=there, mode=case.mode, suspends=suspends)


@given(data=st.data(), superuser=st.booleans())
@settings(
    max_examples=-(-EXAMPLES // len(WORLDS)),
    deadline=None,
    derandomize=EXAMPLES <= 50,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
def test_a_restore_does_what_the_oracle_says(laboratory: Laboratory, data: st.DataObject, superuser: bool) -> None:
    """The target, the plan's numbers, a second restore and a verification are what the design's words make them."""
    world = laboratory.world
    case = data.draw(cases(world))
    laboratory.load("source", case.source)
    laboratory.load("target", case.target)
    manifest = laboratory.backup(case.arguments)
    oracle = oracle_of(world, case, manifest, case.target, suspends=superuser)
    assert taken_by(oracle.source) == taken_in(manifest)
    expected = oracle.expected()
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
        return
    planned = laboratory.restore(host, manifest, case.mode, check=True)
    assert laboratory.read("target") == content(world, case.target)
    done = laboratory.restore(host, manifest, case.mode)
    assert laboratory.read("target") == content(world, expected.state)
    assert planned.facts == done.facts
    assert_numbers(done.facts, expected)
    again = oracle_of(world, case, manifest, laboratory.state("target"), suspends=superuser).expected()
    repeated = laboratory.restore(host, manifest, case.mode)
    assert laboratory.read("target") == content(world, again.state)
    verified = laboratory.verify(manifest)
    if not done.facts["kept"]:
        assert not repeated.changed
        assert verified.exit_code == 0


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
