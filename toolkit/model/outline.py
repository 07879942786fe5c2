"""What lists say of a backup: the part of a manifest that does not grow with its tables."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from toolkit.model.manifest import Manifest, Metadata


class Outline(Struct, frozen=True, kw_only=True):
    """The outline of a backup.

    Attributes:
        checksum: of its manifest.
        businesses: the tenants in it, key → label.
        put_aside: of a backup made of a file, as in the manifest.
    """

    metadata: Metadata
    checksum: str
    businesses: Mapping[str, str] = {}
    put_aside: Mapping[str, int] = {}


def outline_of(manifest: Manifest) -> Outline:
    """Give the outline of a manifest."""
    return Outline(
        metadata=manifest.metadata,
        checksum=manifest.checksum,
        businesses=manifest.selection.tenants,
        put_aside=manifest.put_aside,
    )
