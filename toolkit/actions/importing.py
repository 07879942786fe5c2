"""A JSON backup under way: loaded into a database with the application's schema, judged, and backed up from there."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit import __version__
from toolkit.actions.context import Context
from toolkit.actions.destinations import Destinations
from toolkit.actions.reading import Reading, warnings_of
from toolkit.actions.set_aside import SetAside
from toolkit.config.backup_file import read_blocks
from toolkit.config.document import show_file
from toolkit.errors import ExitCode, InputError, Problem, RefusedError
from toolkit.model.catalog import Catalog, Category
from toolkit.model.manifest import LeftOut, Manifest
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.result import Imported, StoredIn
from toolkit.model.scope import BackupType, Scope
from toolkit.planning.accounting import rule_of
from toolkit.planning.clock import instant, stamp
from toolkit.planning.composition import Origin
from toolkit.planning.json_backup.document import DEVICE, Document, Form
from toolkit.planning.json_backup.faults import Faults
from toolkit.planning.json_backup.metadata import Source, source_of
from toolkit.planning.json_backup.names import Names as ModelNames
from toolkit.planning.json_backup.scanner import DocumentError
from toolkit.planning.links import derive_links
from toolkit.postgres.importing.dangling import find_dangling
from toolkit.postgres.importing.doubles import find_doubles
from toolkit.postgres.importing.loading import Fate, Judge, Loaded, Loader
from toolkit.postgres.importing.outside import find_outside
from toolkit.postgres.schema.introspection import read_schema
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey, consistent_snapshot
from toolkit.postgres.selection.support import find_support
from toolkit.postgres.session.connection import Connection, connect
from toolkit.postgres.write.triggers import may_bypass, silent_triggers
from toolkit.storage.processes import acting_name
from toolkit.wording import counted, first_few

_APPLICATION = "playback import"


class Wanted(Struct, frozen=True, kw_only=True):
    """What is imported.

    Attributes:
        quarantine: records that cannot be taken are put aside.
        job, tags: as they are recorded with the backup.
        taken: when the backup was made, where the file does not say it; empty for when it was last written to.
    """

    path: Path
    form: Form
    quarantine: bool
    job: str
    tags: tuple[str, ...]
    taken: str


class Import(Struct):
    """One file that is imported."""

    wanted: Wanted
    context: Context
    catalog: Catalog
    into: Destinations
    aside: SetAside
    faults: Faults = field(default_factory=Faults)
    said: list[str] = field(default_factory=list)
    clock: float = field(default_factory=time.monotonic)

    @property
    def judge(self) -> Judge:
        """What is done about what is found in the file."""
        put_aside = self.aside.put if self.wanted.quarantine else None
        return Judge(fate=self._fate, faults=self.faults, put_aside=put_aside)

    @property
    def path(self) -> Path:
        """The file."""
        return self.wanted.path

    @property
    def shown(self) -> str:
        """The file, for people."""
        return show_file(self.path, self.context.inventory.directory)

    def outcome(self, conninfo: str) -> Outcome:
        """Load the file into that database, which has the schema and no rows, and back that up."""
        with connect(conninfo, application=_APPLICATION) as connection:
            document, loaded = self._load(connection)
            source = source_of(document, self.faults)
            source = self._timed(source)
            self._refuse_final(loaded)
            scope = Scope(
                type=source.type,
                businesses=source.businesses,
                demo=source.demo,
                optional={name: None for name in loaded.rows if self._optional(name)},
            )
            with consistent_snapshot(connection, self.catalog, scope, sequences=True) as found:
                survey = _spoken_of(found, loaded)
                selected = survey.select()
                self.said += find_outside(survey, selected, loaded, self.judge)
                self._refuse()
                self._tell(document, source, loaded)
                if self.context.check:
                    return self._forecast(survey, selected, loaded)
                manifest = self._store(connection, conninfo, survey, selected, source)
        return self._done(manifest)

    # reading

    def _load(self, connection: Connection) -> tuple[Document, Loaded]:
        schema = read_schema(connection, self.catalog.schemas)
        links, problems = derive_links(self.catalog, schema)
        if problems:
            raise InputError(problems)
        if not may_bypass(connection):
            raise RefusedError(
                f"role {connection.info.user} cannot load rows in the order of a file, whatever they point at",
                hint="leave `on` out, and one of Playback's own servers is used; or GRANT SET ON PARAMETER"
                " session_replication_role TO the role, or name the host of a superuser. Nothing was written",
            )
        known = [name for name in schema.tables if schema.schemas.covers(name)]
        loader = Loader(connection, schema, ModelNames(known, self.catalog.models), self.judge)
        blocks = read_blocks(self.path, control=self.context.inventory.directory)
        document = Document(blocks, self.wanted.form, self.faults)
        self.context.progress.start("import")
        with (
            closing(blocks),
            connection.transaction(),
            silent_triggers(connection, schema, list(schema.tables), bypass=True),
        ):
            try:
                loaded = loader.load(document, lambda rows, size: self.context.progress.advance(rows=rows, bytes=size))
            except DocumentError as error:
                message = f"at byte {error.offset:,}: {error.message}"
                raise InputError(
                    [Problem(file=self.shown, message=message)],
                    hint="the file is damaged, or no JSON backup: take another copy of it. Nothing was written",
                ) from error
            self.context.progress.note("looking for rows that point nowhere")
            connection.execute("ANALYZE")
            find_doubles(connection, schema, loaded, self.faults)
            self.said += find_dangling(connection, schema, links, loaded, judge=self.judge)
        return document, loaded

    def _fate(self, table: str, section: str) -> Fate:
        rule = rule_of(self.catalog, table)
        if rule is None:
            return Fate(wrong=f"table {table} is not classified in {self.catalog.file}")
        if rule.category is Category.TRANSIENT:
            return Fate(why=f"table {table} is transient, which no backup has")
        if section == DEVICE and rule.category is Category.BUSINESS:
            return Fate(wrong=f"table {table} is business data, and {DEVICE} has it")
        return Fate()

    def _optional(self, table: str) -> bool:
        rule = rule_of(self.catalog, table)
        return rule is not None and rule.optional

    def _timed(self, source: Source) -> Source:
        if source.taken is not None:
            return source
        if self.wanted.taken:
            try:
                return replace(source, taken=instant(self.wanted.taken))
            except ValueError as error:
                raise InputError([Problem(path="import.taken", message="not a time in ISO 8601")]) from error
        taken = datetime.fromtimestamp(int(self.path.stat().st_mtime), UTC)
        self.said.append(
            f"{self.shown} does not say when it was made: taken for {stamp(taken)}, when it was last written to"
        )
        return replace(source, taken=taken)

    # what is wrong

    def _refuse_final(self, loaded: Loaded) -> None:
        """Refuse what makes it useless to look any further: no businesses, whose the rows are."""
        tenant = self.catalog.tenant.table
        if tenant not in loaded.rows:
            why = "so nobody can say whose its rows are"
            self.faults.add("missing", tenant, f"the file has no model of the tenant table, {why}")
            self._refuse()

    def _refuse(self) -> None:
        """Raise RefusedError for what was found, unless all of it can be put aside."""
        quarantine = self.wanted.quarantine
        final = self.faults.final
        if not len(self.faults) or (quarantine and not final):
            return
        remedy = "" if quarantine else "; `on_error: quarantine` puts records aside that cannot be taken"
        raise RefusedError(
            f"{self.shown} cannot be taken as it is: {counted(len(self.faults), 'fault')}",
            final if quarantine else list(self.faults),
            hint=f"mend the file, or name models and fields that are called otherwise in {self.catalog.file}{remedy}."
            " Nothing was written",
        )

    def _tell(self, document: Document, source: Source, loaded: Loaded) -> None:
        """Say what a reader of the backup has to know of the file."""
        if not source.checked:
            self.said.append(f"{self.shown} has no checksums: nothing shows whether it is what was written")
        for model, (why, number) in loaded.passed.items():
            if number:
                self.said.append(f"{counted(number, 'record')} of {model} not taken: {why}")
        if loaded.defaults:
            self.said.append(f"{_columns(loaded.defaults)} not given by every record: those rows have its default")
        if loaded.computed:
            self.said.append(f"{_columns(loaded.computed)} computed by the database: the file's values are not taken")
        if self.aside.counts:
            self.said += [f"put aside: {line}" for line in self.faults]

    # storing

    def _store(
        self, connection: Connection, conninfo: str, survey: Survey, selected: Selected, source: Source
    ) -> Manifest:
        self.into.open(create=True)
        started = source.taken or self.context.now()
        job = self.wanted.job
        reading = Reading(
            context=self.context,
            connection=connection,
            conninfo=conninfo,
            survey=survey,
            selected=selected,
            supports=find_support(survey, selected),
            into=self.into,
            sessions=1,
            processes=1,
            job=job,
            tags=self.wanted.tags,
            started=started,
            clock=self.clock,
            created_by=source.created_by or acting_name(),
            origin=self._origin(connection, source, started, job),
            said=tuple(self.said),
            put_aside=self.aside.counts,
        )
        return reading.store().publish(self.aside.stored)

    def _origin(self, connection: Connection, source: Source, started: datetime, job: str) -> Origin:
        return Origin(
            label="",
            host=self.context.host.name,
            job=job,
            playbook=self.context.playbook,
            tool=f"playback {__version__}, from {self.path.name}",
            tags=self.wanted.tags,
            started=started,
            seconds=time.monotonic() - self.clock,
            created_by=source.created_by or acting_name(),
            node_id=source.node_id,
            device_id=source.device_id,
            device_name=source.device_name,
            hostname=source.hostname or platform.node(),
            platform=source.platform or f"{platform.system()} {platform.machine()}",
            schema_version=source.schema_version,
            postgres_version=connection.server,
        )

    # outcomes

    def _forecast(self, survey: Survey, selected: Selected, loaded: Loaded) -> Outcome:
        return Outcome(
            changed=True,
            result=Imported(
                file=self.shown,
                rows=sum(loaded.rows.values()),
                tables=len(selected.taken),
                businesses=selected.tenants,
                aside=self.aside.counts,
            ),
            warnings=(*warnings_of(survey, selected), *self.said),
            exit_code=ExitCode.PARTIAL if self.aside.counts else 0,
        )

    def _done(self, manifest: Manifest) -> Outcome:
        stats, into = manifest.metadata.stats, self.into
        return Outcome(
            changed=True,
            result=Imported(
                file=self.shown,
                rows=stats.total_records,
                tables=stats.total_tables,
                businesses=manifest.selection.tenants,
                aside=self.aside.counts,
                manifest=manifest,
                stored=[
                    StoredIn(repository=each.name, chunks=len(each.new), bytes=each.new_bytes) for each in into.left
                ],
                failed=into.failed,
            ),
            warnings=manifest.warnings,
            moved=tuple(
                Moved(
                    what=f"import {self.path.name} → {each.opened().place}",
                    tables=stats.total_tables,
                    rows=stats.total_records,
                    bytes=stats.uncompressed_size,
                    seconds=time.monotonic() - self.clock,
                    stored=each.new_bytes,
                )
                for each in into.left
            ),
            exit_code=ExitCode.PARTIAL if into.failed or self.aside.counts else 0,
        )


def _columns(found: Mapping[tuple[str, str], int]) -> str:
    """How many columns, and the first few, each with its rows."""
    each = [f"{table}.{column} ({counted(rows, 'row')})" for (table, column), rows in found.items()]
    return f"{counted(len(each), 'column')} {'is' if len(each) == 1 else 'are'} ({first_few(each)})"


def _spoken_of(found: Survey, loaded: Loaded) -> Survey:
    """Leave out the tables that the file has no model of: nobody knows what was in them."""
    accounting = found.accounting
    silent = [table for table in accounting.taken if table not in loaded.rows]
    left_out: list[LeftOut] = [*accounting.left_out]
    for table in silent:
        device = accounting.rules[table].category is Category.DEVICE and found.scope.type is BackupType.BUSINESS
        left_out.append(LeftOut(table=table, reason="device" if device else "file"))
    return replace(
        found,
        accounting=replace(
            accounting,
            taken={table: part for table, part in accounting.taken.items() if table not in silent},
            left_out=tuple(sorted(left_out, key=lambda entry: entry.table)),
        ),
    )
