"""`quarantine`: rows that restores put aside are tried again; what the target takes now leaves the quarantine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from toolkit.actions.arguments import names
from toolkit.actions.context import Context
from toolkit.actions.devices import device_request
from toolkit.actions.locking import shared_lock
from toolkit.actions.restore import PARTIAL, carry_out
from toolkit.actions.targets import catalog_of, conninfo_of, repository_of
from toolkit.errors import InputError
from toolkit.model.manifest import Manifest, StoredColumn, TableEntry
from toolkit.model.outcome import Outcome
from toolkit.model.plan import Mode, RestorePlan
from toolkit.model.quarantine import QuarantinedRow
from toolkit.postgres.restore.request import Request
from toolkit.postgres.rows import copy_text
from toolkit.storage.quarantine import Quarantine, QuarantineWriter, quarantines, read_rows, remove
from toolkit.storage.repository import Repository


def retry_quarantine(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Restore the quarantined rows of a host as if they alone were the backup, by merging.

    Args:
        arguments: `repository`, and `labels` of the backups whose rows are tried; all without it.

    Raises:
        InputError: there are none, or a backup they belong to is gone.
    """
    repository = repository_of(context, arguments.get("repository") or "")
    labels = names(arguments.get("labels"))
    with shared_lock(context, repository, "quarantine.retry"):
        found = [
            each
            for each in quarantines(repository)
            if each.origin.host == context.host.name and (not labels or each.origin.label in labels)
        ]
        if not found:
            raise InputError(
                f"no rows of host {context.host.name} are in quarantine", hint="`invoke quarantine.list` lists them"
            )
        plans = [_retry(repository, each, context) for each in found]
    return _outcome(plans, context)


def _retry(repository: Repository, quarantine: Quarantine, context: Context) -> RestorePlan:
    catalog = catalog_of(context, context.host)
    rows: dict[str, list[QuarantinedRow]] = {}
    for row in read_rows(repository, quarantine):
        rows.setdefault(row.table, []).append(row)
    manifest = _backup_of_rows(repository.manifest(quarantine.origin.label), rows)
    aside = QuarantineWriter(repository, quarantine.origin.label, context.host.name, context.now())
    request = Request(
        catalog=catalog,
        manifest=manifest,
        mode=Mode.MERGE,
        rows_of=_rows_of(rows),
        device=device_request(context, catalog, {}),
        check=context.check,
        owned=True,
    )
    plan = carry_out(conninfo_of(context, context.host), request, aside, context)
    if not context.check:
        remove(repository, quarantine)
    return plan


def _backup_of_rows(manifest: Manifest, rows: Mapping[str, list[QuarantinedRow]]) -> Manifest:
    """A manifest that has these rows alone; they are stored in no chunk."""
    tables = [
        msgspec.structs.replace(
            entry, rows=len(rows[entry.name]), chunks=(), cutoff=None, columns=_columns(entry, rows)
        )
        for entry in manifest.tables
        if entry.name in rows
    ]
    return msgspec.structs.replace(manifest, tables=tuple(tables), sequences=())


def _columns(entry: TableEntry, rows: Mapping[str, list[QuarantinedRow]]) -> tuple[StoredColumn, ...]:
    types = {column.name: column.type for column in entry.columns}
    return tuple(StoredColumn(name=name, type=types.get(name, "text")) for name in rows[entry.name][0].columns)


def _rows_of(rows: Mapping[str, list[QuarantinedRow]]) -> Callable[[TableEntry], Iterator[bytes]]:
    def rows_of(entry: TableEntry) -> Iterator[bytes]:
        names = [column.name for column in entry.columns]
        return (copy_text(row.columns[name] for name in names) for row in rows[entry.name])

    return rows_of


def _outcome(plans: list[RestorePlan], context: Context) -> Outcome:
    written = sum(plan.total("inserts") + plan.total("updates") for plan in plans)
    there = sum(plan.total("unchanged") for plan in plans)
    left = sum(plan.total("quarantined") for plan in plans)
    kept = sum(sum(plan.kept.values()) for plan in plans)
    verb = "would restore" if context.check else "restored"
    return Outcome(
        changed=any(plan.changed for plan in plans),
        message=f"{verb} {written} quarantined rows into {context.host.name}: {there} were there already,"
        f" {kept} are kept as they are, {left} stay in quarantine",
        details=tuple(str(conflict) for plan in plans for conflict in plan.quarantined),
        facts={"restored": written, "unchanged": there, "kept": kept, "quarantined": left},
        exit_code=PARTIAL if left else 0,
    )
