"""Drills of made-up applications whose schema has moved on since the backup, beside what the server itself lets in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.control import execute, rows
from tests.restore.laboratory import SUPERUSER, Laboratory
from tests.restore.oracle import Oracle
from tests.restore.random_drift import Change, after, make_drift
from tests.restore.random_worlds import make_world
from tests.restore.spec import State, World, identifier
from tests.restore.states import make_case
from tests.restore.test_oracle import source_of, there
from tests.restore.worlds import SHOP
from tests.sweeps import seeds
from toolkit.errors import ExitCode, RefusedError
from toolkit.model.outcome import Outcome
from toolkit.postgres.servers.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def laboratory(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """The application is the target; what the source holds is the judge's."""
    name = f"drills_{os.getpid()}"
    made = Laboratory(pg18, SHOP, tmp_path_factory.mktemp("drills"), name)
    yield made
    made.close()
    for database in (f"{name}_source", f"{name}_target", f"playback_drill_of_{name}_target"):
        pg18.drop_database(database)


@pytest.mark.parametrize("seed", seeds(2, 100))
def test_a_drill_proves_what_the_schema_of_today_can_hold(laboratory: Laboratory, seed: int) -> None:
    """Whatever a migration did: what has to be answered is asked, what can be held is proven and there, row for row,
    and what cannot is no proof; the application itself is not touched, and nothing else stays."""
    random = Random(seed)
    world = make_world(random)
    case = make_case(random, world)
    laboratory.build(world)
    laboratory.load("target", case.source)
    manifest = laboratory.backup(case.arguments, host="superuser")
    source = source_of(world, case)
    nothing: State = {name: [] for name in case.source}
    expected = Oracle(source=source, target=there(source, manifest, nothing), mode="mirror").expected()
    label, changes = manifest.metadata.label, make_drift(random, world)
    if expected.conflicts or not changes:
        return
    laboratory.load("target", {name: [] for name in case.source})
    backed_up = {entry.name for entry in manifest.tables}
    for place in ("source", "target"):
        execute(laboratory.conninfo(place), *(each.statement for each in changes))
    held = judged(laboratory.conninfo("source"), world, changes, after(changes, expected.state))
    asking = [each for each in changes if each.table in backed_up and each.asks(expected.state[each.table])]
    print(f"{world.ddl}\n{world.catalog}\n{case}\n{changes}\nheld {held} asking {asking}")
    before = content(laboratory.conninfo("target"), world, changes)
    if asking:
        with pytest.raises(RefusedError):
            drill(laboratory, label, {})
        check_nothing_stays(laboratory)
    answers = merged([each for each in changes if each.table in backed_up])
    if held:
        done = drill(laboratory, label, answers)
        assert (done.facts["proven"], done.exit_code) == (True, ExitCode.OK)
        inside = psycopg.conninfo.make_conninfo(laboratory.superuser, dbname=scratch_of(laboratory))
        assert content(inside, world, changes) == content(laboratory.conninfo("source"), world, changes)
    else:
        with pytest.raises(RefusedError):
            drill(laboratory, label, answers)
        check_nothing_stays(laboratory)
    assert content(laboratory.conninfo("target"), world, changes) == before


def drill(laboratory: Laboratory, label: str, answers: dict[str, Any]) -> Outcome:
    """Drill a backup; the scratch database stays where it is proven."""
    return laboratory.run("drill", "superuser", {"backups": label, "on": "host", "keep": True, **answers})


def scratch_of(laboratory: Laboratory) -> str:
    """The name of the scratch database."""
    return f"playback_drill_of_{psycopg.conninfo.conninfo_to_dict(laboratory.superuser)['dbname']}"


def check_nothing_stays(laboratory: Laboratory) -> None:
    """There is no half made database of a drill."""
    query = f"SELECT datname FROM pg_database WHERE starts_with(datname, '{scratch_of(laboratory)}')"
    assert {name for (name,) in rows(laboratory.superuser, query)} <= {scratch_of(laboratory)}


def merged(changes: list[Change]) -> dict[str, Any]:
    """All answers."""
    made: dict[str, Any] = {}
    for change in changes:
        for kind, said in change.answers.items():
            made[kind] = (
                made[kind] | said
                if isinstance(said, dict) and kind in made
                else ([*made.get(kind, []), *said] if isinstance(said, list) else said)
            )
    return made


def judged(conninfo: str, world: World, changes: list[Change], state: State) -> bool:
    """Fill a database that has the schema of today; tells whether it holds these rows, foreign keys included."""
    gone = {each.table for each in changes if each.gone}
    tables = [each for each in world.tables if each.name not in gone]
    superuser = psycopg.conninfo.make_conninfo(conninfo, user=SUPERUSER)
    with psycopg.connect(superuser) as connection:
        connection.execute("SET session_replication_role = replica; SET TimeZone = 'UTC'")
        try:
            for table in tables:
                connection.execute(sql.SQL("DELETE FROM {}").format(identifier(table.name)))
                for row in state[table.name]:
                    connection.execute(
                        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
                            identifier(table.name),
                            sql.SQL(", ").join(map(sql.Identifier, row)),
                            sql.SQL(", ").join(map(sql.Literal, row.values())),
                        )
                    )
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.errors.IntegrityError:
            connection.rollback()
            return False
        # foreign keys were not looked at: each is made once more
        keys = connection.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conparentid = 0"
        ).fetchall()
        connection.commit()
        try:
            for number, (table, _, definition) in enumerate(keys):
                connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT judged_{number} {definition}".encode())
        except psycopg.errors.ForeignKeyViolation:
            return False
        finally:
            connection.rollback()
    return True


def content(conninfo: str, world: World, changes: list[Change]) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, columns by name."""
    gone = {each.table for each in changes if each.gone}
    return {
        table.name: rows(
            conninfo, f"SELECT to_jsonb(t)::text FROM {identifier(table.name).as_string(None)} t ORDER BY 1"
        )
        for table in world.tables
        if table.name not in gone
    }
