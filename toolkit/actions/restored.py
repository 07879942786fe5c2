"""What a restore has left behind: whether a database still differs from the backup in the very rows that it kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from msgspec.structs import replace

from toolkit.actions.asked import AskedArguments
from toolkit.actions.context import Context
from toolkit.actions.devices import device_catalog, device_request
from toolkit.actions.targets import conninfo_of
from toolkit.errors import CommittedError, InputError, Interrupted, Problem, explained
from toolkit.model.conversion import Conversion
from toolkit.model.host import Host
from toolkit.model.manifest import Manifest
from toolkit.model.plan import LEFT_BY_MERGE, RestorePlan
from toolkit.model.result import AfterRestore, KeptOthers, KeptRows, Undone
from toolkit.planning.some_tables import named_tables
from toolkit.postgres.restore.transaction import restore as restore_into
from toolkit.postgres.session.connection import explaining, session
from toolkit.postgres.stage.request import Request
from toolkit.storage.backup_reader import BackupReader
from toolkit.storage.repository import Repository

Kept = dict[str, tuple[int, int, int]]
"""By table how many rows are kept, and the two sums over their keys."""


class RestoreFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Of the facts of a restore, what tells how the database may differ from the backup."""

    label: str
    request: AskedArguments
    kept_rows: tuple[KeptRows, ...]


_FACTS = Conversion(RestoreFacts)


def facts_of(after: Mapping[str, Any], manifest: Manifest) -> RestoreFacts:
    """Give the facts of a restore of a backup, as `register` holds them; InputError for other ones."""
    with suppress(msgspec.ValidationError):
        facts = _FACTS(after)
        if facts.label == manifest.metadata.label:
            return facts
    text = f"say what `register` holds of the restore of {manifest.metadata.label}"
    raise InputError([Problem(path="verify.after", message=text)])


@contextmanager
def staying_committed(done: str) -> Iterator[None]:
    """Inside, something is committed: what fails, and Ctrl-C, is told as what it is."""
    try:
        yield
    except Exception as error:
        known = explained(error)
        raise CommittedError(f"{done}; after that: {known.message}", hint=known.hint) from error
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; {done}") from error


def after_restore(
    facts: RestoreFacts, host: Host, repository: Repository, manifest: Manifest, context: Context
) -> AfterRestore:
    """Give what a restore explains of the differences between a database and a backup, and what it does not.

    The restore is planned again: it must find nothing to do, and keep the same rows.

    Args:
        facts: those of that restore.
    """
    plan = _planned(facts.request, host, repository, manifest, context)
    return AfterRestore(
        kept=facts.kept_rows,
        businesses=bool(facts.request.businesses),
        beyond=(*_undone(plan), *plan.conflicts, *_others(_kept_then(facts), _kept_now(plan))),
    )


def _planned(
    asked: AskedArguments, host: Host, repository: Repository, manifest: Manifest, context: Context
) -> RestorePlan:
    catalog, conninfo = device_catalog(context, host), conninfo_of(context, host)
    with BackupReader(repository, manifest) as reader, explaining(conninfo):
        wanted = Request(
            catalog=catalog,
            manifest=manifest,
            mode=asked.mode,
            rows_of=reader.rows_of,
            device=device_request(replace(context, host=host), catalog, asked.identity_later, scratch=host.scratch),
            answers=asked.said(),
            businesses=asked.businesses,
            tables=named_tables(manifest, asked.tables, action="restore"),
            check=True,
        )
        return restore_into(lambda: session(conninfo, application="playback verify"), wanted, context.progress)


def _undone(plan: RestorePlan) -> Iterator[Undone]:
    for name, table in plan.tables.items():
        if table.changes:
            yield Undone(table=name, rows=table.changes)


def _others(then: Kept, now: Kept) -> Iterator[KeptOthers]:
    for name in sorted({*then, *now}):
        before, after = then.get(name, (0, 0, 0)), now.get(name, (0, 0, 0))
        if before != after:
            yield KeptOthers(table=name, kept=before[0], differing=after[0])


def _kept_then(facts: RestoreFacts) -> Kept:
    return _summed((each.table, each.reason, each.rows, each.digest) for each in facts.kept_rows)


def _kept_now(plan: RestorePlan) -> Kept:
    return _summed(
        (table.table, kept.reason, kept.rows, kept.digest) for table in plan.tables.values() for kept in table.kept
    )


def _summed(kept: Iterable[tuple[str, str, int, str]]) -> Kept:
    """Added up by table, whatever the reasons; rows that the backup does not have are none of a merge's business."""
    found: Kept = {}
    for table, reason, rows, digest in kept:
        if reason != LEFT_BY_MERGE and digest:
            first, second = map(int, digest.split())
            known = found.get(table, (0, 0, 0))
            found[table] = (known[0] + int(rows), known[1] + first, known[2] + second)
    return found
