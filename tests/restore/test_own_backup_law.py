"""A law of all applications: picked out of a wider backup, businesses are what their own backup would have been."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings
from hypothesis import strategies as st

from tests.caseless import create_caseless
from tests.control import Control
from tests.selection.oracle import expect
from tests.selection.reading import Laboratory
from tests.selection.statements import NAME, catalog_text, statements
from tests.selection.world import World
from tests.selection.worlds import scopes, worlds
from tests.sweeps import EVERYTHING, examples
from toolkit.config import catalog as catalogs
from toolkit.errors import RefusedError
from toolkit.model.drift import Answers
from toolkit.model.manifest import Chunk, Manifest, TableEntry, chunk_id, table_digest
from toolkit.model.schema import Table
from toolkit.model.scope import BackupType, Demo, Scope
from toolkit.planning.answers import read_answers
from toolkit.planning.chunking import chunks
from toolkit.planning.picked_by_text import PickedByText
from toolkit.planning.picking import picking_of
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.rows import read_rows
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import connect
from toolkit.postgres.stage.backup_owners import BackupOwners
from toolkit.postgres.stage.fitting import fitting_source
from toolkit.postgres.stage.narrowing import narrow, narrowed
from toolkit.postgres.stage.request import scope_on_target
from toolkit.storage.backup_reader import BackupReader

"""How many applications are made up."""


@dataclass(frozen=True)
class Shop:
    """A database whose schema is replaced by each world, and the control directory to back it up with."""

    laboratory: Laboratory
    control: Control

    def build(self, world: World) -> None:
        """Make the world and its catalog file."""
        self.laboratory.connection.execute(statements(world))
        self.control.catalog = catalog_text(world, ()).replace(f"catalog: {NAME}", "catalog: application")
        self.control.add_host("shop", self.laboratory.connection.info.dsn)

    def backup(self, scope: Scope) -> Manifest:
        """Back the world up."""
        return self.control.backup(
            "shop",
            scope=scope.type.value,
            **({"businesses": list(scope.businesses)} if scope.businesses else {}),
            demo=scope.demo.value,
            optional={name: {"limit": limit} if limit else {} for name, limit in scope.optional.items()},
            unclassified="warn",
        )

    def picked(self, wider: Manifest, businesses: Collection[str]) -> Manifest:
        """What a restore of these businesses would restore, worked out in the database itself; nothing is written."""
        catalog = catalogs.load(self.control.directory / "inventory" / "catalogs" / "application.yml")
        connection, rows_of = self.laboratory.connection, BackupReader(self.control.repository, wider).rows_of
        manifest = narrowed(connection, catalog, wider, sorted(businesses))
        with consistent_snapshot(
            connection, catalog, scope_on_target(manifest, catalog), unclassified="warn"
        ) as survey:
            source = fitting_source(survey.workspace, manifest, rows_of, Answers())
            names = read_answers(wider, survey.schema, Answers())
            owners = BackupOwners(
                survey.workspace,
                source,
                rows_of=rows_of,
                picking=picking_of(wider, names, survey.schema, survey.links),
                tenants=businesses,
            )
            narrow(survey.workspace, source, owners, meanwhile=lambda: None)
            source.settle()
            tables = (self._described(source, survey.schema.tables[name]) for name in source.entries)
            return msgspec.structs.replace(source.manifest, tables=tuple(tables))

    def told_by_text(self, wider: Manifest, businesses: Collection[str]) -> dict[str, tuple[int, str]] | None:
        """Rows and digest per table of what is picked without a database; None where that is refused."""
        rows_of = BackupReader(self.control.repository, wider).rows_of
        try:
            picked = PickedByText(wider, businesses, rows_of, remedy="")
        except RefusedError:
            return None
        found = {}
        for entry in wider.tables:
            rows = [line for data in picked.rows(entry) for line in data.splitlines(keepends=True)]
            found[entry.name] = len(rows), table_digest([chunk_id(raw.data) for raw in chunks(rows)])
        return found

    def _described(self, source: Source, table: Table) -> TableEntry:
        """What a manifest says of a table with the rows that are on stage."""
        rows = read_rows(self.laboratory.connection, table, source.staged(table.name).relation, None)
        made = tuple(
            Chunk(id=chunk_id(raw.data), rows=raw.rows, raw=len(raw.data), stored=0, first=(), last=())
            for raw in chunks(rows)
        )
        return msgspec.structs.replace(
            source.entries[table.name],
            rows=sum(chunk.rows for chunk in made),
            bytes=sum(chunk.raw for chunk in made),
            digest=table_digest([chunk.id for chunk in made]),
            chunks=made,
        )


@pytest.fixture(scope="module")
def shop(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One database for all worlds."""
    name = f"own_backup_{os.getpid()}"
    pg18.drop_database(name)
    directory: Path = tmp_path_factory.mktemp("own_backup")
    owner = pg18.create_database(name)
    create_caseless(pg18.conninfo(name, user="postgres"), "types")
    with connect(owner) as connection:
        yield Shop(Laboratory(connection, directory), Control(directory))
    pg18.drop_database(name)


