"""Puts a made-up application into a database, runs the real selection there and reads what it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from tests.selection.oracle import Content, Mark
from tests.selection.statements import NAME, catalog_text, statements
from tests.selection.world import Table, World
from toolkit.config import catalog as catalogs
from toolkit.model.census import Census
from toolkit.model.manifest import TableSelection
from toolkit.model.scope import Demo, Scope
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.selection.census import take_census
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.session.connection import Connection

MARKS: Mapping[str, Mark] = {"o": "owned", "s": "shared", "u": "unowned", "r": "referenced"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the product takes.

    Attributes:
        tables: those that take part.
        rows: by table with rows taken: the contents and how often.
        marks: the same with the mark of each row, for tables that are not taken whole.
        counts: by table: rows by mark.
        cutoffs: by table that a limit cut: the `newest_by` of the oldest row, as text.
        mine: by table with owners: contents of rows that selected tenants own; `others` of those that others do.
    """

    tenants: Mapping[str, str]
    dropped: tuple[str, ...]
    tables: frozenset[str]
    rows: Mapping[str, Counter[Content]]
    marks: Mapping[str, Counter[tuple[Content, Mark]]]
    counts: Mapping[str, TableSelection]
    cutoffs: Mapping[str, str]
    mine: Mapping[str, Counter[Content]]
    others: Mapping[str, Counter[Content]]


class Laboratory:
    """One database whose schema is replaced by each world; `catalog` is the world's catalog file."""

    def __init__(self, connection: Connection, directory: Path) -> None:
        self.connection = connection
        self.catalog = directory / f"{NAME}.yml"

    def build(self, world: World, order: Iterable[str] = ()) -> None:
        """Make the world, and its catalog file with the tables in that order."""
        self.connection.execute(statements(world))
        self.write_catalog(world, order)

    def write_catalog(self, world: World, order: Iterable[str] = ()) -> None:
        """Write the catalog file only."""
        self.catalog.write_text(catalog_text(world, order), encoding="utf-8")

    def select(self, world: World, scope: Scope, *, all_owners: bool = False) -> Result:
        """What the product takes of the world that was built."""
        catalog = catalogs.load(self.catalog)
        with consistent_snapshot(self.connection, catalog, scope, unclassified="warn") as survey:
            return self._read(world, survey.select(all_owners=all_owners))

    def census(self) -> Census:
        """What the product counts of the world that was built."""
        catalog = catalogs.load(self.catalog)
        scope = Scope(demo=Demo.INCLUDE)
        with consistent_snapshot(self.connection, catalog, scope, unclassified="warn") as survey:
            return take_census(survey)

    def _read(self, world: World, selected: Selected) -> Result:
        rows, marks, counts = {}, {}, {}
        for name, taken in selected.taken.items():
            table = world.tables[name]
            if taken.ids is None:
                found = Counter(self._fetch(world, table))
            else:
                marked = self._joined(world, table, taken.ids, sql.SQL("i.why::text"))
                marks[name] = Counter((row[:-1], MARKS[str(row[-1])]) for row in marked)
                found = Counter(row[:-1] for row in marked)
            rows[name] = found
            counts[name] = taken.summary(found.total())
        mine, others = {}, {}
        for name, owners in selected.owners.items():
            lines = self._joined(world, world.tables[name], owners.source, sql.SQL("i.mine"))
            mine[name] = Counter(row[:-1] for row in lines if row[-1])
            others[name] = Counter(row[:-1] for row in lines if not row[-1])
        return Result(
            tenants=selected.tenants,
            dropped=selected.named_but_demo,
            tables=frozenset(selected.taken),
            rows={name: each for name, each in rows.items() if each},
            marks={name: each for name, each in marks.items() if each},
            counts=counts,
            cutoffs={name: taken.cutoff for name, taken in selected.taken.items() if taken.cutoff},
            mine={name: each for name, each in mine.items() if each},
            others={name: each for name, each in others.items() if each},
        )

    def _fetch(self, world: World, table: Table) -> list[Content]:
        query = sql.SQL("SELECT {} FROM {} t").format(_columns(table), world.identifier(table.name))
        return self.connection.execute(query).fetchall()

    def _joined(self, world: World, table: Table, ids: Sql, extra: sql.SQL) -> list[Content]:
        same = "t.ctid = i.row_id AND t.tableoid = i.part_id" if table.partitioned else "t.ctid = i.row_id"
        query = sql.SQL("SELECT {}, {} FROM {} t JOIN {} i ON {}").format(
            _columns(table), extra, world.identifier(table.name), ids, sql.SQL(same)
        )
        return self.connection.execute(query).fetchall()


def _columns(table: Table) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier("t", name) for name in table.columns)
