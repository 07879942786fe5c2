"""Which backup is meant by `latest`, a label, or a description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from toolkit.errors import InputError, RefusedError
from toolkit.model.manifest import Manifest, Published, published_of
from toolkit.planning.clock import instant, is_future


def choose(manifests: Iterable[Manifest], wanted: str | Mapping[str, Any], *, host: str, now: datetime) -> Manifest:
    """The backup that is meant.

    Args:
        wanted: `latest` (the host's newest), a label, or a mapping of job, scope, host and tags (the newest of those).
        host: the host whose `latest` is meant.
        now: an aware time.

    Raises:
        InputError: there is none, or several jobs or scopes qualify.
        RefusedError: the newest is dated in the future, so nobody knows which one really is.
    """
    known = list(manifests)
    if isinstance(wanted, str) and wanted != "latest":
        for manifest in known:
            if manifest.metadata.label == wanted:
                return manifest
        raise InputError(f"there is no backup {wanted}", hint="`invoke backups` lists the backups there are")
    criteria = {} if isinstance(wanted, str) else dict(wanted)
    fitting = [manifest for manifest in known if _fits(published_of(manifest), criteria, host)]
    if not fitting:
        described = ", ".join(f"{name} {value}" for name, value in {"host": host, **criteria}.items())
        raise InputError(f"there is no backup of {described}", hint="`invoke backups` lists the backups there are")
    kinds = {_kind(manifest) for manifest in fitting}
    if len(kinds) > 1:
        raise InputError(
            f"several jobs or scopes have backups of host {criteria.get('host', host)}: {'; '.join(sorted(kinds))}",
            hint="say which: `from: {job: …, scope: …}`, or give the label",
        )
    newest = max(fitting, key=lambda manifest: (manifest.metadata.timestamp, manifest.metadata.label))
    if is_future(instant(newest.metadata.timestamp), now):
        raise RefusedError(
            f"the newest of the backups that are meant, {newest.metadata.label}, is dated in the future:"
            f" {newest.metadata.timestamp}, while it is {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} here",
            hint="set the clock right that is wrong, or name the backup by its label; `invoke backups` lists them",
        )
    return newest


def may_be_meant(published: Published | None, wanted: str | Mapping[str, Any], *, host: str) -> bool:
    """Whether a backup of which only that is known, or nothing, could be among those that are meant."""
    return published is None or _fits(published, {} if isinstance(wanted, str) else wanted, host)


def _fits(backup: Published, criteria: Mapping[str, Any], host: str) -> bool:
    tags: Sequence[str] = criteria.get("tags") or ()
    tags = (tags,) if isinstance(tags, str) else tags
    return (
        backup.host == criteria.get("host", host)
        and criteria.get("job", backup.job) == backup.job
        and criteria.get("scope", backup.scope) == backup.scope
        and set(tags) <= set(backup.tags)
    )


def _kind(manifest: Manifest) -> str:
    metadata = manifest.metadata
    named = ", ".join(metadata.business_filter.business_ids) or "all businesses"
    return f"job {metadata.job}, {metadata.backup_type} ({named}, demo {metadata.business_filter.demo})"
