"""What a restore has left behind: whether a database still differs from the backup in the very rows that it kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from toolkit.actions.arguments import answers_of, names
from toolkit.actions.choosing import rows_reader
from toolkit.actions.context import Context
from toolkit.actions.devices import device_request
from toolkit.actions.targets import catalog_of, conninfo_of
from toolkit.errors import CommittedError, InputError, Interrupted, PlaybackError, Problem
from toolkit.model.host import Host
from toolkit.model.manifest import Manifest
from toolkit.model.plan import LEFT_BY_MERGE, Mode, RestorePlan
from toolkit.postgres.restore.transaction import restore as restore_into
from toolkit.postgres.session.connection import explaining, session
from toolkit.postgres.stage.request import Request
from toolkit.storage.repository import Repository

ASKED = ("mode", "businesses", "identity", "rename", "drop_columns", "defaults", "triggers")
"""The arguments of a restore by which the same plan can be made again."""

Kept = dict[str, tuple[int, int, int]]
"""By table how many rows are kept, and the two sums over their keys."""


def asked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a restore was asked for, as one of its facts."""
    return {name: arguments[name] for name in ASKED if arguments.get(name)}


def asked_of(after: Mapping[str, Any], manifest: Manifest) -> Mapping[str, Any]:
    """What a restore of a backup was asked for, out of its facts; InputError for other facts."""
    request = after.get("request")
    if not isinstance(request, Mapping) or after.get("label") != manifest.metadata.label:
        text = f"say what `register` holds of the restore of {manifest.metadata.label}"
        raise InputError([Problem(path="verify.after", message=text)])
    return request


@contextmanager
def staying_committed(done: str) -> Iterator[None]:
    """Inside, something is committed: what fails, and Ctrl-C, is told as what it is."""
    try:
        yield
    except PlaybackError as error:
        raise CommittedError(f"{done}; after that: {error.message}", hint=error.hint) from error
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; {done}") from error


def beyond_kept(
    after: Mapping[str, Any], host: Host, repository: Repository, manifest: Manifest, context: Context
) -> tuple[str, ...]:
    """In what a database differs from a backup beyond the rows that a restore has kept, as sentences.

    The restore is planned again: it must find nothing to do, and keep the same rows.

    Args:
        after: the facts of that restore.

    Raises:
        InputError: these are not the facts of a restore of this backup.
    """
    plan = _planned(asked_of(after, manifest), host, repository, manifest, context)
    return (*_undone(plan), *_others(_kept_then(after), _kept_now(plan)))


def _planned(
    request: Mapping[str, Any], host: Host, repository: Repository, manifest: Manifest, context: Context
) -> RestorePlan:
    catalog, conninfo = catalog_of(context, host), conninfo_of(context, host)
    # an identity that was made anew is this device's own by now
    identity = "auto" if request.get("identity") == "new" else request.get("identity")
    arguments = {"identity": identity, "scratch": host.name.startswith("embedded:")}
    wanted = Request(
        catalog=catalog,
        manifest=manifest,
        mode=Mode(request["mode"]),
        rows_of=rows_reader(repository, manifest.metadata.label),
        device=device_request(replace(context, host=host), catalog, arguments),
        answers=answers_of(request),
        businesses=names(request.get("businesses")),
        check=True,
    )
    with explaining(conninfo):
        return restore_into(lambda: session(conninfo, application="playback verify"), wanted, context.progress)


def _undone(plan: RestorePlan) -> Iterator[str]:
    for name, table in plan.tables.items():
        if table.changes:
            yield f"{name}: {table.changes} rows differ that the restore has not kept"
    yield from (f"conflict in {conflict}" for conflict in plan.conflicts)


def _others(then: Kept, now: Kept) -> Iterator[str]:
    for name in sorted({*then, *now}):
        before, after = then.get(name, (0, 0, 0)), now.get(name, (0, 0, 0))
        if before != after:
            yield f"{name}: the restore kept {before[0]} rows, and {after[0]} differ now, which are not the same ones"


def _kept_then(after: Mapping[str, Any]) -> Kept:
    return _summed((each["table"], each["reason"], each["rows"], each["digest"]) for each in after["kept_rows"])


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
