"""Checks values against the JSON Schemas in `schemas/`.

Templates are allowed wherever a schema refers to `template.schema.json`; once templates are rendered, nowhere.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from toolkit.config.document import Document, show_below, show_path
from toolkit.config.explanation import ENDING, LISTED, TEMPLATE, Finding, explain
from toolkit.config.secrets import is_source
from toolkit.errors import Problem
from toolkit.model.playbook import Place
from toolkit.model.secret import Secret
from toolkit.shipped import SCHEMAS
from toolkit.wording import meant

_BASE: Final = "file:///schemas/"
_COMMON: Final = f"common{ENDING}"


NO_SOURCE: Final = (
    'a secret\'s source is not taken here; put it into a variable, `vars: {name: {env: X}}`, and write "{{ name }}"'
)


class _Hidden(str):
    """A secret among checked values: text of which nothing is known until it is revealed."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Unlike that of any text."""
        return "a secret"


def _unless_hidden(keyword: str) -> Callable[..., Iterator[ValidationError]]:
    standard = Draft202012Validator.VALIDATORS[keyword]

    def check_keyword(validator: Validator, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, _Hidden):
            yield from standard(validator, value, instance, schema) or ()

    return check_keyword


def _alike_once(validator: Validator, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`additionalProperties`, for which of values that are alike one is looked at: tables have few different rules."""
    standard = Draft202012Validator.VALIDATORS["additionalProperties"]
    if isinstance(wanted, dict) and isinstance(instance, dict) and not {"properties", "patternProperties"} & {*schema}:
        different = {repr(value): name for name, value in instance.items()}
        some = {name: instance[name] for name in different.values()}
        if next(iter(standard(validator, wanted, some, schema)), None) is None:
            return
    yield from standard(validator, wanted, instance, schema) or ()


_Validator: Final[type[Validator]] = validators.extend(  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    Draft202012Validator,
    {keyword: _unless_hidden(keyword) for keyword in ("pattern", "enum", "minLength")}
    | {"additionalProperties": _alike_once},
)


def check_document(document: Document, schema: str) -> list[Problem]:
    """Give every problem that a file has against a schema (its name without ending), in the order of its lines."""
    order = {path: position for position, path in enumerate(document.lines)}
    findings = sorted(check(document.value, schema), key=lambda finding: order.get(finding.path, len(order)))
    problems = [document.problem(finding.path, finding.message) for finding in findings]
    if schema == "playbook":
        # elsewhere the schema says what of a source is taken
        told = zip(findings, problems, strict=True)
        problems = list(dict.fromkeys(_at_source(document, finding) or problem for finding, problem in told))
    return problems


def _at_source(document: Document, finding: Finding) -> Problem | None:
    """The problem of a secret's source that stands where none is taken; None where it is none."""
    for path in (finding.path, finding.path[:-1]):
        value = document.value
        try:
            for part in path:
                value = value[part]
        except (KeyError, IndexError, TypeError):
            continue
        if path and is_source(value):
            return document.problem(path, NO_SOURCE)
    return None


def check_arguments(action: str, schema: Mapping[str, Any], arguments: object, place: Place) -> list[Problem]:
    """Give every problem that the rendered arguments of an action have.

    Args:
        action: its name, for the problems' paths.
        schema: that of its arguments.
        place: the task's.
    """
    prefix = f"{place.path}.{action}" if place.path else action
    return [
        Problem(file=place.file, line=place.line, path=f"{prefix}{show_below(finding.path)}", message=finding.message)
        for finding in check(arguments, schema, rendered=True)
    ]


def check(value: object, schema: str | Mapping[str, Any], *, rendered: bool = False) -> list[Finding]:
    """Give every finding against a schema; in a rendered value, templates are no longer allowed.

    Args:
        schema: its name without ending, or an action's own.
    """
    validator = _named(schema, rendered) if isinstance(schema, str) else _own(schema, rendered)
    errors = validator.iter_errors(_plain(value))
    # the library goes through keys in no certain order
    unsorted = dict.fromkeys(finding for error in errors for finding in explain(error))
    findings = sorted(unsorted, key=lambda finding: (show_path(finding.path), finding.message))
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
    """Give the names of all actions that have a schema."""
    return tuple(sorted(path.name.removesuffix(ENDING) for path in (SCHEMAS / "actions").glob(f"*{ENDING}")))


def unknown(name: str, known: Iterable[str], what: str) -> str:
    """Give the message for an unknown name: the nearest known one, else all of them unless they are many."""
    known = sorted(known)
    if not known:
        return f"unknown {what} {name}; there is none"
    listed = f"; known: {', '.join(known)}" if len(known) <= LISTED else ""
    return f"unknown {what} {name}{meant(name, known) or listed}"


def unknown_repository(name: str, known: Iterable[str]) -> str:
    """Give the message for a repository that is not in the inventory; what looks like a file may be meant as one."""
    # a drive of Windows is one letter
    file = re.sub(r"^[A-Za-z]{2,}:", "", name)
    is_file = any(sign in name for sign in ("/", "\\", ".playback"))
    known = tuple(known)
    if is_file:
        return f"{unknown(name, known, 'repository')}; a bundle is written bundle:{file}"
    more = "" if meant(name, known) else "; write it into repositories.yml of the inventory (`init` leaves an example)"
    return unknown(name, known, "repository") + more


@functools.cache
def action_schema(action: str) -> Mapping[str, Any]:
    """Give the schema of an action's arguments as they stand in playbooks."""
    schema: Mapping[str, Any] = json.loads((SCHEMAS / "actions" / f"{action}{ENDING}").read_text(encoding="utf-8"))
    return schema


@functools.cache
def _named(schema: str, rendered: bool) -> Validator:
    return _Validator({"$ref": f"{_BASE}{schema}{ENDING}"}, registry=_registry(rendered))


_validators: dict[tuple[int, bool], tuple[Mapping[str, Any], Validator]] = {}
"""The validators of actions' own schemas by identity, each with its schema, so that no other one takes its place."""


def _own(schema: Mapping[str, Any], rendered: bool) -> Validator:
    key = (id(schema), rendered)
    if key not in _validators:
        # what it refers to is beside the schemas of all actions
        placed = {**schema, "$id": f"{_BASE}actions/own{ENDING}"}
        del placed["$schema"]
        _validators[key] = (schema, _Validator(placed, registry=_registry(rendered)))
    return _validators[key][1]


@functools.cache
def _registry(rendered: bool) -> Registry[Any]:
    if rendered:
        common = json.loads((SCHEMAS / _COMMON).read_text(encoding="utf-8"))
        # a secret's source has become a Secret by then, which is checked as text
        common["$defs"]["secret"] = {"type": "string"}
        return _registry(False).with_resources([_resource(TEMPLATE, False), _resource(_COMMON, common)])
    files = ((path.relative_to(SCHEMAS).as_posix(), path) for path in SCHEMAS.rglob(f"*{ENDING}"))
    read = (_resource(name, json.loads(path.read_text(encoding="utf-8"))) for name, path in files)
    registry: Registry[Any] = Registry().with_resources(read)
    return registry


def _resource(name: str, content: Any) -> tuple[str, Resource[Any]]:
    if isinstance(content, dict):
        # where a schema names its draft, the library falls back on that draft's own validator
        del content["$schema"]
    return f"{_BASE}{name}", DRAFT202012.create_resource(content)


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _Hidden(value) if isinstance(value, Secret) else value
