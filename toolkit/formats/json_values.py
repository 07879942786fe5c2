"""Values of rows as JSON, by the types of their columns: nothing of a value is lost.

Each type has one form. What JSON cannot hold without loss, or what most programs read with loss, is a string: whole
numbers of 64 bits, numbers with a fixed point, values that are no numbers (NaN, Infinity).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial

Encoded = Callable[[str], str]
"""Gives the JSON text of a value of PostgreSQL's text."""

JSON = frozenset({"json", "jsonb"})
"""Types for which null is a value, and another one than NULL."""

_MOMENT = re.compile(r"(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(\+00)?")
_TIMESTAMP = re.compile(r"timestamp(\(\d\))? with(out)? time zone")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[-+]?\d+)?")

HOW = (
    "Each line is a row: an object with all columns of the table, in UTF-8; NULL is null. A json or jsonb that is NULL"
    " is left out of the object: null is a value of its own there.",
    "smallint, integer, real and double precision are numbers; NaN, Infinity and -Infinity are strings.",
    "bigint, numeric and money are strings, since most programs read JSON's numbers as doubles and lose digits.",
    "boolean is true or false; json and jsonb are nested as they are; arrays are lists, nested for each dimension. One"
    " whose indexes do not begin at 1, or of json with a NULL in it, is the text that PostgreSQL has for it.",
    "timestamp and timestamp with time zone are of ISO 8601, the latter in UTC with a Z; dates too. Years before Christ"
    " and infinity are as PostgreSQL writes them.",
    "bytea is hexadecimal behind \\x. All other types are strings, as PostgreSQL writes them.",
)
"""How values are written, in sentences."""


def encoder(kind: str) -> Encoded:
    """Give what makes JSON of the text of values.

    Args:
        kind: the type of the column, as PostgreSQL prints it.
    """
    if kind.endswith("[]"):
        inner = kind[: kind.index("[")]
        return partial(_array, element=encoder(inner), delimiter=";" if inner == "box" else ",", null=inner not in JSON)
    return _moment if _TIMESTAMP.fullmatch(kind) else _ENCODERS.get(kind, _string)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _moment(text: str) -> str:
    found = _MOMENT.fullmatch(text)
    return _string(f"{found[1]}T{found[2]}{'Z' if found[3] else ''}" if found else text)


def _float(text: str) -> str:
    return text if _JSON_NUMBER.fullmatch(text) else _string(text)


def _nested(text: str) -> str:
    # a line feed in JSON is white space: within strings it is escaped
    return text.replace("\r", " ").replace("\n", " ")


_ENCODERS: Mapping[str, Encoded] = {
    **dict.fromkeys(("smallint", "integer"), str),
    **dict.fromkeys(("real", "double precision"), _float),
    **dict.fromkeys(("json", "jsonb"), _nested),
    "boolean": lambda text: "true" if text == "t" else "false",
}


_BACKSLASHED = re.compile(r"\\(.)", re.DOTALL)


def _array(text: str, element: Encoded, delimiter: str, *, null: bool) -> str:
    """An array as lists; PostgreSQL's text of it where it says where indexes begin, or has a NULL that is not null."""
    if not text.startswith("{"):
        return _string(text)
    parts, place = [], 0
    while place < len(text):
        token = text[place]
        if token in "{}":
            parts.append("[" if token == "{" else "]")
            place += 1
        elif token == delimiter:
            parts.append(", ")
            place += 1
        elif token == '"':
            end = _end_of_quotes(text, place)
            parts.append(element(_BACKSLASHED.sub(r"\1", text[place + 1 : end])))
            place = end + 1
        else:
            end = min(at for at in (text.find(delimiter, place), text.find("}", place)) if at >= 0)
            bare = text[place:end]
            if bare == "NULL" and not null:
                return _string(text)
            parts.append("null" if bare == "NULL" else element(bare))
            place = end
    return "".join(parts)


_QUOTE = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL)


def _end_of_quotes(text: str, begin: int) -> int:
    found = _QUOTE.match(text, begin + 1)
    assert found is not None
    return found.end() - 1
