"""JSON text as JavaScript's JSON.stringify writes it: what checksums of JSON backups are over.

No white space, names in the order of the document, numbers as they stand in it, and in strings only those escapes that
JavaScript uses. A document that JavaScript has written without indentation is that text already.
"""

from __future__ import annotations

import re

import msgspec

_WHITE = re.compile(rb"[ \t\r\n]")
_BETWEEN = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\r\n]+')
_ESCAPE = re.compile(rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_OTHERS = re.compile(rb'\\(?![\\"bfnrt])')
_SHORT = {8: rb"\b", 9: rb"\t", 10: rb"\n", 12: rb"\f", 13: rb"\r", 34: rb"\"", 92: rb"\\"}


def canonical(text: bytes) -> bytes:
    """Give a JSON text in its canonical form.

    Raises:
        msgspec.DecodeError: it is no JSON.
    """
    if _WHITE.search(text):
        text = msgspec.json.format(text, indent=-1)
    return _escapes(text)


def canonical_of_sound(text: bytes) -> bytes:
    """Give the canonical form of what is JSON without doubt; it may have half of a surrogate pair, and any depth."""
    return _escapes(_BETWEEN.sub(rb"\1", text) if _WHITE.search(text) else text)


def _escapes(text: bytes) -> bytes:
    return _ESCAPE.sub(_escaped, text) if _OTHERS.search(text) else text


def _escaped(found: re.Match[bytes]) -> bytes:
    high, low, unit, short = found.groups()
    if short is not None:
        return b"/" if short == b"/" else found[0]
    if high is not None:
        code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
        return chr(code).encode()
    code = int(unit, 16)
    if code in _SHORT:
        return _SHORT[code]
    if code < 32 or 0xD800 <= code < 0xE000:
        return b"\\u%04x" % code
    return chr(code).encode()
