"""Values of a JSON backup as texts that PostgreSQL reads as the types of their columns.

Only what means the same there is taken: a text for a text, a number for a number, and nothing that the type would
round, cut off or guess at. Whether a text is valid at all for its type, a label of an enum say, the server itself says.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec

from toolkit.planning.json_backup.javascript import has_half, has_repeated

Convert = Callable[[bytes], bytes]
"""Gives the text of a value, which is given as JSON text and is not null; raises MisfitError."""

_MODIFIED = re.compile(r"(.*?)\((\d+)(?:,(-?\d+))?\)(.*)")
_INTEGER = re.compile(rb'("?)-?\d+\1')
_NUMBER = re.compile(rb'("?)(-?\d+(?:\.(\d+))?(?:[eE][+-]?\d+)?)\1')
_SPECIAL = (b'"NaN"', b'"Infinity"', b'"-Infinity"')
_TIME = rb"((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.(\d+))?)?)"
_ZONE = rb"(Z|[+-]\d\d(?::?\d\d)?)"
_ZONE_OF_DAY = rb"(Z|[+-]\d\d(?::?\d\d(?::\d\d)?)?)"
_INSTANT = re.compile(rb'"(\d{4,7}-\d\d-\d\d)(?:[T ]' + _TIME + rb" ?" + _ZONE + rb'?)?( BC)?"')
_OF_DAY = re.compile(rb'"(?:1970-01-01T)?' + _TIME + _ZONE_OF_DAY + rb'?"')
_END_OF_DAY = re.compile(rb'"(24:00(?::00(?:\.(0+))?)?)' + _ZONE_OF_DAY + rb'?"')
_INTERVAL = re.compile(
    rb"(?:(?:[-+]?\d+ ?(?:years?|mons?|months?|weeks?|days?|hours?|minutes?|mins?)"
    rb"|[-+]?\d+(?:\.\d{1,6}0*)? ?(?:seconds?|secs?|s)|[-+]?\d+:\d\d(?::\d\d(?:\.\d{1,6}0*)?)?)(?: |$))+"
    rb"|P(?=.)(?:-?\d+[YMWD])*(?:T(?=.)(?:-?\d+[HM])*(?:-?\d+(?:\.\d{1,6}0*)?S)?)?|-?infinity"
)
_ELEMENT = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^{},;"\s][^{},;"]*)', re.DOTALL)
_BACKSLASHED = re.compile(rb"\\(.)", re.DOTALL)
_BOOLEANS = {"t": b"true", "f": b"false", "true": b"true", "false": b"false"}
_ENDLESS = (b'"infinity"', b'"-infinity"')
_HEX = re.compile(rb"\\x(?:[0-9a-fA-F]{2})*")
_DOUBLE, _REAL = 15, 6
"""Digits that a floating-point number of that size holds in any case."""
_UTC = (b"", b"Z", b"+00", b"+0000", b"+00:00")
_REPEATED = "a name is in one of its objects twice"
_DIMENSIONS = 6
"""Of an array, at most, in PostgreSQL."""
_UNRECKONABLE = "its zone cannot be reckoned with; write the time in UTC"
_ZERO_TIMES = re.compile(rb"00:00(?::00(?:\.0+)?)?")


class MisfitError(Exception):
    """A value is not what its column holds; the message says why."""


class _Buffer(msgspec.Struct, forbid_unknown_fields=True, tag="Buffer"):
    data: list[int]


_BUFFER_NAMES = 2
_STRINGS = msgspec.json.Decoder(str)
_BUFFERS = msgspec.json.Decoder(_Buffer)
_LISTS = msgspec.json.Decoder(list[msgspec.Raw])


def converter(kind: str) -> Convert:
    """Give what reads values for a column of this type, as PostgreSQL prints the type (of a domain, what it is of)."""
    if kind.endswith("[]"):
        element = kind[: kind.index("[")]
        if element in ("json", "jsonb"):
            return _documents(converter(element))
        return _array(converter(element), b";" if element == "box" else b",")
    found = _MODIFIED.fullmatch(kind)
    base, size, scale = kind, None, 0
    if found:
        base, size, scale = found[1] + found[4], int(found[2]), int(found[3] or 0)
    precision = 6 if size is None else size
    readers: dict[str, Convert] = {
        **dict.fromkeys(("smallint", "integer", "bigint"), _integer),
        "numeric": _decimal if size is None else _scaled(scale),
        "double precision": _floating(_DOUBLE),
        "real": _floating(_REAL),
        "boolean": _boolean,
        **dict.fromkeys(("timestamp without time zone", "timestamp with time zone"), _instant(precision)),
        "date": _date,
        "time without time zone": _time_of_day(precision, zoned=False),
        "time with time zone": _time_of_day(precision, zoned=True),
        "json": lambda value: value,  # it keeps its text, whatever is in it
        "jsonb": _document,
        "interval": _interval,
        "bytea": _bytes,
        "character varying": text if size is None else _limited(size),
    }
    return readers.get(base, text)


def kind_of(value: bytes) -> str:
    """Say what a JSON text is."""
    first = value[:1]
    kinds = {b'"': "a text", b"{": "an object", b"[": "a list", b"t": "true", b"f": "false", b"n": "null"}
    return kinds.get(first, "a number")


def text(value: bytes) -> bytes:
    """Give the characters of a JSON string."""
    if value[:1] != b'"':
        raise MisfitError(f"a text is needed, not {kind_of(value)}")
    if b"\\" not in value:
        return value[1:-1]
    if has_half(value):
        raise MisfitError("half of a surrogate pair (\\ud800 to \\udfff) stands alone in it")
    found: str = _STRINGS.decode(value)
    if "\0" in found:
        raise MisfitError("the character with the number 0 is in no text of PostgreSQL")
    return found.encode()


def _limited(size: int) -> Convert:
    def convert(value: bytes) -> bytes:
        found = text(value)
        # the server cuts blanks off without a word
        if len(found) > size and len(found.decode()) > size:
            raise MisfitError(f"it is longer than {size} characters")
        return found

    return convert


def _interval(value: bytes) -> bytes:
    """Whole numbers with their units, and seconds to the millionth; the server guesses at others, or rounds them."""
    found = text(value)
    if not _INTERVAL.fullmatch(found) or not found.strip():
        example = '"1 mon 2 days 03:00:00.5"'
        raise MisfitError(f"whole numbers with units such as {example} are needed, not {_said(value)}")
    return found


def _integer(value: bytes) -> bytes:
    if not _INTEGER.fullmatch(value):
        raise MisfitError(f"a whole number is needed, not {_said(value)}")
    return value.strip(b'"')


def _decimal(value: bytes) -> bytes:
    return _number(value)[2] if value not in _SPECIAL else value.strip(b'"')


def _number(value: bytes) -> re.Match[bytes]:
    found = _NUMBER.fullmatch(value)
    if found is None:
        raise MisfitError(f"a number is needed, not {_said(value)}")
    return found


def _scaled(scale: int) -> Convert:
    def convert(value: bytes) -> bytes:
        if value == b'"NaN"':
            return b"NaN"
        found = _number(value)
        number, fraction = found[2], found[3] or b""
        if scale < 0 or b"e" in number or b"E" in number:
            _, digits, exponent = Decimal(number.decode()).as_tuple()
            assert isinstance(exponent, int)
            written = "".join(map(str, digits)).rstrip("0")
            lost = bool(written) and -(exponent + len(digits) - len(written)) > scale
        else:
            lost = bool(fraction[scale:].strip(b"0"))
        if lost:
            raise MisfitError(f"it has more than {scale} decimal places")
        return number

    return convert


def _floating(sure: int) -> Convert:
    def convert(value: bytes) -> bytes:
        if value in _SPECIAL:
            return value.strip(b'"')
        number = _number(value)[2]
        digits = len(number.partition(b"e")[0].partition(b"E")[0].strip(b"-").replace(b".", b"").strip(b"0"))
        if digits > sure and not _is_exact(number.decode(), digits, sure):
            raise MisfitError("it has more digits than the column holds")
        return number

    return convert


def _is_exact(number: str, digits: int, sure: int) -> bool:
    """Whether a floating-point number of the column's size prints as this one."""
    held = float(number)
    if sure == _DOUBLE:
        return Decimal(repr(held)) == Decimal(number) if held - held == 0 else False
    try:
        single: float = struct.unpack("f", struct.pack("f", held))[0]
    except OverflowError:
        return False
    # JavaScript prints a single number as the double that it is
    return single == held or Decimal(f"{single:.{digits}g}") == Decimal(number)


