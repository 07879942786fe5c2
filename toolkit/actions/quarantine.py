"""`quarantine`: rows that restores put aside are tried again; what the target takes now leaves the quarantine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from toolkit.actions.arguments import names
from toolkit.actions.context import Context
from toolkit.actions.devices import device_request
from toolkit.actions.locking import shared_lock
from toolkit.actions.plan_text import plan_lines
from toolkit.actions.restore import PARTIAL, carry_out
from toolkit.actions.targets import catalog_of, conninfo_of, repository_of
from toolkit.errors import InputError
from toolkit.model.manifest import Manifest, StoredColumn, TableEntry
from toolkit.model.outcome import Outcome
from toolkit.model.plan import LEFT_BY_MERGE, Mode, RestorePlan
from toolkit.model.quarantine import QuarantinedRow
from toolkit.postgres.restore.request import Request
from toolkit.postgres.rows import copy_text
from toolkit.storage.quarantine import Quarantine, QuarantineWriter, quarantines, read_rows, remove
from toolkit.storage.repository import Repository

_Rows = Mapping[str, list[QuarantinedRow]]
"""Quarantined rows by table."""


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
        by_label: dict[str, list[Quarantine]] = {}
        for each in found:
            by_label.setdefault(each.origin.label, []).append(each)
        plans = [_retry(repository, label, runs, context) for label, runs in by_label.items()]
    return _outcome(plans, context)


def _retry(repository: Repository, label: str, runs: list[Quarantine], context: Context) -> RestorePlan:
    """Try the rows of one backup again, each once, however many runs have put it aside."""
    catalog = catalog_of(context, context.host)
    known: dict[tuple[str, str], list[QuarantinedRow]] = {}
    for run in runs:
        # of equal rows without a key there may be several in one run
        again: dict[tuple[str, str], list[QuarantinedRow]] = {}
        for row in read_rows(repository, run):
            again.setdefault((row.table, row.key), []).append(row)
        known |= again
    rows: dict[str, list[QuarantinedRow]] = {}
    for (table, _), equal in known.items():
        rows.setdefault(table, []).extend(equal)
    manifest = _backup_of_rows(repository.manifest(label), rows)
    aside = QuarantineWriter(repository, label, context.host.name, context.now())
    request = Request(
        catalog=catalog,
        manifest=manifest,
        mode=Mode.MERGE,
        rows_of=_rows_of(rows),
        device=device_request(context, catalog, {}),
        check=context.check,
        samples=context.diff,
        owned=True,
    )
    plan = carry_out(conninfo_of(context, context.host), request, aside, context)
    if not context.check:
        for run in runs:
            remove(repository, run)
    return plan


def _backup_of_rows(manifest: Manifest, rows: _Rows) -> Manifest:
    """A manifest that has these rows alone; they are stored in no chunk."""
    tables = [
        msgspec.structs.replace(
            entry, rows=len(rows[entry.name]), chunks=(), support=(), cutoff=None, cut=(), columns=_columns(entry, rows)
        )
        for entry in manifest.tables
        if entry.name in rows
    ]
    return msgspec.structs.replace(manifest, tables=tuple(tables), sequences=())


def _columns(entry: TableEntry, rows: _Rows) -> tuple[StoredColumn, ...]:
    types = {column.name: column.type for column in entry.columns}
    return tuple(StoredColumn(name=name, type=types.get(name, "text")) for name in rows[entry.name][0].columns)


def _rows_of(rows: _Rows) -> Callable[[TableEntry], Iterator[bytes]]:
    def rows_of(entry: TableEntry) -> Iterator[bytes]:
        names = [column.name for column in entry.columns]
        return (copy_text(row.columns[name] for name in names) for row in rows[entry.name])

    return rows_of


def _outcome(plans: list[RestorePlan], context: Context) -> Outcome:
    plans = [_without_others(plan) for plan in plans]
    inserts, updates = (sum(plan.total(what) for plan in plans) for what in ("inserts", "updates"))
    there = sum(plan.total("unchanged") for plan in plans)
    left = sum(plan.total("quarantined") for plan in plans)
    kept = sum(sum(plan.kept.values()) for plan in plans)
    verb = "would restore" if context.check else "restored"
    return Outcome(
        changed=any(plan.changed for plan in plans),
        message=f"{verb} {inserts + updates} quarantined rows into {context.host.name}: {inserts} inserts, {updates}"
        f" updates of rows that are there, {there} unchanged, {kept} kept, {left} stay in quarantine",
        details=tuple(line for plan in plans for line in plan_lines(plan, tables=True, samples=context.diff)),
        facts={"restored": inserts + updates, "unchanged": there, "kept": kept, "quarantined": left},
        exit_code=PARTIAL if left else 0,
    )


def _without_others(plan: RestorePlan) -> RestorePlan:
    """The plan without a word on rows that were never in quarantine."""
    tables = {
        name: replace(table, kept=tuple(kept for kept in table.kept if kept.reason != LEFT_BY_MERGE))
        for name, table in plan.tables.items()
    }
    return replace(plan, tables=tables)
