"""Statements a person wrote, run in one transaction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from msgspec import Struct
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format, TransactionStatus
from psycopg.types.string import TextLoader

from toolkit.errors import CommittedError, TaskError
from toolkit.postgres.session.connection import Connection, first_line

MAX_ROWS = 1000
"""Most rows of an answer that are kept; a playbook decides on few."""


class WriteRefusedError(Exception):
    """The statements would write, in a transaction that may only read."""


class Answer(Struct, frozen=True, kw_only=True):
    """What statements gave back.

    Attributes:
        rows: of the last statement that gives rows, at most MAX_ROWS of them, as JSON values by column name.
        truncated: whether there were more.
        rowcount: rows that all statements together read or wrote.
        wrote: whether the transaction changed anything in the database.
        status: the last statement's own word for what it did, e.g. `UPDATE 3`.
    """

    rows: tuple[Mapping[str, Any], ...]
    truncated: bool
    rowcount: int
    wrote: bool
    status: str


def run(
    connection: Connection,
    text: str,
    args: Sequence[Any] | Mapping[str, Any] | None,
    *,
    read_only: bool,
    keep: Callable[[Sequence[Mapping[str, Any]]], None] | None = None,
    transaction: AbstractContextManager[object] | None = None,
) -> Answer:
    """Run one or more statements in one transaction, with the role's own settings instead of ours.

    Args:
        text: the statements; with `args`, values are written `%s` or `%(name)s` in it, and a percent sign `%%`.
        read_only: let the server refuse whatever writes.
        keep: is given every row of the last statement that gives any, before the transaction is committed.
        transaction: the one they run in, from its beginning to its end; one like any other when left out.

    Raises:
        WriteRefusedError: `read_only`, and a statement writes.
        TaskError: the statements do not fit their `args`, or, where they may only read, end the transaction themselves.
        CommittedError: they end it themselves, where they may write.
        psycopg.Error: the server refuses a statement; nothing is kept.
    """
    connection.reset_settings()
    if read_only and not connection.pooled:  # also what follows a COMMIT in them
        connection.execute("SET default_transaction_read_only = on")
    try:
        with transaction or connection.transaction(), psycopg.ClientCursor(connection) as cursor:
            for kind in _TIMES:
                cursor.adapters.register_loader(kind, _or_text(cursor.adapters, kind))
            if read_only:
                cursor.execute("SET TRANSACTION READ ONLY")
            # psycopg asks for a literal to keep values out of the text; here the text is what a person wrote
            try:
                cursor.execute(text.encode(), args)
                answer = _answer(cursor, every=keep is not None)
            except psycopg.Error as error:
                _refuse_ended(connection, read_only=read_only, after=f"; after that: {first_line(error)}")
                raise
            _refuse_ended(connection, read_only=read_only)
            if keep is not None:
                keep(answer.rows)
            return Answer(
                rows=answer.rows[:MAX_ROWS],
                truncated=answer.truncated,
                rowcount=answer.rowcount,
                wrote=_wrote(connection),
                status=answer.status,
            )
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise WriteRefusedError from error
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:
            raise TaskError(f"the statements do not fit their args: {error}", hint="write %% for a percent sign") from (
                error
            )
        raise


def _refuse_ended(connection: Connection, *, read_only: bool, after: str = "") -> None:
    if connection.info.transaction_status is TransactionStatus.IDLE:
        said, hint = "the statements ended their transaction themselves", "leave out BEGIN, COMMIT and ROLLBACK"
        if read_only:
            raise TaskError(f"{said}{after}", hint=hint)
        raise CommittedError(
            f"{said}, and what they committed stays{after}", hint=f"{hint}: all run in one transaction"
        )


def _answer(cursor: psycopg.ClientCursor[tuple[Any, ...]], *, every: bool) -> Answer:
    rows: list[Mapping[str, Any]] = []
    truncated, rowcount, status = False, 0, ""
    more: bool | None = True
    while more:
        rowcount += max(0, cursor.rowcount)
        status = cursor.statusmessage or ""
        if cursor.description is not None:
            names = [column.name for column in cursor.description]
            found = cursor.fetchall() if every else cursor.fetchmany(MAX_ROWS + 1)
            truncated = len(found) > MAX_ROWS
            shown = found if every else found[:MAX_ROWS]
            rows = [dict(zip(names, map(_json_value, row), strict=True)) for row in shown]
        more = cursor.nextset()
    return Answer(rows=tuple(rows), truncated=truncated, rowcount=rowcount, wrote=False, status=status)


_TIMES = ("date", "time", "timetz", "timestamp", "timestamptz", "interval")
_BEYOND_PYTHON = (psycopg.Error, ValueError, OverflowError, NotImplementedError)


def _or_text(adapters: AdaptersMap, kind: str) -> type[Loader]:
    """The loader of a type of which Python has fewer values: infinity, years BC, years of five digits stay text.

    So do values written in a style that the role or the statements have chosen.
    """
    known = adapters.get_loader(adapters.types[kind].oid, Format.TEXT) or TextLoader

    class OrText(Loader):
        def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._known = known(oid, context)

        def load(self, data: Buffer) -> Any:
            text = bytes(data).decode()
            # an interval that is infinite would be read as none at all
            if text.lstrip("-") == "infinity":
                return text
            try:
                return self._known.load(data)
            except _BEYOND_PYTHON:
                return text

    return OrText


def _wrote(connection: Connection) -> bool:
    """Whether the transaction was given an id, which the server does with its first write."""
    found = connection.execute("SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL").fetchone()
    return found is not None and bool(found[0])


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    return int(value) if value == value.to_integral_value() else float(value)


def _json_value(value: Any) -> Any:
    """A value of a row as JSON has it; what JSON does not have as PostgreSQL or ISO 8601 writes it."""
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    return value if value is None else str(value)


_CONVERSIONS: Sequence[tuple[type | tuple[type, ...], Callable[[Any], Any]]] = (
    ((bool, int, str), lambda value: value),
    (float, lambda value: value if math.isfinite(value) else str(value)),
    (Decimal, _number),
    ((datetime, date, time), lambda value: value.isoformat()),
    (timedelta, lambda value: value.total_seconds()),
    ((bytes, bytearray, memoryview), lambda value: f"\\x{bytes(value).hex()}"),
    (dict, lambda value: {str(key): _json_value(item) for key, item in value.items()}),
    ((list, tuple), lambda value: [_json_value(item) for item in value]),
)
