"""One restore into one database: snapshot, plan, apply, prove, commit; started again when others stood in its way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import psycopg

from toolkit.errors import DatabaseError, RefusedError
from toolkit.model.catalog import Catalog
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Progress
from toolkit.model.plan import Mode, RestorePlan
from toolkit.model.scope import BackupType, Demo, Scope
from toolkit.planning.drift import blocking_drift, missing_without_rows
from toolkit.postgres.connection import Connection
from toolkit.postgres.restore.application import Application
from toolkit.postgres.restore.planner import Planner
from toolkit.postgres.restore.proof import Proof, dangling
from toolkit.postgres.restore.staging import RowsOf, Staging
from toolkit.postgres.restore.triggers import may_bypass, silent_triggers
from toolkit.postgres.sequences import advance, behind
from toolkit.postgres.snapshot import Survey, consistent_snapshot
from toolkit.retries.policy import retrying

RESTARTABLE = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
"""Errors after which the whole transaction, its plan included, is begun again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to restore, and how.

    Attributes:
        rows_of: gives the checked rows of a table of the backup.
        check: plan only; nothing is written.
        exclusive: lock every table of the schema against other writers for the whole transaction.
        fire: let user triggers fire.
    """

    catalog: Catalog
    manifest: Manifest
    mode: Mode
    rows_of: RowsOf
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
    scope = scope_on_target(request.manifest)
    bypass = may_bypass(connection) and not request.fire
    with consistent_snapshot(
        connection,
        request.catalog,
        scope,
        unclassified="warn",
        exclusive=(bypass or request.exclusive) and not request.check,
    ) as survey:
        _refuse_drift(request.manifest, survey)
        entries = {entry.name: entry for entry in request.manifest.tables}
        staging = Staging(connection, survey.schema, entries, request.rows_of)
        progress.start("compare", rows=request.manifest.metadata.stats.total_records)
        prepared = Planner(
            connection,
            manifest=request.manifest,
            mode=request.mode,
            survey=survey,
            selected=survey.select(connection, all_owners=True, strict=False),
            staging=staging,
            bypass=bypass,
        ).prepare()
        plan = replace(prepared.plan, warnings=_warnings(request.manifest, survey))
        touched = [name for name, table in plan.tables.items() if table.changes]
        _refuse_privileges(connection, survey, plan)
        if request.check:
            return plan
        if plan.conflicts:
            raise RefusedError(
                f"backup {plan.label} conflicts with rows of the target",
                map(str, plan.conflicts),
                hint="`--check` shows the whole plan; nothing was changed",
            )
        if touched:
            progress.start("restore", rows=sum(table.changes for table in plan.tables.values()))
            application = Application(
                connection, schema=survey.schema, prepared=prepared, staging=staging, progress=progress
            )
            if request.fire:
                application.apply()
            else:
                with silent_triggers(connection, survey.schema.name, touched, bypass=bypass):
                    application.apply()
            progress.note("proving")
            failures = dangling(connection, survey.schema, touched)
            proof = Proof(connection, schema=survey.schema, entries=entries, prepared=prepared, staging=staging)
            after = survey.select(connection, strict=False, prefix="after") if request.mode is Mode.MIRROR else None
            failures += proof.failures(after)
            _fail(failures)
        moves = behind(connection, survey.schema.name, request.manifest.sequences)
        connection.execute("COMMIT")
        advance(connection, survey.schema.name, moves)
        return replace(plan, sequences=moves)


def _fail(failures: list[str]) -> None:
    if failures:
        listed = "\n".join(f"  - {failure}" for failure in failures)
        raise DatabaseError(
            f"the restored rows are not what they should be; everything was rolled back\n{listed}",
            hint="if triggers or rules of the tables do not explain it, this is a defect: report it with the plan",
        )


def _refuse_drift(manifest: Manifest, survey: Survey) -> None:
    reasons = blocking_drift(manifest, survey.schema)
    if reasons:
        raise RefusedError(
            f"the target's schema does not fit backup {manifest.metadata.label}",
            reasons,
            hint="bring the target to the application version of the backup; nothing was changed",
        )


def _refuse_privileges(connection: Connection, survey: Survey, plan: RestorePlan) -> None:
    wanted: dict[str, Iterable[str]] = {
        "INSERT": [name for name, table in plan.tables.items() if table.inserts],
        "UPDATE": [name for name, table in plan.tables.items() if table.updates or table.set_null],
        "DELETE": [name for name, table in plan.tables.items() if table.deletes],
    }
    reasons: list[str] = []
    for privilege, tables in wanted.items():
        query = (
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = to_regnamespace(quote_ident(%s))"
            " AND c.relname = ANY (%s) AND NOT has_table_privilege(c.oid, %s)"
        )
        missing = connection.execute(query, [survey.schema.name, list(tables), privilege]).fetchall()
        reasons.extend(f"no {privilege} on table {survey.schema.name}.{table}" for (table,) in sorted(missing))
    if reasons:
        raise RefusedError(
            f"role {connection.info.user} may not write what the restore has to write",
            reasons,
            hint="GRANT what is missing, or run as the owner of the tables; nothing was changed",
        )


def _warnings(manifest: Manifest, survey: Survey) -> tuple[str, ...]:
    lines = [
        f"table {name} of the backup is missing; it has no rows"
        for name in missing_without_rows(manifest, survey.schema)
    ]
    lines.extend(
        f"table {entry.table} is not classified and not touched"
        for entry in survey.accounting.left_out
        if entry.reason == "unclassified"
    )
    return tuple(lines)
