"""Connection strings of libpq, as text: building them from parts and finding a password written in one.

Source of the rules: PostgreSQL documentation, "Connection Strings" (libpq).
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from toolkit.model.host import EmbeddedDatabase

_URI = re.compile(r"postgres(?:ql)?://(?P<authority>[^/?]*)(?:/[^?]*)?(?:\?(?P<query>.*))?", re.DOTALL)
_PAIR = re.compile(r"\s*(?P<key>\w+)\s*=\s*(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<bare>(?:[^\s'\\]|\\.)*))", re.DOTALL)
_IN_URI = re.compile(
    # a password may hold an @ that should have been %40: up to the last one before the path
    r"[a-z][a-z0-9+.-]*://(?:[^\s/?#:{}'\"]*:(?P<userinfo>[^\s/?#{}'\"]+)@"
    r"|[^\s{}'\"]*[?&](?:password|passwd|sslpassword|token|access_token|api_?key|secret|sig|signature)=(?P<query>[^\s&#{}'\"]+))",
    re.IGNORECASE,
)
_PASSWORDS: Final = ("password", "sslpassword")


def from_parts(parts: Mapping[str, object]) -> str:
    """Give a conninfo text of parameters by name, quoted by libpq's rules."""
    return " ".join(f"{key}={_quote(str(value))}" for key, value in parts.items())


def is_database(text: str) -> bool:
    """Say whether a text has the form of a libpq URI, a conninfo or `embedded:NAME`."""
    if embedded := EmbeddedDatabase.of(text):
        return bool(embedded.name)
    return bool(_URI.fullmatch(text)) or bool(re.fullmatch(rf"(?:{_PAIR_PLAIN})+\s*", text, re.DOTALL))


def password_in(text: str) -> str:
    """Give the password that stands in a URI or conninfo; empty when there is none."""
    uri = _URI.fullmatch(text)
    if uri is None:
        pairs = {match["key"]: match["quoted"] or match["bare"] or "" for match in _PAIR.finditer(text)}
        return next((re.sub(r"\\(.)", r"\1", pairs[key]) for key in _PASSWORDS if pairs.get(key)), "")
    user, at, _ = uri["authority"].rpartition("@")
    if at and ":" in user:
        written = user.split(":", 1)[1]
        if written:
            return urllib.parse.unquote(written)
    query = urllib.parse.parse_qs(uri["query"] or "")
    return next((query[key][0] for key in _PASSWORDS if key in query), "")


def same_place(one: str, other: str) -> bool:
    """Say whether two conninfos of keywords name the same database of the same server."""
    first, second = (
        {match["key"]: match["quoted"] or match["bare"] for match in _PAIR.finditer(text)} for text in (one, other)
    )
    keys = ("host", "hostaddr", "dbname", "service")
    same = all(first.get(key) == second.get(key) for key in keys)
    return same and first.get("port", "5432") == second.get("port", "5432") and any(first.get(key) for key in keys)


def passwords_in_uris(text: str) -> list[str]:
    """Give the passwords, as written, of all URIs in a text that have one: `https://user:password@host`, `?token=…`."""
    return [match["userinfo"] or match["query"] for match in _IN_URI.finditer(text)]


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'" if not value or re.search(r"[\s'\\]", value) else escaped


_PAIR_PLAIN: Final = re.sub(r"\?P<\w+>", "?:", _PAIR.pattern)
