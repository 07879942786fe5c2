"""Reading what a backup has selected, chunk by chunk into its repositories, and making the manifest of it."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from toolkit import __version__
from toolkit.actions.context import Context
from toolkit.actions.destinations import Around, Destination, Destinations
from toolkit.actions.shares import Part
from toolkit.actions.table_reading import TableReading
from toolkit.model.manifest import Manifest, SequenceEntry, Support
from toolkit.model.schema import NOT_COVERED
from toolkit.planning.chunking import cut
from toolkit.planning.composition import Origin, compose, table_entry
from toolkit.planning.references import undecided_references
from toolkit.postgres.schema.device import find_node_id, read_schema_version
from toolkit.postgres.schema.rows import read_copies
from toolkit.postgres.schema.sequences import read_sequences
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.selection.support import FoundSupport, Supports
from toolkit.postgres.session.connection import Connection

_Supporting = dict[str, list[tuple[FoundSupport, list[Part]]]]
"""Per table what supports it, with the chunks that were read of it."""


class Reading(Struct, frozen=True, kw_only=True):
    """One backup under way.

    Attributes:
        conninfo: how the connection's server is reached.
        sessions: how many read at once in this process, at most.
        processes: how many processes read, this one included.
        job, tags: as they are recorded with the backup.
        origin: where the rows come from, where that is not the host's own database.
        said: what else a reader of the backup has to know.
        put_aside: table, or model without one → records of an imported file that are not among the rows.
    """

    context: Context
    connection: Connection
    conninfo: str
    survey: Survey
    selected: Selected
    supports: Supports
    into: Destinations
    sessions: int
    processes: int
    job: str
    tags: tuple[str, ...]
    started: datetime
    clock: float
    created_by: str
    origin: Origin | None = None
    said: tuple[str, ...] = ()
    put_aside: Mapping[str, int] = {}

    def store(self) -> Stored:
        """Read every table once and store its chunks, and those that support it, in every destination."""
        with self.into.writing():
            tables = TableReading(
                context=self.context,
                connection=self.connection,
                conninfo=self.conninfo,
                survey=self.survey,
                selected=self.selected,
                into=self.into,
                sessions=self.sessions,
                processes=self.processes,
            )
            tables.run()
            support = self._read_support()
        return Stored(
            run=self,
            tables=tables.read,
            lacking=tuple(tables.lacking),
            support=support,
            sequences=read_sequences(self.connection, self.survey.schema.schemas, tables.read),
            origin=self.origin or self._origin(),
        )

    def _read_support(self) -> _Supporting:
        """Support that turns out to have no rows is left out."""
        reading: _Supporting = {}
        for name, supports in self.supports.found.items():
            for found in supports:
                copies = read_copies(self.connection, [found.query])
                parts = [Part((), (), self.into.submit(raw)) for raw in cut(batch for _, batch in copies)]
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


class Stored(Struct, frozen=True, kw_only=True):
    """All that was read of the database, its rows being stored; the database is not needed any more.

    Attributes:
        lacking: why fewer processes read than were wanted.
    """

    run: Reading
    tables: Mapping[str, list[Part]]
    lacking: tuple[str, ...]
    support: _Supporting
    sequences: tuple[SequenceEntry, ...]
    origin: Origin

    def publish(self, around: Around | None = None) -> Manifest:
        """Make the backup exist in every destination; gives its manifest.

        Args:
            around: within what the manifest is written, given the destination and the label.
        """
        scope = self.run.survey.scope.type.value
        into = self.run.into
        label = partial(into.new_label, self.origin.started, self.origin.job, scope)
        return into.publish(label, self._compose, around=around)

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
            packs=destination.packs,
            tenants=selected.tenants,
            left_out=selected.left_out,
            taken=taken,
            sequences=self.sequences,
            put_aside=self.run.put_aside,
            warnings=(*warnings_of(survey, selected), *self.run.said),
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


def _support(found: FoundSupport, parts: list[Part], destination: Destination) -> Support:
    there = tuple(part.entry(destination) for part in parts)
    return Support(
        what=found.what,
        columns=found.columns,
        rows=sum(chunk.rows for chunk in there),
        bytes=sum(chunk.raw for chunk in there),
        chunks=there,
    )
