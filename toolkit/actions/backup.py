"""`backup`: one consistent look at a host's database, chunk by chunk into a repository, the manifest last."""

from __future__ import annotations

import getpass
import platform
import time
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
from toolkit.model.manifest import Chunk, LeftOut, Manifest, TableEntry, TableSelection
from toolkit.model.outcome import Moved, Outcome, Progress
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.chunking import RawChunk, chunks
from toolkit.planning.composition import Origin, compose, table_entry
from toolkit.planning.row_order import sort_key
from toolkit.postgres.connection import Connection
from toolkit.postgres.device import read_node_id, read_schema_version
from toolkit.postgres.relation import relation_of
from toolkit.postgres.rows import key_values, read_rows
from toolkit.postgres.selection import Selected
from toolkit.postgres.sequences import read_sequences
from toolkit.postgres.snapshot import Survey, consistent_snapshot
from toolkit.storage.chunks import ChunkWriter, StoredChunk
from toolkit.storage.repository import Repository


@dataclass(slots=True)
class _Tally:
    """What was newly stored."""

    chunks: int = 0
    new_chunks: int = 0
    new_bytes: int = 0
    counted: set[str] = field(default_factory=set)

    def count(self, stored: StoredChunk) -> None:
        self.chunks += 1
        if stored.new and stored.id not in self.counted:
            self.counted.add(stored.id)
            self.new_chunks += 1
            self.new_bytes += stored.stored


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
        label = repository.new_label(started, job, scope.type.value)
        tally = _Tally()
        entries, taken = _store(connection, survey, selected, repository, context.progress, tally)
        manifest = compose(
            origin=_origin(connection, context, survey, label, job, names(arguments.get("tags")), started, clock),
            scope=scope,
            schema=survey.schema,
            accounting=survey.accounting,
            tables=entries,
            tenants=selected.tenants,
            taken=taken,
            sequences=read_sequences(connection, survey.schema.name, (entry.name for entry in entries)),
            warnings=warnings_of(survey, selected),
        )
    manifest = repository.write_manifest(manifest)
    return _outcome(manifest, repository, tally, time.monotonic() - clock)


def _store(
    connection: Connection,
    survey: Survey,
    selected: Selected,
    repository: Repository,
    progress: Progress,
    tally: _Tally,
) -> tuple[list[TableEntry], dict[str, TableSelection]]:
    """Read every table and store its chunks; gives the manifest's entries and the rows taken by reason."""
    reading: dict[str, list[tuple[RawChunk, Future[StoredChunk]]]] = {}
    entries, taken = [], {}
    with ChunkWriter(repository) as writer:
        progress.start("backup")
        for name in selected.taken:
            progress.note(name)
            reading[name] = []
            for raw in read_chunks(connection, survey.schema, name, selected):
                progress.advance(rows=raw.rows, bytes=len(raw.data))
                reading[name].append((_borders_only(raw), writer.submit(raw)))
    for name, parts in reading.items():
        table = survey.schema.tables[name]
        chunks_of_table = [_chunk(table, raw, future.result()) for raw, future in parts]
        for _, future in parts:
            tally.count(future.result())
        entry = table_entry(table, survey.accounting.rules[name], chunks_of_table, selected.taken[name].cutoff)
        entries.append(entry)
        taken[name] = selected.taken[name].summary(entry.rows)
    return entries, taken


def read_chunks(connection: Connection, schema: DatabaseSchema, name: str, selected: Selected) -> Iterable[RawChunk]:
    """The chunks of the selected rows of one table."""
    table = schema.tables[name]
    return chunks(read_rows(connection, table, relation_of(schema.name, table), selected.taken[name].ids))


def _borders_only(raw: RawChunk) -> RawChunk:
    """The chunk without its rows, so that it can be kept until its table is described."""
    return RawChunk(data=b"", rows=raw.rows, first_row=raw.first_row, last_row=raw.last_row)


def _chunk(table: Table, raw: RawChunk, stored: StoredChunk) -> Chunk:
    order = [column.name for column in table.stored_columns]
    positions = tuple(order.index(name) for name in sort_key(table).names)
    return Chunk(
        id=stored.id,
        rows=stored.rows,
        raw=stored.raw,
        stored=stored.stored,
        first=key_values(raw.first_row, positions),
        last=key_values(raw.last_row, positions),
    )


def _origin(
    connection: Connection,
    context: Context,
    survey: Survey,
    label: str,
    job: str,
    tags: tuple[str, ...],
    started: datetime,
    clock: float,
) -> Origin:
    version = connection.info.server_version
    return Origin(
        label=label,
        host=context.host.name,
        job=job,
        playbook=context.playbook,
        tool=f"playback {__version__}",
        tags=tags,
        started=started,
        seconds=time.monotonic() - clock,
        created_by=getpass.getuser(),
        node_id=read_node_id(connection, survey.catalog, survey.schema),
        device_id=context.host.device_id,
        device_name=context.host.device_name,
        hostname=platform.node(),
        platform=f"{platform.system()} {platform.machine()}",
        schema_version=read_schema_version(connection, survey.catalog, survey.schema),
        postgres_version=f"{version // 10000}.{version % 10000}",
    )


def warnings_of(survey: Survey, selected: Selected) -> tuple[str, ...]:
    """What a reader of this backup has to know."""
    lines = [
        f"table {table} of {survey.catalog.file} is absent from the database" for table in survey.accounting.absent
    ]
    lines.extend(f"table {entry.table} is not classified and not backed up" for entry in _unclassified(survey))
    lines.extend(
        f"business {tenant} was named, but is dropped by demo: {survey.scope.demo}"
        for tenant in selected.named_but_demo
    )
    lines.extend(f"{thing} is not covered by any backup" for thing in survey.schema.not_covered)
    return tuple(lines)


def _unclassified(survey: Survey) -> list[LeftOut]:
    return [entry for entry in survey.accounting.left_out if entry.reason == "unclassified"]


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
    stored = (
        f"{tally.new_chunks} new chunks of {tally.chunks}" if tally.new_chunks else f"no new chunk of {tally.chunks}"
    )
    left_out: dict[str, int] = {}
    for entry in manifest.left_out:
        left_out[entry.reason] = left_out.get(entry.reason, 0) + 1
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items())) or "none"
    return Outcome(
        changed=True,
        message=f"{metadata.label}: {stats.total_records} rows of {stats.total_tables} tables, {stored}",
        details=(f"tables left out: {reasons}; absent: {len(manifest.absent)}",),
        warnings=manifest.warnings,
        facts={
            "label": metadata.label,
            "rows": stats.total_records,
            "tables": stats.total_tables,
            "chunks": tally.chunks,
            "new_chunks": tally.new_chunks,
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
