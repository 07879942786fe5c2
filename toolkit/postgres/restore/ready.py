"""A restore made ready: the target's snapshot, the backup on stage, and the plan between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.identity import Followed
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Progress
from toolkit.model.plan import Mode, RestorePlan
from toolkit.planning.answers import read_answers, with_new_tables
from toolkit.planning.drift import dropped_said
from toolkit.planning.picking import picking_of
from toolkit.planning.reclassification import Reclassified, Tenants, businesses_said, reclassified
from toolkit.planning.seen_plan import seen
from toolkit.planning.some_tables import SomeTables, of_tables
from toolkit.postgres.compare.sequence_outlook import behind
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.device.own_node import StagedNode, stage_own_node
from toolkit.postgres.restore.device.sync_state import SyncState
from toolkit.postgres.restore.locking import Locking
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
from toolkit.postgres.selection.snapshot import LOCK_SECONDS, Survey, consistent_snapshot
from toolkit.postgres.selection.tenants import the_same
from toolkit.postgres.session.connection import Connection, refuse_standby
from toolkit.postgres.stage.backup_owners import BackupOwners
from toolkit.postgres.stage.decision import Device, settle_device
from toolkit.postgres.stage.fitting import fitting_source
from toolkit.postgres.stage.following import follow
from toolkit.postgres.stage.narrowing import narrow, narrowed
from toolkit.postgres.stage.request import Request, scope_on_target, some_on_target
from toolkit.postgres.stage.transients import leave_transient
from toolkit.postgres.stage.version import version_said
from toolkit.postgres.write import recovery
from toolkit.postgres.write.batches import BadRow
from toolkit.postgres.write.triggers import may_bypass


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
    locking = Locking(request, rebuilding, contended=lessons.locked, bypass=bypass)
    with consistent_snapshot(
        connection,
        request.catalog,
        scope_on_target(manifest, request.catalog),
        unclassified="warn",
        exclusive=locking.unwritten,
        alone=locking.unread,
        patience=LOCK_SECONDS if request.check else recovery.TABLE_SECONDS,
    ) as found:
        today = reclassified(
            manifest, found.catalog, found.accounting.rules, found.schema, found.links, answers=request.answers
        )
        manifest = today.manifest
        some = some_on_target(request, found)
        device, manifest, survey = settle_device(
            connection, found, manifest, request.device, narrowed=bool(request.businesses), some=some is not None
        )
        if some is not None:
            refuse_tables(request, today, manifest, found, device)
            survey = survey.of_some(some)
        staged = _staged(
            request, survey, manifest, asked, today=today, device=device, some=some, lessons=lessons, progress=progress
        )
        source = staged.source
        prepared = Planner(
            survey,
            mode=request.mode,
            selected=staged.selected,
            source=source,
            owners=staged.owners,
            uncertain=today.uncertain,
            bypass=bypass,
            atomic=request.atomic,
            foresee=request.check or request.samples or lessons.foresee or request.seen is not None,
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
            followed=staged.followed,
            made_node=staged.made_node,
        )
        said = _said(request, asked, survey, staged, prepared, today=today, some=some)
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
                locking=locking.said(survey, plan),
                rebuilding=rebuilding.said,
                unforeseen=unforeseen(prepared.comparison, plan, fire=request.fire, bypass=bypass),
            ),
            bypass=bypass,
            rebuilding=rebuilding,
        )
        yield ready.with_seen(request, device) if request.check or request.seen is not None else ready


class _Staged(Struct, frozen=True, kw_only=True):
    """The backup on stage, as far as it is restored, and the scope on the target.

    Attributes:
        manifest: of the tables that are restored.
        followed, made_node: what was done on stage to the backup's rows, and to those of the node table.
    """

    manifest: Manifest
    source: Source
    owners: BackupOwners
    selected: Selected
    followed: tuple[Followed, ...]
    made_node: StagedNode


def _staged(
    request: Request,
    survey: Survey,
    manifest: Manifest,
    asked: Manifest,
    *,
    today: Reclassified,
    device: Device,
    some: SomeTables | None,
    lessons: Lessons,
    progress: Progress,
) -> _Staged:
    """Fit the rows of the backup to the target, find whose they are, and take away what is not restored.

    Args:
        manifest: the backup as today's catalog file and this device take it.
        asked: the backup as it was asked for.
    """
    connection = survey.workspace.connection
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
    followed = (*follow(connection, source, survey, device), *leave_transient(connection, source, survey))
    made_node = stage_own_node(connection, source, survey, device)
    source.settle()
    return _Staged(
        manifest=manifest,
        source=source,
        owners=owners,
        selected=selected or _selected(survey),
        followed=followed,
        made_node=made_node,
    )


def _said(
    request: Request,
    asked: Manifest,
    survey: Survey,
    staged: _Staged,
    prepared: Prepared,
    *,
    today: Reclassified,
    some: SomeTables | None,
) -> tuple[str, ...]:
    """What a person has to know of a plan, as sentences."""
    manifest, selected, tenant = staged.manifest, staged.selected, survey.catalog.tenant
    tenants = Tenants(
        known=selected.known,
        selected=selected.tenants,
        spared=selected.spared,
        held=the_same(survey.workspace, tenant, manifest.selection.tenants, selected.known),
    )
    whole = some is None or tenant.table in some.named
    deleted = _deleted_tenants(survey, prepared) if whole and request.mode is Mode.MIRROR else None
    return (
        *version_said(survey.workspace.connection, asked, survey),
        *_passed_over(request, asked, manifest, survey, today),
        *businesses_said(manifest, tenants, deleted=deleted),
        *prepared.plan.warnings,
    )


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
