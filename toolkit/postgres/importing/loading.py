"""Records of a JSON backup put into their tables, batch by batch; what the server refuses is found row by row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec
import psycopg
from msgspec import Struct, field
from psycopg import sql

from toolkit.model.quarantine import QuarantinedRow
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.copy_text import key_values
from toolkit.planning.copy_text import values as copy_values
from toolkit.planning.json_backup.document import Document, Model, Record, fields_of
from toolkit.planning.json_backup.faults import Faults, Where
from toolkit.planning.json_backup.javascript import has_half
from toolkit.planning.json_backup.names import AmbiguousError, Names
from toolkit.postgres.importing.exactness import InexactError, loose_types, refuse_inexact
from toolkit.postgres.importing.shape import Shape, TableShapes, Trouble, read_record, unknown_fields
from toolkit.postgres.importing.types import read_types
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.rows import write_rows
from toolkit.postgres.session.connection import Connection, first_line

BATCH_BYTES = 4 << 20
"""Bytes of rows that are loaded at once."""

_LINE = re.compile(r"^COPY .*?, \S+ (\d+)")
_TOO_MUCH = "54"
_INVALID, _MISSING = "22023", "23502"
_SHOWN = 200
"""Characters of a value that is put aside for a record that is none."""

PutAside = Callable[[QuarantinedRow], None]


class _Row(Struct):
    text: bytes
    number: int
    offset: int


class _Batch(Struct):
    rows: list[_Row] = field(default_factory=list)
    size: int = 0


class Loaded(Struct, kw_only=True):
    """What was loaded.

    Attributes:
        rows: table → rows that it has got; also of tables whose models have no records.
        models: table → the model that it comes from.
        defaults: (table, column) → how many rows got the column's default, because their records do not give it.
        computed: (table, column) → how many values were passed over, because the database computes them.
        passed: model → why none of its records is taken, and how many there are.
        lacking: tables of which some records cannot be taken.
    """

    rows: dict[str, int] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    defaults: dict[tuple[str, str], int] = field(default_factory=dict)
    computed: dict[tuple[str, str], int] = field(default_factory=dict)
    passed: dict[str, tuple[str, int]] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)


class Fate(Struct, frozen=True, kw_only=True):
    """What becomes of the records of a table: taken; passed over, with why; or wrong where they are."""

    why: str = ""
    wrong: str = ""


class Judge(Struct, frozen=True, kw_only=True):
    """What is done about what is found.

    Attributes:
        fate: says of a table and the section it is in whether its records are taken.
        faults: takes what is wrong.
        put_aside: takes records that cannot be taken; None where nothing is put aside.
    """

    fate: Callable[[str, str], Fate]
    faults: Faults
    put_aside: PutAside | None


class Loader:
    """Loads one document into empty tables, in the transaction that is open.

    Args:
        names: finds the table of a model.
    """

    def __init__(self, connection: Connection, schema: DatabaseSchema, names: Names, judge: Judge) -> None:
        self._connection = connection
        self._schema = schema
        self._names = names
        self._fate = judge.fate
        self._faults = judge.faults
        self._put_aside = judge.put_aside or (lambda row: None)
        self._types = read_types(connection, schema.schemas)
        self._loose = loose_types(connection, schema.schemas)
        self._model = Model("", "", 0)
        self._table: Table | None = None
        self._shapes: TableShapes | None = None
        self._why = ""
        self._batches: dict[tuple[str, ...], _Batch] = {}
        self._size = 0
        self.loaded = Loaded()

    def load(self, document: Document, advance: Callable[[int, int], None]) -> Loaded:
        """Read the document to its end; `advance` is told of rows and bytes."""
        for event in document.events():
            if isinstance(event, Model):
                self._flush(advance)
                self._begin(event)
            else:
                self._record(event)
                if self._size > BATCH_BYTES:
                    self._flush(advance)
        self._flush(advance)
        return self.loaded

    def _begin(self, model: Model) -> None:
        self._model, self._table, self._shapes, self._why = model, None, None, ""
        where = Where(offset=model.offset)
        try:
            name = self._names.find(model.name)
        except AmbiguousError as error:
            self._wrong("model", f"{error}; say which under `models` of the catalog file", where)
            return
        if name is None or name not in self._schema.tables:
            what = "no table is called so" if name is None else f"the database has no table {name}"
            self._wrong("model", f"{what}; name its table under `models` of the catalog file", where)
            return
        fate = self._fate(name, model.section)
        if name in self.loaded.models:
            other = self.loaded.models[name]
            self._wrong("model", f"table {name} has its records from {other} already", where)
        elif fate.wrong:
            self._wrong("model", fate.wrong, where)
        elif fate.why:
            self.loaded.passed[model.name] = (fate.why, 0)
        else:
            self.loaded.models[name] = model.name
            self.loaded.rows[name] = 0
            self._table = self._schema.tables[name]
            self._shapes = TableShapes(self._table, self._types[name])

    def _wrong(self, kind: str, reason: str, where: Where) -> None:
        self._faults.add(kind, self._model.name, reason, where, held=True)
        self._why = reason

    def _record(self, record: Record) -> None:
        if record.text[:1] != b"{":
            trouble = Trouble(kind="record", field="", reason="an object is needed for each record")
            self._refuse(record, {}, [trouble])
            return
        fields = fields_of(record)
        if self._table is None or self._shapes is None:
            self._pass_over(record, fields)
            return
        names, values = tuple(fields), tuple(fields.values())
        shape = self._shapes.of(names)
        if shape.overhead + sum(map(len, values)) != len(record.text) and (repeated := _repeated(record.text)):
            trouble = Trouble(kind="repeated", field=repeated, reason="the record has it twice")
            self._refuse(record, fields, [trouble])
            return
        row, troubles = read_record(shape, values, record.text)
        if troubles or shape.unknown:
            self._refuse(record, fields, [*troubles, *unknown_fields(names, values, shape, self._table.name)])
            return
        self._take(shape, _Row(b"\t".join(row) + b"\n", record.number, record.offset))

    def _take(self, shape: Shape, row: _Row) -> None:
        assert self._table is not None
        batch = self._batches.setdefault(shape.columns, _Batch())
        batch.rows.append(row)
        self._size += len(row.text)
        for told, columns in ((self.loaded.defaults, shape.left_out), (self.loaded.computed, shape.computed)):
            for column in columns:
                told[self._table.name, column] = told.get((self._table.name, column), 0) + 1

    def _pass_over(self, record: Record, fields: Mapping[str, bytes]) -> None:
        """Records of a model that is not taken are counted, and put aside where that is a fault."""
        if self._model.name in self.loaded.passed and not self._why:
            why, number = self.loaded.passed[self._model.name]
            self.loaded.passed[self._model.name] = (why, number + 1)
        else:
            self._aside(self._model.name, _key(fields, ("id",)), _INVALID, self._why, _shown(fields))

    def _refuse(self, record: Record, fields: Mapping[str, bytes], troubles: Sequence[Trouble]) -> None:
        key = _key(fields, self._table.primary_key if self._table else ())
        where = Where(number=record.number, key=key, offset=record.offset)
        for each in troubles:
            subject = f"{self._model.name}.{each.field}" if each.field else self._model.name
            self._faults.add(each.kind, subject, each.reason, where, held=True)
        reason = "; ".join(f"{each.field}: {each.reason}" if each.field else each.reason for each in troubles)
        columns = _shown(fields) or {"record": record.text[:_SHOWN].decode("utf-8", "ignore")}
        self._aside(self._table.name if self._table else self._model.name, key, _INVALID, reason, columns)

    def _aside(self, table: str, key: str, sqlstate: str, reason: str, columns: dict[str, str | None]) -> None:
        self.loaded.lacking.add(table)
        self._put_aside(
            QuarantinedRow(table=table, key=key, sqlstate=sqlstate, constraint="", reason=reason, columns=columns)
        )

    # rows

    def _flush(self, advance: Callable[[int, int], None]) -> None:
        if self._table is not None:
            for columns, batch in self._batches.items():
                taken = self._load(columns, batch.rows)
                self.loaded.rows[self._table.name] += taken
                advance(taken, sum(len(row.text) for row in batch.rows))
        self._batches = {}
        self._size = 0

    def _load(self, columns: tuple[str, ...], rows: Sequence[_Row]) -> int:
        """Load rows; those that the server refuses become faults. Gives how many it has taken."""
        taken, at, step = 0, 0, len(rows)
        while at < len(rows):
            part = rows[at : at + step]
            error = self._try(columns, part)
            if error is None:
                taken += len(part)
                at += len(part)
                step *= 4
                continue
            line = _line_of(error)
            good = line - 1 if line is not None and line <= len(part) else 0
            if line is None and len(part) > 1:
                step = max(1, len(part) // 2)
                continue
            if good and self._try(columns, part[:good]) is not None:
                step = max(1, len(part) // 2)  # another row's fault shows where this one is not in the way
                continue
            self._refused(columns, part[good], error)
            taken += good
            at += good + 1
            step = max(16, good)
        return taken

    def _try(self, columns: tuple[str, ...], rows: Sequence[_Row]) -> psycopg.Error | InexactError | None:
        assert self._table is not None
        target = sql.SQL("{}").format(identifier(self._schema.schemas, self._table.name))
        try:
            with self._connection.transaction():
                write_rows(self._connection, target, columns, [b"".join(row.text for row in rows)])
                refuse_inexact(self._connection, self._loose.get(self._table.name, {}), columns, [r.text for r in rows])
        except InexactError as error:
            return error
        except psycopg.Error as error:
            # a row may be too much for the server too: for an index, or nested too deep
            lost = isinstance(error, psycopg.OperationalError)
            if lost and not (error.sqlstate or "").startswith(_TOO_MUCH):
                raise
            return error
        return None

    def _refused(self, columns: tuple[str, ...], row: _Row, error: psycopg.Error | InexactError) -> None:
        assert self._table is not None
        key_columns = [name for name in self._table.primary_key if name in columns]
        key = ", ".join(
            "NULL" if value is None else value
            for value in key_values(row.text, tuple(columns.index(name) for name in key_columns))
        )
        if isinstance(error, InexactError):
            column, reason, kind, sqlstate, constraint = error.column, str(error), "inexact", _INVALID, ""
        else:
            column, reason = error.diag.column_name or _column_of(error), first_line(error)
            constraint, sqlstate = error.diag.constraint_name or "", error.sqlstate or _INVALID
            kind = constraint or sqlstate
        subject = f"{self._model.name}.{column}" if column else self._model.name
        where = Where(number=row.number, key=key, offset=row.offset)
        self._faults.add(kind, subject, reason, where, held=True)
        self.loaded.lacking.add(self._table.name)
        texts = dict(zip(columns, copy_values(row.text), strict=True))
        self._put_aside(
            QuarantinedRow(
                table=self._table.name,
                key=key,
                sqlstate=sqlstate,
                constraint=constraint,
                reason=reason,
                columns=texts,
            )
        )


def _line_of(error: psycopg.Error | InexactError) -> int | None:
    if isinstance(error, InexactError):
        return error.line
    for line in (error.diag.context or "").splitlines():
        if found := _LINE.match(line):
            return int(found[1])
    return None


def _column_of(error: psycopg.Error) -> str:
    found = re.search(r"^COPY .*?, \S+ \d+, \S+ (.+?): ", error.diag.context or "", re.MULTILINE)
    return found[1] if found else ""


def _repeated(text: bytes) -> str:
    """A name that a record has twice; empty where there is none."""
    seen: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        seen[:] = [name for name in names if names.count(name) > 1]  # the outermost object comes last

    json.loads(text, object_pairs_hook=look, parse_int=str, parse_float=str)
    return seen[0] if seen else ""


def _key(fields: Mapping[str, bytes], columns: Sequence[str]) -> str:
    return ", ".join(fields[name].strip(b'"').decode("utf-8", "ignore") for name in columns if name in fields)


def _shown(fields: Mapping[str, bytes]) -> dict[str, str | None]:
    """The values of a record that is put aside: texts as they are, all else as JSON."""
    return {name: _text(value) for name, value in fields.items()}


def _text(value: bytes) -> str | None:
    if value == b"null":
        return None
    if value[:1] != b'"' or has_half(value):
        return value.decode()
    return str(msgspec.json.decode(value, type=str))
