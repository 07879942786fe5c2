"""What a person may choose within a form."""

from __future__ import annotations

from msgspec import Struct


class CsvOptions(Struct, frozen=True, kw_only=True):
    """How CSV is written.

    Attributes:
        null: what stands for NULL.
        bom: every file begins with a byte order mark.
        safe: no cell is a formula.
    """

    null: str = ""
    bom: bool = False
    safe: bool = False
