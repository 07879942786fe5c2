"""What a person may choose within a form."""

from __future__ import annotations

from collections.abc import Mapping

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


class JsonOptions(Struct, frozen=True, kw_only=True):
    """What a JSON backup has to know beside its rows.

    Attributes:
        models: what models are called that are called otherwise than their tables → the table.
        businesses: those that were asked for; none for all of the backup.
    """

    models: Mapping[str, str]
    businesses: tuple[str, ...]
