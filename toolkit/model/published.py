"""What is noted of a backup beside its manifest: which one it is, for those who look for one among many."""

from __future__ import annotations

import msgspec

from toolkit.model.manifest import Manifest


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `published/<label>.json`.

    Attributes:
        businesses: those that were named; none where all were meant.
    """

    checksum: str
    host: str
    job: str
    scope: str
    time: str
    demo: str
    businesses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def published_of(manifest: Manifest) -> Published:
    """Give what is noted of a backup."""
    metadata = manifest.metadata
    return Published(
        checksum=manifest.checksum,
        host=metadata.host,
        job=metadata.job,
        scope=metadata.backup_type,
        time=metadata.timestamp,
        demo=metadata.business_filter.demo,
        businesses=tuple(metadata.business_filter.business_ids),
        tags=tuple(metadata.tags),
    )
