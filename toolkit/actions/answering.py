"""What a task answers to drift: inline, in a file, or both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from toolkit.actions.arguments import Arguments, Text, about, matching
from toolkit.config import answers_file
from toolkit.errors import InputError, Problem
from toolkit.model.conversion import Conversion
from toolkit.model.drift import Answers, Expression, Mapped, Value

TableColumn = Annotated[str, matching(r"^[^.]+(\.[^.]+)+$", "write table.column")]

ERROR = "error"
"""What `else` says where a value that does not fit is refused."""


class Convert(Arguments, frozen=True, kw_only=True):
    """How values of a column become others."""

    map: Annotated[
        Annotated[dict[str, Any], Meta(min_length=1)],
        about("Values of the backup and what becomes of them; others stay as they are.", {"ACTIVE": "active"}),
    ] = msgspec.field(default_factory=dict)
    otherwise: Annotated[
        Any,
        about(
            "What becomes of values that do not fit then: `error`, the default, refuses them; anything else, null"
            " included, takes their place.",
            "error",
            None,
        ),
    ] = msgspec.field(default=ERROR, name="else")
    sql: Annotated[
        Text,
        about("Instead of both an SQL expression over the columns of the backup's row.", "lower(status)"),
    ] = ""


class AnswersArguments(Arguments, frozen=True, kw_only=True):
    """What is said about differences between the backup's schema and the target's."""

    answers: Annotated[
        str,
        about(
            "A file with answers to drift, as `--check --write-answers FILE.yml` begins one; what stands in the task"
            " itself wins over it. Relative to the control directory; empty for none.",
            "answers/till-2.yml",
            "",
        ),
    ] = ""
    rename: Annotated[
        Annotated[dict[str, Text], Meta(min_length=1)],
        about(
            "Tables (`table`) and columns (`table.column`) of the backup that have another name in the target.",
            {"orders": "sales_orders", "orders.total": "amount"},
        ),
    ] = msgspec.field(default_factory=dict)
    drop_tables: Annotated[
        Annotated[tuple[Text, ...], Meta(min_length=1)],
        about("Tables of the backup that the target no longer has; their rows stay in the backup.", ["old_reports"]),
    ] = ()
    drop_columns: Annotated[
        Annotated[tuple[TableColumn, ...], Meta(min_length=1)],
        about(
            "Columns of the backup, as `table.column`, that the target no longer has and that may be lost.",
            ["orders.legacyCode"],
        ),
    ] = ()
    defaults: Annotated[
        Annotated[dict[TableColumn, Any], Meta(min_length=1)],
        about(
            "Values for columns of the target, as `table.column`, that the backup does not have; `{sql: …}` is an"
            " expression over the columns of the backup's row, worked out for each.",
            {"orders.channel": "shop", "orders.token": {"sql": "gen_random_uuid()::text"}},
        ),
    ] = msgspec.field(default_factory=dict)
    convert: Annotated[
        Annotated[dict[TableColumn, Convert], Meta(min_length=1)],
        about(
            "How values of the backup become those of a column of the target, as `table.column`.",
            {"tokens.status": {"map": {"ACTIVE": "active"}, "else": "error"}, "tokens.code": {"sql": "upper(code)"}},
        ),
    ] = msgspec.field(default_factory=dict)

    def said(self) -> Answers:
        """Give what they say about drift, values as their text; a file must have been read in before."""
        return Answers(
            rename=self.rename,
            drop_tables=tuple(dict.fromkeys(self.drop_tables)),
            drop_columns=tuple(dict.fromkeys(self.drop_columns)),
            defaults={column: _value(value) for column, value in self.defaults.items()},
            convert={column: _conversion(how) for column, how in self.convert.items()},
        )


_ANSWERS = Conversion(AnswersArguments)

A = TypeVar("A", bound=AnswersArguments)


def given_answers(arguments: AnswersArguments) -> dict[str, Any]:
    """Give what is answered, by field, for another task's arguments."""
    return {name: getattr(arguments, name) for name in AnswersArguments.__struct_fields__}


def with_file(arguments: A, directory: Path, action: str) -> A:
    """Give the same arguments with the answers of their file among those of the task.

    Args:
        directory: the control directory.
        action: whose arguments they are.

    Raises:
        InputError: the file cannot be read, is no file of answers, or an answer says two things at once.
    """
    if arguments.answers:
        path = directory / arguments.answers
        if not path.is_file():
            raise InputError([Problem(path=f"{action}.answers", message=f"there is no file {path}")])
        given = _ANSWERS(answers_file.read(path, control=directory))
        arguments = msgspec.structs.replace(
            arguments,
            answers="",
            rename={**given.rename, **arguments.rename},
            drop_tables=(*given.drop_tables, *arguments.drop_tables),
            drop_columns=(*given.drop_columns, *arguments.drop_columns),
            defaults={**given.defaults, **arguments.defaults},
            convert={**given.convert, **arguments.convert},
        )
    problems = [
        Problem(path=f"{action}.convert.{column}", message="give map and else, or sql")
        for column, how in arguments.convert.items()
        if bool(how.sql) == bool(how.map or how.otherwise != ERROR)
    ]
    if problems:
        raise InputError(problems)
    return arguments


def _value(value: Any) -> Value:
    """A value as PostgreSQL reads it; a list or mapping as JSON, but for `{sql: …}`."""
    if isinstance(value, Mapping) and value.keys() == {"sql"} and isinstance(value["sql"], str):
        return Expression(value["sql"])
    return _text(value)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | dict | list) else str(value)


def _conversion(how: Convert) -> Mapped | Expression:
    if how.sql:
        return Expression(how.sql)
    strict = how.otherwise == ERROR
    return Mapped(
        values={old: _text(new) for old, new in how.map.items()},
        strict=strict,
        otherwise=None if strict else _text(how.otherwise),
    )
