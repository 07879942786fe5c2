"""Tables of a database, read once in the order of a backup, beside the chunks of the backup: only rows that differ.

Large tables are read by several sessions at once, with the snapshot of the one that compares.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, groupby
from operator import itemgetter

import msgspec

from toolkit.model.manifest import TableEntry
from toolkit.model.schema import Table
from toolkit.planning.as_stored import AsStored
from toolkit.planning.chunking import RawChunk, cut
from toolkit.planning.copy_text import key_values
from toolkit.planning.ranges import Beside, Differing, Key, Room, Run
from toolkit.planning.row_order import sort_key, stored_key, told_apart_alike
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.key_ranges import key_ranges
from toolkit.postgres.schema.parts import SplitTable
from toolkit.postgres.schema.relation import Relation, Sql
from toolkit.postgres.schema.row_sources import FEW, Rows
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.schema.workspace import Workspace, shared
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.readers import Readers

SMALL_ROWS = 1000
"""So many rows are read to be compared however few the backup has."""

ALONE_BYTES = 16 << 20
"""Bytes of tables up to which one session is as quick as several: what is gained does not pay for connecting."""

PART_BYTES = 32 << 20
"""Bytes of a table that each of several sessions reads at least, where more than one reads it."""

MOST_SESSIONS = 4
"""Sessions that read at once, at most; fewer where the machine has fewer processors."""

AT_ONCE = 8
"""Groups of tables whose differences are held until all of them are read."""

Wanted = Mapping[str, Rows | None]
"""Tables, each with the rows of the database that are compared; None for all."""


def differing_rows(workspace: Workspace, source: Source, wanted: Wanted) -> Iterator[tuple[str, Differing | None]]:
    """Tell which rows of tables not both a backup and a database have; nothing is staged for it.

    Small tables are read by one message.

    Returns:
        Per table, in any order, None where text alone does not show it, or more differs than can be held.
    """
    beside = list[str]()
    for name, taken in wanted.items():
        if _may_be_laid_beside(workspace, source, name, taken):
            beside.append(name)
        else:
            yield name, None
    yield from _Comparing(workspace, source, wanted).run(beside)


class _Comparing:
    def __init__(self, workspace: Workspace, source: Source, wanted: Wanted) -> None:
        self._workspace = workspace
        self._source = source
        self._wanted = wanted
        self._relations = workspace.relations
        self._found: dict[str, Differing | None] = {}
        self._room = Room()

    def run(self, names: Sequence[str]) -> Iterator[tuple[str, Differing | None]]:
        # which rows of a table are compared is known to the session alone that has chosen them
        own = list(self._shared(name for name in names if self._wanted[name] is not None))
        whole = sorted(self._shared(name for name in names if self._wanted[name] is None), key=self._bytes)[::-1]
        while own or whole:
            self._found, self._room = {}, Room()
            self._read(own[:AT_ONCE], whole[:AT_ONCE])
            own, whole = own[AT_ONCE:], whole[AT_ONCE:]
            yield from self._found.items()

    def _shared(self, names: Iterable[str]) -> Iterator[list[str]]:
        return shared(names, lambda name: self._relations[name].bytes)

    def _bytes(self, names: Sequence[str]) -> int:
        return sum(self._relations[name].bytes or 0 for name in names)

    def _read(self, own: Sequence[list[str]], whole: Sequence[list[str]]) -> None:
        leader, jobs, split = self._workspace.connection, list[Job](whole), list[_Split]()
        sessions = min(MOST_SESSIONS, max(2, os.cpu_count() or 1))
        if sum(map(self._bytes, whole)) <= ALONE_BYTES or leader.watch is None or leader.pooled:
            sessions = 1
        else:
            jobs, split = self._split(whole, sessions)
        readers = Readers[Job](
            leader,
            leader.watch.conninfo if leader.watch is not None else "",
            sessions=sessions,
            look=lambda: None,
            note=lambda _: None,
        )
        readers.run(own, jobs, self._do)
        self._found |= {each.name: each.beside.differing() for each in split}

    def _split(self, whole: Sequence[list[str]], sessions: int) -> tuple[list[Job], list[_Split]]:
        """Have several sessions read parts of each large table; gives all jobs, the largest first, and these tables."""
        sized, split = list[tuple[int, Job]](), list[_Split]()
        for names in whole:
            size, parts = self._bytes(names), 1
            if len(names) == 1:
                parts = min(sessions, size // PART_BYTES)
            ranges = self._key_ranges(names[0], parts) if parts > 1 else []
            if ranges:
                split.append(_Split(names[0], ranges, self._laid_beside(names[0])))
                sized.extend((size // len(ranges), part) for part in split[-1].parts)
            else:
                sized.append((size, names))
        return [job for _, job in sorted(sized, key=itemgetter(0), reverse=True)], split

    def _key_ranges(self, name: str, parts: int) -> list[Sql]:
        table, relation = self._workspace.schema.tables[name], self._relations[name]
        ranges = key_ranges(self._workspace.connection, table, relation, parts)
        return [rows_query(table, relation, None, within=each) for each in ranges]

    def _do(self, connection: Connection, job: Job) -> None:
        if isinstance(job, _Part):
            job.compare(connection)
        else:
            self._compare(connection, job)

    def _compare(self, connection: Connection, names: Sequence[str]) -> None:
        """Compare some tables, whose rows are asked for by one message."""
        tables, relations, left = self._workspace.schema.tables, self._relations, set(names)
        read = [name for name in names if (taken := self._wanted[name]) is None or not taken.empty]
        queries = [rows_query(tables[name], relations[name], self._wanted[name]) for name in read]
        if queries:
            with closing(read_copies(connection, queries)) as batches:
                for place, arriving in groupby(batches, key=itemgetter(0)):
                    self._found[read[place]] = self._beside(read[place], (rows for _, rows in arriving))
                    left.remove(read[place])
        for name in left:
            self._found[name] = self._beside(name, ())

    def _beside(self, name: str, batches: Iterable[Sequence[memoryview]]) -> Differing | None:
        entry, coming = self._source.entries[name], iter(batches)
        begun = AsStored(entry.chunks)
        for batch in coming:
            begun.add(batch)
            if not begun.same:
                break
        left = msgspec.structs.replace(entry, chunks=entry.chunks[begun.passed :])
        beside = self._laid_beside(name, left)
        with beside.run(whole=True) as run:
            for raw in cut(chain([begun.left], coming)):
                run.take(raw)
        found = beside.differing()
        return found and replace(found, rows=found.rows + begun.rows)

    def _laid_beside(self, name: str, entry: TableEntry | None = None) -> Beside:
        table = self._workspace.schema.tables[name]
        names = [column.name for column in table.stored_columns]
        positions = tuple(names.index(column.name) for column in stored_key(table))

        def key_of(row: bytes) -> Key:
            return key_values(row, positions)

        return Beside(entry or self._source.entries[name], self._source.rows_of, key_of, self._room)


class _Split:
    """A table that several sessions compare, each a part."""

    def __init__(self, name: str, queries: Sequence[Sql], beside: Beside) -> None:
        self.name = name
        self.beside = beside
        self.parts = [_Part(split=self, place=place) for place in range(len(queries))]
        self._table = SplitTable(name, queries, self._take)
        self._runs = _Runs()

    def compare(self, connection: Connection, place: int) -> None:
        """Compare a part, and those after it that nobody has begun."""
        # no row has come before the one error after which another session does it again: that of the lock
        with self.beside.run() as self._runs.run:
            self._table.read(connection, place)

    def _take(self, raw: RawChunk) -> None:
        self._runs.run.take(raw)


class _Runs(threading.local):
    """What each session lays beside."""

    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part of a table, by its place."""

    split: _Split
    place: int

    def compare(self, connection: Connection) -> None:
        """Compare it."""
        self.split.compare(connection, self.place)


