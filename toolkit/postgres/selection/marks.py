"""Why a row is taken (a to d of docs/design.md#what-a-scope-takes), as the column `why` of a table of ids says it."""

from __future__ import annotations

from enum import StrEnum


class Mark(StrEnum):
    """The reasons for which a row is taken.

    Attributes:
        OWNED: a selected tenant owns the row.
        SHARED: its table is shared.
        UNOWNED: nobody owns it, or, in a `referenced` table, nobody points at it.
        REFERENCED: only because a taken row points at it.
    """

    OWNED = "o"
    SHARED = "s"
    UNOWNED = "u"
    REFERENCED = "r"
