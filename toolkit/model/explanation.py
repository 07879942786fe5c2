"""What can be said about one row: whose it is, whether a scope takes it and why, and what hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from toolkit.model.catalog import TableRule

LONGEST = 200
"""Characters of a value of a key that are shown."""


class RowMark(StrEnum):
    """The reason for which a scope takes a row (a to d of docs/design.md#what-a-scope-takes)."""

    OWNED = "owned"
    SHARED = "shared"
    UNOWNED = "unowned"
    REFERENCED = "referenced"


class RowKey(Struct, frozen=True, kw_only=True):
    """A row by its table and the text of its key (long values cut short; None for NULL)."""

    table: str
    values: tuple[str | None, ...]

    def __str__(self) -> str:
        return key_text(self.values)

    @property
    def whole(self) -> bool:
        """Whether the values name the row: none is NULL, none was cut short."""
        return all(value is not None and len(value) < LONGEST for value in self.values)


def key_text(values: tuple[str | None, ...]) -> str:
    """Give a key for people: its values separated by commas, on one line."""
    return ", ".join("NULL" if value is None else " ".join(value.split()) or "''" for value in values)


class PathStep(Struct, frozen=True, kw_only=True):
    """One step from a row to the row that owns it: `columns` of the one equal `owner_columns` of the other."""

    row: RowKey
    columns: tuple[str, ...]
    owner: RowKey
    owner_columns: tuple[str, ...]


class Owner(Struct, frozen=True, kw_only=True):
    """A tenant that owns a row.

    Attributes:
        demo: whether it is a demo tenant.
        selected: whether the scope selects it.
        path: one of the shortest ways from the row to the tenant; empty for the tenant's own row.
    """

    tenant: str
    label: str
    demo: bool
    selected: bool
    path: tuple[PathStep, ...]


class Pointing(Struct, frozen=True, kw_only=True):
    """Rows of a table that point at a row by one reference.

    Attributes:
        rows: how many there are.
        taken: how many of them the scope takes.
        samples: keys of the first of them, those that are taken first.
    """

    table: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    rows: int
    taken: int
    samples: tuple[RowKey, ...]


class Brought(Struct, frozen=True, kw_only=True):
    """Rows of a table that a row brings in: it points at them, directly or through others.

    Attributes:
        rows: how many there are.
        only_referenced: how many of them the scope takes for no other reason.
        samples: keys of the nearest of them.
    """

    table: str
    rows: int
    only_referenced: int
    samples: tuple[RowKey, ...]


class Explanation(Struct, frozen=True, kw_only=True):
    """Everything about one row under one scope.

    Attributes:
        key: the row's key, column → text.
        values: what stands in its columns, column → text, long values cut short; those with secrets are left out.
        rule: how its table is classified; None when the catalog file does not say.
        owners: every tenant that owns it, by key.
        mark: why the scope takes it; None when it does not.
        reasons: sentences that say why it is taken, or why it is not.
    """

    table: str
    key: Mapping[str, str | None]
    values: Mapping[str, str | None]
    rule: TableRule | None
    owners: tuple[Owner, ...]
    mark: RowMark | None
    reasons: tuple[str, ...]
    pointing: tuple[Pointing, ...] = field(default=())
    brings: tuple[Brought, ...] = field(default=())
