"""The secret values in use, so that any text can be shown without them.

Every secret that is revealed is entered here by `toolkit.config.secrets`; whatever is printed, logged, reported or
raised goes through `mask`. There is one set for the whole process because a value once revealed must stay hidden
everywhere, whoever prints it.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from typing import Final

HIDDEN: Final = "***"
_SHORT: Final = 4

_lock = threading.Lock()
_patterns: dict[str, str] = {}
_compiled: re.Pattern[str] | None = None


def remember(value: str) -> None:
    """Hide a value, and the forms it takes in URLs, JSON and connection strings, from now on."""
    if not value:
        return
    forms = {value, *_written_forms(value)}
    # in a key file every line is a secret of its own; a traceback or a server shows single lines
    forms.update(line for line in value.splitlines() if len(line) >= _SHORT)
    global _compiled  # noqa: PLW0603 - the one set for the whole process, see above
    with _lock:
        before = len(_patterns)
        _patterns.update((form, _pattern(form)) for form in forms)
        if len(_patterns) != before:
            longest_first = sorted(_patterns, key=len, reverse=True)
            _compiled = re.compile("|".join(_patterns[form] for form in longest_first))


def mask(text: str) -> str:
    """The text with every secret value in it replaced by `***`."""
    return _compiled.sub(HIDDEN, text) if _compiled else text


def _written_forms(value: str) -> set[str]:
    return {
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        value.replace("\\", "\\\\").replace("'", "\\'"),
    }


def _pattern(form: str) -> str:
    # a secret of one to three characters would make holes in every word; it is hidden where it stands alone
    escaped = re.escape(form)
    return escaped if len(form) >= _SHORT else rf"(?<!\w){escaped}(?!\w)"
