"""What is wrong with a value by one of our JSON Schemas, asked of the library, which only this file loads."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from toolkit.config.conforming import COMMON, ENDING, OWN, RENDERED_SECRET, TEMPLATE, Hidden
from toolkit.config.explanation import Finding, explain
from toolkit.shipped import SCHEMAS

_BASE: Final = "file:///schemas/"


def _unless_hidden(keyword: str) -> Callable[..., Iterator[ValidationError]]:
    standard = Draft202012Validator.VALIDATORS[keyword]

    def check_keyword(validator: Validator, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, Hidden):
            yield from standard(validator, value, instance, schema) or ()

    return check_keyword


_Validator: Final[type[Validator]] = validators.extend(  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    Draft202012Validator, {keyword: _unless_hidden(keyword) for keyword in ("pattern", "enum", "minLength")}
)


def faults(value: Any, schema: str | Mapping[str, Any], *, rendered: bool) -> Iterable[Finding]:
    """Give every finding against a schema, each once, in no certain order.

    Args:
        value, schema, rendered: as `conforms` takes them.
    """
    return dict.fromkeys(
        finding for error in validator(schema, rendered).iter_errors(value) for finding in explain(error)
    )


def validator(schema: str | Mapping[str, Any], rendered: bool) -> Validator:
    """Give the library's validator of a schema: its name without ending, or an action's own."""
    return _named(schema, rendered) if isinstance(schema, str) else _own(schema, rendered)


@functools.cache
def _named(schema: str, rendered: bool) -> Validator:
    return _Validator({"$ref": f"{_BASE}{schema}{ENDING}"}, registry=_registry(rendered))


_validators: dict[tuple[int, bool], tuple[Mapping[str, Any], Validator]] = {}
"""The validators of actions' own schemas by identity, each with its schema, so that no other one takes its place."""


def _own(schema: Mapping[str, Any], rendered: bool) -> Validator:
    key = (id(schema), rendered)
    if key not in _validators:
        placed = {**schema, "$id": f"{_BASE}{OWN}"}
        del placed["$schema"]
        _validators[key] = (schema, _Validator(placed, registry=_registry(rendered)))
    return _validators[key][1]


@functools.cache
def _registry(rendered: bool) -> Registry[Any]:
    contents: dict[str, Any] = {
        path.relative_to(SCHEMAS).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in SCHEMAS.rglob(f"*{ENDING}")
    }
    for content in contents.values():
        # where a schema names its draft, the library falls back on that draft's own validator
        del content["$schema"]
    if rendered:
        contents[TEMPLATE] = False
        contents[COMMON]["$defs"]["secret"] = RENDERED_SECRET
    resources = ((f"{_BASE}{name}", DRAFT202012.create_resource(content)) for name, content in contents.items())
    registry: Registry[Any] = Registry().with_resources(resources)
    return registry
