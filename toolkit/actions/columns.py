"""Tables as aligned plain text, the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> list[str]:
    """The lines of a table.

    Args:
        header: the columns' names.
        right: names of columns whose values are aligned to the right (numbers).
    """
    body = [list(row) for row in rows]
    widths = [max(len(row[index]) for row in [list(header), *body]) for index in range(len(header))]
    rights = [name in right for name in header]
    return [_line(row, widths, rights) for row in [list(header), *body]]


def _line(row: Sequence[str], widths: Sequence[int], rights: Sequence[bool]) -> str:
    cells = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(row, widths, rights, strict=True)
    ]
    return "  ".join(cells).rstrip()
