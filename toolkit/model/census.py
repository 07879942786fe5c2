"""What a database has to back up: its tenants with their rows, and the tables that are read only when asked for."""

from __future__ import annotations

from msgspec import Struct


class Business(Struct, frozen=True, kw_only=True):
    """A tenant.

    Attributes:
        name: its label; its key where it has none.
        demo: its demo column is true.
        rows: how many a backup of it alone counts as owned, optional tables left out; None where nobody counted.
    """

    key: str
    name: str
    demo: bool
    rows: int | None = None


class OptionalTable(Struct, frozen=True, kw_only=True):
    """A table that a backup reads only where it is asked to.

    Attributes:
        rows: how many it has; the server's estimate where it is large, None where there is none.
        counted: `rows` is no estimate.
        bytes: its size, without indexes; None where that is not known.
        newest_by: the column by which a limit takes the newest rows; empty where there can be no limit.
    """

    table: str
    rows: int | None
    counted: bool
    bytes: int | None
    newest_by: str = ""


class Census(Struct, frozen=True, kw_only=True):
    """All tenants, by name, and all optional tables that the database has.

    Attributes:
        device_tables: how many tables a full-device backup has beside those of the businesses.
    """

    businesses: tuple[Business, ...]
    optional: tuple[OptionalTable, ...] = ()
    device_tables: int = 0
