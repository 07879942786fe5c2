"""What is on stage of a table of a backup."""

from __future__ import annotations

from msgspec import Struct

from toolkit.postgres.schema.relation import Relation
from toolkit.postgres.schema.row_sources import Rows, Temporary


class Staged(Struct, frozen=True):
    """One staged table.

    Attributes:
        names: the columns that the backup has values of.
        bytes: of the staged rows as they were stored.
        added: further columns, whose values only rows that are inserted get.
        beyond: where only those rows of the backup are staged that the target does not have exactly so: the ids of
            those rows of the target, of all that were compared, that the backup does not have exactly so, less rows
            that have by its text the key of a staged one. None where all rows of the backup are staged.
        compared: the ids of the rows of the target that were compared then; None for all.
    """

    table: Temporary
    names: tuple[str, ...]
    bytes: int
    added: tuple[str, ...] = ()
    beyond: Rows | None = None
    compared: Rows | None = None

    @property
    def whole(self) -> bool:
        """Whether all rows of the backup are staged."""
        return self.beyond is None

    @property
    def relation(self) -> Relation:
        """The staged rows, to be selected from like any table."""
        return Relation(self.table, rows=self.table.rows, bytes=self.bytes)
