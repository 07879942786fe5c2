"""The filters and tests of Ansible that playbooks use, for Jinja2."""

from __future__ import annotations

import base64
import json
import posixpath
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import TemplateRuntimeError
from jinja2.runtime import Undefined

from toolkit.config import document, yaml_text
from toolkit.errors import InputError
from toolkit.model.secret import Secret

_TRUE: Final = frozenset(("true", "yes", "on", "y", "t", "1"))
_FALSE: Final = frozenset(("false", "no", "off", "n", "f", "0", ""))


def to_bool(value: Any) -> bool:
    """True and False from the words people write for them; a number is true unless it is 0, nothing is false."""
    word = str(value).strip().lower()
    if value is None or word in _FALSE:
        return False
    if word in _TRUE or isinstance(value, int | float):
        return True
    raise TemplateRuntimeError(f"bool: {str(value)[:40]!r} is neither true nor false")


def ternary(value: Any, true: Any, false: Any) -> Any:
    """Give one of two values, by whether `value` is true."""
    return true if value else false


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON text; what JSON does not know, such as a time, becomes its text."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, indent=indent, default=str)


def to_nice_json(value: Any) -> str:
    """JSON text for people."""
    return to_json(value, indent=4)


def from_json(text: str) -> Any:
    """Give the value of a JSON text."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise TemplateRuntimeError(f"from_json: not JSON: {error}") from error


def to_yaml(value: Any) -> str:
    """YAML text in block style."""
    return yaml_text.write(_plain(value))


def from_yaml(text: str) -> Any:
    """Give the value of a YAML text."""
    try:
        return document.parse(text, file="").value
    except InputError as error:
        raise TemplateRuntimeError(f"from_yaml: {error}") from error


def regex_replace(text: Any, pattern: str, replacement: str = "", ignorecase: bool = False) -> str:
    """Give the text with every match of a regular expression replaced; `\\1` stands for a group."""
    return re.sub(pattern, replacement, str(text), flags=re.IGNORECASE if ignorecase else 0)


def regex_search(text: Any, pattern: str, ignorecase: bool = False) -> str:
    """Give the first match of a regular expression, or an empty text."""
    found = re.search(pattern, str(text), flags=re.IGNORECASE if ignorecase else 0)
    return found.group(0) if found else ""


def combine(first: Mapping[str, Any], *others: Mapping[str, Any]) -> dict[str, Any]:
    """Give one mapping of several; later ones win."""
    combined = dict(first)
    for other in others:
        combined.update(other)
    return combined


def mandatory(value: Any, message: str = "") -> Any:
    """Give the value; an error when it is undefined."""
    if isinstance(value, Undefined):
        raise TemplateRuntimeError(message or "a mandatory variable is undefined")
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Secret) else value


def _result(key: str, default: bool) -> Callable[[Any], bool]:
    def test(result: Any) -> bool:
        if not isinstance(result, Mapping):
            raise TemplateRuntimeError(f"`is {key}` asks for the result of a task (`register`), not for {result!r}")
        return bool(result.get(key, default))

    return test


_failed = _result("failed", False)
_changed = _result("changed", False)
_skipped = _result("skipped", False)


def _succeeded(result: Any) -> bool:
    return not _failed(result)


def _matcher(find: Callable[[str, str], object]) -> Callable[[Any, str], bool]:
    return lambda text, pattern: find(pattern, str(text)) is not None


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "b64decode": lambda text: base64.b64decode(text).decode(),
    "b64encode": lambda text: base64.b64encode(str(text).encode()).decode(),
    "basename": lambda path: posixpath.basename(str(path).replace("\\", "/")),
    "bool": to_bool,
    "combine": combine,
    "dirname": lambda path: posixpath.dirname(str(path).replace("\\", "/")),
    "from_json": from_json,
    "from_yaml": from_yaml,
    "mandatory": mandatory,
    "quote": lambda text: shlex.quote(str(text)),
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "split": lambda text, separator=None: str(text).split(separator),
    "ternary": ternary,
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "to_yaml": to_yaml,
}

TESTS: Final[Mapping[str, Callable[..., bool]]] = {
    "changed": _changed,
    "failed": _failed,
    "failure": _failed,
    "match": _matcher(re.match),
    "regex": _matcher(re.search),
    "search": _matcher(re.search),
    "skip": _skipped,
    "skipped": _skipped,
    "succeeded": _succeeded,
    "success": _succeeded,
}
