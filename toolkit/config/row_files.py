"""Rows that a person wrote in a CSV, YAML or JSON file, or in a playbook."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from toolkit.config import document
from toolkit.config.document import show_file
from toolkit.errors import InputError, Problem
from toolkit.model.seeding import LEFT_OUT, RowSource
from toolkit.wording import counted

_LIMIT = 25
"""Up to so many problems of one file are listed."""
_FIELD = 2**31 - 1
"""The longest field, in characters; what a C long holds on every system."""


def open_rows(path: Path, *, control: Path) -> RowSource:
    """Give the rows of a file; its ending says what is in it: .csv, .tsv, .yml, .yaml or .json.

    A CSV file is read through once here, and each time that its rows are asked for.

    Raises:
        InputError: it cannot be read, or is not what it should be; with every bad row.
    """
    file = show_file(path, control)
    ending = path.suffix.lower()
    if ending in (".csv", ".tsv"):
        return _CsvRows.opened(path, file=file, delimiter="\t" if ending == ".tsv" else ",")
    if ending not in (".yml", ".yaml", ".json"):
        raise InputError([Problem(file=file, message="what is in it shows in its ending: .csv, .tsv, .yml or .json")])
    read = document.read(path, control=control, values_at=2)
    if not isinstance(read.value, list) or not all(isinstance(row, dict) for row in read.value):
        raise InputError([Problem(file=file, message="a list of rows is needed, each with its columns and values")])
    return MappedRows(read.value, lines=[read.line((number,)) for number in range(len(read.value))], file=file)


class MappedRows:
    """Rows that are there as mappings, each with the columns that it gives."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], *, lines: Sequence[int] = (), file: str = "") -> None:
        self._rows = rows
        self._lines = lines or range(1, len(rows) + 1)
        self._file = file
        self.columns: tuple[str, ...] = tuple(dict.fromkeys(name for row in rows for name in row))

    def rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Give every row."""
        for line, row in zip(self._lines, self._rows, strict=True):
            yield line, [row.get(name, LEFT_OUT) for name in self.columns]

    def problem(self, line: int, column: str, message: str) -> Problem:
        """Give a problem with its place: of a file its line, in a playbook the row's number."""
        if self._file:
            return Problem(file=self._file, line=line, path=column, message=message)
        path = f"seed.rows[{line - 1}]{f'.{column}' if column else ''}" if line else "seed.rows"
        return Problem(path=path, message=message)


class _CsvRows(Struct, frozen=True, kw_only=True):
    """The rows of a CSV file. An empty field is no value."""

    path: Path
    file: str
    delimiter: str
    columns: tuple[str, ...] = field(default=())

    @classmethod
    def opened(cls, path: Path, *, file: str, delimiter: str) -> _CsvRows:
        with _read(path, file, delimiter) as lines:
            header = next(lines, None)
            columns = tuple(name.strip() for name in header[1]) if header else ()
            problems = list(_header_problems(file, columns, delimiter))
            for line, fields in () if problems else lines:
                if len(fields) != len(columns):
                    what = f"{counted(len(fields), 'field')} where the header has {len(columns)}"
                    problems.append(Problem(file=file, line=line, message=what))
                if len(problems) > _LIMIT:
                    problems[-1] = Problem(file=file, message=f"only the first {_LIMIT} problems are listed")
                    break
        if problems:
            raise InputError(problems)
        return cls(path=path, file=file, delimiter=delimiter, columns=columns)

    def rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Give every row, read as it is asked for."""
        with _read(self.path, self.file, self.delimiter) as lines:
            next(lines)
            for line, fields in lines:
                yield line, [text or None for text in fields]

    def problem(self, line: int, column: str, message: str) -> Problem:
        """Give a problem with its place; one of no row stands in the header."""
        return Problem(file=self.file, line=line or 1, path=column, message=message)


@contextmanager
def _read(path: Path, file: str, delimiter: str) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """The lines of a CSV file that are not empty, each with the number of the line on which it begins."""
    csv.field_size_limit(_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield _lines(stream, file, delimiter)
    except OSError as error:
        raise InputError([Problem(file=file, message=document.unreadable(path, error))]) from error


def _lines(stream: Iterable[str], file: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        first = reader.line_num + 1
        try:
            fields = next(reader, None)
        except UnicodeDecodeError as error:
            raise InputError([Problem(file=file, line=first, message="not UTF-8; save the file as UTF-8")]) from error
        except csv.Error as error:
            raise InputError([Problem(file=file, line=first, message=f"not valid CSV: {error}")]) from error
        if fields is None:
            return
        if fields:
            yield first, fields


def _header_problems(file: str, columns: Sequence[str], delimiter: str) -> Iterator[Problem]:
    if not columns:
        yield Problem(file=file, line=1, message="the first line has to name the columns")
        return
    if len(columns) == 1 and delimiter == "," and ";" in columns[0]:
        yield Problem(file=file, line=1, message="the fields are separated by semicolons; save the file with commas")
    for number, name in enumerate(columns, start=1):
        if not name:
            yield Problem(file=file, line=1, message=f"column {number} has no name")
        elif name in columns[: number - 1]:
            yield Problem(file=file, line=1, path=name, message="the column is there twice")
