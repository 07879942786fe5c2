"""Restores in steps that are cut off somewhere, and what another restore makes of it, beside what the oracle says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from tests.restore.laboratory import Laboratory, content
from tests.restore.oracle import Expected, Oracle
from tests.restore.proxy import Proxy, Session
from tests.restore.random_schemas import spread
from tests.restore.random_worlds import make_world
from tests.restore.states import Case, make_case
from tests.restore.sweeping import WRITE, Injecting, ignore
from tests.restore.test_oracle import assert_numbers, source_of, there
from tests.restore.test_random_worlds import check_no_dangling
from tests.restore.view import View
from tests.restore.worlds import SHOP
from tests.sweeps import seeds
from toolkit.errors import DatabaseError, RefusedError
from toolkit.model.manifest import Manifest
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.write import batches


@pytest.fixture(scope="module")
def proxy(pg18: EmbeddedServer) -> Iterator[Proxy]:
    """What stands before the target."""
    with Proxy(pg18.superuser) as made:
        yield made


@pytest.fixture(scope="module")
def laboratory(pg18: EmbeddedServer, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A pair of databases for all worlds; host `through` is the target behind the proxy."""
    name = f"interrupted_{os.getpid()}"
    made = Laboratory(pg18, SHOP, tmp_path_factory.mktemp("interrupted"), name)
    made.add_host("through", proxy.conninfo(made.conninfo("target")))
    yield made
    made.close()
    for role in ("source", "target"):
        pg18.drop_database(f"{name}_{role}")


def cut(session: Session, statement: str) -> None:
    """Cut the connection."""
    session.cut()


@pytest.mark.parametrize("seed", seeds(1, 100))
def test_another_restore_takes_what_one_has_left(
    laboratory: Laboratory, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """What is there after each step is whole; another backup of another scope is restored over it as over any state,
    and so is the first one in the end."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(batches, "BLOCKS", 1)
    random = Random(seed)
    world = spread(random, make_world(random))
    cases = [make_case(random, world) for _ in range(2)]
    laboratory.build(world)
    manifests = list[Manifest]()
    for case in cases:
        laboratory.load("source", case.source)
        manifests.append(laboratory.backup(case.arguments))
    laboratory.load("target", cases[0].target)
    print(f"{world.ddl}\n{world.catalog}\n{cases}")
    first, second = zip(cases, manifests, strict=True)
    if not open_to(laboratory, *first):
        return
    proxy.on_statement = Injecting(WRITE, random.randrange(6), cut, times=1000)
    try:
        interrupted = False
        laboratory.restore("through", manifests[0], cases[0].mode, atomic=False)
    except DatabaseError:
        interrupted = True
    finally:
        proxy.on_statement = ignore
    print(f"interrupted {interrupted}")
    check_no_dangling(replace(source_of(world, cases[0]), state=laboratory.state("target")))
    check_restore(laboratory, *second, atomic=random.random() < 0.5, interrupted=interrupted)
    check_restore(laboratory, *first, atomic=random.random() < 0.5)


def expected_of(laboratory: Laboratory, case: Case, manifest: Manifest, *, atomic: bool) -> tuple[View, Expected]:
    """What a restore over what is there does."""
    source = source_of(laboratory.world, case)
    target = there(source, manifest, laboratory.state("target"))
    unlimited = replace(target, optional=dict.fromkeys(target.optional))
    return source, Oracle(source=source, target=unlimited, mode=case.mode, atomic=atomic).expected()


def open_to(laboratory: Laboratory, case: Case, manifest: Manifest) -> bool:
    """Whether a restore in steps has something to do that nothing stands in the way of."""
    _, expected = expected_of(laboratory, case, manifest, atomic=False)
    return not (expected.conflicts or expected.strained)


def check_restore(
    laboratory: Laboratory, case: Case, manifest: Manifest, *, atomic: bool, interrupted: bool = False
) -> None:
    """A restore does what the oracle says, and says that another was not finished."""
    _, expected = expected_of(laboratory, case, manifest, atomic=atomic)
    if expected.strained:
        return
    if expected.conflicts:
        before = laboratory.versions("target")
        with pytest.raises(RefusedError):
            laboratory.restore("through", manifest, case.mode, atomic=atomic)
        assert laboratory.versions("target") == before
        return
    done = laboratory.restore("through", manifest, case.mode, atomic=atomic)
    assert laboratory.read("target") == content(laboratory.world, expected.state)
    assert_numbers(done.facts, expected)
    print(f"warnings {done.warnings}")
