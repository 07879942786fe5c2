"""Checks values against the JSON Schemas in `schemas/` and says what is wrong in words for people.

A schema may carry `errorMessage: {keyword: text}`, which replaces our own words where that keyword fails.
Templates are allowed wherever a schema refers to `template.schema.json`; once templates are rendered, nowhere.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from toolkit.config.document import Document, Keys, show_below
from toolkit.config.masking import mask
from toolkit.errors import Problem
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret

DIRECTORY: Final = Path(__file__).parents[2] / "schemas"
"""Where the schemas are; they are part of the product, beside the package."""

ENDING: Final = ".schema.json"
_BASE: Final = "file:///schemas/"
_TEMPLATE: Final = f"template{ENDING}"
_LISTED: Final = 12

_TYPES: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
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


def check_document(document: Document, schema: str) -> list[Problem]:
    """Every problem that a file has against a schema (its name without ending), in the order of its lines."""
    problems = [document.problem(finding.path, finding.message) for finding in check(document.value, schema)]
    return sorted(problems, key=lambda problem: problem.line)


def check_arguments(action: str, arguments: object, place: Place) -> list[Problem]:
    """Every problem that the rendered arguments of an action have; `place` is the task's."""
    if action not in actions():
        return [
            Problem(file=place.file, line=place.line, path=place.path, message=unknown(action, actions(), "action"))
        ]
    prefix = f"{place.path}.{action}" if place.path else action
    return [
        Problem(file=place.file, line=place.line, path=f"{prefix}{show_below(finding.path)}", message=finding.message)
        for finding in check(arguments, f"actions/{action}", rendered=True)
    ]


def check(value: object, schema: str, *, rendered: bool = False) -> list[Finding]:
    """Every finding against a schema; in a rendered value, templates are no longer allowed."""
    errors = _validator(schema, rendered).iter_errors(_plain(value))
    findings = list(dict.fromkeys(finding for error in errors for finding in _explain(error)))
    suggested = {(finding.path[:-1], finding.suggestion) for finding in findings if finding.suggestion}
    # an unknown key explains why none of several choices is there, a value of another kind explains everything
    unknown_keys = {finding.path[:-1] for finding in findings if finding.keyword == "additionalProperties"}
    other_kind = {finding.path for finding in findings if finding.keyword == "type"}
    return [
        finding
        for finding in findings
        if (finding.path, finding.key) not in suggested
        and not (finding.keyword == "none of" and finding.path in unknown_keys | other_kind)
        and not (finding.keyword == "several of" and finding.path in other_kind)
    ]


@functools.cache
def actions() -> tuple[str, ...]:
    """The names of all actions that have a schema."""
    return tuple(sorted(path.name.removesuffix(ENDING) for path in (DIRECTORY / "actions").glob(f"*{ENDING}")))


def unknown(name: str, known: Iterable[str], what: str) -> str:
    """The message for an unknown name: the nearest known one, else all of them unless they are many."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"unknown {what} {name}; did you mean {near[0]}?"
    if not known:
        return f"unknown {what} {name}; there is none"
    return f"unknown {what} {name}" + (f"; known: {', '.join(known)}" if len(known) <= _LISTED else "")


@functools.cache
def _validator(schema: str, rendered: bool) -> Draft202012Validator:
    contents: dict[str, Any] = {
        path.relative_to(DIRECTORY).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in DIRECTORY.rglob(f"*{ENDING}")
    }
    if rendered:
        contents[_TEMPLATE] = False
    resources = ((f"{_BASE}{name}", DRAFT202012.create_resource(content)) for name, content in contents.items())
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator({"$ref": f"{_BASE}{schema}{ENDING}"}, registry=registry)


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Secret) else value


def _explain(error: ValidationError) -> Iterator[Finding]:
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
            near = difflib.get_close_matches(key, known, n=1)
            message = f"unknown key {key}"
            if near:
                message += f"; did you mean {near[0]}?"
            elif len(known) <= _LISTED:
                message += f"; known: {', '.join(known)}"
            suggestion = near[0] if near else ""
            yield Finding(
                path=(*path, key), key=key, suggestion=suggestion, message=message, keyword="additionalProperties"
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
        if not str(options[index].get("$ref", "")).endswith(_TEMPLATE):
            branches.setdefault(index, []).append(reason)
    # a branch whose shape fits is the one that was meant
    fitting = [reasons for reasons in branches.values() if not any(_is_shape(reason) for reason in reasons)]
    if fitting or len(branches) == 1:
        best = min(fitting or branches.values(), key=lambda reasons: (sum(map(_weight, reasons)), len(reasons)))
        for reason in best:
            yield from _explain(reason)
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
    return 2 if error.validator in ("additionalProperties", "required") else 1


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
        near = difflib.get_close_matches(str(instance), [str(item) for item in value], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
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
    return ", ".join(_scalar(value) for value in values)
