"""The secret values in use, so that any text can be shown without them, and as little as possible of anything else.

`toolkit.config.secrets` enters every secret here, those of the environment and of files as soon as they are named, so
that they are hidden from the first line on. There is one set for the whole process, because a value must stay hidden
everywhere, whoever prints it.

Two kinds of secrets, and two kinds of text:

- A *random* secret, eight characters or more that are not merely words or a number, is hidden wherever it occurs.
- A *wordlike* one, such as `demo`, and one that is also the name of a host or repository, would make holes in ordinary
  text. In text from outside (`mask`: what programs, servers and libraries say) it is hidden where it is a word of its
  own; in our own words (`mask_own`: names, counts, keys of the report) only behind `password=` and the like.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Final

from toolkit.config import conninfo

HIDDEN: Final = "***"
_SHORT: Final = 4
_RANDOM: Final = 8

_WORD: Final = r"(?:[A-Z]?[a-z]+(?:[A-Z][a-z]+)*|[A-Z]+)"
_WORDLIKE = re.compile(rf"{_WORD}(?:[-_. ]+{_WORD})*|[0-9]+")
_WRITTEN_PERCENT = re.compile(r"%[0-9A-F]{2}")

# a word ends at what is no letter, and also where a text writes a line end, another character or a colour as an escape
_LEFT: Final = r"(?:(?<!\w)(?<!\w[-.])|(?<=\\[nrtbfv])|(?<=%[0-9A-Fa-f]{2})|(?<=\x1b\[[0-9]m)|(?<=\x1b\[[0-9]{2}m))"
_RIGHT: Final = r"(?!\w)(?![-.]\w)"
_PASSWORD: Final = (
    r"(?P<before>(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key)[\"']?\s*[=:]\s*[\"']?"
    r"|://[^\s/@:]*:)"
)
_NOTHING = re.compile(r"(?!)")


class Known:
    """The forms of all secrets, and what they compile to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.random: set[str] = set()
        self.wordlike: set[str] = set()
        self.public: set[str] = set()
        self.everything = self.anywhere = self.behind = _NOTHING

    def compile(self) -> None:
        public = {form for form in self.random if form in self.public}
        anywhere = [re.escape(form) for form in _longest_first(self.random - public)]
        words = [re.escape(form) for form in _longest_first(self.wordlike | public)]
        bounded = [_bounded(form) for form in _longest_first(self.wordlike | public)]
        self.anywhere = re.compile("|".join(anywhere)) if anywhere else _NOTHING
        self.everything = re.compile("|".join(anywhere + bounded)) if anywhere or bounded else _NOTHING
        self.behind = re.compile(f"(?i:{_PASSWORD})(?:{'|'.join(words)}){_RIGHT}") if words else _NOTHING


_known = Known()


def remember(value: str) -> None:
    """Hide a value from now on, in every form in which a text may have it, and the password in it if it is a URI."""
    if not value:
        return
    forms = {form for each in (value, *_within(value)) for form in (each, *_written_forms(each)) if form}
    # what a program has quoted is quoted once more where a variable is shown as JSON
    forms |= {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in forms for ascii_only in (True, False)}
    with _known.lock:
        new = forms - _known.random - _known.wordlike
        if new:
            _known.random |= {form for form in new if _is_random(form)}
            _known.wordlike |= {form for form in new if not _is_random(form)}
            _known.compile()


def publish(names: Iterable[str]) -> None:
    """Names that are said openly: a secret that equals one is treated like a word."""
    with _known.lock:
        if not _known.public.issuperset(names := set(names)):
            _known.public |= names
            _known.compile()


def mask(text: str) -> str:
    """Give a text from outside with every secret in it replaced by `***`."""
    return mask_own(_known.everything.sub(HIDDEN, text))


def mask_own(text: str) -> str:
    """Give a text of our own, in which a word is a word even if it is somebody's password as well."""
    if _known.anywhere is not _NOTHING:
        text = _known.anywhere.sub(HIDDEN, text)
    if _known.behind is not _NOTHING:
        text = _known.behind.sub(lambda found: f"{found['before']}{HIDDEN}", text)
    return text


def _is_random(form: str) -> bool:
    return len(form) >= _RANDOM and not _WORDLIKE.fullmatch(form)


def _bounded(form: str) -> str:
    left = _LEFT if re.match(r"\w", form) else ""
    right = _RIGHT if re.search(r"\w\Z", form) else ""
    return f"{left}{re.escape(form)}{right}"


def _longest_first(forms: Iterable[str]) -> list[str]:
    return sorted(forms, key=lambda form: (-len(form), form))


def _within(value: str) -> Iterator[str]:
    """What is a secret by itself: the password in a connection string or URI, and every line of a key file."""
    if conninfo.is_database(value):
        yield conninfo.password_in(value)
    for written in conninfo.passwords_in_uris(value):
        yield written
        yield urllib.parse.unquote(written)
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= _SHORT)


def _written_forms(value: str) -> Iterator[str]:
    yield value.strip()
    for quoted in (urllib.parse.quote(value, safe=""), urllib.parse.quote(value), urllib.parse.quote_plus(value)):
        yield quoted
        yield _WRITTEN_PERCENT.sub(lambda found: found[0].lower(), quoted)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield repr(value.encode("utf-8", "surrogateescape"))[2:-1]
    yield value.replace("\\", "\\\\").replace("'", "\\'")
    yield value.replace("'", "''")
    yield value.replace("'", "'\"'\"'")
    yield value.replace("'", "'\\''")
    yield html.escape(value)
    yield html.escape(value, quote=False)
    # as Jinja2 escapes it
    yield html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    yield from _base64_forms(value.encode("utf-8", "surrogateescape"))


def _base64_forms(value: bytes) -> Iterator[str]:
    """The value by itself, and what stands for it in the middle of something longer, such as `user:password`."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(value).decode()
        for before in range(3):
            # six bits a character: the first ones hold bits of what is before, the last one of what is behind
            middle = encode(b"\0" * before + value).decode()[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
            if len(middle) >= _RANDOM:
                yield middle
