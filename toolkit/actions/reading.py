"""Reading what a backup has selected, chunk by chunk into its repositories, and making the manifest of it."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, groupby
from operator import itemgetter

from toolkit import __version__
from toolkit.actions.context import Context
from toolkit.actions.destinations import Destination, Destinations, Placed
from toolkit.model.manifest import Chunk, Manifest, SequenceEntry, Support
from toolkit.model.schema import NOT_COVERED, Table
from toolkit.planning.chunking import RawChunk, cut
from toolkit.planning.composition import Origin, compose, table_entry
from toolkit.planning.copy_text import key_values
from toolkit.planning.references import undecided_references
from toolkit.planning.row_order import stored_key
from toolkit.postgres.schema.device import find_node_id, read_schema_version
from toolkit.postgres.schema.key_ranges import key_ranges
from toolkit.postgres.schema.parts import SplitTable, TablePart
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.schema.sequences import read_sequences
from toolkit.postgres.schema.workspace import shared as shared_statements
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.selection.support import FoundSupport, Supports
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.readers import Readers

ALONE_BYTES = 16 << 20
"""Bytes of tables up to which one session is as quick as several: what is gained does not pay for connecting."""

PART_BYTES = 32 << 20
"""Bytes of a table that each of several sessions reads at least, where more than one reads it."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk that has been read: the keys at its borders, and what becomes of it in each destination.

    A chunk of supporting rows has no keys.
    """

    first: tuple[str | None, ...]
    last: tuple[str | None, ...]
    placed: Placed

    def entry(self, destination: Destination) -> Chunk:
        """Give the manifest's entry of the chunk as that destination has it, counted there."""
        stored = self.placed[destination].result()
        destination.count(stored)
        return Chunk(
            id=stored.id, rows=stored.rows, raw=stored.raw, stored=stored.stored, first=self.first, last=self.last
        )


_Job = list[str] | TablePart
"""Tables that are read together, or a part of one."""

