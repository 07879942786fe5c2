"""`backup`: one consistent look at a host's database, chunk by chunk into a repository, the manifest last."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from toolkit import __version__
from toolkit.actions.action import Action
from toolkit.actions.arguments import (
    Arguments,
    Businesses,
    DemoArguments,
    Names,
    Texts,
    WholeSeconds,
    about,
    matching,
    names,
)
from toolkit.actions.context import Context
from toolkit.actions.destinations import Destination, Destinations, Placed, destinations
from toolkit.actions.targets import catalog_of, connection_to
from toolkit.errors import ExitCode, InputError
from toolkit.model.manifest import Chunk, Manifest, SequenceEntry, Support
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.result import BackedUp, BackupForecast, StoredIn
from toolkit.model.role import Role
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.model.scope import BackupType, Demo, Scope
from toolkit.planning.chunking import RawChunk, chunks
from toolkit.planning.composition import Origin, compose, table_entry
from toolkit.planning.row_order import stored_key
from toolkit.postgres.schema.device import find_node_id, read_schema_version
from toolkit.postgres.schema.rows import key_values, read_rows
from toolkit.postgres.schema.sequences import read_sequences
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey, consistent_snapshot
from toolkit.postgres.selection.support import FoundSupport, Supports, find_support
from toolkit.postgres.session.connection import Connection
from toolkit.storage.layout import check_job
from toolkit.storage.processes import user_name

_LISTED = 10


class Unclassified(StrEnum):
    """What a table does that the catalog file does not list."""

    FAIL = "fail"
    WARN = "warn"


class OptionalTable(Arguments, frozen=True, kw_only=True):
    """How an optional table is read."""

    limit: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        about("Read at most so many rows, the newest ones; all rows when left out.", 5000, "{{ limit }}"),
    ] = None


class BackupArguments(DemoArguments, frozen=True, kw_only=True):
    """What is backed up, and where to."""

    scope: Annotated[
        BackupType,
        about(
            "`business`: business data only. `full-device`: this device's own data as well.",
            "business",
            "full-device",
        ),
    ] = BackupType.BUSINESS
    businesses: Annotated[
        Businesses,
        about(
            "Keys of the tenants to back up. Without it the scope is whole: all tenants.",
            ["b-harbour"],
            "{{ chosen }}",
        ),
    ] = ()
    optional: Annotated[
        dict[str, OptionalTable],
        about("Optional tables to read as well, each with its settings.", {"audit_logs": {"limit": 5000}}),
    ] = msgspec.field(default_factory=dict)
    job: Annotated[
        str,
        matching(
            "^[A-Za-z0-9][A-Za-z0-9._-]*$",
            "a job's name is letters, digits, -, _ and . and begins with a letter or digit",
        ),
        about(
            "The name that backups are grouped by; the playbook's file name without its ending when left out.",
            "nightly",
        ),
    ] = ""
    tags: Annotated[Texts, about("Words recorded with the backup, to find it by.", ["before-migration"])] = ()
    repository: Annotated[
        Names,
        about(
            "Where to store it: one repository or several; the host's `repository` variable when left out.",
            "local",
            ["local", "offsite"],
            role=Role.REPOSITORY,
        ),
    ] = ""
    unclassified: Annotated[
        Unclassified,
        about(
            "What a table that the catalog file does not list does: stop the run, or be left out with a warning.",
            "fail",
        ),
    ] = Unclassified.FAIL
    lock_wait: Annotated[
        WholeSeconds,
        about("Seconds to wait while a prune or repair holds the repository. Default: 0, do not wait.", 600),
    ] = 0

    @property
    def meant(self) -> Scope:
        """The scope that they mean."""
        return Scope(
            type=self.scope,
            businesses=self.businesses,
            demo=self.demo,
            optional={table: settings.limit for table, settings in self.optional.items()},
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk that has been read: the keys at its borders, and what becomes of it in each destination.

    A chunk of supporting rows has no keys.
    """

    first: tuple[str | None, ...]
    last: tuple[str | None, ...]
    placed: Placed

    def entry(self, destination: Destination) -> Chunk:
        """The manifest's entry of the chunk as that destination has it, counted there."""
        stored = self.placed[destination].result()
        destination.count(stored)
        return Chunk(
            id=stored.id, rows=stored.rows, raw=stored.raw, stored=stored.stored, first=self.first, last=self.last
        )


