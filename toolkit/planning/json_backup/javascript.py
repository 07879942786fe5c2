"""What JavaScript makes of a JSON text: the text that JSON.stringify(JSON.parse(text)) gives.

Numbers become doubles and are written as JavaScript writes them, names that are whole numbers come first in their
order, and of equal names the last one counts. So `{"b":1.50,"10":1e400}` becomes `{"10":null,"b":1.5}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_NUMBER = rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# few digits, no exponent and no zero at the end: JavaScript writes them as they are
_SAME = rb"(?:0|-?[1-9]\d{0,14}|-?(?:0|[1-9]\d{0,8})\.\d{0,5}[1-9])"
_SUSPECT = re.compile(rb"(?:\A|[:\[,])(?!%b(?:[,\]}]|\Z))%b(?=[,\]}]|\Z)|" % (_SAME, _NUMBER) + rb'"\d+":')
_OBJECT = re.compile(rb"\{")
_TOKEN = re.compile(rb"%b|%b|[{}\[\],:]|true|false|null" % (_STRING, _NUMBER), re.DOTALL)
_PARTS = re.compile(rb"(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?")
_NAME = re.compile(rb"%b(:)?" % _STRING)
_HALF = re.compile(rb"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]|(\\u[dD][89a-fA-F])", re.DOTALL)
_INDEX = re.compile(rb'"(0|[1-9]\d{0,9})"')
_LAST_INDEX = 2**32 - 2
_PLAIN, _SMALL = 21, -6
"""Numbers from 10 to the power of 21 on, and those below 10 to the power of -6, have an exponent in JavaScript."""


def as_javascript(text: bytes, *, repeated: bool = True) -> bytes:
    """Give what JSON.stringify(JSON.parse(text)) gives, of a text in its canonical form.

    Args:
        repeated: objects may have a name twice; without it less has to be looked at.
    """
    return _rewritten(text) if may_differ(text) or (repeated and _OBJECT.search(text)) else text


def may_differ(text: bytes) -> bool:
    """Say whether JavaScript may write a canonical text otherwise, in which no name is twice in an object."""
    return bool(_SUSPECT.search(text))


def lost_numbers(text: bytes) -> int:
    """Count the numbers of a canonical text that JavaScript reads as other ones."""
    if not may_differ(text):
        return 0
    return sum(
        1
        for token in _TOKEN.finditer(text)
        if token[0][:1] in b"-0123456789" and _digits(number_in_javascript(token[0])) != _digits(token[0])
    )


def has_repeated(text: bytes) -> bool:
    """Say whether an object in a canonical text has a name twice."""
    # what is told twice is written once
    return _NAME.findall(as_javascript(text)).count(b":") < _NAME.findall(text).count(b":")


def has_half(text: bytes) -> bool:
    """Say whether half of a surrogate pair stands alone in a text."""
    return any(found[1] for found in _HALF.finditer(text))


def number_in_javascript(text: bytes) -> bytes:
    """Write a number as JavaScript does once it has read it."""
    value = float(text)
    if value - value != 0:
        return b"null"
    if value == 0:
        return b"0"
    sign = b"-" if value < 0 else b""
    digits, exponent = _digits(repr(abs(value)).encode())
    point = len(digits) + exponent
    if _SMALL < point <= _PLAIN:
        if exponent >= 0:
            return sign + digits + b"0" * exponent
        return sign + (digits[:point] + b"." + digits[point:] if point > 0 else b"0." + b"0" * -point + digits)
    fraction = b"." + digits[1:] if len(digits) > 1 else b""
    return sign + digits[:1] + fraction + b"e%+d" % (point - 1)


def _digits(text: bytes) -> tuple[bytes, int]:
    """The digits of a number, and the power of ten that they stand before; signs apart."""
    found = _PARTS.fullmatch(text)
    if found is None:
        return b"", 0
    whole, fraction, exponent = found[2], found[3] or b"", found[4] or b"0"
    digits = (whole + fraction).lstrip(b"0")
    shorter = digits.rstrip(b"0")
    power = int(exponent) if len(exponent) < 20 else 0
    return shorter, power - len(fraction) + len(digits) - len(shorter) if shorter else 0


def _rewritten(text: bytes) -> bytes:
    """Without recursion, for documents may be nested deep."""
    tokens = _TOKEN.finditer(text)
    open_: list[Any] = []
    names: list[bytes] = []
    done = b""
    for found in tokens:
        token = found[0]
        if token == b"{":
            open_.append({})
            names.append(b"")
        elif token == b"[":
            open_.append([])
        elif token == b":":
            names[-1] = done
        elif token in b",":
            _keep(open_[-1], names, done)
        elif token in b"}]":
            if text[found.start() - 1 : found.start()] not in (b"{", b"["):
                _keep(open_[-1], names, done)
            done = _closed(open_.pop(), names)
        else:
            done = number_in_javascript(token) if token[0] in b"-0123456789" else token
    return done


def _keep(container: Any, names: list[bytes], value: bytes) -> None:
    if isinstance(container, dict):
        container[names[-1]] = value
    else:
        container.append(value)


def _closed(container: Any, names: list[bytes]) -> bytes:
    if isinstance(container, list):
        return b"[" + b",".join(container) + b"]"
    names.pop()
    return b"{" + b",".join(name + b":" + container[name] for name in in_javascript_order(container)) + b"}"


def in_javascript_order(names: Any) -> Iterator[bytes]:
    """Give the names of an object, as JSON strings, in the order of JavaScript: indexes first, by their size."""
    indexes = sorted(name for name in map(_index, names) if name is not None)
    yield from (b'"%d"' % index for index in indexes)
    yield from (name for name in names if _index(name) is None)


def _index(name: bytes) -> int | None:
    found = _INDEX.fullmatch(name)
    return int(found[1]) if found and int(found[1]) <= _LAST_INDEX else None
