"""`backup`: one consistent look at a host's database, chunk by chunk into a repository, the manifest last."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from toolkit.actions.action import Action, NotBoth
from toolkit.actions.arguments import (
    Arguments,
    Businesses,
    DemoArguments,
    JobName,
    LockWait,
    Names,
    Texts,
    about,
    names,
)
from toolkit.actions.context import Context
from toolkit.actions.destinations import Destinations, destinations
from toolkit.actions.devices import device_catalog
from toolkit.actions.reading import Reading, warnings_of
from toolkit.actions.shares import read_share
from toolkit.actions.targets import conninfo_of
from toolkit.errors import ExitCode, InputError
from toolkit.model.catalog import Catalog
from toolkit.model.host import BundleRepository
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Moved, Outcome
from toolkit.model.result import BackedUp, BackupForecast, StoredIn
from toolkit.model.role import Role
from toolkit.model.scope import BackupType, Demo, Scope
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.selection.snapshot import Survey, consistent_snapshot
from toolkit.postgres.selection.support import find_support
from toolkit.postgres.session.connection import connect
from toolkit.storage.layout import check_job
from toolkit.storage.processes import acting_name

_LISTED = 10
_ALL_OPTIONAL = "*"


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
        about(
            "Optional tables to read as well, each with its settings; `*` stands for all others of the catalog file.",
            {"audit_logs": {"limit": 5000}},
            {"*": {}},
        ),
    ] = msgspec.field(default_factory=dict)
    job: JobName = ""
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
    sessions: Annotated[
        Annotated[int, Meta(ge=1, le=16)] | None,
        about(
            "How many sessions read the database at once, at most, all of them the same snapshot. Default: as many as"
            " this machine has processors, two to four.",
            1,
            "{{ sessions }}",
        ),
    ] = None
    processes: Annotated[
        Annotated[int, Meta(ge=1, le=64)] | None,
        about(
            "How many processes read a large database at once, all of them the same snapshot, each by one session: of"
            " this machine, or with `--executor dask` those of the cluster. The one that runs the task is one of them.",
            4,
            "{{ processes }}",
        ),
    ] = None
    lock_wait: LockWait = 0

    def selection_scope(self, catalog: Catalog) -> Scope:
        """Give the scope that they mean where these are the rules."""
        optional: dict[str, int | None] = {table: settings.limit for table, settings in self.optional.items()}
        if _ALL_OPTIONAL in optional:
            limit = optional.pop(_ALL_OPTIONAL)
            for table in (table for table, rule in catalog.rules.items() if rule.optional):
                optional.setdefault(table, limit)
        return Scope(type=self.scope, businesses=self.businesses, demo=self.demo, optional=optional)


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
    catalog = device_catalog(context, context.host)
    scope = arguments.selection_scope(catalog)
    job = arguments.job or context.playbook
    check_job(job)
    started, clock, created_by = context.now(), time.monotonic(), acting_name()
    repositories = names(arguments.repository) or ("",)
    with destinations(context, repositories, lock_wait=arguments.lock_wait) as into:
        if (arguments.processes or 1) > 1:
            _refuse_bundles(into)
        # what is locked or cannot be reached should be known before the database is read
        if context.check:
            into.look()
        else:
            into.open(create=False)
        conninfo = conninfo_of(context, context.host)
        with (
            connect(conninfo, application="playback backup") as connection,
            consistent_snapshot(
                connection, catalog, scope, unclassified=arguments.unclassified, sequences=True
            ) as survey,
        ):
            context.progress.note("selecting rows")
            selected = survey.select()
            _refuse_nothing(survey, selected)
            if context.check:
                return _would_do(survey, selected)
            into.open(create=True)
            backup = Reading(
                context=context,
                connection=connection,
                conninfo=conninfo,
                survey=survey,
                selected=selected,
                supports=find_support(survey, selected),
                into=into,
                sessions=arguments.sessions or (1 if arguments.processes else _sessions()),
                processes=arguments.processes or 1,
                job=job,
                tags=arguments.tags,
                started=started,
                clock=clock,
                created_by=created_by,
            )
            read = backup.store()
        manifest = read.publish()
        return _outcome(manifest, into, time.monotonic() - clock, read.lacking)


def _sessions() -> int:
    """How many sessions read where nobody says: more than this machine can take from them would only wait."""
    return min(4, max(2, os.cpu_count() or 1))


def _refuse_bundles(into: Destinations) -> None:
    """InputError where several processes would have to write into one file."""
    for each in into.all:
        if isinstance(each.config, BundleRepository):
            raise InputError(
                f"several processes cannot write into one file, {each.config.path}",
                hint="leave `processes` out, or back up into another repository and `copy` from there",
            )


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
        hint="`tenant.demo` of the catalog file marks none of them as a demo; leave `demo` out to back them up"
        if scope.demo is Demo.ONLY
        else "say `demo: include` to take all businesses along",
    )


def _names(tenants: Mapping[str, str]) -> list[str]:
    """What businesses are called, each on one line, sorted."""
    return sorted(" ".join(label.split()) or key for key, label in tenants.items())


def _would_do(survey: Survey, selected: Selected) -> Outcome:
    return Outcome(
        changed=True,
        result=BackupForecast(tables=len(selected.taken), businesses=selected.tenants),
        warnings=warnings_of(survey, selected),
    )


def _outcome(manifest: Manifest, into: Destinations, seconds: float, lacking: tuple[str, ...]) -> Outcome:
    stats = manifest.metadata.stats
    stored = [StoredIn(repository=each.name, chunks=len(each.new), bytes=each.new_bytes) for each in into.left]
    return Outcome(
        changed=True,
        result=BackedUp(manifest=manifest, stored=stored, failed=into.failed),
        warnings=(*manifest.warnings, *lacking),
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
    rules=(NotBoth("sessions", "processes"),),
    on_leader=("processes",),
    part=read_share,
)
