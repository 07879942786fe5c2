"""Errors of the JSON Schema library in words for people.

A schema may carry `errorMessage: {keyword: text}`, which replaces our own words where that keyword fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from jsonschema import ValidationError
from msgspec import Struct

from toolkit.config.document import Keys
from toolkit.config.masking import mask
from toolkit.wording import meant, nearest

ENDING: Final = ".schema.json"
TEMPLATE: Final = f"template{ENDING}"
"""The schema that stands beside another one wherever a template is allowed too."""

LISTED: Final = 12
"""Most known names that are listed where none is near; more would hide the message."""

_TYPES: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


class Finding(Struct, frozen=True, kw_only=True):
    """One thing wrong.

    Attributes:
        path: where in the checked value.
        key: the key that is unknown or missing.
        suggestion: the key that an unknown one was probably meant to be.
        keyword: the schema's keyword that failed; `none of` or `several of` where it is a choice.
    """

    path: Keys
    message: str
    key: str = ""
    suggestion: str = ""
    keyword: str = ""


def explain(error: ValidationError) -> Iterator[Finding]:
    """Give what an error of the JSON Schema library means, as one or several findings."""
    path: Keys = tuple(error.absolute_path)
    schema, value, instance = _parts(error)
    keyword = str(error.validator)
    words = schema.get("errorMessage", {})
    if "propertyNames" in list(error.relative_schema_path)[:-1]:
        path = (*path, str(instance))
    if keyword in words:
        kind = keyword
        if keyword in ("anyOf", "oneOf", "not"):
            kind = "none of" if error.context else "several of"
        yield Finding(path=path, message=words[keyword], keyword=kind)
    elif keyword == "additionalProperties":
        yield from _unknown_keys(schema, instance, path)
    elif keyword == "required":
        for key in value:
            if key not in instance:
                yield Finding(path=path, key=key, message=f"the key {key} is missing{_values(schema, key)}")
    elif keyword in ("anyOf", "oneOf"):
        yield from _explain_branches(error, path)
    else:
        yield Finding(path=path, message=mask(_message(keyword, value, instance)), keyword=keyword)


def _parts(error: ValidationError) -> tuple[Mapping[str, Any], Any, Any]:
    """The schema that failed, the value of its keyword that did, and what was found."""
    value: Any = error.validator_value
    return error.schema if isinstance(error.schema, Mapping) else {}, value, error.instance


def _unknown_keys(schema: Mapping[str, Any], instance: Mapping[str, Any], path: Keys) -> Iterator[Finding]:
    known = list(schema["properties"])
    for key in instance:
        if key not in known:
            listed = f"; known: {', '.join(known)}" if len(known) <= LISTED else ""
            yield Finding(
                path=(*path, key),
                key=key,
                suggestion=nearest(key, known),
                message=f"unknown key {key}{meant(key, known) or listed}",
                keyword="additionalProperties",
            )


def _values(schema: Mapping[str, Any], key: str) -> str:
    wanted = schema.get("properties", {}).get(key, {})
    values = next((option["enum"] for option in (wanted, *wanted.get("anyOf", ())) if "enum" in option), None)
    return f" (one of {_listed(values)})" if values else ""


def _explain_branches(error: ValidationError, path: Keys) -> Iterator[Finding]:
    branches: dict[int, list[ValidationError]] = {}
    _, options, _ = _parts(error)
    for reason in error.context or ():
        index = int(reason.relative_schema_path[0])
        if not str(options[index].get("$ref", "")).endswith(TEMPLATE):
            branches.setdefault(index, []).append(reason)
    # a branch whose shape fits is the one that was meant
    fitting = [reasons for reasons in branches.values() if not any(_is_shape(reason) for reason in reasons)]
    if fitting or len(branches) == 1:
        best = min(fitting or branches.values(), key=lambda reasons: (sum(map(_weight, reasons)), len(reasons)))
        for reason in best:
            yield from explain(reason)
        return
    expected = dict.fromkeys(
        _expectation(str(leaf.validator), leaf.validator_value)
        for reasons in branches.values()
        for reason in reasons
        for leaf in _shapes(reason)
    )
    wanted = " or ".join(text for text in expected if text)
    yield Finding(path=path, message=mask(f"expected {wanted}, found {_found(error.instance)}"))


def _is_shape(error: ValidationError) -> bool:
    """Whether the whole value of a branch is of another kind than the branch is about."""
    if error.relative_path:
        return False
    if error.validator in ("anyOf", "oneOf") and error.context:
        return all(_is_shape(reason) for reason in error.context)
    return error.validator in ("type", "enum", "const", None)


def _shapes(error: ValidationError) -> Iterator[ValidationError]:
    if error.context:
        for reason in error.context:
            yield from _shapes(reason)
    elif _is_shape(error):
        yield error


def _weight(error: ValidationError) -> int:
    """How far a branch is from what was written: an unknown or missing key is further than a wrong value."""
    schema, _, instance = _parts(error)
    if error.validator == "additionalProperties":
        known = schema["properties"]
        return sum(1 if nearest(key, known) else 2 for key in instance if key not in known)
    return 2 if error.validator == "required" else 1


def _expectation(keyword: str, value: Any) -> str:
    if keyword == "type":
        return " or ".join(_TYPES[kind] for kind in ([value] if isinstance(value, str) else value))
    if keyword == "enum":
        return f"one of {_listed(value)}"
    return _scalar(value) if keyword == "const" else ""


def _message(keyword: str, value: Any, instance: object) -> str:
    if keyword == "type":
        return f"expected {_expectation(keyword, value)}, found {_found(instance)}{_remedy(value, instance)}"
    if keyword == "enum":
        hint = meant(str(instance), map(str, value))
        return f"expected {_expectation(keyword, value)}, found {_found(instance)}{hint}"
    return {
        "const": f"expected {_scalar(value)}, found {_found(instance)}",
        "minLength": "is empty",
        "minItems": "is an empty list",
        "minProperties": "is an empty mapping",
        "minimum": f"must be at least {value}, found {_found(instance)}",
        "exclusiveMinimum": f"must be more than {value}, found {_found(instance)}",
        "maximum": f"must be at most {value}, found {_found(instance)}",
        "uniqueItems": "holds an item twice",
    }.get(keyword, f"{_found(instance)} is not allowed here")


def _remedy(kinds: Any, instance: object) -> str:
    if "string" in kinds and isinstance(instance, int | float):
        return "; put it in quotes"
    if isinstance(instance, str) and instance.lstrip("-").isdigit() and kinds in ("integer", "number"):
        return ", which is text; drop the quotes or, in a template, append `| int`"
    if isinstance(instance, str) and instance.lower() in ("true", "false", "yes", "no") and kinds == "boolean":
        return ", which is text; write true or false or, in a template, append `| bool`"
    return ""


def _found(instance: object) -> str:
    if isinstance(instance, str):
        return f'"{instance[:60]}…"' if len(instance) > 60 else f'"{instance}"'
    if isinstance(instance, Mapping):
        return "a mapping"
    if isinstance(instance, list):
        return "a list"
    return "nothing" if instance is None else _scalar(instance)


def _scalar(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(_scalar(value) for value in values))