def _boolean(value: bytes) -> bytes:
    if value not in (b"true", b"false"):
        raise MisfitError(f"true or false is needed, not {_said(value)}")
    return value[:1]


def _instant(precision: int) -> Convert:
    """Times without a zone are taken as UTC; PostgreSQL itself passes over the zone where the column has none."""

    def convert(value: bytes) -> bytes:
        if value in _ENDLESS:
            return value.strip(b'"')
        found = _INSTANT.fullmatch(value)
        if found is None:
            raise MisfitError(f"a time such as 2026-01-31T12:00:00.000Z is needed, not {_said(value)}")
        day, time, fraction, zone, era = found.groups(default=b"")
        _refuse_finer(fraction, precision)
        if zone in _UTC:
            return day + b" " + (time or b"00:00") + b"Z" + era
        return _in_utc(day, time, zone, era)

    return convert


def _refuse_finer(fraction: bytes, precision: int) -> None:
    if fraction[precision:].strip(b"0"):
        raise MisfitError(f"it has more than {precision} decimal places of a second")


def _in_utc(day: bytes, time: bytes, zone: bytes, era: bytes) -> bytes:
    sign = -1 if zone[:1] == b"-" else 1
    digits = zone[1:].replace(b":", b"")
    offset = sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    if era:
        raise MisfitError(_UNRECKONABLE)
    try:
        clock = time.decode() if time.count(b":") > 1 else f"{time.decode()}:00"
        whole, _, fraction = clock.partition(".")
        local = datetime.fromisoformat(f"{day.decode()}T{whole}").replace(tzinfo=timezone(offset))
        moment = local.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise MisfitError(_UNRECKONABLE) from error
    return f"{moment.isoformat(sep=' ')}{'.' if fraction else ''}{fraction}Z".encode()


