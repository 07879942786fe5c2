"""A plan as a person has seen it: its numbers, and sums over its rows, by which another plan can be told from it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class SeenTable(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a plan does to one table; a number that is 0 is left out.

    Attributes:
        kept: rows that stay although they differ from the backup, or would have to go.
        put_aside: rows of the backup that are put aside.
        rows: a sum over all these rows, with the values that they have and get.
    """

    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    set_null: int = 0
    kept: int = 0
    put_aside: int = 0
    rows: str = ""


class Seen(Struct, frozen=True, kw_only=True):
    """A whole plan, as far as something happens.

    Attributes:
        digest: of all that follows.
        tables: those of which rows change or are kept.
        device: a digest of what becomes of the device.
    """

    digest: str
    tables: Mapping[str, SeenTable] = field(default_factory=dict)
    device: str = ""
