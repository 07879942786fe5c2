"""SQL that psql loads into an empty schema whose constraints are in place: `INSERT` statements, or `COPY`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from toolkit import wording
from toolkit.formats.contents import Contents, ExportedTable, Target
from toolkit.planning.load_order import LoadStep, load_steps

STATEMENT_ROWS = 500
STATEMENT_BYTES = 256 << 10
"""A statement has at most so many rows, and about so many bytes."""

AT_ONCE_BYTES = 1 << 20
"""Rows that have to come in one statement do so as they are up to this size; else they gather in a temporary table."""

_SETTINGS = (
    "client_encoding = 'UTF8'",
    "standard_conforming_strings = on",
    "DateStyle = 'ISO, YMD'",
    "IntervalStyle = 'postgres'",
    "TimeZone = 'UTC'",
    "xmloption = content",
    "array_nulls = on",
    "lc_monetary = 'C'",
    "row_security = off",
    "client_min_messages = warning",
)
"""Those under which the rows were written, and what keeps row security from leaving any out in silence."""

_WHOLE = frozenset({"smallint", "integer", "bigint"})
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_VERTICAL_TAB = re.compile(rb"\\(\\|v)")


class SqlForm:
    """Writes SQL.

    Args:
        copy: rows come by `COPY … FROM stdin`, which psql alone takes; else by `INSERT`, which every program does.
    """

    def __init__(self, *, copy: bool) -> None:
        self._copy = copy

    def remarks(self) -> Sequence[str]:
        """Nothing is to be said."""
        return ()

    def write(self, contents: Contents, target: Target) -> None:
        """Write one file."""
        with target.file("") as file:
            _Script(contents, file, copy=self._copy).write()


class _Script:
    def __init__(self, contents: Contents, file: BinaryIO, *, copy: bool) -> None:
        self._contents, self._file, self._copy = contents, file, copy
        self._schemas = contents.manifest.schema.schemas
        self._temporary = 0

    def write(self) -> None:
        self._lines(f"-- {_comment(line)}".rstrip() for line in self._head())
        self._lines(["", *(["\\set ON_ERROR_STOP on"] if self._copy else []), "BEGIN;"])
        self._lines(f"SET LOCAL {setting};" for setting in _SETTINGS)
        self._lines(["SET CONSTRAINTS ALL DEFERRED;"])
        for step in load_steps(self._contents.manifest.schema, [table.name for table in self._contents.tables]):
            self._step(step)
        self._lines(["", "SET CONSTRAINTS ALL IMMEDIATE;"])
        self._sequences()
        self._lines(["COMMIT;"])
        rows = sum(table.rows for table in self._contents.tables)
        self._lines(["", f"-- {_totals(rows, len(self._contents.tables))}; end of the export"])

    def _head(self) -> Iterator[str]:
        contents, metadata = self._contents, self._contents.manifest.metadata
        yield f"Export of backup {metadata.label} of {metadata.host}, {metadata.timestamp}, by {metadata.tool}"
        yield from contents.chosen
        yield from (f"NOT IN IT: {each}" for each in contents.missing)
        yield ""
        yield "It goes into tables that are there and empty: psql -X -v ON_ERROR_STOP=1 -f FILE DATABASE"
        yield "One transaction loads all of it or nothing; constraints and indexes stay in place. It takes no"
        yield "superuser, but INSERT on tables, UPDATE on sequences, and where rows point at each other SELECT and"
        yield "TEMPORARY."
        loud = [table.name for table in contents.tables if table.table.user_triggers]
        if loud:
            yield f"Triggers of users fire as the rows come in, on {', '.join(loud)}. To keep them quiet, a role that"
            yield "may do so says first: SET session_replication_role = replica; then foreign keys are not checked."

    def _step(self, step: LoadStep) -> None:
        tables = [self._contents.table(name) for name in step.tables]
        alone = len(tables) == 1
        if not step.at_once or (alone and (self._copy or tables[0].at_most <= AT_ONCE_BYTES)):
            for table in tables:
                self._title(table)
                self._rows(table, self._name(table), _names(table), at_once=step.at_once)
            return
        self._gathered(tables)

    def _gathered(self, tables: Sequence[ExportedTable]) -> None:
        """Gather rows in temporary tables, from which one statement brings them."""
        statements = []
        for table in tables:
            self._temporary += 1
            place, columns = f"pg_temp.playback_{self._temporary}", _names(table)
            self._title(table)
            made = f"CREATE TEMPORARY TABLE playback_{self._temporary} ON COMMIT DROP AS"
            self._lines([f"{made} SELECT {columns} FROM {self._name(table)} WITH NO DATA;"])  # noqa: S608 - a file
            self._rows(table, place, columns, at_once=False, own=False)
            into = f"INSERT INTO {self._name(table)} ({columns}){_overriding(table)}"
            statements.append(f"{into} SELECT {columns} FROM {place}")  # noqa: S608 - a file
        said = "rows of these tables point at each other" if len(tables) > 1 else "rows of this table point at others"
        self._lines(["", f"-- {said}, which is checked at the end of a statement"])
        *first, last = statements
        before = ",\n".join(f"t{number} AS ({text})" for number, text in enumerate(first, 1))
        self._lines([f"WITH {before}\n{last};" if first else f"{last};"])

    def _title(self, table: ExportedTable) -> None:
        self._lines(["", f"-- {_comment(self._schemas.full(table.name))}"])

    def _rows(self, table: ExportedTable, place: str, columns: str, *, at_once: bool, own: bool = True) -> None:
        """Write the rows of a table.

        Args:
            at_once: in a single statement.
            own: into the table itself, with its own columns.
        """
        if not columns:
            self._without_columns(table, place)
        elif self._copy:
            self._copied(table, place, columns)
        else:
            head = f"INSERT INTO {place} ({columns}){_overriding(table) if own else ''} VALUES\n".encode()
            self._inserted(table, head, at_once=at_once)

    def _copied(self, table: ExportedTable, place: str, columns: str) -> None:
        begun = False
        for data in table.read():
            if not begun:
                self._lines([f"COPY {place} ({columns}) FROM stdin;"])
                begun = True
            self._file.write(data)
        if begun:
            self._lines(["\\."])

    def _inserted(self, table: ExportedTable, head: bytes, *, at_once: bool) -> None:
        kinds = [column.type for column in table.columns]
        rows, size = list[bytes](), 0
        for data in table.read():
            for line in data.splitlines():
                rows.append(b"(%s)" % b", ".join(map(_literal, line.split(b"\t"), kinds)))
                size += len(rows[-1])
                if not at_once and (len(rows) >= STATEMENT_ROWS or size >= STATEMENT_BYTES):
                    self._file.write(b"%s%s;\n" % (head, b",\n".join(rows)))
                    rows, size = [], 0
        if rows:
            self._file.write(b"%s%s;\n" % (head, b",\n".join(rows)))

    def _without_columns(self, table: ExportedTable, place: str) -> None:
        """Rows of a table without columns, or with generated ones alone."""
        for data in table.read():
            self._lines(f"INSERT INTO {place} DEFAULT VALUES;" for _ in data.splitlines())

    def _sequences(self) -> None:
        if self._contents.sequences:
            self._lines(["", "-- sequences"])
        for each in self._contents.sequences:
            called = "true" if each.is_called else "false"
            place = _text(_quoted_place(*self._schemas.place(each.name)))
            self._lines([f"SELECT pg_catalog.setval({place}, {each.last_value}, {called});"])

    def _name(self, table: ExportedTable) -> str:
        return _quoted_place(*self._schemas.place(table.name))

    def _lines(self, lines: Sequence[str] | Iterator[str]) -> None:
        for line in lines:
            self._file.write(f"{line}\n".encode())


def _totals(rows: int, tables: int) -> str:
    return f"{wording.counted(rows, 'row')} of {wording.counted(tables, 'table')}"


def _comment(text: str) -> str:
    """Text that stays on its line, whatever is in it."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _quoted_place(schema: str, name: str) -> str:
    return f"{_quoted(schema)}.{_quoted(name)}"


def _names(table: ExportedTable) -> str:
    return ", ".join(_quoted(column.name) for column in table.columns)


def _overriding(table: ExportedTable) -> str:
    always = any(column.identity == "always" for column in table.table.columns)
    return " OVERRIDING SYSTEM VALUE" if always else ""


def _text(text: str) -> str:
    doubled = text.replace("'", "''")
    return "E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in text else f"'{doubled}'"


def _literal(field: bytes, kind: str) -> bytes:
    """A value of COPY text as a literal; it gets the type of the column that it is assigned to."""
    if field == rb"\N":
        return b"NULL"
    if kind in _WHOLE or (kind.startswith("numeric") and _NUMBER.fullmatch(field)):
        return field
    if kind == "boolean":
        return b"true" if field == b"t" else b"false"
    doubled = field.replace(b"'", b"''")
    if b"\\" not in field:
        return b"'%s'" % doubled
    # the escapes of COPY are those of such literals, but for one
    return b"E'%s'" % _VERTICAL_TAB.sub(lambda found: rb"\x0b" if found[1] == b"v" else found[0], doubled)
