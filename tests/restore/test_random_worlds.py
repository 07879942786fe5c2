"""Restores of random states over random states of applications made up at random, beside what the oracle works out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from tests.restore.cut_ways import cut_from, is_cut_on_the_way, own_backup
from tests.restore.laboratory import Laboratory, Versions, content
from tests.restore.oracle import Expected, Oracle, differences
from tests.restore.random_schemas import spread
from tests.restore.random_sequences import Standing, expected_standing, following, make_sequences, make_standing
from tests.restore.random_worlds import loud_reason, make_world
from tests.restore.spec import World
from tests.restore.states import Case, legal, make_case
from tests.restore.stirring import stirring
from tests.restore.test_oracle import assert_numbers, source_of, taken_by, taken_in, there
from tests.restore.view import View
from tests.restore.worlds import SHOP
from tests.sweeps import EVERYTHING, seeds
from toolkit.errors import RefusedError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.model.quarantine import QuarantinedRow
from toolkit.planning import chunking
from toolkit.planning.chunking import ChunkSizes
from toolkit.postgres.compare import comparison, ranges, source
from toolkit.postgres.restore import rebuilding
from toolkit.postgres.schema import row_sources
from toolkit.postgres.selection import ownership
from toolkit.postgres.servers.embedded import EmbeddedServer

PARTIAL, REFUSED = 3, RefusedError.exit_code


@pytest.fixture(scope="module")
def laboratory(pg18: EmbeddedServer, clerk: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A pair of databases for all worlds; their few rows are many chunks, and some of their tables large."""
    name = f"worlds_{os.getpid()}"
    made = Laboratory(pg18, SHOP, tmp_path_factory.mktemp("worlds"), name, clerk, trapped=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "FORMAT_1", ChunkSizes(minimum=1, beyond=20, maximum=400))
        patch.setattr(source, "SMALL_BYTES", 60)
        patch.setattr(ownership, "SMALL_BYTES", 0)
        patch.setattr(source, "FEW_BYTES", 60)
        patch.setattr(rebuilding, "LEAST_ROWS", 1)
        if EVERYTHING:
            patch.setattr(ranges, "ALONE_BYTES", -1)
            patch.setattr(ranges, "PART_BYTES", 20)
            # whatever the server thinks how many rows there are
            patch.setattr(comparison, "LOOKED_UP", -1)
            patch.setattr(row_sources, "FEW", -2)
        yield made
    made.close()
    for role in ("source", "target"):
        pg18.drop_database(f"{name}_{role}")


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a backup is restored.

    Attributes:
        host: the role: `target` (the tables' owner), `superuser` or `clerk`.
        arguments: of the action.
        businesses: those that are picked out of a wider backup.
        tables: those that are restored; None for all.
        bound: the restore is bound to the plan that was seen.
        stirred: by which seed others write the same values again while rows are restored; None where they do not.
    """

    host: str
    arguments: Mapping[str, Any]
    businesses: tuple[str, ...] = ()
    tables: frozenset[str] | None = None
    stirred: int | None = None
    bound: bool = False

    @property
    def bypasses(self) -> bool:
        """Whether foreign keys are suspended."""
        return self.host == "superuser" and not {"atomic", "triggers"} & self.arguments.keys()

    @property
    def quarantines(self) -> bool:
        """Whether rows in conflict are put aside."""
        return "on_error" in self.arguments


def make_way(random: Random, world: World, source: View, tables: Sequence[str]) -> Way:
    """A way to restore a backup of a world."""
    arguments: dict[str, Any] = {}
    picked: tuple[str, ...] = ()
    led_on = is_cut_on_the_way(world) or world.has_members or world.has_chains
    if source.tenants and random.random() < (0.7 if led_on else 0.25):
        owned = Counter(owner for owners in source.owners.values() for owner in owners)
        most = max(sorted(source.tenants), key=lambda each: owned[each])
        picked = (most if random.random() < 0.7 else random.choice(sorted(source.tenants)),)
        arguments["businesses"] = list(picked)
    elif random.random() < 0.25:
        arguments["atomic"] = False
    if "atomic" not in arguments and random.random() < 0.3:
        arguments["tables"] = random.sample(tables, min(len(tables), random.choice((1, 1, 2, 3))))
    if random.random() < 0.33:
        arguments["on_error"] = "quarantine"
    if not any(table.statements for table in world.tables) and random.random() < 0.25:
        arguments["triggers"] = "fire"
    host = random.choice(("target", "target", "superuser", "superuser", "clerk"))
    stirred = random.randrange(1000) if "atomic" not in arguments and random.random() < 0.08 else None
    if host != "clerk" and "atomic" not in arguments and random.random() < 0.3:
        arguments["exclusive"] = True  # which takes the owner
    some = frozenset(arguments["tables"]) if "tables" in arguments else None
    bound = "atomic" not in arguments and random.random() < 0.3
    return Way(host=host, arguments=arguments, businesses=picked, tables=some, stirred=stirred, bound=bound)


Standings = tuple[Mapping[str, Standing], Mapping[str, Standing]]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One backup over one target.

    Attributes:
        source: what the backup has, or what a backup of the businesses alone would have that are picked out of it.
        standing: where the sequences of source and target stand.
    """

    laboratory: Laboratory
    manifest: Manifest
    case: Case
    way: Way
    source: View
    standing: Standings

    def expected(self, target: View) -> Expected:
        """What the design says."""
        unlimited = replace(target, optional=dict.fromkeys(target.optional))
        atomic = "atomic" not in self.way.arguments
        oracle = Oracle(source=self.source, target=unlimited, mode=self.case.mode, atomic=atomic, only=self.way.tables)
        return oracle.quarantined() if self.way.quarantines else oracle.expected()

    def expected_standing(self, expected: Expected) -> dict[str, Standing]:
        """Where the sequences of the target have to stand once it holds the state."""
        some = self.way.tables
        tables = frozenset(entry.name for entry in self.manifest.tables)
        if some:
            tables = some | {name for name, numbers in expected.numbers.items() if numbers.inserts}
        return expected_standing(self.laboratory.world, *self.standing, tables, expected.state, theirs=bool(some))

    def target(self) -> View:
        """The scope on the target as it is now."""
        return self.there(self.laboratory.state("target"))

    def there(self, state: Any) -> View:
        """The scope on a state of the target."""
        if self.way.businesses:
            return replace(self.source, state=state)
        return there(self.source, self.manifest, state)

    def restore(self, *, check: bool = False, **more: Any) -> Outcome:
        """Restore; gives the refusal as an outcome too."""
        arguments = {**self.way.arguments, **more}
        return self.laboratory.restore(self.way.host, self.manifest, self.case.mode, check=check, **arguments)


@pytest.mark.parametrize("seed", seeds(20, 500))
def test_a_restore_into_any_application_does_what_the_oracle_says(laboratory: Laboratory, seed: int) -> None:
    """Whatever the schema, the scope, the role and the way: the plan, its outcome and a second restore are right."""
    random = Random(seed)
    world = make_sequences(random, spread(random, make_world(random)))
    case = make_case(random, world)
    laboratory.build(world)
    laboratory.load("source", case.source)
    laboratory.load("target", case.target)
    standing = make_standing(random, world), make_standing(random, world)
    for role, positions in zip(("source", "target"), standing, strict=True):
        laboratory.set_standing(role, positions)
    source = source_of(world, case)
    manifest = laboratory.backup(case.arguments)
    assert taken_by(source) == taken_in(manifest)
    print(f"{world.ddl}\n{world.catalog}\n{case}")
    way = make_way(random, world, source, [entry.name for entry in manifest.tables])
    if "exclusive" in way.arguments and random.random() < 0.7:
        case = replace(case, target={name: [] for name in case.target})
        laboratory.load("target", case.target)
        laboratory.set_standing("target", standing[1])
    if way.businesses:
        wider, source = source, own_backup(source, way.businesses)
        if lost := cut_from(wider, source):
            check_lost(laboratory, manifest, way, case.mode, lost)
            return
    trial = Trial(laboratory=laboratory, manifest=manifest, case=case, way=way, source=source, standing=standing)
    expected = trial.expected(trial.there(case.target))
    print(
        f"{standing}\n{way}\nexpected {expected.numbers}, {expected.conflicts} {expected.aside}"
        f" strained {expected.strained}"
    )
    check(trial, expected)


def check_lost(laboratory: Laboratory, manifest: Manifest, way: Way, mode: str, lost: set[str]) -> None:
    """Businesses whose own backup would have other rows within a limit are refused, with the tables."""
    before = laboratory.versions("target")
    for checking in (True, False):
        with pytest.raises(RefusedError, match="lacks rows that a backup of") as refusal:
            laboratory.restore(way.host, manifest, mode, check=checking, **way.arguments)
        assert {reason.partition(":")[0] for reason in refusal.value.reasons} == lost
    assert laboratory.versions("target") == before


def check(trial: Trial, expected: Expected) -> None:
    """Plan, restore, and restore again."""
    laboratory, world = trial.laboratory, trial.laboratory.world
    before = laboratory.versions("target")
    planned = plan_of(trial)
    assert laboratory.versions("target") == before
    if planned is None or planned.exit_code == REFUSED or expected.conflicts:
        check_refusal(trial, expected, planned)
        assert laboratory.versions("target") == before
        assert laboratory.put_aside() == []
        assert laboratory.standing("target", trial.standing[1]) == trial.standing[1]
        return
    with others_writing(trial):
        done = trial.restore(**seen_of(trial, expected, planned))
    if expected.strained and trial.way.quarantines and not trial.way.bypasses:
        check_no_dangling(trial.target())
        laboratory.put_aside()
        return
    assert laboratory.read("target") == content(world, expected.state)
    there = laboratory.standing("target", trial.standing[1])
    assert following(world, there) == following(world, trial.expected_standing(expected))
    check_outcome_is_planned(planned, done)
    assert_numbers(done.facts, expected)
    assert done.exit_code == planned.exit_code == (PARTIAL if expected.aside else 0)
    check_quarantine(trial, expected)
    check_no_dangling(trial.target())
    if trial.way.businesses and trial.way.stirred is None:
        check_others(trial, before, expected)
    elif not trial.way.businesses:
        verified, found = laboratory.verify(trial.manifest), differences(trial.source, trial.target())
        assert verified.facts["tables"] == found
        if some := trial.way.tables:
            named = laboratory.verify(trial.manifest, tables=sorted(some))
            assert named.facts["tables"] == {name: each for name, each in found.items() if name in some}
    if trial.way.tables and trial.way.stirred is None:
        check_other_tables(trial, before, done)
    check_again(trial, done)


def seen_of(trial: Trial, expected: Expected, planned: Outcome) -> dict[str, Any]:
    """The plan that was seen: where nothing is left to the server, it is the same by every way, down to each value."""
    assert planned.plan is not None
    return {"plan": planned.plan["seen"]} if trial.way.bound and not expected.strained else {}


def others_writing(trial: Trial) -> AbstractContextManager[None]:
    """Others write, without a difference that stays, while the block runs."""
    if trial.way.stirred is None:
        return nullcontext()
    return stirring(trial.laboratory.superuser, Random(trial.way.stirred), trial.laboratory.world)


def check_outcome_is_planned(planned: Outcome, done: Outcome) -> None:
    """What check mode showed is what happened, table by table, kept and unchanged rows and conflicts included."""
    known_afterwards = {"untouched": None}
    assert {**planned.facts, **known_afterwards} == {**done.facts, **known_afterwards}
    assert planned.changed == done.changed


def plan_of(trial: Trial) -> Outcome | None:
    """What check mode shows; None where the role may not do it."""
    try:
        return trial.restore(check=True)
    except RefusedError:
        return None


def check_refusal(trial: Trial, expected: Expected, planned: Outcome | None) -> None:
    """A restore may be refused for conflicts, or because the role can do what it takes by no means."""
    with pytest.raises(RefusedError) as refusal:
        trial.restore()
    if planned is None:
        assert trial.way.host == "clerk"
        (table,) = (each for each in trial.laboratory.world.tables if each.statements)
        assert refusal.value.reasons == (loud_reason(table),)
        heard = {table.name, *(each.parent for each in table.references if "STATEMENT" in table.statements[0])}
        found = [expected.numbers[name] for name in heard]
        assert any(each.inserts + each.updates + each.deletes + each.set_null for each in found)
        return
    conflicts: list[str] = planned.facts["conflicts"]  # type: ignore[assignment]
    tables = {text.partition(":")[0] for text in conflicts}
    assert {text.partition(":")[0] for text in refusal.value.reasons} == tables
    assert expected.refused <= tables
    if trial.way.bypasses or not expected.strained:
        assert expected.refused == tables


def check_quarantine(trial: Trial, expected: Expected, *, keep: bool = False) -> None:
    """The rows put aside are those in conflict and those that depend on them."""
    aside = trial.laboratory.put_aside(keep=keep)
    found = Counter((row.table, *sorted(row.columns.items(), key=str)) for row in aside)
    copied = {"true": "t", "false": "f"}
    rows = (
        (spot[0], *sorted(((name, copied.get(text or "", text)) for name, text in row.items()), key=str))
        for spot in expected.aside
        for row in [trial.source.row(spot)]
    )
    assert found == Counter(rows)


def check_no_dangling(target: View) -> None:
    """Every foreign key leads somewhere, whoever wrote past it."""
    for child, reference in target.world.references:
        for spot in target.spots(child.name):
            values = child.normal(reference.columns, target.row(spot))
            if reference.action and None not in values:
                assert target.pointed_at(child, reference, spot), (child.name, reference, target.row(spot))


def check_others(trial: Trial, before: Versions, expected: Expected) -> None:
    """Rows of other businesses, and of nobody, lie where they lay and were written by whom they were.

    Rows that are nobody's because their owner was deleted come back.
    """
    after = trial.laboratory.versions("target")
    view = trial.there(trial.case.target)
    for table in view.world.tables:
        if table.category == "business":
            for spot in view.spots(table.name):
                claimed = not view.owners[spot] and view.row(spot) not in expected.state[table.name]
                if not claimed and (not view.owners[spot] or view.owners[spot] - view.tenants):
                    line = (table.name, *(view.row(spot)[name] for name in table.columns))
                    assert before[line] <= after.get(line, set()), line


def check_other_tables(trial: Trial, before: Versions, done: Outcome) -> None:
    """Rows of tables that are not restored lie where they lay; rows are added to those alone that say so."""
    after, some = trial.laboratory.versions("target"), trial.way.tables or frozenset[str]()
    others = {line: places for line, places in before.items() if line[0] not in some}
    assert all(places <= after.get(line, set()) for line, places in others.items())
    added = Counter(line[0] for line, places in after.items() if line[0] not in some for _ in places)
    added.subtract(line[0] for line, places in others.items() for _ in places)
    along: Any = done.facts["along"]
    assert +added == Counter(along)


def check_again(trial: Trial, done: Outcome) -> None:
    """Restoring again changes nothing; where rows were kept, it does what the oracle says of the new state."""
    laboratory = trial.laboratory
    target = trial.target()
    again = trial.expected(target)
    before = laboratory.versions("target")
    if again.strained and not trial.way.bypasses:
        return
    if again.conflicts:
        with pytest.raises(RefusedError):
            trial.restore()
        assert laboratory.versions("target") == before
        return
    second = trial.restore()
    assert laboratory.read("target") == content(laboratory.world, again.state)
    if not done.facts["kept"] and not again.aside:
        assert not second.changed
        assert laboratory.versions("target") == before
    check_quarantine(trial, again, keep=True)
    if again.aside and trial.way.stirred is None:
        check_retry(trial)
    laboratory.put_aside()


def check_retry(trial: Trial) -> None:
    """A retry changes nothing while the same things stand in the way; once they do not, it writes rows that were put
    aside. It loses none, and touches no others."""
    laboratory, world = trial.laboratory, trial.laboratory.world
    aside, versions = lines(world, laboratory.put_aside(keep=True)), laboratory.versions("target")
    assert laboratory.retry(trial.way.host).exit_code == PARTIAL
    assert laboratory.versions("target") == versions
    assert lines(world, laboratory.put_aside(keep=True)) == aside
    freed = {line[0] for line in aside}
    state = laboratory.state("target")
    laboratory.load("target", legal(world, {name: [] if name in freed else rows for name, rows in state.items()}))
    before = laboratory.read("target")
    retried = laboratory.retry(trial.way.host)
    after, left = laboratory.read("target"), lines(world, laboratory.put_aside())
    written = Counter[tuple[Any, ...]]()
    for name, rows in after.items():
        assert rows >= before[name]
        written.update({(name, *row): times for row, times in (rows - before[name]).items()})
    kept = retried.facts["kept"]
    assert isinstance(kept, int)
    assert written + left <= aside
    assert written.total() + left.total() + kept == aside.total()
    assert retried.exit_code == (PARTIAL if left else 0)
    check_no_dangling(trial.target())
    if not trial.way.businesses:
        assert not {line[0] for line in left if not world[str(line[0])].references}


def lines(world: World, rows: Sequence[QuarantinedRow]) -> Counter[tuple[str | None, ...]]:
    """Rows in quarantine as the laboratory reads those of tables."""
    copied = {"t": "true", "f": "false"}
    found = Counter[tuple[str | None, ...]]()
    for row in rows:
        kinds = world[row.table].columns
        texts = (
            copied.get(row.columns[name] or "", row.columns[name]) if kinds[name] == "boolean" else row.columns[name]
            for name in kinds
        )
        found[(row.table, *texts)] += 1
    return found
