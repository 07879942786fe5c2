"""Assertions about what was restored: a query each, which has to give what is expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from toolkit.actions.arguments import Arguments, Text, about, shaped
from toolkit.config.masking import mask
from toolkit.errors import DatabaseError, TaskError, UnreachableError
from toolkit.model.proof import Asserted
from toolkit.postgres.session import statements
from toolkit.postgres.session.connection import connect
from toolkit.wording import counted

_LONGEST = 200
"""Characters of a value that are told."""


class Assertion(Arguments, frozen=True, kw_only=True):
    """A question to the scratch database, and its answer."""

    name: Annotated[Text, about("What holds, in a few words.", "every order has lines")]
    query: Annotated[
        Text,
        about(
            "One statement that gives one value, in a transaction that may only read. Values are given by `args`,"
            " never by templates in the text.",
            "SELECT NOT EXISTS (SELECT FROM orders WHERE total < 0)",
        ),
    ]
    args: Annotated[
        Any,
        shaped({"type": ["array", "object"]}),
        about(
            "Values for the placeholders: a list for `%s`, a mapping for `%(name)s`. A mapping has `label` and"
            " `businesses` (a list of keys) of the drill as well.",
            ["PAID"],
            {"status": "PAID"},
        ),
    ] = None
    expect: Annotated[
        Any,
        shaped({"type": ["boolean", "number", "string", "null"]}),
        about("The value that it has to give.", True, 4, "2026-01"),
    ] = True


def asked(database: str, assertion: Assertion, known: Mapping[str, Any]) -> Asserted:
    """Ask an assertion of a database.

    Args:
        database: its conninfo.
        known: what a mapping of `args` has beside what it says.

    Raises:
        UnreachableError: nobody can be asked.
    """
    args = {**known, **assertion.args} if isinstance(assertion.args, Mapping) else assertion.args
    try:
        with connect(database, application="playback drill") as connection:
            answer = statements.run(connection, assertion.query, args, read_only=True)
    except statements.WriteRefusedError:
        return _broken(assertion, "it would write; an assertion only reads")
    except UnreachableError:
        raise
    except (DatabaseError, TaskError) as error:
        return _broken(assertion, error.message)
    values = [value for row in answer.rows for value in row.values()]
    if len(values) != 1:
        columns = f" of {counted(len(answer.rows[0]), 'column')}" if answer.rows else ""
        return _broken(assertion, f"it gave {counted(len(answer.rows), 'row')}{columns}, not one value")
    if _same(values[0], assertion.expect):
        return Asserted(name=assertion.name, holds=True)
    return _broken(assertion, f"it gave {_shown(values[0])}, not {_shown(assertion.expect)}")


def _same(found: Any, expected: Any) -> bool:
    """Whether a value is the one that is expected; 1 is not true, and the text `4` is the number."""
    if isinstance(found, bool) or isinstance(expected, bool) or found is None or expected is None:
        return found is expected
    return bool(found == expected) or (
        isinstance(found, str) != isinstance(expected, str) and str(found) == str(expected)
    )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _broken(assertion: Assertion, found: str) -> Asserted:
    return Asserted(name=assertion.name, holds=False, found=mask(found))
