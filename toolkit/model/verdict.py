"""What a verification found."""

from __future__ import annotations

from msgspec import Struct

from toolkit.wording import counted


class TableVerdict(Struct, frozen=True, kw_only=True):
    """One table of a backup beside the database, in rows.

    Attributes:
        rows: rows of the backup.
        missing: rows of the backup that the database lacks.
        extra: rows of the scope that the backup lacks.
        changed: rows whose key is in both and whose text differs.
        samples: the first keys of missing and changed rows, then of extra ones.
        reason: why rows could not be compared at all, e.g. a missing table.
    """

    table: str
    rows: int
    missing: int = 0
    extra: int = 0
    changed: int = 0
    samples: tuple[str, ...] = ()
    reason: str = ""

    @property
    def exact(self) -> bool:
        """True when the rows of the scope are exactly those of the backup."""
        return not (self.missing or self.extra or self.changed or self.reason)

    def __str__(self) -> str:
        if self.exact:
            return f"{self.table}: exact, {counted(self.rows, 'row')}"
        if self.reason:
            return f"{self.table}: differs: {self.reason}"
        keys = f", first keys: {'; '.join(self.samples)}" if self.samples else ""
        counts = f"{self.missing} missing, {self.extra} extra, {self.changed} changed"
        return f"{self.table}: differs: {counts}{keys}"