_Supporting = dict[str, list[tuple[FoundSupport, list[_Part]]]]
"""Per table what supports it, with the chunks that were read of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One backup under way.

    Attributes:
        conninfo: how the connection's server is reached.
        sessions: how many read at once, at most.
        job, tags: as they are recorded with the backup.
    """

    context: Context
    connection: Connection
    conninfo: str
    survey: Survey
    selected: Selected
    supports: Supports
    into: Destinations
    sessions: int
    job: str
    tags: tuple[str, ...]
    started: datetime
    clock: float
    created_by: str

    def store(self) -> Stored:
        """Read every table once and store its chunks, and those that support it, in every destination."""
        with self.into.writing():
            tables = self._read()
            support = self._read_support()
        return Stored(
            run=self,
            tables=tables,
            support=support,
            sequences=read_sequences(self.connection, self.survey.schema.schemas, tables),
            origin=self._origin(),
        )

    def _read(self) -> dict[str, list[_Part]]:
        self.context.progress.start("backup")
        reading = {name: list[_Part]() for name in self.selected.taken}
        own, shared = self._jobs()
        sessions = self.sessions if self._bytes(chain.from_iterable(shared)) > ALONE_BYTES else 1
        jobs, split = self._split(shared, sessions)
        readers = Readers[_Job](
            self.connection,
            self.conninfo,
            sessions=sessions,
            look=self.context.progress.advance,
            note=self.context.progress.note,
        )
        readers.run(own, jobs, lambda connection, job: self._do(connection, job, reading))
        return reading | {table.name: table.made for table in split}

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

    def _split(self, shared: Sequence[list[str]], sessions: int) -> tuple[list[_Job], list[SplitTable[_Part]]]:
        """Have several sessions read parts of each large table; gives all jobs, the largest first, and these tables."""
        sized, split = list[tuple[int, _Job]](), list[SplitTable[_Part]]()
        for names in shared:
            size = self._bytes(names)
            parts = min(sessions, size // PART_BYTES) if len(names) == 1 else 1
            table = self._split_table(names[0], parts) if parts > 1 else None
            if table is None:
                sized.append((size, names))
            else:
                split.append(table)
                sized.extend((size // len(table.parts), part) for part in table.parts)
        return [job for _, job in sorted(sized, key=itemgetter(0), reverse=True)], split

    def _split_table(self, name: str, parts: int) -> SplitTable[_Part] | None:
        table, relation = self.survey.schema.tables[name], self.selected.relations[name]
        ranges = key_ranges(self.connection, table, relation, parts)
        queries = [rows_query(table, relation, None, within=each) for each in ranges]
        return SplitTable(name, queries, lambda raw: self._store(table, raw)) if queries else None

    def _bytes(self, names: Iterable[str]) -> int:
        return sum(self.selected.relations[name].bytes or 0 for name in names)

    def _do(self, connection: Connection, job: _Job, reading: dict[str, list[_Part]]) -> None:
        if isinstance(job, TablePart):
            self.context.progress.note(job.table.name)
            job.table.read(connection, job.place)
        else:
            self._read_tables(connection, job, reading)

    def _read_tables(self, connection: Connection, names: list[str], reading: dict[str, list[_Part]]) -> None:
        """Read the selected rows of some tables, and hand their chunks over."""
        schema, selected = self.survey.schema, self.selected
        self.context.progress.note(names[0])
        queries = [
            rows_query(schema.tables[name], selected.relations[name], selected.taken[name].ids) for name in names
        ]
        with closing(read_copies(connection, queries)) as copies:
            for place, batches in groupby(copies, key=itemgetter(0)):
                parts = reading[names[place]] = []
                for raw in cut(batch for _, batch in batches):
                    parts.append(self._store(schema.tables[names[place]], raw))
                    del raw  # or it would be held while the next one grows

    def _store(self, table: Table, raw: RawChunk) -> _Part:
        self.context.progress.advance(rows=raw.rows, bytes=len(raw.data))
        return _part(table, raw, self.into.submit(raw))

    def _read_support(self) -> _Supporting:
        """Support that turns out to have no rows is left out."""
        reading: _Supporting = {}
        for name, supports in self.supports.found.items():
            for found in supports:
                copies = read_copies(self.connection, [found.query])
                parts = [_Part((), (), self.into.submit(raw)) for raw in cut(batch for _, batch in copies)]
                if parts:
                    reading.setdefault(name, []).append((found, parts))
        return reading

    def _origin(self) -> Origin:
        host = self.context.host
        return Origin(
            label="",
            host=host.name,
            job=self.job,
            playbook=self.context.playbook,
            tool=f"playback {__version__}",
            tags=self.tags,
            started=self.started,
            seconds=time.monotonic() - self.clock,
            created_by=self.created_by,
            node_id=host.device_node or find_node_id(self.connection, self.survey.catalog, self.survey.schema),
            device_id=host.device_id,
            device_name=host.device_name,
            hostname=platform.node(),
            platform=f"{platform.system()} {platform.machine()}",
            schema_version=read_schema_version(self.connection, self.survey.catalog, self.survey.schema),
            postgres_version=self.connection.server,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All that was read of the database, its rows being stored; the database is not needed any more."""

    run: Reading
    tables: Mapping[str, list[_Part]]
    support: _Supporting
    sequences: tuple[SequenceEntry, ...]
    origin: Origin

    def publish(self) -> Manifest:
        """Make the backup exist in every destination; gives its manifest."""
        scope = self.run.survey.scope.type.value
        into = self.run.into
        return into.publish(lambda: into.new_label(self.origin.started, self.origin.job, scope), self._compose)

    def _compose(self, destination: Destination, label: str) -> Manifest:
        survey, selected = self.run.survey, self.run.selected
        entries, taken = [], {}
        for name, parts in self.tables.items():
            chunks_there = [part.entry(destination) for part in parts]
            entries.append(
                table_entry(
                    survey.schema.tables[name],
                    survey.accounting.rules[name],
                    chunks_there,
                    cutoff=selected.taken[name].cutoff,
                    cut=self.run.supports.cut.get(name, ()),
                    support=tuple(_support(found, parts, destination) for found, parts in self.support.get(name, ())),
                )
            )
            taken[name] = selected.taken[name].summary(entries[-1].rows)
        return compose(
            origin=replace(self.origin, label=label),
            scope=replace(survey.scope, businesses=selected.named),
            tenant=survey.catalog.tenant,
            schema=survey.schema,
            accounting=survey.accounting,
            tables=entries,
            tenants=selected.tenants,
            left_out=selected.left_out,
            taken=taken,
            sequences=self.sequences,
            warnings=warnings_of(survey, selected),
        )


def warnings_of(survey: Survey, selected: Selected) -> tuple[str, ...]:
    """Give what a reader of this backup has to know."""
    lines = [
        f"table {table} of {survey.catalog.file} is absent from the database" for table in survey.accounting.absent
    ]
    lines.extend(
        f"table {entry.table} is not classified and not backed up"
        for entry in survey.accounting.left_out
        if entry.reason == "unclassified"
    )
    lines.extend(
        f"business {tenant} was named, but is dropped by demo: {survey.scope.demo}"
        for tenant in selected.named_but_demo
    )
    lines.extend(f"{NOT_COVERED}{thing}" for thing in survey.schema.not_covered)
    lines.extend(undecided_references(survey.catalog, survey.accounting.rules, survey.links.references))
    return tuple(lines)


def _part(table: Table, raw: RawChunk, placed: Placed) -> _Part:
    order = [column.name for column in table.stored_columns]
    positions = tuple(order.index(column.name) for column in stored_key(table))
    return _Part(key_values(raw.first_row, positions), key_values(raw.last_row, positions), placed)


def _support(found: FoundSupport, parts: list[_Part], destination: Destination) -> Support:
    there = tuple(part.entry(destination) for part in parts)
    return Support(
        what=found.what,
        columns=found.columns,
        rows=sum(chunk.rows for chunk in there),
        bytes=sum(chunk.raw for chunk in there),
        chunks=there,
    )
