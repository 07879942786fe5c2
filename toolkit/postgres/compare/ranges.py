"""A table of a database, read once in the order of a backup, beside the chunks of the backup: only rows that differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toolkit.model.manifest import TableEntry
from toolkit.model.schema import Table
from toolkit.planning.chunking import cut
from toolkit.planning.copy_text import key_values
from toolkit.planning.ranges import Differing, Fetch, Key, differing
from toolkit.planning.row_order import sort_key, stored_key, told_apart_alike
from toolkit.postgres.schema.relation import Relation
from toolkit.postgres.schema.row_sources import FEW, Rows

SMALL_ROWS = 1000
"""So many rows are read to be compared however few the backup has."""


def may_be_laid_beside(
    recorded: Table | None, entry: TableEntry, table: Table, target: Relation, taken: Rows | None
) -> bool:
    """Tell whether the rows of a table show by their text which of them a backup has, and reading them is worth it.

    That is so where they have the same columns and the same key. Rows without a key count as often as they occur, in
    the whole table.

    Args:
        recorded: the table where the backup was made.
        taken: the rows that are compared; None for all.
    """
    if entry.rows and not entry.chunks:  # its rows were changed, or come from elsewhere
        return False
    if recorded is None or not told_apart_alike(recorded, table) or (taken is not None and not sort_key(table).unique):
        return False
    if [column.name for column in table.stored_columns] != [column.name for column in entry.columns]:
        return False
    rows = target.rows if taken is None else taken.rows or 0
    # of a table with a limit it has to be known which rows are its last
    return entry.cutoff is None and rows <= FEW * max(entry.rows, SMALL_ROWS)


def differing_rows(
    batches: Iterable[Sequence[memoryview]], table: Table, entry: TableEntry, fetch: Fetch
) -> Differing | None:
    """Give the rows that not both a table and a backup have; None where more differs than can be held.

    Args:
        batches: the rows of the table, in repository order.
        fetch: gives rows of the backup, chunk by chunk.
    """
    names = [column.name for column in table.stored_columns]
    positions = tuple(names.index(column.name) for column in stored_key(table))

    def key_of(row: bytes) -> Key:
        return key_values(row, positions)

    return differing(cut(batches), entry, fetch, key_of)
