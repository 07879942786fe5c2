"""Restores under constraints of every kind: what check says is what happens, and the server judges what it says."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
import pytest

from tests.control import Control
from tests.restore.constraint_worlds import (
    COLUMNS,
    Constraints,
    Row,
    Rows,
    let_in,
    make_constraints,
    make_rows,
    mutated,
    read,
)
from tests.restore.laboratory import SUPERUSER
from tests.sweeps import seeds
from tests.traps import set_traps
from toolkit.errors import RefusedError
from toolkit.model.outcome import Outcome
from toolkit.postgres.servers.embedded import EmbeddedServer

"""How many cases are tried, and the seed of the first."""

CATALOG = json.dumps(
    {
        "catalog": "application",
        "tenant": {"table": "tenants", "key": "id", "label": "name", "demo": "demo"},
        "business": {
            "all": {"tenants": "tenant", "items": {"owned_by": ["tenant"]}, "parts": {"owned_by": ["tenant"]}}
        },
    }
)

FULL = 1032
"""A case that sees when MATCH FULL is forgotten; it is in every run."""

CANNOT_LET_GO = "which cannot let go of them first"


@dataclass
class Bench:
    """The two databases of every case, each with a superuser's session."""

    control: Control
    sessions: dict[str, psycopg.Connection[Any]]

    @property
    def target(self) -> psycopg.Connection[Any]:
        """The superuser's session with the target."""
        return self.sessions["target"]

    def build(self, random: Random, made: Constraints) -> None:
        """Make both databases anew."""
        source = make_rows(random, made)
        states = {"source": source, "target": mutated(random, made, source)}
        for role, session in self.sessions.items():
            session.execute("DROP SCHEMA public CASCADE")
            session.execute("DROP PUBLICATION IF EXISTS played")
            session.execute("CREATE SCHEMA public AUTHORIZATION playback; SET ROLE playback")
            for statement in made.ddl:
                session.execute(statement.encode())
            if role == "target":
                let_in(session, read(self.sessions["source"]) if random.random() < 0.1 else states[role])
            else:
                let_in(session, states[role])
            for statement in (*made.later, *(made.on_target if role == "target" else ())):
                try:
                    session.execute(statement.encode())
                except (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.ProgramLimitExceeded):
                    continue
                except psycopg.errors.DatatypeMismatch:  # no type of a column changes under an index of whole rows
                    continue
            session.execute("RESET ROLE")


