"""The forms of exports by the names that playbooks have for them."""

from __future__ import annotations

from enum import StrEnum

from toolkit.formats.contents import Form
from toolkit.formats.options import CsvOptions, JsonOptions


class Format(StrEnum):
    """A form of an export."""

    SQL = "sql"
    COPY = "copy"
    CSV = "csv"
    JSON_LINES = "jsonl"
    JSON_BACKUP = "json-2.0"

    @property
    def is_sql(self) -> bool:
        """Whether a database loads it as it is."""
        return self in {Format.SQL, Format.COPY}

    @property
    def several_files(self) -> bool:
        """Whether it has a file for each table."""
        return self in {Format.CSV, Format.JSON_LINES}


def form_of(wanted: Format, options: CsvOptions, backup: JsonOptions) -> Form:
    """Give what writes a form, with the options of those forms that have some."""
    match wanted:
        case Format.SQL | Format.COPY:
            from toolkit.formats.sql import SqlForm  # noqa: PLC0415 - one of them is needed

            return SqlForm(copy=wanted is Format.COPY)
        case Format.CSV:
            from toolkit.formats.csv_files import CsvForm  # noqa: PLC0415

            return CsvForm(options)
        case Format.JSON_LINES:
            from toolkit.formats.json_lines import JsonLinesForm  # noqa: PLC0415

            return JsonLinesForm()
        case Format.JSON_BACKUP:
            from toolkit.formats.json_backup import JsonBackupForm  # noqa: PLC0415

            return JsonBackupForm(backup)
