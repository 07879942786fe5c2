"""Values for the columns that the generator does not care about: drawn by the column's type, a few by its name.

Among them are the ones that break naive tools: text with tabs, newlines, backslashes, a literal \\N and emoji, empty
strings beside NULLs, infinities, NaN, dates before Christ, nested JSON and arrays that hold NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from msgspec import Struct

from toolkit.demo.world import World

AWKWARD = (
    "",
    "\\N",
    "NULL",
    "a tab\there and\tthere",
    "two\nlines\n",
    "carriage\r\nreturn",
    "back\\slash and \\t that is no tab",
    "\\.",
    "double \"quotes\" and 'single' ones",
    "comma, semicolon; {brace}",
    "emoji 😀 👩‍👩‍👧 🇿🇼",
    "  spaces around  ",
    "ünïcödé — 日本語 — العربية",
    "cafe\u0301 is not café",
    "control \x01 character",
)
WORDS = tuple(
    "amber basket cedar delta ember fresh garden harvest indigo jacaranda kettle lantern maize nectar orchard "
    "paprika quarry river savanna timber umber valley willow yellow zebra".split()
)
FIRST_NAMES = ("Tendai", "Rudo", "Farai", "Chipo", "Kuda", "Nyasha", "Tatenda", "Zoë", "Siân", "Mary-Jane")
LAST_NAMES = ("Moyo", "Ncube", "Dube", "O'Brien", "Sibanda", "Müller", "van der Merwe", "Zhou", "Ndlovu", "Phiri")
_NAMES = {"firstName": FIRST_NAMES, "lastName": LAST_NAMES}
_STATUS = ("open", "done", "waiting", "cancelled")


class Column(Struct, frozen=True, kw_only=True):
    """A column to be filled: its type as PostgreSQL spells it, and the labels where it is an enum."""

    name: str
    type: str
    nullable: bool
    labels: tuple[str, ...] = ()


def fill(world: World, column: Column, *row: object) -> object:
    """Give the value of a column of the row that `row` names, as COPY wants it: PostgreSQL's own text, or None."""
    number = world.draw("fill", column.name, *row)
    if column.nullable and number % 6 == 0:
        return None
    number //= 6
    if column.labels:
        return column.labels[number % len(column.labels)]
    kind = _without_modifiers(column.type)
    if kind.endswith("[]"):
        return _array(kind, number)
    return _BY_TYPE[kind](number, column)


@cache
def _without_modifiers(kind: str) -> str:
    return re.sub(r"\(.*?\)", "", kind)


