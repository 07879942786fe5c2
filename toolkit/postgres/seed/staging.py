"""The rows on stage: read by the server as their columns' types, every value that it refuses named by its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import psycopg
from msgspec import Struct, field
from psycopg import sql

from toolkit.errors import InputError, Problem
from toolkit.model.seeding import LEFT_OUT, Seeding
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.seed.layout import Layout, Staged
from toolkit.postgres.session.connection import Connection, first_line
from toolkit.postgres.session.qualifying import type_name

STAGE: Final = sql.Identifier("pg_temp", "playback_seed")
LIMIT: Final = 25
"""Up to so many problems are listed."""

_COLUMN = re.compile(r"v(\d+)_")
_NUMBER = re.compile(r"(?<![v\d])\d+(?![_\d])")


class Stage(Struct, kw_only=True):
    """The rows on stage, in a temporary table.

    Attributes:
        rows: how many there are.
        sets: the columns that rows give, of every kind of row; `set_` on stage says which.
        bad: the numbers of rows with a value that the server refuses.
    """

    rows: int = 0
    sets: list[frozenset[str]] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)


def fill(connection: Connection, seeding: Seeding, layout: Layout) -> tuple[Stage, list[Problem]]:
    """Make the stage and put the rows on it, in the transaction that is open; gives the values that were refused.

    Raises:
        InputError: too many values were refused to go on.
    """
    columns = [sql.SQL("{} {}").format(sql.Identifier(each.stage_name), type_name(each.type)) for each in layout.all]
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE playback_seed"
            " (n_ integer, line_ integer, set_ integer, new_ boolean, renamed_ boolean, {}) ON COMMIT DROP"
        ).format(sql.SQL(", ").join(columns))
    )
    problems: list[Problem] = []
    refused: dict[int, set[int]] = {}
    while len(problems) < LIMIT:
        stage = Stage(bad=set(refused))
        try:
            with connection.transaction():
                _copy(connection, seeding, layout, stage, refused)
        except (psycopg.DataError, psycopg.IntegrityError, _NulError) as error:
            # the stage itself has no constraints, but domains have
            place = _place(error)
            if place is None:
                raise
            row, column = place
            if column in refused.get(row, ()):  # it takes no NULL either
                raise InputError(problems) from error
            problems.append(_refusal(seeding, error, row, next(each for each in layout.all if each.number == column)))
            refused.setdefault(row, set()).add(column)
        else:
            connection.execute(sql.SQL("ANALYZE {}").format(STAGE))
            return stage, problems
    raise InputError([*problems, Problem(message=f"only the first {LIMIT} problems are listed")])


class _NulError(Exception):
    """A text with the character that PostgreSQL has no place for, told as the server tells of other values."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__("the character with the number 0 is in no text of PostgreSQL")
        self.place = (row, column)


def _copy(
    connection: Connection, seeding: Seeding, layout: Layout, stage: Stage, refused: Mapping[int, set[int]]
) -> None:
    read = (*layout.source, *layout.fixed)
    names = [sql.Identifier(name) for name in ("n_", "line_", "set_", *(each.stage_name for each in read))]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(STAGE, sql.SQL(", ").join(names))
    fixed = [text_of(seeding.fixed[each.name], each.type) for each in layout.fixed]
    numbers: dict[tuple[bool, ...], int] = {}
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for number, (line, values) in enumerate(seeding.source.rows(), start=1):
            given = tuple(value is not LEFT_OUT for value in values)
            if given not in numbers:
                numbers[given] = len(stage.sets)
                stage.sets.append(_given(layout, given))
            texts = [text_of(value, each.type) for each, value in zip(layout.source, values, strict=True)]
            row = [*texts, *fixed]
            for place in refused.get(number, ()):
                row[next(at for at, each in enumerate(read) if each.number == place)] = None
            for each, text in zip(read, row, strict=True):
                if text is not None and "\0" in text:
                    raise _NulError(number, each.number)
            copy.write_row([number, line, numbers[given], *row])
            stage.rows = number


def _given(layout: Layout, given: Sequence[bool]) -> frozenset[str]:
    """The columns that a row gives which has these of the source's."""
    own = {each.name for each, there in zip(layout.source, given, strict=True) if there}
    known = own | {each.name for each in layout.fixed}
    found = {name for name, lookup in layout.lookups.items() if known.issuperset(lookup.key.values())}
    return frozenset(known | found | ({layout.derived.name} if layout.derived else set()))


def _refusal(seeding: Seeding, error: Exception, row: int, staged: Staged) -> Problem:
    message = first_line(error)
    if staged.name in seeding.fixed:
        return Problem(path=f"seed.set.{staged.name}", message=message)
    line, _ = next(islice(seeding.source.rows(), row - 1, None))
    return seeding.source.problem(line, staged.name, message)


def _place(error: psycopg.Error | _NulError) -> tuple[int, int] | None:
    """The row and the column's number in `COPY playback_seed, line 3, column v2_: "x"`, in whatever language."""
    if isinstance(error, _NulError):
        return error.place
    # the types of values have lines of their own before, such as `JSON data, line 1: …`
    lines = (error.diag.context or "").splitlines()
    context = next((line for line in lines if "playback_seed" in line), "")
    column, row = _COLUMN.search(context), _NUMBER.search(context)
    return (int(row[0]), int(column[1])) if column and row else None


def text_of(value: Any, kind: str) -> str | None:
    """Give a value as PostgreSQL reads it: lists as arrays, but for JSON; mappings as JSON."""
    if value is None or value is LEFT_OUT:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple) and kind.endswith("[]"):
        return _array(value)
    if isinstance(value, list | tuple | Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _array(values: Sequence[Any]) -> str:
    return f"{{{','.join(_elements(values))}}}"


def _elements(values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, list | tuple):
            yield _array(value)
        elif value is None:
            yield "NULL"
        else:
            text = text_of(value, "") or ""
            yield '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))


def staged_value(layout: Layout, name: str) -> Sql:
    """Give a column of a row on stage, `s`."""
    return sql.SQL("{}").format(sql.Identifier("s", layout.staged(name)))
