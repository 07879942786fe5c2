"""One restore into one database: snapshot, plan, apply, prove, commit; started again when others stood in its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace

import psycopg

from toolkit.errors import DatabaseError, RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.drift import Answers
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Progress
from toolkit.model.plan import Mode, RestorePlan
from toolkit.model.scope import BackupType, Demo, Scope
from toolkit.planning.answers import with_new_tables
from toolkit.postgres.connection import Connection, first_line
from toolkit.postgres.restore.application import Application
from toolkit.postgres.restore.device.decision import DeviceRequest, settle_device
from toolkit.postgres.restore.device.following import follow
from toolkit.postgres.restore.device.own_node import stage_own_node
from toolkit.postgres.restore.device.sync_state import SyncState
from toolkit.postgres.restore.narrowing import narrow, narrowed
from toolkit.postgres.restore.planner import Planner
from toolkit.postgres.restore.preflight import refuse_hidden, refuse_plan, warnings_of
from toolkit.postgres.restore.proof import Proof, dangling
from toolkit.postgres.restore.reshaping import fitting_source
from toolkit.postgres.restore.source import RowsOf
from toolkit.postgres.restore.triggers import may_bypass, silent_triggers
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.sequences import advance, behind
from toolkit.retries.policy import retrying

RESTARTABLE = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
"""Errors after which the whole transaction, its plan included, is begun again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to restore, and how.

    Attributes:
        rows_of: gives the checked rows of a table of the backup.
        device: what is asked and known of devices.
        answers: what is said about drift.
        businesses: restore only these out of a wider backup; empty for all that it has.
        check: plan only; nothing is written.
        exclusive: lock every table of the schema against other writers for the whole transaction.
        fire: let user triggers fire.
    """

    catalog: Catalog
    manifest: Manifest
    mode: Mode
    rows_of: RowsOf
    device: DeviceRequest
    answers: Answers = field(default_factory=Answers)
    businesses: tuple[str, ...] = ()
    check: bool = False
    exclusive: bool = False
    fire: bool = False


def scope_on_target(manifest: Manifest, *, unlimited: bool = True) -> Scope:
    """The scope of a backup, evaluated on a target.

    Named tenants are those of the backup; a whole scope takes all tenants of the target under the same demo rule.

    Args:
        unlimited: take optional tables whole; the cut-off says which of their rows the backup speaks of.
    """
    metadata = manifest.metadata
    named = metadata.business_filter.business_ids
    return Scope(
        type=BackupType(metadata.backup_type),
        businesses=tuple(manifest.selection.tenants) if named else (),
        demo=Demo.INCLUDE if named else Demo(metadata.business_filter.demo),
        optional={table: None if unlimited else limit for table, limit in metadata.optional.items()},
    )


def restore(connection: Connection, request: Request, progress: Progress) -> RestorePlan:
    """Plan and, unless `check` is set, apply, prove and commit.

    Returns:
        The plan, as applied.

    Raises:
        RefusedError: drift, missing privileges or conflicts; nothing was changed.
        DatabaseError: applying or proving failed; everything was rolled back.
    """
    run = retrying(RESTARTABLE, attempts=5, seconds=600)
    return run(lambda: _attempt(connection, request, progress))


def _attempt(connection: Connection, request: Request, progress: Progress) -> RestorePlan:
    manifest = with_new_tables(request.manifest, request.answers)
    if request.businesses:
        manifest = narrowed(manifest, request.businesses)
    bypass = may_bypass(connection) and not request.fire
    with consistent_snapshot(
        connection,
        request.catalog,
        scope_on_target(manifest),
        unclassified="warn",
        exclusive=(bypass or request.exclusive) and not request.check,
    ) as found:
        device, manifest, survey = settle_device(
            connection, found, manifest, request.device, narrowed=bool(request.businesses)
        )
        schema = survey.schema.name
        source = fitting_source(connection, manifest, survey.schema, request.rows_of, request.answers)
        manifest = source.manifest
        refuse_hidden(connection, manifest, survey)
        progress.start("compare", rows=manifest.metadata.stats.total_records)
        if request.businesses:
            narrow(connection, source, survey)
        followed = follow(connection, source, survey, device)
        made_node = stage_own_node(connection, source, survey, device)
        source.settle()
        prepared = Planner(
            connection,
            mode=request.mode,
            survey=survey,
            selected=survey.select(connection, all_owners=True, strict=False),
            source=source,
            bypass=bypass,
            foresee=request.check,
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
        plan = sync.added_to(replace(prepared.plan, warnings=warnings_of(manifest, survey)))
        refuse_plan(connection, schema, plan, bypass=bypass, fire=request.fire)
        if request.check:
            return plan
        _refuse_conflicts(plan)
        touched = [name for name, table in plan.tables.items() if table.changes]
        if touched:
            progress.start("restore", rows=sum(table.changes for table in plan.tables.values()))
            application = Application(
                connection, schema=survey.schema, prepared=prepared, source=source, progress=progress
            )
            silence = nullcontext() if request.fire else silent_triggers(connection, schema, touched, bypass=bypass)
            with _refusing_violations(plan.label), silence:
                sync.before()
                application.apply()
                sync.after()
            progress.note("proving")
            proof = Proof(connection, schema=survey.schema, prepared=prepared, source=source)
            after = survey.select(connection, strict=False, prefix="after") if request.mode is Mode.MIRROR else None
            _refuse_violations(plan.label, dangling(connection, survey.schema, touched))
            _prove(proof.failures(after))
        moved = replace(plan, sequences=behind(connection, schema, manifest.sequences))
        refuse_plan(connection, schema, moved, bypass=bypass, fire=request.fire)
        connection.execute("COMMIT")
        advance(connection, schema, moved.sequences)
        return moved


def _refuse_conflicts(plan: RestorePlan) -> None:
    if plan.conflicts:
        raise RefusedError(
            f"backup {plan.label} conflicts with rows of the target",
            map(str, plan.conflicts),
            hint="`--check` shows the whole plan; nothing was changed",
        )


@contextmanager
def _refusing_violations(label: str) -> Iterator[None]:
    """Turn what a constraint of the target says no to, and no plan foresees, into a refusal."""
    try:
        yield
    except psycopg.IntegrityError as error:
        table = f"{error.diag.table_name}: " if error.diag.table_name else ""
        _refuse_violations(label, [f"{table}{first_line(error)}"])


def _refuse_violations(label: str, violations: list[str]) -> None:
    if violations:
        raise RefusedError(
            f"the constraints of the target do not let backup {label} in",
            violations,
            hint="everything was rolled back; if other sessions were writing to these tables, run again",
        )


def _prove(failures: list[str]) -> None:
    if failures:
        listed = "\n".join(f"  - {failure}" for failure in failures)
        raise DatabaseError(
            f"the restored rows are not what they should be; everything was rolled back\n{listed}",
            hint="if triggers or rules of the tables do not explain it, this is a defect: report it with the plan",
        )