_Supporting = dict[str, list[tuple[FoundSupport, list[_Part]]]]
"""Per table what supports it, with the chunks that were read of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One backup under way."""

    context: Context
    connection: Connection
    survey: Survey
    selected: Selected
    supports: Supports
    into: Destinations
    arguments: BackupArguments
    started: datetime
    clock: float
    created_by: str

    def store(self) -> _Read:
        """Read every table once and store its chunks, and those that support it, in every destination."""
        with self.into.writing():
            tables = self._read()
            support = self._read_support()
        return _Read(
            run=self,
            tables=tables,
            support=support,
            sequences=read_sequences(self.connection, self.survey.schema.name, tables),
            origin=self._origin(),
        )

    def _read(self) -> dict[str, list[_Part]]:
        progress, reading = self.context.progress, {}
        progress.start("backup")
        for name in self.selected.taken:
            progress.note(name)
            table = self.survey.schema.tables[name]
            parts = reading[name] = list[_Part]()
            for raw in read_chunks(self.connection, self.survey.schema, name, self.selected):
                progress.advance(rows=raw.rows, bytes=len(raw.data))
                parts.append(_part(table, raw, self.into.submit(raw)))
                del raw  # or it would be held while the next one grows
        return reading

    def _read_support(self) -> _Supporting:
        """Support that turns out to have no rows is left out."""
        reading: _Supporting = {}
        for name, supports in self.supports.found.items():
            for found in supports:
                parts = [_Part((), (), self.into.submit(raw)) for raw in chunks(found.read(self.connection))]
                if parts:
                    reading.setdefault(name, []).append((found, parts))
        return reading

    def _origin(self) -> Origin:
        host, version = self.context.host, self.connection.info.server_version
        return Origin(
            label="",
            host=host.name,
            job=self.arguments.job or self.context.playbook,
            playbook=self.context.playbook,
            tool=f"playback {__version__}",
            tags=self.arguments.tags,
            started=self.started,
            seconds=time.monotonic() - self.clock,
            created_by=self.created_by,
            node_id=host.device_node or find_node_id(self.connection, self.survey.catalog, self.survey.schema),
            device_id=host.device_id,
            device_name=host.device_name,
            hostname=platform.node(),
            platform=f"{platform.system()} {platform.machine()}",
            schema_version=read_schema_version(self.connection, self.survey.catalog, self.survey.schema),
            postgres_version=f"{version // 10000}.{version % 10000}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """All that was read of the database, its rows being stored; the database is not needed any more."""

    run: _Run
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


def run(arguments: BackupArguments, context: Context) -> Outcome:
    """Back up a scope of the host's database.

    Raises:
        InputError: the scope or the catalog file does not fit the database, no business matches, or there is no such
            repository.
        RefusedError: unclassified tables, missing privileges, unknown businesses.
        LockedError: a prune or repair holds the only repository.
        DatabaseError: reading failed; no backup exists then.
        StorageError: the only repository could not be written; no backup exists then.
        TaskError: none of several repositories could be written.
    """
    scope, catalog = arguments.meant, catalog_of(context, context.host)
    check_job(arguments.job or context.playbook)
    started, clock, created_by = context.now(), time.monotonic(), user_name()
    repositories = names(arguments.repository) or ("",)
    with destinations(context, repositories, lock_wait=arguments.lock_wait) as into:
        # what is locked or cannot be reached should be known before the database is read
        if context.check:
            into.look()
        else:
            into.open(create=False)
        with (
            connection_to(context, context.host, "backup") as connection,
            consistent_snapshot(connection, catalog, scope, unclassified=arguments.unclassified) as survey,
        ):
            context.progress.note("selecting rows")
            selected = survey.select()
            _refuse_nothing(survey, selected)
            if context.check:
                return _would_do(survey, selected)
            into.open(create=True)
            backup = _Run(
                context=context,
                connection=connection,
                survey=survey,
                selected=selected,
                supports=find_support(survey, selected),
                into=into,
                arguments=arguments,
                started=started,
                clock=clock,
                created_by=created_by,
            )
            read = backup.store()
        manifest = read.publish()
        return _outcome(manifest, into, time.monotonic() - clock)


def read_chunks(connection: Connection, schema: DatabaseSchema, name: str, selected: Selected) -> Iterable[RawChunk]:
    """The chunks of the selected rows of one table."""
    table = schema.tables[name]
    return chunks(read_rows(connection, table, selected.relations[name], selected.taken[name].ids))


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


def _part(table: Table, raw: RawChunk, placed: Placed) -> _Part:
    order = [column.name for column in table.stored_columns]
    positions = tuple(order.index(column.name) for column in stored_key(table))
    return _Part(key_values(raw.first_row, positions), key_values(raw.last_row, positions), placed)


def _refuse_nothing(survey: Survey, selected: Selected) -> None:
    """InputError where the demo rule leaves no business, which is all that a business backup is about."""
    scope, tenant = survey.scope, survey.catalog.tenant
    if selected.tenants or scope.demo is Demo.INCLUDE or scope.type is BackupType.FULL_DEVICE:
        return
    known = _names(selected.known)
    listed = ", ".join(known[:_LISTED]) + (f", … {len(known) - _LISTED} more" if len(known) > _LISTED else "")
    if not known:
        raise InputError(
            f"table {tenant.table} has no business to back up",
            hint="is this the right database? say `demo: include` to back up what belongs to no business all the same",
        )
    raise InputError(
        f"no business matches: demo: {scope.demo} leaves none of the {len(known)} in table {tenant.table}: {listed}",
        hint="say `demo: include` to take all businesses along",
    )


def _names(tenants: Mapping[str, str]) -> list[str]:
    """What businesses are called, each on one line, sorted."""
    return sorted(" ".join(label.split()) or key for key, label in tenants.items())


def _support(found: FoundSupport, parts: list[_Part], destination: Destination) -> Support:
    there = tuple(part.entry(destination) for part in parts)
    return Support(
        what=found.what,
        columns=found.columns,
        rows=sum(chunk.rows for chunk in there),
        bytes=sum(chunk.raw for chunk in there),
        chunks=there,
    )


def _would_do(survey: Survey, selected: Selected) -> Outcome:
    return Outcome(
        changed=True,
        result=BackupForecast(tables=len(selected.taken), businesses=selected.tenants),
        warnings=warnings_of(survey, selected),
    )


def _outcome(manifest: Manifest, into: Destinations, seconds: float) -> Outcome:
    stats = manifest.metadata.stats
    stored = [StoredIn(repository=each.name, chunks=len(each.new), bytes=each.new_bytes) for each in into.left]
    return Outcome(
        changed=True,
        result=BackedUp(manifest=manifest, stored=stored, failed=into.failed),
        warnings=manifest.warnings,
        moved=tuple(
            Moved(
                what=f"backup {manifest.metadata.host} → {each.opened().place}",
                tables=stats.total_tables,
                rows=stats.total_records,
                bytes=stats.uncompressed_size,
                seconds=seconds,
                stored=each.new_bytes,
            )
            for each in into.left
        ),
        exit_code=ExitCode.PARTIAL if into.failed else 0,
    )


ACTION = Action(
    name="backup",
    does="Back up the host's database, or a part of it, into one or several repositories.",
    examples=(
        {"scope": "business", "demo": "exclude"},
        {"businesses": ["b-harbour"], "job": "one-business"},
    ),
    arguments=BackupArguments,
    run=run,
)
