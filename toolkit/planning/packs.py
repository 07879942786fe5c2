"""Which packs of earlier backups a backup uses on, and which of its chunks are stored anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from toolkit.model.manifest import Place
from toolkit.planning.chunking import MIB

PACKED = 64 * 1024
"""A chunk whose stored form has fewer bytes goes into a pack."""

PACK_SIZE = 4 * MIB
"""Bytes that a pack has at most as it is written: about those of a chunk that is a file of its own."""

_LITTLE = PACK_SIZE // 16
"""Bytes below which a pack is one of those that are put together when there are many."""

_MANY = 16


def used_on(wanted: Mapping[str, Collection[Place]]) -> dict[str, Place]:
    """Give for chunks that stand in packs already the place where the backup uses them.

    A pack of which the backup needs less than half is not used on, so that no more is kept for it than twice what it
    needs, however long it is kept; nor are little packs when there are many, so that it is read by few requests.

    Args:
        wanted: chunk id → where it stands.

    Returns:
        Chunk id → one of its places; those that are to be stored anew are missing.
    """
    inside: dict[str, dict[str, Place]] = {}
    for identity, places in wanted.items():
        for place in places:
            inside.setdefault(place.pack, {})[identity] = place
    found: dict[str, Place] = {}
    sizes: dict[str, int] = {}
    for pack in sorted(inside, key=lambda each: (-_stored(inside[each].values()), each)):
        left = {identity: place for identity, place in inside[pack].items() if identity not in found}
        size = next(iter(inside[pack].values())).size
        if left and 2 * _stored(left.values()) >= size:
            found |= left
            sizes[pack] = size
    little = {pack for pack, size in sizes.items() if size < _LITTLE}
    if len(little) <= _MANY:
        return found
    return {identity: place for identity, place in found.items() if place.pack not in little}


def _stored(places: Collection[Place]) -> int:
    return sum(place.stored for place in places)
