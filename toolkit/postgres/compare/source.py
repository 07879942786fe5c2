"""The backup that is restored: its manifest, and its rows as stored or as changed on stage.

Staged rows are temporary tables of the target, with the target's own column types. Of a table that is compared by its
chunks only those rows come on stage that the target does not have exactly so. Whoever changes staged rows (a business
picked out of a wider backup, rows that follow another device) has all of them there, and leaves behind a backup like
any other, but for the chunks of its rows, which nobody knows: such tables are compared row by row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.drift import Question
from toolkit.model.manifest import Manifest, TableEntry
from toolkit.planning.copy_text import key_text
from toolkit.planning.ranges import Differing
from toolkit.planning.row_order import sort_key, stored_key
from toolkit.postgres.compare.lines import blocks, keys_of
from toolkit.postgres.compare.same_rows import copies, same_key
from toolkit.postgres.compare.staged import Staged
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Relation, Sql, columns
from toolkit.postgres.schema.row_sources import Rows, Temporary, chosen
from toolkit.postgres.schema.rows import write_rows
from toolkit.postgres.schema.workspace import SMALL_BYTES, Workspace
from toolkit.postgres.session.connection import first_line

FEW_BYTES = 16 << 10
"""Rows of up to this size stand in a statement themselves, in place of a temporary table."""

RowsOf = Callable[[TableEntry], Iterator[bytes]]
"""Gives the rows of a table of the backup, chunk by chunk, each checked against its SHA-256."""


class Source:
    """Loads tables of a backup on stage once each, on demand, and lets them be changed there.

    Attributes:
        rows_of: gives the stored rows of a table.
        entries: the tables of the backup that are restored, by name; what they say is true of the rows as they are
            after `settle`.
        held: all tables of the backup that the target has and that can be asked about; the same unless `restrict` has
            left some tables to be restored.
        unfit: those of them that do not fit the target, with the reasons.
    """

    def __init__(self, workspace: Workspace, manifest: Manifest, rows_of: RowsOf) -> None:
        self._workspace = workspace
        self._connection = workspace.connection
        self._schema = workspace.schema
        self.rows_of = rows_of
        self._staged: dict[str, Staged] = {}
        self._edited: set[str] = set()
        self.manifest = manifest
        self.entries = {entry.name: entry for entry in manifest.tables if entry.name in self._schema.tables}
        self.held = self.entries
        self.unfit: Mapping[str, Sequence[Question]] = {}

    def restrict(self, names: Collection[str]) -> None:
        """Restore these tables alone; the others can still be asked about."""
        self.entries = {name: entry for name, entry in self.held.items() if name in names}

    def bring(self, name: str, rows: int) -> None:
        """Let so many rows of a table come along that is not among those to be restored."""
        self.entries[name] = msgspec.structs.replace(self.held[name], rows=rows, digest="", chunks=())

    def staged(self, name: str) -> Staged:
        """Give what is staged of a table: all rows, unless `stage_differing` has staged those that differ."""
        if name not in self._staged:
            self._staged[name] = self._load(self.held[name])
        return self._staged[name]

    def whole(self, name: str) -> Staged:
        """Give a staged table with all rows of the backup; rows that were staged before stay where they are."""
        staged = self.staged(name)
        if not staged.whole:
            self._staged[name] = self._complete(name, staged)
        return self._staged[name]

    def loaded(self, name: str) -> Staged:
        """Give all rows of a table of the backup, loaded apart from what is staged where that is not all."""
        staged = self.staged(name)
        return staged if staged.whole else self._load(self.held[name])

    def stage_differing(self, name: str, found: Differing, compared: Rows | None) -> Staged:
        """Stage of a table the rows that were found to differ, and no others."""
        entry = self.held[name]
        names = tuple(column.name for column in entry.columns)
        ours = self._put("stage", entry, found.ours)
        beyond = self._beyond(entry, self._of_other_keys(entry, found))
        self._staged[name] = Staged(ours, names, sum(map(len, found.ours)), beyond=beyond, compared=compared)
        return self._staged[name]

    @property
    def begun(self) -> Collection[str]:
        """The tables of which something is on stage."""
        return self._staged.keys()

    def stage_some(self, name: str, batches: Iterable[Sequence[bytes]]) -> None:
        """Stage some rows of a table, beside those that are there; it counts as changed unless these are all."""
        entry = self.held[name]
        names = tuple(column.name for column in entry.columns)
        staged = self._staged.get(name) or Staged(self._workspace.create("stage", name), names, 0)
        sizes = list[tuple[int, int]]()

        def blocks() -> Iterator[bytes]:
            for rows in batches:
                if rows:
                    block = b"".join(rows)
                    sizes.append((len(rows), len(block)))
                    yield block

        coming = blocks()
        if (first := next(coming, None)) is not None:
            with self.computing(name, every=False):
                write_rows(self._connection, staged.table, names, chain([first], coming))
        self._workspace.grew(staged.table, sum(rows for rows, _ in sizes))
        self._staged[name] = replace(staged, bytes=staged.bytes + sum(size for _, size in sizes))
        if staged.table.rows == entry.rows:
            self._edited.discard(name)
        else:
            self._edited.add(name)

    def unstage(self) -> None:
        """Take off the stage what was put there; it comes back as it was stored."""
        for staged in self._staged.values():
            self._workspace.drop(staged.table)
        self._staged.clear()
        self._edited.clear()

    def add(self, entry: TableEntry) -> None:
        """Begin a table that the backup does not have; it is empty until it is edited."""
        self.entries[entry.name] = self.held[entry.name] = entry

    def begin(self, name: str, *, added: tuple[str, ...]) -> Staged:
        """Give an empty stage for a table whose rows are not loaded as they were stored, but made by the caller."""
        entry = self.held[name]
        names = tuple(column.name for column in entry.columns)
        self._staged[name] = Staged(self._workspace.create("stage", name), names, entry.bytes, added)
        self._edited.add(name)
        return self._staged[name]

    def edit(self, name: str, statement: Sql) -> int:
        """Change staged rows of one table by a statement; gives how many rows it touched."""
        table = self.whole(name).table
        done = self._connection.execute(statement)
        if done.rowcount:
            self._edited.add(name)
            sign = {"DELETE": -1, "INSERT": 1}.get((done.statusmessage or "").partition(" ")[0], 0)
            self._workspace.grew(table, sign * done.rowcount)
        return done.rowcount

    def keep(self, name: str, ids: Rows) -> None:
        """Leave on stage of one table, all of whose rows are there, only those that a table of ids names.

        Those of a large table are moved into one of their own: who looks at them later need not read past the others.
        """
        staged = self.whole(name)
        if staged.bytes <= SMALL_BYTES:
            gone = sql.SQL("DELETE FROM {} t WHERE NOT EXISTS (SELECT 1 FROM {} i WHERE {})")
            self.edit(name, gone.format(staged.table, ids, staged.relation.same("t", "i")))
            return
        kept = self._workspace.create("stage", name)
        names = (*staged.names, *staged.added)
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        query = sql.SQL("INSERT INTO {} ({}) SELECT {} {}").format(
            kept, listed, columns("t", names), chosen(staged.relation, ids, "t")
        )
        with self.computing(name, every=False):
            rows = self._connection.execute(query).rowcount
        self._workspace.grew(kept, rows)
        self._workspace.drop(staged.table)
        # sizes decide what is done by one statement: about as much as there are rows of all
        size = staged.bytes * rows // max(staged.table.rows, 1)
        self._staged[name] = replace(staged, table=kept, bytes=size)
        self._edited.add(name)

    def edited(self, name: str) -> bool:
        """Tell whether the rows of a table are no longer those that were stored."""
        return name in self._edited

    def settle(self) -> None:
        """Say in the manifest how many rows the tables have that were changed."""
        for name in self._edited:
            rows = self.staged(name).table.rows
            self.held[name] = msgspec.structs.replace(self.held[name], rows=rows, digest="", chunks=())
            if name in self.entries:
                self.entries[name] = self.held[name]
        if self._edited:
            tables = tuple(self.held.get(entry.name, entry) for entry in self.manifest.tables)
            self.manifest = msgspec.structs.replace(self.manifest, tables=tables)

    def copy_into_target(self, name: str) -> int:
        """Load a table's stored rows straight into the (empty) target table; gives how many."""
        entry = self.held[name]
        target = sql.SQL("{}").format(identifier(self._schema.schemas, name))
        write_rows(self._connection, target, (column.name for column in entry.columns), self.rows_of(entry))
        return entry.rows

    @contextmanager
    def computing(self, name: str, *, every: bool = True) -> Iterator[None]:
        """Say of which table the block puts rows on stage when one of its generated columns cannot be computed.

        Args:
            every: all rows of the backup are put there, in their order.

        Raises:
            RefusedError: the server cannot compute it for some row; nothing was changed.
        """
        generated = [column.name for column in self._schema.tables[name].columns if column.generated == "stored"]
        try:
            yield
        except (psycopg.DataError, psycopg.errors.RaiseException) as error:
            if not generated:
                raise
            row = re.search(r"^COPY .*, line (\d+)", error.diag.context or "", re.MULTILINE)
            which = f"row {row[1]} of the backup" if row and every else "some row of the backup"
            raise RefusedError(
                f"table {name} of the target cannot hold the rows of the backup",
                (f"generated columns {', '.join(generated)} cannot be computed for {which}: {first_line(error)}",),
                hint="correct that row where the backup was made, or the column on the target; nothing was changed",
            ) from error

    def _load(self, entry: TableEntry) -> Staged:
        names = tuple(column.name for column in entry.columns)
        table = self._workspace.create("stage", entry.name)
        if entry.rows:
            with self.computing(entry.name):
                write_rows(self._connection, table, names, self.rows_of(entry))
            self._workspace.grew(table, entry.rows)
        return Staged(table, names, entry.bytes)

    def _put(self, label: str, entry: TableEntry, lines: Sequence[bytes]) -> Temporary:
        """Make a temporary table of some rows of a table."""
        table = self._workspace.create(label, entry.name)
        if lines:
            with self.computing(entry.name, every=len(lines) == entry.rows):
                write_rows(self._connection, table, (column.name for column in entry.columns), blocks(lines))
            self._workspace.grew(table, len(lines))
        return table

    def _of_other_keys(self, entry: TableEntry, found: Differing) -> Sequence[bytes]:
        """The rows of the target whose key, by its text, no row has that is staged."""
        names = [column.name for column in entry.columns]
        places = tuple(names.index(key.column) for key in entry.key)
        if not places or not sort_key(self._schema.tables[entry.name]).unique:
            return found.theirs
        staged = {key_text(line, places) for line in found.ours}
        return [line for line in found.theirs if key_text(line, places) not in staged]

    def _beyond(self, entry: TableEntry, lines: Sequence[bytes]) -> Rows:
        """The ids of the target's rows with these texts; of several that are alike as many as there are lines."""
        table, relation = self._schema.tables[entry.name], self._workspace.relations[entry.name]
        if not lines:
            return Rows(sql.SQL("(SELECT {} FROM {} t WHERE false)").format(relation.ids("t"), relation.source), 0)
        if sort_key(table).unique and stored_key(table) and sum(map(len, lines)) <= FEW_BYTES:
            query = sql.SQL("(SELECT {} FROM {} x JOIN {} t ON {})").format(
                relation.ids("t"), keys_of(table, lines), relation.source, same_key(table, "t", "x")
            )
            return Rows(query, len(lines))
        theirs = self._put("theirs", entry, lines)
        if sort_key(table).unique:
            query = sql.SQL("SELECT {} FROM {} x JOIN {} t ON {}").format(
                relation.ids("t"), theirs, relation.source, same_key(table, "t", "x")
            )
        else:
            names = [column.name for column in entry.columns]
            query = sql.SQL("SELECT {} FROM {} m WHERE EXISTS (SELECT 1 FROM {} x WHERE {})").format(
                relation.id_columns("m"),
                copies(relation, names),
                copies(Relation(theirs), names),
                sql.SQL("x.line = m.line AND x.copy = m.copy"),
            )
        beyond = self._workspace.keep("beyond", query)
        self._workspace.drop(theirs)
        return beyond

    def _complete(self, name: str, staged: Staged) -> Staged:
        """Add to staged rows those of the backup that are not among them."""
        entry = self.held[name]
        table, every = self._schema.tables[name], self._load(entry)
        if sort_key(table).unique:
            there = sql.SQL("SELECT 1 FROM {} s WHERE {}").format(staged.table, same_key(table, "s", "e"))
            rows = sql.SQL("{} e").format(every.table)
        else:
            there = sql.SQL("SELECT 1 FROM {} s WHERE s.line = m.line AND s.copy = m.copy").format(
                copies(staged.relation, staged.names)
            )
            rows = sql.SQL("{} e JOIN {} m ON m.row_id = e.ctid").format(
                every.table, copies(every.relation, staged.names)
            )
        listed = sql.SQL(", ").join(map(sql.Identifier, staged.names))
        query = sql.SQL("SELECT {} FROM {} WHERE NOT EXISTS ({})").format(columns("e", staged.names), rows, there)
        added = self._connection.execute(sql.SQL("INSERT INTO {} ({}) {}").format(staged.table, listed, query)).rowcount
        self._workspace.grew(staged.table, added)
        self._workspace.drop(every.table)
        return replace(staged, bytes=entry.bytes, beyond=None)
