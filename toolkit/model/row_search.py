"""Rows that were looked for by what a person typed."""

from __future__ import annotations

from msgspec import Struct

from toolkit.model.explanation import LONGEST


class FoundRow(Struct, frozen=True, kw_only=True):
    """A row that was found.

    Attributes:
        key: the text of its key, long values cut short; None for NULL.
        columns: the columns of the key.
        unique: whether the key tells the row apart; else it is all columns, and the row is named by them.
        column: where the text stands; empty for a row that was found by its key.
        value: what stands there, cut short.
    """

    table: str
    columns: tuple[str, ...]
    key: tuple[str | None, ...]
    unique: bool = True
    column: str = ""
    value: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What names the row for `explain`; empty where nothing does: a value that is NULL, or is not shown whole."""
        if any(value is None or len(value) >= LONGEST for value in self.key):
            return ()
        named = zip(self.columns, self.key, strict=True)
        return tuple(str(value) if self.unique else f"{name}={value}" for name, value in named)


class RowSearch(Struct, frozen=True, kw_only=True):
    """What came of a search.

    Attributes:
        more: there are further rows, which are not listed.
        by_key, by_text: the tables that were searched by their keys, and in their text columns.
        unsearched: table → why it was not looked into, or not to its end.
    """

    text: str
    rows: tuple[FoundRow, ...]
    more: bool
    by_key: tuple[str, ...]
    by_text: tuple[str, ...]
    unsearched: dict[str, str]
