"""Reading the tables of a backup: by several sessions of this process, or by several processes, of one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, nullcontext
from itertools import chain, groupby
from operator import itemgetter

from msgspec import Struct, field

from toolkit.actions.context import Context, Helper, HelperLostError
from toolkit.actions.destinations import Destinations
from toolkit.actions.shares import Part, Share, WantedTable, answered, asked
from toolkit.model.schema import Table
from toolkit.planning import chunking
from toolkit.planning.chunking import RawChunk, cut
from toolkit.planning.copy_text import key_values, values
from toolkit.planning.row_order import stored_key
from toolkit.planning.seams import Key, Piece, Seam, joined, piece, seams
from toolkit.postgres.schema.key_ranges import Bound, between, key_ranges
from toolkit.postgres.schema.parts import SplitTable, TablePart
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.schema.workspace import shared as shared_statements
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import qualified
from toolkit.postgres.session.readers import NotTakenError, Readers, Snapshot

ALONE_BYTES = 16 << 20
"""Bytes of tables up to which one session is as quick as several: what is gained does not pay for connecting."""

PART_BYTES = 32 << 20
"""Bytes of a table that each of several sessions reads at least, where more than one reads it."""

ROW_BYTES = 100
"""What a row takes on disk, about, where nobody has counted them: for the time that is left."""

PROCESS_PART_BYTES = 128 << 20
"""The same of processes: at the seam of two parts about 10 MiB are read twice."""


class _Apart(Struct, frozen=True, kw_only=True, eq=False):
    """A table whose parts are read by processes, none of which hears of another."""

    name: str
    queries: Sequence[Sql]
    pieces: list[Piece[Part]]


class _PartApart(Struct, frozen=True, kw_only=True):
    table: _Apart
    place: int


_Job = list[str] | TablePart | _PartApart
"""Tables that are read together, or a part of one."""


class TableReading(Struct, frozen=True, kw_only=True):
    """The tables of one backup under way.

    Attributes:
        conninfo: how the connection's server is reached.
        sessions: how many read at once in this process, at most.
        processes: how many processes read, this one included.
        read: table → what was read of it.
        lacking: why fewer processes read.
    """

    context: Context
    connection: Connection
    conninfo: str
    survey: Survey
    selected: Selected
    into: Destinations
    sessions: int
    processes: int
    read: dict[str, list[Part]] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Read every table once, and hand its chunks over."""
        expected = self._expected()
        self.context.progress.start("backup", rows=sum(expected.values()) or None, tables=expected)
        self.read.update({name: [] for name in self.selected.taken})
        own, shared = self._jobs()
        large = self._bytes(chain.from_iterable(shared)) > ALONE_BYTES
        wanted = self.processes - 1 if large else 0
        if wanted and self.context.helpers is None:
            self._lack("one process reads: there are no others here")
        helpers = self.context.helpers() if wanted and self.context.helpers else nullcontext()
        with helpers as helper:
            away = _Away(reading=self, helper=helper, processes=wanted) if helper else None
            jobs = self._split(shared, self.sessions if large else 1, self.processes if away else 1)
            readers = Readers[_Job](
                self.connection,
                self.conninfo,
                sessions=self.sessions if large else 1,
                look=self.context.progress.advance,
                note=self._lack if away else self.context.progress.note,
                away=away,
            )
            readers.run(own, jobs, self._do)
        for table in dict.fromkeys(job.table for job in jobs if not isinstance(job, list)):
            self.read[table.name] = self._whole(table) if isinstance(table, _Apart) else table.made

    def _lack(self, reason: str) -> None:
        self.context.progress.note(reason)
        self.lacking.append(reason)

    def _jobs(self) -> tuple[list[list[str]], list[list[str]]]:
        """The tables that the selecting session alone can read, and those for any; small ones are read together.

        Of a table that is not taken whole it is temporary tables of the selecting session that say which rows.
        """
        taken, relations = self.selected.taken, self.selected.relations
        wanted = {True: list[str](), False: list[str]()}
        for name, each in taken.items():
            if each.ids is None or not each.ids.empty:
                wanted[each.ids is None].append(name)
        own, whole = (list(shared_statements(wanted[key], lambda name: relations[name].bytes)) for key in (False, True))
        return own, sorted(whole, key=self._bytes, reverse=True)

    def _split(self, shared: Sequence[list[str]], sessions: int, processes: int) -> list[_Job]:
        """Have parts of each large table read at once; gives all jobs, the largest first."""
        readers, least = (processes, PROCESS_PART_BYTES) if processes > 1 else (sessions, PART_BYTES)
        sized = list[tuple[int, _Job]]()
        for names in shared:
            size = self._bytes(names)
            parts = min(readers, size // least) if len(names) == 1 else 1
            split = self._parts(names[0], parts, apart=processes > 1) if parts > 1 else []
            sized.extend((size // len(split), part) for part in split)
            if not split:
                sized.append((size, names))
        return [job for _, job in sorted(sized, key=itemgetter(0), reverse=True)]

    def _parts(self, name: str, parts: int, *, apart: bool) -> Sequence[_Job]:
        table, relation = self.survey.schema.tables[name], self.selected.relations[name]
        if apart and not stored_key(table):
            return []  # where a seam ends could not be told
        ranges = key_ranges(self.connection, table, relation, parts)
        queries = [rows_query(table, relation, None, within=each) for each in ranges]
        if not queries:
            return []
        if not apart:
            return SplitTable(name, queries, lambda raw: self.store(name, raw)).parts
        split = _Apart(name=name, queries=queries, pieces=[Piece(found=False)] * len(queries))
        return [_PartApart(table=split, place=place) for place in range(len(queries))]

    def _expected(self) -> dict[str, int]:
        """How many rows each table is thought to give."""
        found: dict[str, int] = {}
        for name, each in self.selected.taken.items():
            relation = self.selected.relations[name]
            rows = relation.rows if each.ids is None else each.ids.rows
            if rows is None or rows < 0:
                # nobody has counted it since it was filled
                rows = (relation.bytes or 0) / ROW_BYTES
            found[name] = round(rows)
        return found

    def _bytes(self, names: Iterable[str]) -> int:
        return sum(self.selected.relations[name].bytes or 0 for name in names)

    def _do(self, connection: Connection, job: _Job) -> None:
        if isinstance(job, list):
            self._read_tables(connection, job)
            return
        self.context.progress.note(job.table.name)
        if isinstance(job, TablePart):
            job.table.read(connection, job.place)
        else:
            job.table.pieces[job.place] = self._read_part(connection, job.table, job.place)

    def _read_tables(self, connection: Connection, names: list[str]) -> None:
        """Read the selected rows of some tables, and hand their chunks over."""
        self.context.progress.note(names[0])
        with closing(read_copies(connection, [self.query(name) for name in names])) as copies:
            for place, batches in groupby(copies, key=itemgetter(0)):
                parts = self.read[names[place]] = []
                for raw in cut(batch for _, batch in batches):
                    parts.append(self.store(names[place], raw))
                    del raw  # or it would be held while the next one grows

    def query(self, name: str) -> Sql:
        """Give the query of the rows of a table that were selected."""
        selected = self.selected
        return rows_query(self.table(name), selected.relations[name], selected.taken[name].ids)

    def table(self, name: str) -> Table:
        """Give a table by its name."""
        return self.survey.schema.tables[name]

    def positions(self, name: str) -> tuple[int, ...]:
        """Give the places of the key in a row of a table."""
        order = [column.name for column in self.table(name).stored_columns]
        return tuple(order.index(column.name) for column in stored_key(self.table(name)))

    def store(self, name: str, raw: RawChunk) -> Part:
        """Hand a chunk of a table over."""
        self.context.progress.advance(rows=raw.rows, bytes=len(raw.data), table=name)
        return Part.of(raw, self.positions(name), self.into.submit(raw))

    def _read_part(self, connection: Connection, table: _Apart, place: int) -> Piece[Part]:
        positions = self.positions(table.name)
        with closing(read_copies(connection, [table.queries[place]], partly=place > 0)) as copies:
            return piece(
                (batch for _, batch in copies),
                first=not place,
                last=place == len(table.queries) - 1,
                key=lambda row: key_values(row, positions),
                make=lambda raw: self.store(table.name, raw),
            )

    def _whole(self, split: _Apart) -> list[Part]:
        """Read what no piece has of a table, and put all together."""
        lies_between = seams(split.pieces)
        made = list[Part]()
        if lies_between:
            made = self._read_seams(split.name, lies_between)
        return joined(split.pieces, lies_between, made, lambda part: part.last)

    def _read_seams(self, name: str, wanted: Sequence[Seam]) -> list[Part]:
        table, relation = self.table(name), self.selected.relations[name]
        spans = [(self._bound(name, seam.after), self._bound(name, seam.until)) for seam in wanted]
        query = rows_query(table, relation, None, within=between(table, spans))
        with closing(read_copies(self.connection, [query])) as copies:
            return [self.store(name, raw) for raw in cut(batch for _, batch in copies)]

    def _bound(self, name: str, key: Key) -> Bound:
        """The values of a key, of which the COPY text is known, in the order of the sort key."""
        return tuple(value or "" for text in key for value in values(f"{text}".encode()))


class _Away(Struct, frozen=True, kw_only=True):
    """Has jobs done by other processes."""

    reading: TableReading
    helper: Helper
    processes: int

    def __call__(self, job: _Job, snapshot: Snapshot, given_up: Callable[[], bool]) -> None:
        if isinstance(job, TablePart):
            raise TypeError(job.table.name)
        reading = self.reading
        names = job if isinstance(job, list) else [job.table.name]
        queries = [reading.query(name) for name in job] if isinstance(job, list) else [job.table.queries[job.place]]
        share = Share(
            snapshot=snapshot,
            repositories={each.name: each.opened().id for each in reading.into.left},
            tables=tuple(
                WantedTable(
                    name=name,
                    query=str(qualified(query, reading.connection)),
                    positions=reading.positions(name),
                )
                for name, query in zip(names, queries, strict=True)
            ),
            first=isinstance(job, list) or not job.place,
            last=isinstance(job, list) or job.place == len(job.table.queries) - 1,
            sizes=chunking.FORMAT_1,
        )
        try:
            pieces = answered(self.helper(asked(share), given_up), reading.into)
        except HelperLostError as error:
            raise NotTakenError(str(error)) from error
        if isinstance(job, list):
            reading.read.update({name: list(each.made) for name, each in zip(names, pieces, strict=True)})
        else:
            job.table.pieces[job.place] = pieces[0]
