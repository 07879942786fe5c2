"""Rows as COPY text, taken apart and put together: the form in which a repository holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable


def key_values(row: bytes, positions: tuple[int, ...]) -> tuple[str | None, ...]:
    r"""Give the COPY text of the values at these positions of a row; None for NULL (`\N`)."""
    ends = len(row) - row.endswith(b"\n")
    values: list[bytes] = []
    start = 0
    for _ in range(max(positions, default=-1) + 1):  # no further: a row can be long, and its key is not
        end = row.find(b"\t", start, ends)
        values.append(row[start : end if end >= 0 else ends])
        start = end + 1
    return tuple(None if values[place] == rb"\N" else values[place].decode() for place in positions)


def key_text(row: bytes, positions: tuple[int, ...]) -> bytes:
    """Give what tells a row by the values at these positions."""
    fields = row.removesuffix(b"\n").split(b"\t", max(positions) + 1)
    return b"\t".join([fields[place] for place in positions])


_ESCAPES = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {escape[1]: character for character, escape in _ESCAPES.items()}


def values(row: bytes) -> list[str | None]:
    r"""Give the values of a row of COPY text; None for NULL."""
    fields = row.removesuffix(b"\n").decode().split("\t")
    return [None if field == r"\N" else _ESCAPED.sub(lambda found: _MEANT[found[1]], field) for field in fields]


def copy_text(row: Iterable[str | None]) -> bytes:
    """Values as a row of COPY text, with its newline: the reverse of `values`."""
    escaping = str.maketrans(_ESCAPES)
    return "\t".join(r"\N" if value is None else value.translate(escaping) for value in row).encode() + b"\n"
