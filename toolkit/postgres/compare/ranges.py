"""Tables of a database, read once in the order of a backup, beside the chunks of the backup: only rows that differ.

Large tables are read by several sessions at once, with the snapshot of the one that compares.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, groupby
from operator import itemgetter

import msgspec

from toolkit.model.manifest import TableEntry
from toolkit.model.schema import Table
from toolkit.planning.as_stored import AsStored
from toolkit.planning.chunking import cut
from toolkit.planning.copy_text import key_values
from toolkit.planning.ranges import Differing, Key, Room, differing
from toolkit.planning.row_order import sort_key, stored_key, told_apart_alike
from toolkit.postgres.compare.source import Source
from toolkit.postgres.schema.relation import Relation
from toolkit.postgres.schema.row_sources import FEW, Rows
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.schema.workspace import Workspace, shared
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.readers import Readers

SMALL_ROWS = 1000
"""So many rows are read to be compared however few the backup has."""

ALONE_BYTES = 16 << 20
"""Bytes of tables up to which one session is as quick as several: what is gained does not pay for connecting."""

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
        leader = self._workspace.connection
        if len(own) + len(whole) < 2 or leader.watch is None or sum(map(self._bytes, whole)) <= ALONE_BYTES:
            for names in (*own, *whole):
                self._compare(leader, names)
            return
        readers = Readers[list[str]](
            leader,
            leader.watch.conninfo,
            sessions=min(MOST_SESSIONS, max(2, os.cpu_count() or 1)),
            look=lambda: None,
            note=lambda _: None,
        )
        readers.run(own, whole, self._compare)

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
        table = self._workspace.schema.tables[name]
        names = [column.name for column in table.stored_columns]
        positions = tuple(names.index(column.name) for column in stored_key(table))

        def key_of(row: bytes) -> Key:
            return key_values(row, positions)

        entry, coming = self._source.entries[name], iter(batches)
        begun = AsStored(entry.chunks)
        for batch in coming:
            begun.add(batch)
            if not begun.same:
                break
        left = msgspec.structs.replace(entry, chunks=entry.chunks[begun.passed :])
        found = differing(cut(chain([begun.left], coming)), left, self._source.rows_of, key_of, self._room)
        return found and replace(found, rows=found.rows + begun.rows)


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
