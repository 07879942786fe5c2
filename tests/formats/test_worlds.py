"""Applications made up at random: SQL out of their backups is loaded by psql into empty tables, or said not to be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.acting import act, context_of
from tests.formats.loading import load
from tests.restore.laboratory import Laboratory
from tests.restore.random_schemas import spread
from tests.restore.random_worlds import make_world
from tests.restore.spec import identifier
from tests.restore.states import make_case
from tests.restore.worlds import SHOP
from tests.sweeps import seeds
from toolkit.config import inventory
from toolkit.formats import sql as form
from toolkit.model.manifest import Manifest
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.servers.programs import ProgramError
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository


@pytest.fixture(scope="module")
def laboratory(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A pair of databases for all worlds; a statement brings two rows at most."""
    made = Laboratory(pg18, SHOP, tmp_path_factory.mktemp("worlds"), f"export_worlds_{os.getpid()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(form, "STATEMENT_ROWS", 2)
        patch.setattr(form, "AT_ONCE_BYTES", 40)
        yield made
    made.close()
    for role in ("source", "target"):
        pg18.drop_database(f"export_worlds_{os.getpid()}_{role}")


def stored(laboratory: Laboratory, manifest: Manifest) -> Mapping[str, Sequence[str]]:
    """The rows of a backup."""
    repository = Repository.open(LocalStore(laboratory.directory / "repository"), create=False)
    with BackupReader(repository, manifest) as reader:
        return {
            entry.name: sorted(line for data in reader.rows_of(entry) for line in data.decode().splitlines())
            for entry in manifest.tables
        }


def loaded(conninfo: str, manifest: Manifest) -> Mapping[str, Sequence[str]]:
    """The rows of the same tables in a database."""
    found = {}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for entry in manifest.tables:
            names = sql.SQL(", ").join(sql.Identifier(column.name) for column in entry.columns)
            query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(names, identifier(entry.name))
            with connection.cursor().copy(query) as copy:
                found[entry.name] = sorted(bytes(line).decode().removesuffix("\n") for line in copy)
    return found


@pytest.mark.parametrize("seed", seeds(4))
def test_sql_of_any_application_is_loaded(laboratory: Laboratory, tmp_path: Path, seed: int) -> None:
    """Whole or some tables with what they need, whatever its keys, or the export says which key refuses the file."""
    random = Random(seed)
    world = spread(random, make_world(random))
    while any(table.statements for table in world.tables):  # triggers and rules that let nobody write
        world = spread(random, make_world(random))
    case = make_case(random, world)
    laboratory.build(world)
    laboratory.load("source", case.source)
    laboratory.load("target", {name: [] for name in case.source})
    manifest = laboratory.backup(case.arguments)
    file = tmp_path / "all.sql"
    given: dict[str, Any] = {
        "backup": manifest.metadata.label,
        "format": random.choice(("sql", "copy")),
        "file": str(file),
    }
    names = sorted(entry.name for entry in manifest.tables)
    named = random.sample(names, random.randint(1, len(names))) if random.random() < 0.5 else names
    if named is not names:
        given |= {"tables": named, "referenced": True}
    context = context_of(inventory.load(laboratory.directory / "inventory"), "source")
    outcome = act("export", given, context)
    target = laboratory.conninfo("target")
    if outcome.warnings:
        with pytest.raises(ProgramError, match="violates foreign key constraint"):
            load(target, file)
        assert not any(loaded(target, manifest).values())
    else:
        load(target, file)
        found, held = loaded(target, manifest), stored(laboratory, manifest)
        assert {name: found[name] for name in named} == {name: held[name] for name in named}
        assert all(set(found[name]) <= set(held[name]) for name in names)
