"""Records of a model as rows of its table: which field is which column, and what each value is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from toolkit.model.schema import Column, Table
from toolkit.planning.json_backup.names import AmbiguousError, Names
from toolkit.planning.json_backup.values import Convert, MisfitError, converter

_ESCAPED = {8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 92: b"\\\\"}
_TO_ESCAPE = re.compile(rb"[\\\x08-\x0d]")
_RAISES = (MisfitError, msgspec.DecodeError, RecursionError)


class Trouble(Struct, frozen=True, kw_only=True):
    """What is wrong with a record.

    Attributes:
        field: its name in the record; empty for the record as a whole.
        kind: what tells it from other troubles of the same field.
    """

    kind: str
    field: str
    reason: str


class Shape(Struct, frozen=True, kw_only=True):
    """Records that have the same fields.

    Attributes:
        columns: the columns that they give.
        readers: what reads the value of each field; None for a field of a column that the database computes.
        troubles: what is wrong with all of them.
        unknown: the places of fields that are no columns.
        overhead: bytes of such a record, beside its values, when no name is in it twice.
        left_out: columns that they do not give, and that get a default.
        computed: fields of columns that the database computes.
    """

    columns: tuple[str, ...]
    readers: tuple[Reader | None, ...]
    troubles: tuple[Trouble, ...]
    unknown: tuple[int, ...]
    overhead: int
    left_out: tuple[str, ...]
    computed: tuple[str, ...]


class Reader(Struct, frozen=True):
    """Reads the values of one field as COPY text.

    Attributes:
        escapes: what it makes may have to be escaped where nothing in the record has.
        document: the column holds JSON and has to have a value, so that null is the null of JSON.
    """

    field: str
    convert: Convert
    nullable: bool
    escapes: bool
    document: bool

    def read(self, value: bytes, plain: bool) -> bytes:
        """Give the COPY text of a value; MisfitError where it is none for the column.

        Args:
            plain: nothing in the record has to be escaped.
        """
        if value == b"null" and not self.document:
            if not self.nullable:
                raise MisfitError("null, and the column has to have a value")
            return rb"\N"
        text = self.convert(value)
        if plain and not self.escapes:
            return text
        return _TO_ESCAPE.sub(lambda found: _ESCAPED[found[0][0]], text)


class TableShapes:
    """The shapes of records of one table."""

    def __init__(self, table: Table, types: Mapping[str, str]) -> None:
        self._table = table
        self._names = Names(table.column_names)
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._readers = {column.name: _reading(column, types[column.name]) for column in table.columns}

    def of(self, fields: tuple[str, ...]) -> Shape:
        """Give the shape of records with these fields, in this order."""
        shape = self._shapes.get(fields)
        if shape is None:
            shape = self._shapes[fields] = self._made(fields)
        return shape

    def _made(self, fields: tuple[str, ...]) -> Shape:
        columns: dict[str, str] = {}
        readers = list[Reader | None]()
        troubles, unknown, computed = list[Trouble](), list[int](), list[str]()
        for place, field in enumerate(fields):
            name: str | None = self._column(field, columns, troubles)
            if name is None:
                unknown.append(place)
                readers.append(None)
            elif self._table.column(name).generated:
                computed.append(field)
                readers.append(None)
            else:
                columns[name] = field
                readers.append(self._readers[name](field))
        left_out = [each for each in self._table.stored_columns if each.name not in columns]
        required = [each.name for each in left_out if not _may_be_left_out(each)]
        for column in required:
            text = f"the field is missing, and column {column} has to have a value"
            troubles.append(Trouble(kind="missing", field=column, reason=text))
        return Shape(
            columns=tuple(columns),
            readers=tuple(readers),
            troubles=tuple(troubles),
            unknown=tuple(unknown),
            overhead=1 + sum(len(msgspec.json.encode(field)) + 2 for field in fields) if fields else 2,
            left_out=tuple(each.name for each in left_out if _may_be_left_out(each)),
            computed=tuple(computed),
        )

    def _column(self, field: str, columns: Mapping[str, str], troubles: list[Trouble]) -> str | None:
        try:
            name = self._names.find(field)
        except AmbiguousError as error:
            troubles.append(Trouble(kind="ambiguous", field=field, reason=f"the field is no column, and {error}"))
            return None
        if name is not None and name in columns:
            text = f"both {columns[name]} and {field} mean column {name}"
            troubles.append(Trouble(kind="twice", field=field, reason=text))
        return name


def _reading(column: Column, kind: str) -> Callable[[str], Reader]:
    convert = converter(kind)
    # what is made here, not taken from the record, may have backslashes where the record has none
    escapes = kind.endswith("[]") or kind == "bytea"
    document = kind in ("json", "jsonb") and not column.nullable
    return lambda field: Reader(field, convert, column.nullable, escapes, document)


def _may_be_left_out(column: Column) -> bool:
    return column.nullable or column.has_default or bool(column.identity)


def read_record(shape: Shape, values: Sequence[bytes], text: bytes) -> tuple[list[bytes], list[Trouble]]:
    """Read the values of a record as COPY text, and say all that is wrong with it."""
    troubles = list(shape.troubles)
    row = list[bytes]()
    plain = b"\\" not in text
    for reader, value in zip(shape.readers, values, strict=True):
        if reader is not None:
            try:
                row.append(reader.read(value, plain))
            except _RAISES as error:
                reason = str(error)
                # what differs from value to value stands at the end
                kind = reason.partition(", not ")[0]
                troubles.append(Trouble(kind=kind, field=reader.field, reason=reason))
    return row, troubles


def unknown_fields(fields: Sequence[str], values: Sequence[bytes], shape: Shape, table: str) -> Iterator[Trouble]:
    """Say of the fields that are no columns what they are."""
    for place in shape.unknown:
        field, value = fields[place], values[place]
        if value[:1] in b"{[":
            what = "a record" if value[:1] == b"{" else "a list"
            reason = f"{what} is nested here, as in the oldest backups, and table {table} has no such column"
            yield Trouble(kind="nested", field=field, reason=reason)
        else:
            yield Trouble(kind="unknown", field=field, reason=f"table {table} has no such column")