@cache
def _modifiers(kind: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", kind)))


def _text(number: int, column: Column) -> str:
    if column.name in _NAMES:
        return _NAMES[column.name][number % 10]
    if column.name == "status":
        return _STATUS[number % len(_STATUS)]
    limit = _modifiers(column.type)
    plain = f"{WORDS[number % 25]} {WORDS[number // 25 % 25]} {number // 625 % 1000}"
    if limit:
        return plain.replace(" ", "")[: limit[0]]
    if number // 625_000 % 4 == 0:
        return AWKWARD[number // 2_500_000 % len(AWKWARD)]
    return plain


def _character(number: int, column: Column) -> str:
    codes = ("USD", "ZAR", "EUR") if column.type.endswith("(3)") else ("ZW", "ZA", "CH")
    return codes[number % 3]


def _numeric(number: int, column: Column) -> str:
    precision, scale = _modifiers(column.type)
    whole = 10 ** min(precision - scale, 4)
    fraction = f"{number // 10_000 % 10**scale:0{scale}}"
    return f"{number % whole}.{fraction}"


def _double(number: int, _: Column) -> str:
    odd = ("NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e+308", "0.1", "1e-7")
    return odd[number // 12 % 8] if number % 12 == 0 else repr(number % 10**12 / 7)


def _real(number: int, _: Column) -> str:
    return repr(number % 10_000 / 16)


def _date(number: int, _: Column) -> str:
    if number % 200 == 0:
        return ("infinity", "-infinity", "0044-03-15 BC", "10000-01-01")[number // 200 % 4]
    return f"{2018 + number % 8}-{1 + number // 8 % 12:02}-{1 + number // 96 % 28:02}"


def _clock(number: int, digits: int) -> str:
    fraction = f".{number // 86_400 % 10**digits:0{digits}}" if digits else ""
    return f"{number % 24:02}:{number // 24 % 60:02}:{number // 1440 % 60:02}{fraction}"


def _timestamp(number: int, column: Column) -> str:
    year = 2026 if column.name == "updatedAt" else 2024 + number % 2
    return f"{year}-{1 + number // 2 % 12:02}-{1 + number // 24 % 28:02} {_clock(number // 672, 3)}"


def _timestamptz(number: int, _: Column) -> str:
    if number % 50 == 0:
        return ("infinity", "-infinity")[number // 50 % 2]
    zone = ("+00", "+02", "-03:30", "+12:45")[number // 50 % 4]
    return f"{2024 + number % 2}-{1 + number // 2 % 12:02}-{1 + number // 24 % 28:02} {_clock(number // 672, 6)}{zone}"


def _interval(number: int, _: Column) -> str:
    return f"{number % 3} mons {number // 3 % 40} days {_clock(number // 120, 6)}"


def _bytes(number: int) -> bytes:
    return (b"\x00\\N\n" + number.to_bytes(8)) * (number % 5)


def _bytea(number: int, _: Column) -> str:
    return f"\\x{_bytes(number).hex()}"


def _json_text(text: str) -> str:
    # only what JSON itself wants escaped; jsonb stores the rest as it is
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'


def _jsonb(number: int, _: Column) -> str:
    awkward = _json_text(AWKWARD[number % len(AWKWARD)])
    forms = (
        "{}",
        "[]",
        "null",
        awkward,
        f'{{"enabled": true, "limit": {number % 1000}, "note": {awkward}}}',
        f'{{"items": [1, 2.50, null, {{"deep": [{awkward}]}}], "rate": {number % 10**9}.100, "e": 1E40}}',
    )
    return forms[number // len(AWKWARD) % len(forms)]


def _array(kind: str, number: int) -> str:
    if kind == "integer[]":
        items = [str(number // 10**place % 24) for place in range(number % 8)]
    elif kind == "bytea[]":
        items = [f'"\\\\x{_bytes(number + place).hex()}"' for place in range(number % 3)]
    else:
        texts = [AWKWARD[number // 7 % len(AWKWARD)], WORDS[number % 25], WORDS[number // 25 % 25]][: number // 3 % 4]
        items = ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts]
    return "{" + ",".join([*items, "NULL"] if number % 11 == 0 else items) + "}"


def _uuid(number: int, _: Column) -> str:
    return f"{number % 2**32:08x}-0000-4000-8000-{number % 2**48:012x}"


def _inet(number: int, _: Column) -> str:
    return f"10.{number % 250}.{number // 250 % 250}.7" if number % 5 else f"2001:db8::{number % 65_535:x}/64"


def _macaddr(number: int, _: Column) -> str:
    return ":".join(f"{number >> shift & 255:02x}" for shift in (40, 32, 24, 16, 8, 0))


def _daterange(number: int, _: Column) -> str:
    return "empty" if number % 30 == 0 else f"[2024-{1 + number % 12:02}-01,{2025 + number // 12 % 3}-01-31)"


def _tstzrange(number: int, _: Column) -> str:
    return f"[2025-{1 + number % 12:02}-01 08:00:00+00,{'' if number % 3 else '2026-01-01 00:00:00+02'})"


_BY_TYPE: dict[str, Callable[[int, Column], str]] = {
    "text": _text,
    "character varying": _text,
    "character": _character,
    "boolean": lambda number, _: "t" if number % 4 else "f",
    "smallint": lambda number, _: str(1 + number % 5),
    "integer": lambda number, _: str(1 + number % 100),
    "bigint": lambda number, _: str(number % 2**53),
    "numeric": _numeric,
    "real": _real,
    "double precision": _double,
    "date": _date,
    "time without time zone": lambda number, _: _clock(number, 0),
    "timestamp without time zone": _timestamp,
    "timestamp with time zone": _timestamptz,
    "interval": _interval,
    "bytea": _bytea,
    "jsonb": _jsonb,
    "uuid": _uuid,
    "inet": _inet,
    "macaddr": _macaddr,
    "point": lambda number, _: f"({number % 1000 / 8},{number // 1000 % 1000 / 8})",
    "daterange": _daterange,
    "tstzrange": _tstzrange,
}
