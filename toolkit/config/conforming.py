"""Whether a value conforms to one of our JSON Schemas, told without the library.

Nearly every value does, and the library, which says what is wrong with one that does not, takes a tenth of a command's
start to load. What stands here knows the keywords that our schemas use; of any other one, and of what it could not
tell as the library does, it says nothing, and the library is asked.
"""

from __future__ import annotations

import functools
import json
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from toolkit.shipped import SCHEMAS

ENDING: Final = ".schema.json"
TEMPLATE: Final = f"template{ENDING}"
"""The schema that stands beside another one wherever a template is allowed too."""
COMMON: Final = f"common{ENDING}"
OWN: Final = f"actions/own{ENDING}"
"""What the schema of an action itself is called: what it refers to is beside the schemas of all actions."""

RENDERED_SECRET: Final[Mapping[str, Any]] = {"type": "string"}
"""A secret's source where templates are rendered: it has become a Secret by then, which is checked as text."""


class Hidden(str):
    """A secret among checked values: text of which nothing is known until it is revealed."""

    __slots__ = ()


class UnsureError(Exception):
    """It takes the library to tell."""


def conforms(value: Any, schema: str | Mapping[str, Any], *, rendered: bool) -> bool:
    """Tell whether a value conforms.

    Args:
        value: dicts with text as keys, lists, text, numbers, booleans and None.
        schema: the name of a file of ours, or an action's own.
        rendered: templates are no longer allowed.

    Raises:
        UnsureError: it takes the library to tell.
    """
    own = {} if isinstance(schema, str) else schema
    name = f"{schema}{ENDING}" if isinstance(schema, str) else OWN

    def content(file: str) -> Any:
        return own if file == OWN else _content(file, rendered)

    return _Look(content, name).conforms(value, content(name))


@functools.cache
def _content(file: str, rendered: bool) -> Any:
    if rendered and file == TEMPLATE:
        return False
    found = json.loads((SCHEMAS / file).read_text(encoding="utf-8"))
    if rendered and file == COMMON:
        found["$defs"]["secret"] = RENDERED_SECRET
    return found


class _Look:
    """A look at values by the schemas of one file."""

    def __init__(self, content: Callable[[str], Any], file: str) -> None:
        self._content = content
        self._file = file

    def conforms(self, value: Any, schema: Any) -> bool:
        if isinstance(schema, bool):
            return schema
        for keyword in schema:
            check = _KEYWORDS.get(keyword)
            if check is None:
                if keyword not in _SAYING_NOTHING:
                    raise UnsureError
            elif not check(self, value, schema, keyword):
                return False
        return True

    def refers(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        file, _, pointer = schema[keyword].partition("#")
        look = _Look(self._content, _beside(self._file, file)) if file else self
        found = self._content(look._file)
        for part in pointer.split("/")[1:]:
            found = found[part]
        return look.conforms(value, found)

    def choice(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        fitting = (self.conforms(value, each) for each in schema[keyword])
        if keyword == "oneOf":
            return sum(fitting) == 1
        return any(fitting) if keyword == "anyOf" else all(fitting)

    def negation(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        return not self.conforms(value, schema[keyword])

    def condition(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        branch = "then" if self.conforms(value, schema[keyword]) else "else"
        return branch not in schema or self.conforms(value, schema[branch])

    def properties(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        inside = schema[keyword]
        return not isinstance(value, dict) or all(
            self.conforms(item, inside[key]) for key, item in value.items() if key in inside
        )

    def additional(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        named = schema.get("properties", ())
        return not isinstance(value, dict) or all(
            self.conforms(item, schema[keyword]) for key, item in value.items() if key not in named
        )

    def keys(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        return not isinstance(value, dict) or all(self.conforms(key, schema[keyword]) for key in value)

    def items(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        first = len(schema.get("prefixItems", ()))
        return not isinstance(value, list) or all(self.conforms(item, schema[keyword]) for item in value[first:])

    def first_items(self, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
        pairs = zip(value, schema[keyword], strict=False) if isinstance(value, list) else ()
        return all(self.conforms(item, each) for item, each in pairs)


@functools.cache
def _beside(file: str, other: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), other))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "number": _is_number,
    "integer": _is_whole,
}


def _type(_look: _Look, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
    kinds = schema[keyword]
    return any(_TYPES[kind](value) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _equal(value: Any, other: Any) -> bool:
    if isinstance(value, list | dict) and isinstance(other, list | dict):
        raise UnsureError
    # as in JSON, true is not 1
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _among(_look: _Look, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
    if keyword == "const":
        return _equal(value, schema[keyword])
    return isinstance(value, Hidden) or any(_equal(value, each) for each in schema[keyword])


def _pattern(_look: _Look, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
    return not isinstance(value, str) or isinstance(value, Hidden) or bool(re.search(schema[keyword], value))


def _number(_look: _Look, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
    limit = schema[keyword]
    if not _is_number(value):
        return True
    if keyword == "minimum":
        return not value < limit
    return not value > limit if keyword == "maximum" else value > limit


_SIZED: Final = {"Length": str, "Items": list, "Properties": dict}


def _size(_look: _Look, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
    if not isinstance(value, _SIZED[keyword[3:]]) or (keyword == "minLength" and isinstance(value, Hidden)):
        return True
    return len(value) >= schema[keyword] if keyword.startswith("min") else len(value) <= schema[keyword]


def _unique(_look: _Look, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
    if not isinstance(value, list) or not schema[keyword]:
        return True
    if not all(isinstance(item, str) for item in value):
        raise UnsureError
    return len(set(value)) == len(value)


def _required(_look: _Look, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
    return not isinstance(value, dict) or all(key in value for key in schema[keyword])


def _required_with(_look: _Look, value: Any, schema: Mapping[str, Any], keyword: str) -> bool:
    return not isinstance(value, dict) or all(
        other in value for key, others in schema[keyword].items() if key in value for other in others
    )


_SAYING_NOTHING: Final = frozenset(
    "$schema $id $defs $comment title description examples default format errorMessage x-role then else".split()
)
"""Keywords that say nothing of a value, or only with another one. Formats are said, and not checked."""

_KEYWORDS: Final[Mapping[str, Callable[[_Look, Any, Mapping[str, Any], str], bool]]] = {
    "$ref": _Look.refers,
    **dict.fromkeys(("anyOf", "oneOf", "allOf"), _Look.choice),
    "not": _Look.negation,
    "if": _Look.condition,
    "properties": _Look.properties,
    "additionalProperties": _Look.additional,
    "propertyNames": _Look.keys,
    "items": _Look.items,
    "prefixItems": _Look.first_items,
    "type": _type,
    **dict.fromkeys(("enum", "const"), _among),
    "pattern": _pattern,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum"), _number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _size),
    "uniqueItems": _unique,
    "required": _required,
    "dependentRequired": _required_with,
}
