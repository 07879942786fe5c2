"""A restore made ready: the target's snapshot, the backup on stage, and the plan between them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Progress
from toolkit.model.plan import Mode, RestorePlan
from toolkit.planning.answers import read_answers, with_new_tables
from toolkit.planning.drift import dropped_said
from toolkit.planning.picking import picking_of
from toolkit.planning.reclassification import Reclassified, Tenants, businesses_said, reclassified
from toolkit.planning.seen_plan import seen
from toolkit.planning.some_tables import SomeTables, of_tables, some_tables
from toolkit.postgres.compare.sequence_outlook import behind
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.device.own_node import stage_own_node
from toolkit.postgres.restore.device.sync_state import SyncState
from toolkit.postgres.restore.plan.planner import Planner
from toolkit.postgres.restore.plan.prepared import Prepared
from toolkit.postgres.restore.plan.row_sums import RowSums
from toolkit.postgres.restore.plan.samples import with_samples
from toolkit.postgres.restore.plan.unforeseen import unforeseen
from toolkit.postgres.restore.preflight import (
    missing_said,
    refuse_cut_ways,
    refuse_hidden,
    refuse_lost_ways,
    refuse_plan,
    refuse_steps_in_a_pool,
    refuse_tables,
    warnings_of,
)
from toolkit.postgres.restore.rebuilding import Rebuilding
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import LOCK_SECONDS, WRITING_LOCK, Survey, consistent_snapshot
from toolkit.postgres.selection.tenants import the_same
from toolkit.postgres.session.connection import Connection, refuse_standby
from toolkit.postgres.stage.backup_owners import BackupOwners
from toolkit.postgres.stage.decision import Device, settle_device
from toolkit.postgres.stage.fitting import fitting_source
from toolkit.postgres.stage.following import follow
from toolkit.postgres.stage.narrowing import narrow, narrowed
from toolkit.postgres.stage.request import Request, scope_on_target
from toolkit.postgres.stage.transients import leave_transient
from toolkit.postgres.stage.version import version_said
from toolkit.postgres.write import recovery
from toolkit.postgres.write.batches import BadRow
from toolkit.postgres.write.triggers import may_bypass, tables_to_alter, tables_with_rules


class Lessons(Struct, frozen=True, kw_only=True):
    """What earlier attempts of the same restore have taught.

    Attributes:
        foresee: stage every table, so that every conflict is known beforehand.
        digests: look at rows where the server's counts of what was written are not the plan's.
        adrift: note which rows to be updated point at nothing as it is.
        thorough: look for the very rows that the server refuses.
        bad: rows that it has refused.
        locked: tables to be locked against other writers, because these have stood in the way too often.
        in_place: why indexes stay in place where they could be built after the rows; empty for no reason.
    """

    foresee: bool = False
    digests: bool = False
    adrift: bool = False
    thorough: bool = False
    bad: Sequence[BadRow] = ()
    locked: Collection[str] = ()
    in_place: str = ""


class Ready(Struct, frozen=True, kw_only=True):
    """What applying a plan needs; valid in the session that made it.

    Attributes:
        plan: all that will change, sync state of the device included.
        bypass: triggers are kept silent by the replica role, which suspends foreign keys too.
    """

    connection: Connection
    survey: Survey
    source: Source
    prepared: Prepared
    sync: SyncState
    plan: RestorePlan
    bypass: bool
    rebuilding: Rebuilding

    @property
    def touched(self) -> list[str]:
        """The tables that will change."""
        return [name for name, table in self.plan.tables.items() if table.changes]

    def with_seen(self, request: Request, device: Device) -> Ready:
        """Give the same with what tells its plan from another one."""
        sums = RowSums(
            self.survey.workspace,
            self.prepared,
            answers=request.answers,
            decision=device.decision,
            own=device.own_row if self.sync.made_node else None,
        )
        return replace(self, plan=replace(self.plan, seen=seen(self.plan, sums.of_tables(self.sync.cleared))))

    def with_sequences(self) -> RestorePlan:
        """Give the plan with what becomes of sequences by the rows that are in the tables now."""
        recorded = self.source.manifest.sequences
        outlook = behind(
            self.connection,
            self.survey.schema.schemas,
            recorded,
            list(self.source.entries),
            theirs=bool(self.plan.named),
        )
        warnings = dict.fromkeys((*self.plan.warnings, *outlook.said))
        return replace(self.plan, sequences=outlook.moves, warnings=tuple(warnings))


@contextmanager
def planned_restore(connection: Connection, request: Request, lessons: Lessons, progress: Progress) -> Iterator[Ready]:
    """Plan in a transaction that the block may commit.

    Raises:
        RefusedError: drift or missing privileges; nothing was changed.
    """
    refuse_standby(connection)
    if not request.atomic:
        refuse_steps_in_a_pool(connection)
    manifest = asked = with_new_tables(request.manifest, request.answers)
    if request.businesses:
        manifest = narrowed(connection, request.catalog, manifest, request.businesses)
    bypass = request.atomic and not request.fire and may_bypass(connection)
    in_place = lessons.in_place or ("rows that the server refused are looked for" if lessons.foresee else "")
    rebuilding = Rebuilding(connection, request, bypass=bypass, in_place=in_place)
    with consistent_snapshot(
        connection,
        request.catalog,
        scope_on_target(manifest, request.catalog),
        unclassified="warn",
        exclusive=lambda survey: _locked(connection, survey, request, lessons, bypass=bypass),
        alone=lambda survey: _unread(connection, survey, request, rebuilding, bypass=bypass),
        patience=LOCK_SECONDS if request.check else recovery.TABLE_SECONDS,
    ) as found:
        today = reclassified(
            manifest, found.catalog, found.accounting.rules, found.schema, found.links, answers=request.answers
        )
        manifest = today.manifest
        some = _some(found, request)
        device, manifest, survey = settle_device(
            connection, found, manifest, request.device, narrowed=bool(request.businesses), some=some is not None
        )
        survey = _of_some(survey, some, lambda: refuse_tables(request, today, manifest, found, device))
        foresee = request.check or request.samples or lessons.foresee or request.seen is not None
        fitting = partial(
            fitting_source,
            survey.workspace,
            manifest,
            request.rows_of,
            request.answers,
            thorough=lessons.foresee,
            ask=request.ask,
            # whose the rows of the backup are is known by all of them
            some=None if request.businesses else some,
        )
        source = fitting()
        manifest = of_tables(source.manifest, some.named) if some else source.manifest
        refuse_hidden(manifest, survey)
        progress.start("compare", rows=manifest.metadata.stats.total_records)
        names = read_answers(asked, survey.schema, request.answers)
        picking = picking_of(asked, names, survey.schema, survey.links)
        owners = BackupOwners(
            survey.workspace,
            source,
            rows_of=request.rows_of,
            picking=picking,
            tenants=manifest.selection.tenants,
            wider=fitting if request.businesses else None,
        )
        if request.businesses:
            refuse_cut_ways(manifest.metadata.label, picking, today)
            refuse_lost_ways(manifest.metadata.label, picking, names)
            selected = narrow(survey.workspace, source, owners, meanwhile=lambda: _selected(survey))
        else:
            selected = None
        if some is not None:
            source.restrict(some.named)
        followed = (
            *follow(connection, source, survey, device),
            *leave_transient(connection, source, survey),
        )
        made_node = stage_own_node(connection, source, survey, device)
        source.settle()
        selected = selected or _selected(survey)
        prepared = Planner(
            survey,
            mode=request.mode,
            selected=selected,
            source=source,
            owners=owners,
            uncertain=today.uncertain,
            bypass=bypass,
            atomic=request.atomic,
            foresee=foresee,
            aside=request.put_aside is not None,
            owned=request.owned,
            bad=lessons.bad,
            fresh=request.fresh,
            some=some,
            device_data=device.decision.device_data,
        ).prepare()
        sync = SyncState(
            connection,
            source=source,
            survey=survey,
            device=device,
            prepared=prepared,
            followed=followed,
            made_node=made_node,
        )
        tenants = Tenants(
            known=selected.known,
            selected=selected.tenants,
            spared=selected.spared,
            held=the_same(survey.workspace, survey.catalog.tenant, manifest.selection.tenants, selected.known),
        )
        whole = some is None or survey.catalog.tenant.table in some.named
        deleted = _deleted_tenants(survey, prepared) if whole and request.mode is Mode.MIRROR else None
        said = (
            *version_said(connection, asked, survey),
            *_passed_over(request, asked, manifest, survey, today),
            *businesses_said(manifest, tenants, deleted=deleted),
            *prepared.plan.warnings,
        )
        plan = sync.added_to(replace(prepared.plan, warnings=said))
        if request.samples:
            plan = sync.with_samples(with_samples(connection, survey.schema, source, prepared, plan))
        refuse_plan(survey.workspace, plan, bypass=bypass, fire=request.fire)
        rebuilding.settle(survey, plan)
        ready = Ready(
            connection=connection,
            survey=survey,
            source=source,
            prepared=prepared,
            sync=sync,
            plan=replace(
                plan,
                locking=_locking(connection, survey, plan, request, lessons, alone=rebuilding.alone, bypass=bypass),
                rebuilding=rebuilding.said,
                unforeseen=unforeseen(prepared.comparison, plan, fire=request.fire, bypass=bypass),
            ),
            bypass=bypass,
            rebuilding=rebuilding,
        )
        yield ready.with_seen(request, device) if request.check or request.seen is not None else ready


def _passed_over(
    request: Request, asked: Manifest, manifest: Manifest, survey: Survey, today: Reclassified
) -> tuple[str, ...]:
    """What a restore does not write, as sentences; of some tables what is said of these."""
    some, gone = request.tables, read_answers(asked, survey.schema, request.answers).gone
    dropped = (dropped_said(entry) for entry in asked.tables if entry.name in gone and entry.name in (some or gone))
    if some:
        return (*missing_said(manifest, survey), *today.said_of(request.named), *dropped)
    return (*warnings_of(manifest, survey, today), *today.said, *dropped)


def _selected(survey: Survey) -> Selected:
    """The scope evaluated on the target, with all owners known."""
    return survey.select(all_owners=True, strict=False)


def _deleted_tenants(survey: Survey, prepared: Prepared) -> Collection[str]:
    """The keys of tenants whose rows the plan deletes."""
    tenant, ids = survey.catalog.tenant, prepared.deletions.ids.get(survey.catalog.tenant.table)
    if ids is None or ids.empty:
        return ()
    relation = survey.workspace.relations[tenant.table]
    query = sql.SQL("SELECT t.{}::text FROM {} t JOIN {} d ON {}").format(
        sql.Identifier(tenant.key), relation.source, ids, relation.same("t", "d")
    )
    return {str(key) for (key,) in survey.workspace.connection.execute(query)}


def _locked(
    connection: Connection, survey: Survey, request: Request, lessons: Lessons, *, bypass: bool
) -> Collection[str]:
    """The tables that others may not write to until the restore ends.

    They are locked before the snapshot is taken and before anything else is, so that nobody waits in a circle.
    """
    if request.check or not request.atomic:
        return []
    some = _some(survey, request)
    if bypass or request.exclusive:
        return sorted(survey.schema.tables if some is None else some.held)
    contended = _may_lock(survey, lessons.locked)
    if request.fire:
        return contended
    # to disable a trigger is to lock its table
    return contended | tables_to_alter(connection, survey.schema, _written(survey, some), bypass=False)


def _some(survey: Survey, request: Request) -> SomeTables | None:
    """The tables that are named, with what has to do with them; None where all are restored."""
    return some_tables(request.named, survey.links, survey.accounting.rules) if request.tables else None


def _of_some(survey: Survey, some: SomeTables | None, refuse: Callable[[], None]) -> Survey:
    """What is known of the tables that are restored, unless one of them cannot be."""
    if some is None:
        return survey
    refuse()
    return survey.of_some(some)


def _written(survey: Survey, some: SomeTables | None) -> Collection[str]:
    """The tables that may be written to."""
    taken = survey.accounting.taken
    return taken if some is None else [name for name in taken if name in some.named | some.parents]


def _unread(
    connection: Connection, survey: Survey, request: Request, rebuilding: Rebuilding, *, bypass: bool
) -> Collection[str]:
    """The tables that others may not even read: the server disables a rule, and drops an index, only so."""
    rebuilding.choose(survey)
    if request.check or not request.atomic:
        return []
    written = _written(survey, _some(survey, request))
    ruled = set() if request.fire else tables_with_rules(connection, survey.schema, written, bypass=bypass)
    return ruled | set(rebuilding.alone)


def _may_lock(survey: Survey, tables: Collection[str]) -> set[str]:
    """Those of these tables that this role can lock against writers."""
    lacking = {each.name for each in survey.workspace.lacking((WRITING_LOCK, name) for name in tables)}
    return set(tables) - lacking


def _locking(
    connection: Connection,
    survey: Survey,
    plan: RestorePlan,
    request: Request,
    lessons: Lessons,
    *,
    alone: Collection[str],
    bypass: bool,
) -> str:
    """How triggers are kept silent, and what other sessions will wait for, as a sentence."""
    if not plan.changed:
        return ""
    some = _some(survey, request)
    written = _written(survey, some)
    how = "user triggers fire"
    if not request.fire:
        how = f"user triggers are kept silent by {'the replica role' if bypass else 'disabling them'}"
        if ruled := tables_with_rules(connection, survey.schema, written, bypass=bypass):
            how = f"{how}; rules are disabled, and other sessions wait to read {', '.join(sorted(ruled))}"
    if bypass or (request.exclusive and request.atomic):
        reading = f", and to read {', '.join(alone)}" if alone else ""
        any_of = f"any of the {len(survey.schema.tables)} tables of the schema"
        return f"{how}; other sessions wait to write to {', '.join(sorted(some.held)) if some else any_of}{reading}"
    if lessons.locked:
        names = sorted(_locked(connection, survey, request, lessons, bypass=bypass))
        return f"{how}; others kept writing the same rows, so they wait to write to {', '.join(names)}"
    if request.fire:
        return f"{how}; other sessions wait for the rows that change"
    names = sorted(tables_to_alter(connection, survey.schema, written, bypass=False))
    if not names:
        return f"{how}: there are none; other sessions wait for the rows that change"
    return f"{how}; other sessions wait to write to {', '.join(names)}"
