"""Rows of a backup that a restore put aside because the target could not take them."""

from __future__ import annotations

import msgspec


class QuarantinedRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row, as it was backed up.

    Attributes:
        key: the text of its key values, as messages show it.
        sqlstate: what the server says, or would have said, to it.
        constraint: the constraint that stands in the way, where there is one.
        reason: a lower-case fact.
        waits_for: the row that has to be there first, as `table key`; None where it waits for none.
        columns: the text of every column by name, None for NULL.
    """

    table: str
    key: str
    sqlstate: str
    constraint: str
    reason: str
    columns: dict[str, str | None]
    waits_for: str | None = None