Job = list[str] | _Part
"""Tables that are compared together, or a part of one."""


def _may_be_laid_beside(workspace: Workspace, source: Source, name: str, taken: Rows | None) -> bool:
    recorded, table = source.manifest.schema.tables.get(name), workspace.schema.tables[name]
    relation, entry = workspace.relations[name], source.entries[name]
    return name not in source.begun and _has_the_same_form(recorded, entry, table, relation, taken)


def _has_the_same_form(
    recorded: Table | None, entry: TableEntry, table: Table, target: Relation, taken: Rows | None
) -> bool:
    """Tell whether the rows of a table show by their text which of them a backup has, and reading them is worth it.

    That is so where they have the same columns and the same key. Rows without a key count as often as they occur, in
    the whole table.

    Args:
        recorded: the table where the backup was made.
        taken: the rows that are compared; None for all.
    """
    if entry.rows and not entry.chunks:  # its rows were changed, or come from elsewhere
        return False
    if recorded is None or not told_apart_alike(recorded, table) or (taken is not None and not sort_key(table).unique):
        return False
    if [column.name for column in table.stored_columns] != [column.name for column in entry.columns]:
        return False
    rows = target.rows if taken is None else taken.rows or 0
    # of a table with a limit it has to be known which rows are its last
    return entry.cutoff is None and rows <= FEW * max(entry.rows, SMALL_ROWS)
