"""What the rows of a chunk have to be beside having the right SHA-256: rows, and those that the manifest tells of."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.model.manifest import Chunk, TableEntry

_END = b"\\.\n"
"""A line that ends the rows of a COPY, whatever follows; no row looks like it."""


class RowCount:
    """Counts rows that come piece by piece, and sees what cannot be one."""

    def __init__(self) -> None:
        self.rows = 0
        self._tail = b"\n"
        self._ended = False

    def add(self, piece: bytes) -> None:
        """Take in what follows."""
        self.rows += piece.count(b"\n")
        near = self._tail + piece[: len(_END)]
        self._ended = self._ended or b"\n" + _END in near or b"\n" + _END in piece
        self._tail = (self._tail + piece)[-len(_END) :] if len(piece) < len(_END) else piece[-len(_END) :]

    def problem(self, chunk: Chunk) -> str:
        """Give what is wrong with all that came; empty when nothing is."""
        if self.rows != chunk.rows or not self._tail.endswith(b"\n"):
            half = "" if self._tail.endswith(b"\n") else " and the beginning of another"
            return f"holds {self.rows} rows{half}, but the manifest says {chunk.rows}"
        if self._ended:
            return "holds a line that ends the rows of a table, which no row is"
        return ""


def problem_of(rows: bytes, chunk: Chunk, entry: TableEntry | None = None) -> str:
    """Give what is wrong with the rows of a chunk of a table; empty when nothing is."""
    count = RowCount()
    count.add(rows)
    return count.problem(chunk) or (_values_problem(rows, chunk, entry) if entry else "")


def _values_problem(rows: bytes, chunk: Chunk, entry: TableEntry) -> str:
    tabs, expected = rows.count(b"\t"), chunk.rows * max(0, len(entry.columns) - 1)
    if tabs != expected:
        return f"holds {tabs + chunk.rows} values, but the manifest's columns give {expected + chunk.rows}"
    positions = {column.name: number for number, column in enumerate(entry.columns)}
    key = [positions[each.column] for each in entry.key]
    last = rows.rfind(b"\n", 0, -1) + 1
    for which, begin, said in (("first", 0, chunk.first), ("last", last, chunk.last)):
        found = _key(rows[begin : rows.index(b"\n", begin)], key)
        if found != tuple(said):
            return f"begins or ends with another row than the manifest says: the {which} one has the key {found}"
    return ""


def _key(row: bytes, positions: Sequence[int]) -> tuple[str | None, ...]:
    values = row.split(b"\t")
    texts = (values[position] for position in positions)
    return tuple(None if text == b"\\N" else text.decode("utf-8", errors="replace") for text in texts)
