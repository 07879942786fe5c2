"""Tables of a database, read once in the order of a backup, beside the chunks of the backup: only rows that differ.

Large tables are read by several sessions at once, with the snapshot of the one that compares.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, groupby
from operator import attrgetter, itemgetter

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from toolkit.model.manifest import Chunk, TableEntry
from toolkit.model.schema import Table
from toolkit.planning.as_stored import AsStored
from toolkit.planning.chunking import cut
from toolkit.planning.copy_text import key_values, values
from toolkit.planning.ranges import Differing, Key, Room, differing, together
from toolkit.planning.row_order import sort_key, stored_key, told_apart_alike
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.key_ranges import has_ranges, ranges_between
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

PART_BYTES = 8 << 20
"""Bytes of rows that each of several sessions reads at least of a table, where more than one reads it."""

MUCH = 8
"""A table is read in parts where it is more than this part of all: less, at the end, keeps nobody waiting for long."""

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
        leader, jobs, parts = self._workspace.connection, list[Job](whole), list[_Part]()
        sessions = min(MOST_SESSIONS, max(2, os.cpu_count() or 1))
        if sum(map(self._bytes, whole)) <= ALONE_BYTES or leader.watch is None or leader.pooled:
            sessions = 1
        else:
            jobs, parts = self._split(whole, sessions)
        readers = Readers[Job](
            leader,
            leader.watch.conninfo if leader.watch is not None else "",
            sessions=sessions,
            look=lambda: None,
            note=lambda _: None,
        )
        readers.run(own, jobs, self._do)
        for name, found in groupby(parts, key=attrgetter("entry.name")):
            self._found[name] = together([part.found for part in found], self._room)

    def _split(self, whole: Sequence[list[str]], sessions: int) -> tuple[list[Job], list[_Part]]:
        """Have several sessions read parts of each table that makes up much of all.

        Returns:
            All jobs, the largest first, and those that are parts, by table.
        """
        sized, split = list[tuple[int, Job]](), list[_Part]()
        total = sum(map(self._bytes, whole))
        for names in whole:
            size, parts = self._bytes(names), list[_Part]()
            if len(names) == 1 and size * MUCH > total:
                parts = self._parts(names[0], sessions)
            if len(parts) > 1:
                split.extend(parts)
                sized.extend((size * part.entry.bytes // self._source.entries[names[0]].bytes, part) for part in parts)
            else:
                sized.append((size, names))
        return [job for _, job in sorted(sized, key=itemgetter(0), reverse=True)], split

    def _parts(self, name: str, sessions: int) -> list[_Part]:
        """Parts of a table, each of the key range of some of the backup's chunks."""
        table, relation, entry = self._workspace.schema.tables[name], self._relations[name], self._source.entries[name]
        runs = list(_runs(entry, min(sessions, entry.bytes // PART_BYTES)))
        firsts = [run.chunks[0].first for run in runs[1:]]
        key = sort_key(table)
        if not has_ranges(key) or not stored_key(table) or any(None in first for first in firsts):
            return []
        bounds = [tuple(str(value) for value in values("\t".join(map(str, first)).encode())) for first in firsts]
        queries = [rows_query(table, relation, None, within=each) for each in ranges_between(key, bounds)]
        return [_Part(entry=run, query=query) for run, query in zip(runs, queries, strict=False)]

    def _do(self, connection: Connection, job: Job) -> None:
        if isinstance(job, _Part):
            with closing(read_copies(connection, [job.query])) as batches:
                job.found = self._beside(job.entry, (rows for _, rows in batches))
        else:
            self._compare(connection, job)

    def _compare(self, connection: Connection, names: Sequence[str]) -> None:
        """Compare some tables, whose rows are asked for by one message."""
        tables, relations, entries = self._workspace.schema.tables, self._relations, self._source.entries
        left = set(names)
        read = [name for name in names if (taken := self._wanted[name]) is None or not taken.empty]
        queries = [rows_query(tables[name], relations[name], self._wanted[name]) for name in read]
        if queries:
            with closing(read_copies(connection, queries)) as batches:
                for place, arriving in groupby(batches, key=itemgetter(0)):
                    name = read[place]
                    self._found[name] = self._beside(entries[name], (rows for _, rows in arriving))
                    left.remove(name)
        for name in left:
            self._found[name] = self._beside(entries[name], ())

    def _beside(self, entry: TableEntry, batches: Iterable[Sequence[memoryview]]) -> Differing | None:
        """Lay rows beside the chunks of a table, or some of them that follow one another."""
        coming = iter(batches)
        begun = AsStored(entry.chunks)
        for batch in coming:
            begun.add(batch)
            if not begun.same:
                break
        rest = msgspec.structs.replace(entry, chunks=entry.chunks[begun.passed :])
        theirs = cut(chain(begun.left(), coming))
        found = differing(theirs, rest, self._source.rows_of, self._key_of(entry.name), self._room)
        return found and replace(found, rows=found.rows + begun.rows)

    def _key_of(self, name: str) -> Callable[[bytes], Key]:
        table = self._workspace.schema.tables[name]
        names = [column.name for column in table.stored_columns]
        positions = tuple(names.index(column.name) for column in stored_key(table))
        return lambda row: key_values(row, positions)


class _Part(Struct, kw_only=True, eq=False):
    """A part of a table.

    Attributes:
        entry: with those chunks alone that the part should have.
        query: of the rows in the range of their keys.
        found: what differs, once it is read.
    """

    entry: TableEntry
    query: Sql
    found: Differing | None = None


Job = list[str] | _Part
"""Tables that are compared together, or a part of one."""


def _runs(entry: TableEntry, parts: int) -> Iterator[TableEntry]:
    """Cut the chunks of a table into about so many runs of about the same size; none where there is one."""
    run, size, done = list[Chunk](), 0, 0
    for chunk in entry.chunks if parts > 1 else ():
        if run and size >= entry.bytes * (done + 1) / parts:
            yield _run(entry, run)
            run, done = [], done + 1
        run.append(chunk)
        size += chunk.raw
    if run:
        yield _run(entry, run)


def _run(entry: TableEntry, chunks: Sequence[Chunk]) -> TableEntry:
    rows, size = sum(chunk.rows for chunk in chunks), sum(chunk.raw for chunk in chunks)
    return msgspec.structs.replace(entry, chunks=tuple(chunks), rows=rows, bytes=size)


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
