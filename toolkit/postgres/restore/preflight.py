"""What must hold before a restore changes anything: no drift, and a role that may do what the plan says."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.errors import InputError, Problem, RefusedError
from toolkit.model.catalog import Category
from toolkit.model.manifest import Manifest
from toolkit.model.plan import RestorePlan
from toolkit.planning.answers import Names
from toolkit.planning.drift import missing_without_rows
from toolkit.planning.picking import Picking
from toolkit.planning.reclassification import Reclassified
from toolkit.planning.references import undecided_references
from toolkit.postgres.restore.publications import refuse_unpublishable
from toolkit.postgres.schema.sequences import looked_at
from toolkit.postgres.schema.workspace import Lacking, Workspace
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.decision import Device
from toolkit.postgres.stage.request import Request
from toolkit.postgres.write.remedies import remedy
from toolkit.postgres.write.triggers import is_settable, refused_silence


def refuse_steps_in_a_pool(connection: Connection) -> None:
    """Raise RefusedError where a session cannot keep a plan from one transaction to the next."""
    if connection.pooled:
        raise RefusedError(
            f"database {connection.info.dbname} is reached through a pooler, which may give each transaction another"
            " session of the server; a restore in steps keeps its plan in one",
            hint="give the server's own address, or restore in one transaction (`atomic: true`); nothing was changed",
        )


def refuse_hidden(manifest: Manifest, survey: Survey) -> None:
    """Raise RefusedError with all that the role may not read and a restore reads beside the tables of the scope.

    These are the tables that point at those of the backup, and its sequences.
    """
    restored = {entry.name for entry in manifest.tables}
    pointing = {link.child for link in survey.links.references if link.parent in restored}
    workspace = survey.workspace
    sequences = looked_at(workspace.connection, survey.schema.schemas, manifest.sequences, restored)
    lacking = workspace.lacking(("SELECT", name) for name in (*sorted(pointing), *sequences))
    _refuse(workspace.connection, lacking, [])


def refuse_plan(workspace: Workspace, plan: RestorePlan, *, bypass: bool, fire: bool) -> None:
    """Raise RefusedError with all that the plan does and the role may not.

    Args:
        bypass: user triggers are to be kept silent by the replica role.
        fire: user triggers are to fire.
    """
    connection, tables = workspace.connection, sorted(plan.tables.items())
    wanted = [
        *(("INSERT", name) for name, table in tables if table.inserts + table.rewritten),
        *(("UPDATE", name) for name, table in tables if table.updates or table.set_null),
        *(("DELETE", name) for name, table in tables if table.deletes + table.rewritten),
        *(("UPDATE", move.name) for move in sorted(plan.sequences, key=lambda move: move.name)),
    ]
    heard: list[str] = []
    settable = False
    if not fire:
        touched = [name for name, table in tables if table.changes]
        moved = [name for name, table in tables if table.deletes + table.rewritten + table.updates]
        heard = list(refused_silence(connection, workspace.schema, touched, moved, bypass=bypass))
        settable = bool(heard) and is_settable(connection, workspace.schema, touched, moved, bypass=bypass)
    _refuse(connection, workspace.lacking(wanted), heard, settable=settable)
    refuse_unpublishable(connection, workspace.schema, plan, bypass=bypass)


def refuse_tables(request: Request, today: Reclassified, manifest: Manifest, survey: Survey, device: Device) -> None:
    """Raise an error where named tables cannot be restored.

    Of rows that are tried again what is passed over stays aside.

    Raises:
        InputError: they are not restored under today's catalog file.
        RefusedError: they hold what belongs to another device.
    """
    if request.owned:
        return
    rules, file = survey.accounting.rules, survey.catalog.file
    problems = [
        Problem(
            path="restore.tables",
            message=f"table {name} is {'transient' if name in rules else 'not classified'} in {file}: its rows stay in"
            " the backup",
        )
        for name in request.named
        if name in today.passed_over
    ]
    if problems:
        raise InputError(problems)
    theirs = [name for name in request.named if name in rules and rules[name].category is Category.DEVICE]
    if theirs and not device.decision.device_data:
        raise RefusedError(
            f"backup {manifest.metadata.label} is another device's, and its device data do not come here",
            (f"table {name} is device data" for name in sorted(theirs)),
            hint="leave these tables out; nothing was changed",
        )


def refuse_cut_ways(label: str, picking: Picking, today: Reclassified) -> None:
    """Raise RefusedError where rows of single businesses are known by rows of tables that are not restored any more."""
    if cut := sorted({link.source for link in picking.links.owners} & today.passed_over.keys()):
        raise RefusedError(
            f"single businesses cannot be picked out of backup {label} under today's catalog file",
            (f"rows belong to a business through table {name}, which is not restored any more" for name in cut),
            hint="restore the whole backup, or under the catalog file of its day; nothing was changed",
        )


def refuse_lost_ways(label: str, picking: Picking, names: Names) -> None:
    """Raise RefusedError where an answer to drift takes away, or changes, by what rows are known to be a business's."""
    links = picking.links
    ways = [(link.source, link.source_columns) for link in links.owners]
    ways += [(link.table, link.columns) for link in links.owners]
    ways += [(link.child, link.columns) for link in links.references]
    ways += [(link.parent, link.parent_columns) for link in links.references]
    ways.append((picking.tenant.table, (picking.tenant.key,)))
    leading = {link.source for link in links.owners} | {link.child for link in links.references}
    changed = {(table, column) for table, columns in ways for column in columns} & names.converted.keys()
    reasons = [
        *(f"rows hang together through table {name}, which is dropped" for name in sorted(leading & names.gone)),
        *(f"rows hang together by column {table}.{column}, which is converted" for table, column in sorted(changed)),
    ]
    if reasons:
        raise RefusedError(
            f"single businesses cannot be picked out of backup {label} under these answers to drift",
            reasons,
            hint="restore the whole backup, or into a target of its own application version; nothing was changed",
        )


def missing_said(manifest: Manifest, survey: Survey) -> Iterator[str]:
    """Give the tables without rows that the target does not have."""
    for name in missing_without_rows(manifest, survey.schema):
        yield f"table {name} of the backup is missing; it has no rows"


def warnings_of(manifest: Manifest, survey: Survey, today: Reclassified) -> tuple[str, ...]:
    """Give what a restore passes over."""
    lines = list(missing_said(manifest, survey))
    lines.extend(
        f"table {entry.table} is not classified and not touched"
        for entry in survey.accounting.left_out
        # one that has another name in the backup is written all the same
        if entry.reason == "unclassified"
        and manifest.table(entry.table) is None
        and entry.table not in today.passed_over
    )
    lines.extend(undecided_references(survey.catalog, survey.accounting.rules, survey.links.references))
    return tuple(lines)


def _refuse(connection: Connection, lacking: list[Lacking], heard: list[str], *, settable: bool = False) -> None:
    if lacking or heard:
        raise RefusedError(
            f"role {connection.info.user} may not do what the restore has to do",
            (*map(str, lacking), *heard),
            hint=f"{remedy(connection, lacking, heard, settable=settable, may_fire=True)}; nothing was changed",
        )
