"""CSV as of RFC 4180, one file per table: for spreadsheets, for programs, and for `COPY … (FORMAT csv, HEADER)`."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import BinaryIO

from toolkit import wording
from toolkit.formats.contents import Contents, ExportedTable, Target
from toolkit.formats.file_names import file_names
from toolkit.formats.options import CsvOptions
from toolkit.formats.readme import readme
from toolkit.formats.targets import README
from toolkit.planning.copy_text import values

_LINE = "\r\n"
_QUOTED = re.compile(r'[",\r\n]|^[ \t]|[ \t]$')
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision", "money"})


class CsvForm:
    """Writes a file per table, and the README."""

    def __init__(self, options: CsvOptions) -> None:
        self._options = options
        self._formulas = 0

    def write(self, contents: Contents, target: Target) -> None:
        """Write all of them."""
        names = file_names((table.name for table in contents.tables), ".csv")
        for table in contents.tables:
            with target.file(names[table.name]) as file:
                self._table(table, file)
        called = {table: target.called(name) for table, name in names.items()}
        with target.file(README) as file:
            file.write(readme(contents, called, self._how()))

    def remarks(self) -> Sequence[str]:
        """Say whether spreadsheets will find formulas."""
        if not self._formulas:
            return ()
        cells = wording.counted(self._formulas, "cell")
        if self._options.safe:
            return (f"{cells} that a spreadsheet would take for a formula got a ' in front",)
        return (
            f"{cells} of text begin with =, +, - or @, which a spreadsheet takes for a formula;"
            " `safe_for_spreadsheets: true` puts a ' in front of them",
        )

    def _how(self) -> Sequence[str]:
        null = self._options.null
        safe = "A text that begins with =, +, -, @, a tab or a carriage return has a ' in front, which is not its own."
        marked = " with a byte order mark" if self._options.bom else ""
        stands = f"the text {null} without quotes" if null else "nothing at all between two commas"
        other = "that text itself is in quotes" if null else 'the empty text is a pair of quotes ("")'
        return (
            f"UTF-8{marked}, comma-separated, lines end with CR LF, as of RFC 4180; the first line names the columns.",
            f"NULL is {stands}; {other}.",
            "Truth values are t and f. Numbers have a point and no separators. Times are of ISO 8601 with a space"
            " before the hour, those with a zone in UTC. Binary values are hexadecimal behind \\x. Arrays, ranges,"
            " composite and all other values are as PostgreSQL writes them.",
            *([safe] if self._options.safe else []),
            "A row of a single column that is NULL is an empty line, which some programs pass over.",
            f"Back into PostgreSQL: \\copy TABLE (COLUMNS) FROM 'FILE' WITH (FORMAT csv, HEADER, NULL '{null}')",
        )

    def _table(self, table: ExportedTable, file: BinaryIO) -> None:
        if self._options.bom:
            file.write(codecs.BOM_UTF8)
        file.write(self._row([column.name for column in table.columns]).encode())
        texts = [re.sub(r"\(.*\)$", "", column.type) not in _NUMBERS for column in table.columns]
        for data in table.read():
            file.write("".join(self._row(values(line), texts) for line in data.splitlines()).encode())

    def _row(self, row: Sequence[str | None], texts: Sequence[bool] = ()) -> str:
        null = self._options.null
        cells = []
        for place, value in enumerate(row):
            cell = null if value is None else value
            if value and texts and value.startswith(_FORMULA) and texts[place]:
                self._formulas += 1
                cell = f"'{value}" if self._options.safe else value
            if value is not None and (cell in ("", null, "\\.") or _QUOTED.search(cell)):
                doubled = cell.replace('"', '""')
                cell = f'"{doubled}"'
            cells.append(cell)
        return ",".join(cells) + _LINE
