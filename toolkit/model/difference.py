"""What differs between two states of an application, table by table."""

from __future__ import annotations

from msgspec import Struct

from toolkit.model.plan import RowSample


class TableDifference(Struct, frozen=True, kw_only=True):
    """One table, in rows: how the later state comes from the earlier one.

    Attributes:
        unchanged: rows that both have exactly so; None where nobody has counted them.
        samples: the first rows of each kind by key, where they were asked for.
        reason: why rows could not be compared; empty where they were.
    """

    table: str
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    unchanged: int | None = None
    samples: tuple[RowSample, ...] = ()
    reason: str = ""

    @property
    def changes(self) -> int:
        """Rows that differ."""
        return self.inserts + self.updates + self.deletes


class Difference(Struct, frozen=True, kw_only=True):
    """All that differs.

    Attributes:
        notes: what differs beside rows, as sentences.
        remarks: what else has to be known; no differences.
        chunks: how many chunks of backups the compared tables have, and how many of them were read.
    """

    tables: tuple[TableDifference, ...]
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    chunks: tuple[int, int] = (0, 0)

    @property
    def nothing(self) -> bool:
        """Whether both are the same, in all that was compared."""
        return not self.notes and not any(table.changes or table.reason for table in self.tables)