@pytest.fixture(scope="module")
def bench(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Two databases for all cases."""
    control = Control(tmp_path_factory.mktemp("constraints"), catalog=CATALOG)
    names = {role: f"constraints_{os.getpid()}_{role}" for role in ("source", "target")}
    sessions = {}
    for role, name in names.items():
        pg18.drop_database(name)
        control.add_host(role, pg18.create_database(name))
        sessions[role] = psycopg.connect(pg18.conninfo(name, user=SUPERUSER), autocommit=True, prepare_threshold=None)
        set_traps(pg18.conninfo(name, user=SUPERUSER))
    control.add_host("superuser", pg18.conninfo(names["target"], user=SUPERUSER))
    yield Bench(control, sessions)
    for role, name in names.items():
        sessions[role].close()
        pg18.drop_database(name)


@pytest.mark.parametrize("seed", [FULL, *seeds(15, 300)])
def test_what_check_says_is_what_happens(bench: Bench, seed: int) -> None:
    """Its numbers, its conflicts and its refusals; and it refuses nothing that the server would let in."""
    random = Random(seed)
    made = make_constraints(random)
    bench.build(random, made)
    arguments: dict[str, Any] = {}
    if random.random() < 0.5:
        arguments["businesses"] = ["a"]
    elif random.random() < 0.3:
        arguments["atomic"] = False
    host, mode = random.choice(("target", "superuser")), random.choice(("merge", "mirror", "mirror"))
    manifest = bench.control.backup("source", demo="include")
    before, source = read(bench.target), read(bench.sessions["source"])
    expected = expected_rows(made, source, before, mode, arguments.get("businesses"))

    def restore(*, check: bool) -> Outcome:
        return bench.control.restore(host, manifest, mode, check=check, **arguments)

    said = f"{made} {mode} {host} {arguments}\nsource {source}\ntarget {before}"
    planned: Outcome | None = None
    reasons: list[str] = []
    try:
        planned = restore(check=True)
        reasons = list(planned.facts["conflicts"])  # type: ignore[call-overload]
    except RefusedError as error:
        reasons = [str(error), *error.reasons]
    assert read(bench.target) == before, said
    if planned is None or reasons:
        print(reasons, said)
        with pytest.raises(RefusedError) as refusal:
            restore(check=False)
        told = list(refusal.value.reasons) if planned else [str(refusal.value), *refusal.value.reasons]
        assert told == reasons, said
        assert read(bench.target) == before, said
        let_go = any(CANNOT_LET_GO in reason for reason in reasons)
        unfit = planned is None and "publishes changes" not in reasons[0]  # the rows do not even fit the columns
        assert not unfit or all(re.match(r"(column )?(items|parts)\b.*e\.g\.", each) for each in reasons[1:]), said
        # a column of another type has to take all rows of the backup
        drifted = unfit and any(" TYPE " in each for each in made.on_target)
        bypass = host == "superuser" and "atomic" not in arguments
        assert drifted or (let_go and not bypass) or not is_legal(bench.target, before, expected), (reasons, said)
        return
    done = restore(check=False)
    assert {**planned.facts, "untouched": None} == {**done.facts, "untouched": None}, said
    assert done.exit_code == 0
    assert read(bench.target) == expected, said
    if not done.facts["kept"]:
        assert not restore(check=False).changed, said


def expected_rows(made: Constraints, source: Rows, before: Rows, mode: str, businesses: list[str] | None) -> Rows:
    """What is there afterwards when nothing is in the way; no row has changed hands, and none has several owners."""

    def mine(row: Row) -> bool:
        return not businesses or row[0] in businesses

    found: Rows = {}
    for table in COLUMNS:
        wanted = {number: row for number, row in source[table].items() if mine(row)}
        kept = {number: row for number, row in before[table].items() if mode == "merge" or not mine(row)}
        found[table] = {**kept, **wanted}
    taken = [row for row in source["parts"].values() if mine(row)]
    for number, row in source["items"].items():
        # a row of another business comes along with what points at it, and is nobody's to change
        if not mine(row) and any(made.leads(part, number, row) for part in taken):
            found["items"].setdefault(number, row)
    staying = [row for number, row in found["parts"].items() if before["parts"].get(number) == row]
    arriving = [row for number, row in found["items"].items() if before["items"].get(number) != row]
    for number, row in before["items"].items():
        if number not in found["items"] and any(made.leads(part, number, row, arriving=arriving) for part in staying):
            found["items"][number] = row
    return found


def is_legal(target: psycopg.Connection[Any], before: Rows, expected: Rows) -> bool:
    """Whether the server takes the rows that a restore writes, beside those that it leaves alone."""
    with target.transaction(force_rollback=True):
        dangling = _dangling(target)
        target.execute("SET CONSTRAINTS ALL DEFERRED; SET LOCAL session_replication_role = replica")
        written = {
            table: {number: row for number, row in expected[table].items() if before[table].get(number) != row}
            for table in COLUMNS
        }
        for table in COLUMNS:
            gone = [number for number in before[table] if number not in expected[table] or number in written[table]]
            if gone:
                try:
                    target.execute(f"DELETE FROM {table} WHERE id = ANY (%s)".encode(), [gone])
                except psycopg.errors.ObjectNotInPrerequisiteState:  # others could not be told of it
                    return False
        try:
            for table, columns in COLUMNS.items():
                for number, row in written[table].items():
                    # a reference that led nowhere and stays is not looked at
                    placeholders = ", ".join(["%s"] * (len(row) + 1))
                    target.execute(f"INSERT INTO {table} ({columns}) VALUES ({placeholders})".encode(), [number, *row])
            target.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.ProgramLimitExceeded):
            return False
        # the replica role does not look at deferrable keys either
        late = target.execute("SELECT 1 FROM pg_constraint WHERE condeferrable AND contype = 'u'").fetchone()
        if late and target.execute("SELECT count(u) - count(DISTINCT u) FROM items").fetchone() != (0,):
            return False
        return not _dangling(target) - dangling
    raise AssertionError


def _dangling(target: psycopg.Connection[Any]) -> set[tuple[Any, ...]]:
    """References of enforced foreign keys that lead nowhere."""
    keys = target.execute(
        "SELECT f.conrelid::regclass::text, f.confrelid::regclass::text, f.confmatchtype = 'f',"
        " coalesce((to_jsonb(f) ->> 'conperiod')::boolean, false),"
        " (SELECT array_agg(ARRAY[a.attname::text, b.attname::text] ORDER BY u.place)"
        "  FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS u(ours, theirs, place)"
        "  JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = u.ours"
        "  JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = u.theirs)"
        " FROM pg_constraint f"
        " WHERE f.contype = 'f' AND coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)"
    ).fetchall()
    found: set[tuple[Any, ...]] = set()
    for child, parent, full, period, columns in keys:
        names = ", ".join(f"c.{ours}" for ours, _ in columns)
        *equal, (ours, theirs) = columns
        same = [f"p.{theirs} = c.{ours}" for ours, theirs in (equal if period else columns)]
        led = f"FROM {parent} p WHERE {' AND '.join(same)}"
        somewhere = f"c.{ours} <@ (SELECT range_agg(p.{theirs}) {led})" if period else f"EXISTS (SELECT 1 {led})"
        halved = f"num_nulls({names}) BETWEEN 1 AND {len(columns) - 1}" if full else "false"
        query = (
            # a row of which some columns are NULL is never let in again, whichever column of it changes
            f"SELECT c.id::text, CASE WHEN {halved} THEN c::text ELSE ROW({names})::text END FROM {child} c"
            f" WHERE {halved} OR num_nulls({names}) = 0 AND ({somewhere}) IS NOT TRUE"
        )
        found |= {(child, names, *row) for row in target.execute(query.encode())}
    return found
