"""Which backup is meant by `latest`, a label, or a description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toolkit.errors import InputError
from toolkit.model.manifest import Manifest


def choose(manifests: Iterable[Manifest], wanted: str | Mapping[str, Any], *, host: str) -> Manifest:
    """The backup that is meant.

    Args:
        wanted: `latest` (the host's newest), a label, or a mapping of job, scope, host and tags (the newest of those).
        host: the host whose `latest` is meant.

    Raises:
        InputError: there is none, or several jobs or scopes qualify.
    """
    known = list(manifests)
    if isinstance(wanted, str) and wanted != "latest":
        for manifest in known:
            if manifest.metadata.label == wanted:
                return manifest
        raise InputError(f"there is no backup {wanted}", hint="`invoke backups` lists the backups there are")
    criteria = {} if isinstance(wanted, str) else dict(wanted)
    fitting = [manifest for manifest in known if _fits(manifest, criteria, host)]
    if not fitting:
        described = ", ".join(f"{name} {value}" for name, value in {"host": host, **criteria}.items())
        raise InputError(f"there is no backup of {described}", hint="`invoke backups` lists the backups there are")
    kinds = {_kind(manifest) for manifest in fitting}
    if len(kinds) > 1:
        raise InputError(
            f"several jobs or scopes have backups of host {criteria.get('host', host)}: {'; '.join(sorted(kinds))}",
            hint="say which: `from: {job: …, scope: …}`, or give the label",
        )
    return max(fitting, key=lambda manifest: (manifest.metadata.timestamp, manifest.metadata.label))


def _fits(manifest: Manifest, criteria: Mapping[str, Any], host: str) -> bool:
    metadata = manifest.metadata
    tags: Sequence[str] = criteria.get("tags") or ()
    tags = (tags,) if isinstance(tags, str) else tags
    return (
        metadata.host == criteria.get("host", host)
        and criteria.get("job", metadata.job) == metadata.job
        and criteria.get("scope", metadata.backup_type) == metadata.backup_type
        and set(tags) <= set(metadata.tags)
    )


def _kind(manifest: Manifest) -> str:
    metadata = manifest.metadata
    named = ", ".join(metadata.business_filter.business_ids) or "all businesses"
    return f"job {metadata.job}, {metadata.backup_type} ({named}, demo {metadata.business_filter.demo})"