def _date(value: bytes) -> bytes:
    moment = _instant(6)(value)
    day, space, rest = moment.partition(b" ")
    clock, _, era = rest.partition(b"Z")
    if space and not _ZERO_TIMES.fullmatch(clock):
        raise MisfitError("a day is needed, and this is a time of a day")
    return day + era


def _time_of_day(precision: int, *, zoned: bool) -> Convert:
    def convert(value: bytes) -> bytes:
        found = _OF_DAY.fullmatch(value) or _END_OF_DAY.fullmatch(value)
        if found is None:
            raise MisfitError(f"a time of day such as 12:00:00 is needed, not {_said(value)}")
        time, fraction, zone = found.groups(default=b"")
        _refuse_finer(fraction, precision)
        if not zoned and zone not in (b"", b"Z"):
            raise MisfitError("a time of day in UTC is needed")
        return time + (zone if zoned else b"")

    return convert


def _document(value: bytes) -> bytes:
    if value[:1] in b"{[":
        try:
            json.loads(value, object_pairs_hook=_refuse_repeated, parse_int=str, parse_float=str)
        except RecursionError as error:
            if has_repeated(value):
                raise MisfitError(_REPEATED) from error
    return value


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise MisfitError(_REPEATED)


def _bytes(value: bytes) -> bytes:
    if value[:1] == b"{":
        try:
            data = bytes(_BUFFERS.decode(value).data)
        except (msgspec.DecodeError, ValueError) as error:
            raise MisfitError('bytes are {"type": "Buffer", "data": [numbers from 0 to 255]}') from error
        if value.count(b":") > _BUFFER_NAMES:
            raise MisfitError(_REPEATED)
        return b"\\x" + data.hex().encode()
    if value[:1] == b'"' and _HEX.fullmatch(found := text(value)):
        return found
    raise MisfitError(f'bytes are needed, {{"type": "Buffer", "data": […]}} or "\\x…", not {kind_of(value)}')


def _array(element: Convert, delimiter: bytes) -> Convert:
    def convert(value: bytes, depth: int = 1) -> bytes:
        if depth > _DIMENSIONS:
            raise MisfitError(f"lists are nested deeper than the {_DIMENSIONS} dimensions that an array may have")
        return b"{" + delimiter.join(one(bytes(each), depth) for each in _LISTS.decode(value)) + b"}"

    def one(value: bytes, depth: int) -> bytes:
        if value == b"null":
            return b"NULL"
        return convert(value, depth + 1) if value[:1] == b"[" else _quoted(element(value))

    return _listed(convert, element)


def _documents(element: Convert) -> Convert:
    """An array of JSON; lists and null in it are values, and no dimensions and no NULL."""

    def convert(value: bytes) -> bytes:
        return b"{" + b",".join(_quoted(element(bytes(each))) for each in _LISTS.decode(value)) + b"}"

    return _listed(convert, lambda value: element(text(value)))


def _listed(convert: Convert, element: Convert) -> Convert:
    """A list, or an array as the server writes it, whose elements are judged just as those of a list are."""

    def one(found: re.Match[bytes]) -> bytes:
        quoted, bare = found.groups()
        if bare is not None and bare.upper() == b"NULL":
            return bare
        characters = (bare if quoted is None else _BACKSLASHED.sub(rb"\1", quoted)).decode()
        if element is _boolean:
            return _quoted(element(_BOOLEANS.get(characters, b"null")))
        return _quoted(element(msgspec.json.encode(characters)))

    def read(value: bytes) -> bytes:
        if value[:1] == b'"':
            bounds, begin, elements = text(value).partition(b"{")
            return bounds + begin + _ELEMENT.sub(one, elements)
        if value[:1] != b"[":
            raise MisfitError(f"a list is needed, not {kind_of(value)}")
        return convert(value)

    return read


def _quoted(element: bytes) -> bytes:
    return b'"' + element.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _said(value: bytes) -> str:
    """A value for people, cut short."""
    if value[:1] in b'"0123456789-':
        shown = value if len(value) <= 40 else value[:40] + b"..."
        return shown.decode("utf-8", "ignore")
    return kind_of(value)
