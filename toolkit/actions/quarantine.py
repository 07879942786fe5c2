"""`quarantine`: rows that restores put aside are tried again; what the target takes now leaves the quarantine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

import msgspec
from msgspec.structs import replace

from toolkit.actions.action import Action
from toolkit.actions.arguments import Arguments, RepositoryName, Texts, about
from toolkit.actions.asked import Triggers, asked_again
from toolkit.actions.context import Context
from toolkit.actions.devices import device_catalog, device_request
from toolkit.actions.locking import shared_lock
from toolkit.actions.restore import restore_database
from toolkit.actions.restored import staying_committed
from toolkit.actions.targets import conninfo_of, repository_of
from toolkit.errors import ExitCode, InputError
from toolkit.model.drift import Answers, Expression
from toolkit.model.manifest import Manifest, StoredColumn, TableEntry
from toolkit.model.outcome import Outcome
from toolkit.model.plan import Mode, RestorePlan, TablePlan
from toolkit.model.quarantine import QuarantinedRow
from toolkit.model.result import Retried
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.answers import with_new_tables
from toolkit.planning.copy_text import copy_text
from toolkit.planning.identity import business_only
from toolkit.planning.some_tables import named_tables
from toolkit.postgres.restore.plan.kept import SAID
from toolkit.postgres.schema.introspection import read_schema
from toolkit.postgres.session.connection import connect
from toolkit.postgres.stage.narrowing import narrowed
from toolkit.postgres.stage.request import Request
from toolkit.storage.quarantine import IMPORTED, Quarantine, QuarantineWriter, quarantines, read_rows, remove
from toolkit.storage.repository import Repository

_Rows = Mapping[str, list[QuarantinedRow]]
"""Quarantined rows by table."""


class QuarantineArguments(Arguments, frozen=True, kw_only=True):
    """Which rows are tried again."""

    repository: RepositoryName = ""
    labels: Annotated[
        Texts,
        about("The backups whose rows are tried; all of them when left out.", ["20261120T020000Z-nightly-business"]),
    ] = ()


def run(arguments: QuarantineArguments, context: Context) -> Outcome:
    """Restore the quarantined rows of a host by the restores that put them aside, each for its own rows alone.

    Raises:
        InputError: there are none, or a backup they belong to is gone.
    """
    repository = repository_of(context, arguments.repository)
    labels = arguments.labels
    with shared_lock(context, repository, "quarantine.retry"):
        found = [
            each
            for each in quarantines(repository)
            if each.origin.host == context.host.name
            and (not labels or each.origin.label in labels)
            and IMPORTED not in each.origin.request  # they are no rows of a restore
        ]
        if not found:
            raise InputError(
                f"no rows of host {context.host.name} are in quarantine", hint="`invoke quarantine.list` lists them"
            )
        by_request: dict[tuple[str, str], list[Quarantine]] = {}
        for each in found:
            wanted = json.dumps(each.origin.request, sort_keys=True)
            by_request.setdefault((each.origin.label, wanted), []).append(each)
        plans = [_retry(repository, label, runs, context) for (label, _), runs in by_request.items()]
    return _outcome(plans, context)


def _retry(repository: Repository, label: str, runs: list[Quarantine], context: Context) -> RestorePlan:
    """Try the rows of one backup again, each once, however many runs of the same request have put it aside.

    It is the restore that put them aside, for these rows alone: the same businesses, device decision, answers and
    triggers. It deletes nothing, since other rows are none of its business.
    """
    catalog, conninfo = device_catalog(context, context.host), conninfo_of(context, context.host)
    document = runs[0].origin.request
    asked = asked_again(document)
    rows = _latest(repository, runs)
    named = named_tables(repository.manifest(label), asked.tables, action="restore")
    with connect(conninfo) as connection:
        schema = read_schema(connection, catalog.schemas)
        manifest = _backup_of_rows(repository.manifest(label), rows, schema, asked.said())
        if businesses := asked.businesses:
            manifest = business_only(narrowed(connection, catalog, manifest, businesses))
    aside = QuarantineWriter(repository, label, context.host.name, context.now(), request=document)
    request = Request(
        catalog=catalog,
        manifest=manifest,
        mode=Mode.MERGE,
        rows_of=_rows_of(rows),
        device=device_request(context, catalog, asked.identity_later, scratch=False),
        answers=_defaults(asked.said(), rows),
        check=context.check,
        samples=context.diff,
        fire=asked.triggers is Triggers.FIRE,
        owned=True,
        tables=tuple(asked.said().rename.get(name, name) for name in named),
    )
    plan = restore_database(conninfo, request, aside, context)
    left = plan.total("quarantined") or not request.tables
    # what came along with rows that are restored is not needed any more
    passed_over = {
        table: found for table, found in rows.items() if table not in plan.tables and (left or table in request.tables)
    }
    if context.check:
        return _with_passed_over(plan, passed_over)
    with staying_committed(f"rows of backup {label} that were in quarantine are restored and committed"):
        if passed_over:
            rest = QuarantineWriter(repository, label, context.host.name, context.now(), request=document)
            rest.write(row for found in passed_over.values() for row in found)
        for run in runs:
            remove(repository, run)
    return _with_passed_over(plan, passed_over)


def _latest(repository: Repository, runs: list[Quarantine]) -> dict[str, list[QuarantinedRow]]:
    """The rows of several runs by table; of the same row the one that was put aside last."""
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
    return rows


def _backup_of_rows(manifest: Manifest, rows: _Rows, schema: DatabaseSchema, answers: Answers) -> Manifest:
    """A manifest that has these rows alone, in the shape in which they were put aside: the target's, by its names."""
    entries = {answers.rename.get(entry.name, entry.name): entry for entry in manifest.tables}
    tables = {name: schema.tables.get(name) or manifest.schema.tables[entries[name].name] for name in rows}
    found = [
        msgspec.structs.replace(
            entries[name],
            name=name,
            rows=len(rows[name]),
            chunks=(),
            support=(),
            cutoff=None,
            cut=(),
            columns=_columns(tables[name], rows[name][0]),
        )
        for name in sorted(rows)
    ]
    return msgspec.structs.replace(
        with_new_tables(manifest, answers),
        tables=tuple(found),
        sequences=(),
        schema=msgspec.structs.replace(schema, tables=tables),
    )