def with_cuts(world: World, tables: Collection[str]) -> World:
    """The world with some tables optional, so that nobody asks for them."""
    made = {
        name: replace(table, rule=replace(table.rule, optional=True)) if name in tables else table
        for name, table in world.tables.items()
    }
    return replace(world, tables=made)


@given(data=st.data())
@settings(
    max_examples=examples(10, 250),
    derandomize=not EVERYTHING,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # every example takes a good part of a second: shrinking would take many minutes
)
@pytest.mark.timeout(7200)
def test_picked_businesses_are_their_own_backup(shop: Shop, data: st.DataObject) -> None:
    """Row for row and limit for limit, or the limits that cut their rows are named; so where text alone tells."""
    world = data.draw(worlds())
    if leading := sorted(_leading(world)):
        world = with_cuts(world, data.draw(st.sets(st.sampled_from(leading), max_size=2)))
    scope = data.draw(scopes(world))
    everything = expect(world, scope)
    assume(everything is not None and everything.tenants)
    assert everything is not None
    businesses = data.draw(st.sets(st.sampled_from(sorted(everything.tenants)), min_size=1, max_size=2))
    note(f"{catalog_text(world, ())}\n{scope}\n{businesses}")
    own_scope = msgspec.structs.replace(
        scope, type=BackupType.BUSINESS, businesses=tuple(sorted(businesses)), demo=Demo.INCLUDE
    )
    shop.build(world)
    wider, own = shop.backup(scope), shop.backup(own_scope)
    lost, told = _lost(world, scope, own_scope), shop.told_by_text(wider, businesses)
    if lost:
        assert told is None
        with pytest.raises(RefusedError, match="lacks rows that a backup of") as refusal:
            shop.picked(wider, businesses)
        assert {reason.partition(": of its newest")[0] for reason in refusal.value.reasons} == lost
        return
    picked = {entry.name: (entry.rows, entry.digest, entry.cutoff) for entry in shop.picked(wider, businesses).tables}
    for entry in own.tables:
        assert picked[entry.name] == (entry.rows, entry.digest, entry.cutoff), entry.name
    if told is not None:
        assert {entry.name: told[entry.name] for entry in own.tables} == {
            entry.name: (entry.rows, entry.digest) for entry in own.tables
        }
        assert not any(rows for name, (rows, _) in told.items() if own.table(name) is None)
    taken = {entry.name for entry in own.tables}
    assert not any(rows for name, (rows, _, _) in picked.items() if name not in taken)


def _leading(world: World) -> set[str]:
    """The tables through which ownership passes to others, but for the tenants'."""
    found = set()
    for name, table in world.tables.items():
        for edge in table.rule.owned_by:
            if edge.table:
                found.add(edge.table)
            else:
                pointers = (each for each in world.references if each.child == name)
                found |= {each.parent for each in pointers if set(each.columns) == set(edge.columns)}
    return {name for name in found if world.tables[name].rule.category == "business"}


def _lost(world: World, scope: Scope, own_scope: Scope) -> set[str]:
    """The tables of which the own backup has rows by itself that the limit of the wider one cut."""
    wider, own = expect(world, scope), expect(world, own_scope)
    assert wider is not None
    assert own is not None
    found = set()
    for (name, number), mark in own.marks.items():
        limited = own_scope.optional.get(name) is not None
        if limited and mark != "referenced" and wider.marks.get((name, number), "referenced") == "referenced":
            found.add(name)
    return found
