"""`backup`: one consistent look at a host's database, chunk by chunk into a repository, the manifest last."""

from __future__ import annotations

import getpass
import platform
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from toolkit import __version__
from toolkit.actions.arguments import names, scope_of
from toolkit.actions.context import Context
from toolkit.actions.targets import catalog_of, connection_to, repository_of
from toolkit.errors import InputError
from toolkit.model.manifest import Chunk, Manifest
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.chunking import RawChunk, chunks
from toolkit.planning.composition import Origin, compose, table_entry
from toolkit.planning.row_order import sort_key
from toolkit.postgres.connection import Connection
from toolkit.postgres.device import read_node_id, read_schema_version
from toolkit.postgres.relation import relation_of
from toolkit.postgres.rows import key_values, read_rows
from toolkit.postgres.selection.evaluation import Selected
from toolkit.postgres.selection.snapshot import Survey, consistent_snapshot
from toolkit.postgres.sequences import read_sequences
from toolkit.storage.chunks import ChunkWriter, StoredChunk
from toolkit.storage.repository import Repository


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk that has been read: the keys at its borders, and what becomes of it."""

    first: tuple[str | None, ...]
    last: tuple[str | None, ...]
    future: Future[StoredChunk]


@dataclass(slots=True)
class _Tally:
    """What was newly stored."""

    chunks: int = 0
    new_bytes: int = 0
    new: set[str] = field(default_factory=set)

    def count(self, part: _Part) -> Chunk:
        """The manifest's entry of a chunk, counted."""
        stored = part.future.result()
        self.chunks += 1
        if stored.new and stored.id not in self.new:
            self.new.add(stored.id)
            self.new_bytes += stored.stored
        return Chunk(
            id=stored.id, rows=stored.rows, raw=stored.raw, stored=stored.stored, first=part.first, last=part.last
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One backup under way."""

    context: Context
    connection: Connection
    survey: Survey
    selected: Selected
    repository: Repository
    label: str
    job: str
    tags: tuple[str, ...]
    started: datetime
    clock: float
    tally: _Tally

    def store(self) -> Manifest:
        """Read every table, store its chunks and describe what is stored."""
        reading = self._read()
        tables, rules = self.survey.schema.tables, self.survey.accounting.rules
        entries, taken = [], {}
        for name, parts in reading.items():
            described = [self.tally.count(part) for part in parts]
            entries.append(table_entry(tables[name], rules[name], described, self.selected.taken[name].cutoff))
            taken[name] = self.selected.taken[name].summary(entries[-1].rows)
        return compose(
            origin=self._origin(),
            scope=self.survey.scope,
            schema=self.survey.schema,
            accounting=self.survey.accounting,
            tables=entries,
            tenants=self.selected.tenants,
            taken=taken,
            sequences=read_sequences(self.connection, self.survey.schema.name, taken),
            warnings=warnings_of(self.survey, self.selected),
        )

    def _read(self) -> dict[str, list[_Part]]:
        progress, reading = self.context.progress, {}
        progress.start("backup")
        with ChunkWriter(self.repository) as writer:
            for name in self.selected.taken:
                progress.note(name)
                table = self.survey.schema.tables[name]
                parts = reading[name] = list[_Part]()
                for raw in read_chunks(self.connection, self.survey.schema, name, self.selected):
                    progress.advance(rows=raw.rows, bytes=len(raw.data))
                    parts.append(_part(table, raw, writer.submit(raw)))
                    del raw  # or it would be held while the next one grows
        return reading

    def _origin(self) -> Origin:
        host, version = self.context.host, self.connection.info.server_version
        return Origin(
            label=self.label,
            host=host.name,
            job=self.job,
            playbook=self.context.playbook,
            tool=f"playback {__version__}",
            tags=self.tags,
            started=self.started,
            seconds=time.monotonic() - self.clock,
            created_by=getpass.getuser(),
            node_id=read_node_id(self.connection, self.survey.catalog, self.survey.schema),
            device_id=host.device_id,
            device_name=host.device_name,
            hostname=platform.node(),
            platform=f"{platform.system()} {platform.machine()}",
            schema_version=read_schema_version(self.connection, self.survey.catalog, self.survey.schema),
            postgres_version=f"{version // 10000}.{version % 10000}",
        )


def backup(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Back up a scope of the host's database.

    Raises:
        InputError: the scope or the catalog file does not fit the database.
        RefusedError: unclassified tables, missing privileges, unknown businesses.
        DatabaseError, StorageError: reading or writing failed; no backup exists then.
    """
    repositories = names(arguments.get("repository")) or (context.host.repository,)
    if len(repositories) > 1:
        raise InputError("this version backs up to one repository at a time", hint="write a task for each repository")
    scope, catalog = scope_of(arguments), catalog_of(context, context.host)
    unclassified = arguments.get("unclassified", "fail")
    started, clock = context.now(), time.monotonic()
    with (
        connection_to(context, context.host, "backup") as connection,
        consistent_snapshot(connection, catalog, scope, unclassified=unclassified) as survey,
    ):
        context.progress.note("selecting rows")
        selected = survey.select(connection)
        if context.check:
            return _would_do(survey, selected)
        repository = repository_of(context, repositories[0], create=True)
        job = arguments.get("job") or context.playbook
        run = _Run(
            context=context,
            connection=connection,
            survey=survey,
            selected=selected,
            repository=repository,
            label=repository.new_label(started, job, scope.type.value),
            job=job,
            tags=names(arguments.get("tags")),
            started=started,
            clock=clock,
            tally=_Tally(),
        )
        manifest = run.store()
    manifest = repository.write_manifest(manifest)
    return _outcome(manifest, repository, run.tally, time.monotonic() - clock)


def read_chunks(connection: Connection, schema: DatabaseSchema, name: str, selected: Selected) -> Iterable[RawChunk]:
    """The chunks of the selected rows of one table."""
    table = schema.tables[name]
    return chunks(read_rows(connection, table, relation_of(schema.name, table), selected.taken[name].ids))


def warnings_of(survey: Survey, selected: Selected) -> tuple[str, ...]:
    """What a reader of this backup has to know."""
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
    lines.extend(f"not covered by any backup: {thing}" for thing in survey.schema.not_covered)
    return tuple(lines)


def _part(table: Table, raw: RawChunk, future: Future[StoredChunk]) -> _Part:
    order = [column.name for column in table.stored_columns]
    positions = tuple(order.index(name) for name in sort_key(table).names)
    return _Part(key_values(raw.first_row, positions), key_values(raw.last_row, positions), future)


def _would_do(survey: Survey, selected: Selected) -> Outcome:
    listed = ", ".join(label or key for key, label in selected.tenants.items()) or "none"
    return Outcome(
        changed=True,
        message=f"would back up {len(selected.taken)} tables of {len(selected.tenants)} businesses",
        details=(f"businesses: {listed}",),
        warnings=warnings_of(survey, selected),
        facts={"tables": len(selected.taken), "businesses": list(selected.tenants)},
    )


def _outcome(manifest: Manifest, repository: Repository, tally: _Tally, seconds: float) -> Outcome:
    metadata, stats = manifest.metadata, manifest.metadata.stats
    stored = f"{len(tally.new)} new chunks of {tally.chunks}" if tally.new else f"no new chunk of {tally.chunks}"
    reasons = Counter(entry.reason for entry in manifest.left_out)
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "none"
    return Outcome(
        changed=True,
        message=f"{metadata.label}: {stats.total_records} rows of {stats.total_tables} tables, {stored}",
        details=(f"tables left out: {left_out}; absent: {len(manifest.absent)}",),
        warnings=manifest.warnings,
        facts={
            "label": metadata.label,
            "rows": stats.total_records,
            "tables": stats.total_tables,
            "chunks": tally.chunks,
            "new_chunks": len(tally.new),
            "new_bytes": tally.new_bytes,
            "businesses": list(manifest.selection.tenants),
            "checksums": {"businessData": metadata.checksums.business_data},
        },
        moved=(
            Moved(
                what=f"backup {metadata.host} → {repository.place}",
                tables=stats.total_tables,
                rows=stats.total_records,
                bytes=stats.uncompressed_size,
                seconds=seconds,
                stored=tally.new_bytes,
            ),
        ),
    )