def _columns(table: Table, row: QuarantinedRow) -> tuple[StoredColumn, ...]:
    types = {column.name: column.type for column in table.columns}
    return tuple(StoredColumn(name=name, type=types.get(name, "text")) for name in row.columns)


def _defaults(answers: Answers, rows: _Rows) -> Answers:
    """What is still to be answered of these rows: whatever else was asked, they have the target's shape.

    Values by `defaults` came with them. They are for rows that are inserted, now as then.
    """
    carried = {
        f"{table}.{column}": column
        for table, found in rows.items()
        for column in found[0].columns
        if f"{table}.{column}" in answers.defaults
    }
    return Answers(
        drop_columns=tuple(carried),
        defaults={place: Expression('"{}"'.format(column.replace('"', '""'))) for place, column in carried.items()},
    )


def _with_passed_over(plan: RestorePlan, passed_over: _Rows) -> RestorePlan:
    """The plan with the rows that nothing was done about: by today's catalog file or device they are not restored."""
    tables = {name: TablePlan(table=name, quarantined=len(rows)) for name, rows in passed_over.items()}
    return replace(plan, tables={**plan.tables, **tables})


def _rows_of(rows: _Rows) -> Callable[[TableEntry], Iterator[bytes]]:
    def rows_of(entry: TableEntry) -> Iterator[bytes]:
        names = [column.name for column in entry.columns]
        return (copy_text(row.columns[name] for name in names) for row in rows[entry.name])

    return rows_of


def _outcome(plans: list[RestorePlan], context: Context) -> Outcome:
    plans = [_without_others(plan) for plan in plans]
    return Outcome(
        changed=any(plan.changed for plan in plans),
        result=Retried(plans=plans, host=context.host.name, check=context.check, samples=context.diff),
        warnings=tuple(dict.fromkeys(line for plan in plans for line in plan.warnings)),
        exit_code=ExitCode.PARTIAL if any(plan.total("quarantined") for plan in plans) else 0,
    )


def _without_others(plan: RestorePlan) -> RestorePlan:
    """The plan without a word on rows that were never in quarantine."""
    tables = {
        name: replace(table, kept=tuple(kept for kept in table.kept if kept.reason in SAID.values()))
        for name, table in plan.tables.items()
    }
    return replace(plan, tables=tables)


ACTION = Action(
    name="quarantine",
    does="Try the rows again that restores have put aside.",
    examples=({"repository": "local"},),
    arguments=QuarantineArguments,
    run=run,
)
"""For a command of its own: no playbook can name it."""
