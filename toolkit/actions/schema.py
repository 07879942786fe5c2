"""JSON Schemas of actions, made from their declarations."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from msgspec import inspect

from toolkit.actions.action import Action
from toolkit.actions.answering import AnswersArguments
from toolkit.actions.arguments import TEMPLATE
from toolkit.model.role import ROLE, Role

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE: Final = {"$ref": "../template.schema.json"}
_LIMITS: Final = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}
_SCALARS: Final[Mapping[type[inspect.Type], str]] = {
    inspect.StrType: "string",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
}


@functools.cache
def schema_of(action: Action[Any]) -> dict[str, Any]:
    """Give the schema of an action's arguments as a playbook has them: templates are allowed where they make sense."""
    declared = inspect.type_info(action.arguments)
    assert isinstance(declared, inspect.StructType)
    if action.whole:
        (whole,) = (field for field in declared.fields if field.name == action.whole)
        body = _shape(whole.type)
    else:
        body = _struct(declared)
    for rule in action.rules:
        keyword, message = rule.message()
        body |= rule.keywords()
        body["errorMessage"] = {**body.get("errorMessage", {}), keyword: message}
    return {
        "$schema": _DRAFT,
        "title": action.name,
        "description": action.does,
        "examples": list(action.examples),
        **body,
    }


def answers_schema() -> dict[str, Any]:
    """Give the schema of a file with answers to drift: those arguments by themselves, without templates."""
    declared = inspect.type_info(AnswersArguments)
    assert isinstance(declared, inspect.StructType)
    body: dict[str, Any] = _plain(_struct(declared))
    del body["properties"]["answers"]
    return {
        "$schema": _DRAFT,
        "title": "answers",
        "description": "Answers to drift: what became of tables and columns of a backup in a target.",
        "examples": [{"rename": {"orders.total": "amount"}, "drop_columns": ["orders.legacyCode"]}],
        **body,
    }


def _plain(schema: Any) -> Any:
    """The same without templates."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema if each != _TEMPLATE]
    if not isinstance(schema, dict):
        return schema
    options = [each for each in schema.get("anyOf", ()) if each != _TEMPLATE]
    if len(options) == 1:
        schema = {**{key: part for key, part in schema.items() if key != "anyOf"}, **options[0]}
    return {key: _plain(part) for key, part in schema.items()}


def expressions_of(action: Action[Any]) -> frozenset[str]:
    """Give the arguments of an action that are expressions."""
    properties: Mapping[str, Any] = schema_of(action).get("properties", {})
    return frozenset(name for name, written in properties.items() if written.get(ROLE) == Role.EXPRESSION)


def _property(field: inspect.Field) -> dict[str, Any]:
    described = field.type
    assert isinstance(described, inspect.Metadata), f"{field.name} is not described"
    schema, extra = described.extra_json_schema or {}, described.extra or {}
    default = _default(field.default)
    shape = _shape(described)
    if extra.get(TEMPLATE, True) and not _takes_text(shape):
        shape = {"anyOf": [*_options(shape), _TEMPLATE]}
    return {
        "description": _with_default(schema["description"], default),
        "examples": schema["examples"],
        **({} if default is None else {"default": default}),
        **({ROLE: str(extra["role"])} if "role" in extra else {}),
        **shape,
    }


def _default(value: Any) -> Any:
    """A default that a person may write as well; None for others."""
    if isinstance(value, tuple):
        return [str(item) for item in value] or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | int | float):
        return value
    return str(value) or None if isinstance(value, str) else None


def _with_default(description: str, default: Any) -> str:
    if default is None or isinstance(default, list) or "Default: " in description:
        return description
    text = (
        str(default).lower() if isinstance(default, bool) else default if isinstance(default, str) else f"{default:g}"
    )
    return f"{description} Default: {text}."


@functools.singledispatch
def _shape(declared: inspect.Type) -> dict[str, Any]:
    """The schema of a type by itself."""
    limits = {
        keyword: limit for name, keyword in _LIMITS.items() if (limit := getattr(declared, name, None)) is not None
    }
    return {"type": _SCALARS[type(declared)], **limits}


@_shape.register
def _annotated(declared: inspect.Metadata) -> dict[str, Any]:
    written = declared.extra_json_schema or {}
    more = {key: part for key, part in written.items() if key not in ("description", "examples")}
    return more if more.keys() & {"$ref", "anyOf", "type"} else {**_shape(declared.type), **more}


@_shape.register
def _any(declared: inspect.AnyType) -> dict[str, Any]:
    del declared
    return {}


@_shape.register
def _enum(declared: inspect.EnumType) -> dict[str, Any]:
    return {"enum": [str(member.value) for member in declared.cls]}


@_shape.register
def _literal(declared: inspect.LiteralType) -> dict[str, Any]:
    return {"enum": list(declared.values)}


@_shape.register
def _union(declared: inspect.UnionType) -> dict[str, Any]:
    options = [_shape(each) for each in declared.types if not isinstance(each, inspect.NoneType)]
    flat = [option for each in options for option in _options(each)]
    return flat[0] if len(flat) == 1 else {"anyOf": flat}


@_shape.register
def _list(declared: inspect.VarTupleType) -> dict[str, Any]:
    return {"type": "array", **_part("items", declared.item_type), **_length(declared, "minItems")}


@_shape.register
def _struct(declared: inspect.StructType) -> dict[str, Any]:
    required = [field.encode_name for field in declared.fields if field.required]
    return {
        "type": "object",
        "properties": {field.encode_name: _property(field) for field in declared.fields},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


@_shape.register
def _dict(declared: inspect.DictType) -> dict[str, Any]:
    keys = _shape(declared.key_type)
    del keys["type"]
    return {
        "type": "object",
        **_part("additionalProperties", declared.value_type),
        **({"propertyNames": keys} if keys else {}),
        **_length(declared, "minProperties"),
    }


def _part(keyword: str, declared: inspect.Type) -> dict[str, Any]:
    shape = _shape(declared)
    return {keyword: shape} if shape else {}


def _length(declared: inspect.VarTupleType | inspect.DictType, keyword: str) -> dict[str, Any]:
    return {} if declared.min_length is None else {keyword: declared.min_length}


def _options(shape: dict[str, Any]) -> list[dict[str, Any]]:
    return list(shape["anyOf"]) if shape.keys() == {"anyOf"} else [shape]


def _takes_text(shape: Mapping[str, Any]) -> bool:
    """Whether any text is a value of it, a template included."""
    if not shape or "$ref" in shape:
        return True
    if "anyOf" in shape:
        return any(_takes_text(option) for option in shape["anyOf"])
    return "string" in (shape.get("type"), *shape.get("type", ())) and "pattern" not in shape
