"""The schemas themselves: valid, strict, and every property explained with examples that hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from toolkit.actions.registry import ACTIONS
from toolkit.model.playbook import Keywords, Play, Task
from toolkit.shipped import SCHEMAS

FILES = sorted(
    path.relative_to(SCHEMAS).as_posix()
    for path in SCHEMAS.rglob("*.json")
    if path.name != "manifest.schema.json"  # written and tested with the storage layer
)
CONTENTS: dict[str, Any] = {file: json.loads((SCHEMAS / file).read_text(encoding="utf-8")) for file in FILES}
REGISTRY: Registry[Any] = Registry().with_resources(
    (f"file:///{file}", DRAFT202012.create_resource(content)) for file, content in CONTENTS.items()
)


def schemas_in(schema: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping inside of a schema that may be a schema, with its JSON pointer."""
    if isinstance(schema, dict):
        yield pointer, schema
        for key, part in schema.items():
            if key not in ("examples", "enum", "const", "errorMessage"):
                yield from schemas_in(part, f"{pointer}/{key}")
    elif isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from schemas_in(part, f"{pointer}/{index}")


def properties_of(file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that a person may write, with its JSON pointer."""
    for pointer, schema in schemas_in(CONTENTS[file]):
        if "type" in schema and isinstance(schema.get("properties"), dict):
            for name, property_ in schema["properties"].items():
                yield f"{pointer}/properties/{name}", property_


@pytest.mark.parametrize("file", FILES)
def test_valid(file: str) -> None:
    """Every schema is valid JSON Schema, draft 2020-12, and says so."""
    assert CONTENTS[file]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(CONTENTS[file])


@pytest.mark.parametrize("file", FILES)
def test_properties_are_explained(file: str) -> None:
    """Every property has a description and at least one example, and every example is valid."""
    for pointer, property_ in properties_of(file):
        if pointer.startswith("/$defs") and "/if/" in pointer:
            continue
        assert property_.get("description", "").endswith((".", "}`.")), f"{file}#{pointer}"
        assert property_.get("examples"), f"{file}#{pointer}"
        validator = Draft202012Validator({"$ref": f"file:///{file}#{pointer.replace('{', '%7B')}"}, registry=REGISTRY)
        for example in property_["examples"]:
            assert not [error.message for error in validator.iter_errors(example)], f"{file}#{pointer}: {example}"


@pytest.mark.parametrize("file", FILES)
def test_examples_of_whole_documents(file: str) -> None:
    """The examples of a whole schema are valid."""
    validator = Draft202012Validator({"$ref": f"file:///{file}"}, registry=REGISTRY)
    examples = CONTENTS[file].get("examples", [])
    assert examples or file in ("common.schema.json", "run-report.schema.json")
    for example in examples:
        assert not [error.message for error in validator.iter_errors(example)]


@pytest.mark.parametrize("file", FILES)
def test_unknown_keys_are_errors(file: str) -> None:
    """Wherever keys are listed, others are refused; only variables are free."""
    for pointer, schema in schemas_in(CONTENTS[file]):
        if "properties" in schema and "object" in schema.get("type", ()):
            free = file == "variables.schema.json" and not pointer
            chosen_by_type = file == "repositories.schema.json" and pointer == "/$defs/repository"
            assert free or chosen_by_type or schema.get("additionalProperties") is False, f"{file}#{pointer}"


def test_keywords_are_those_of_the_model() -> None:
    """What a play or task may say is what the model has a place for."""
    definitions = CONTENTS["playbook.schema.json"]["$defs"]
    in_task = {*Keywords.__struct_fields__, *Task.__struct_fields__}
    assert set(definitions["task"]["properties"]) - set(ACTIONS) == in_task - {
        "place",
        "keywords",
        "action",
        "arguments",
    }
    assert set(definitions["play"]["properties"]) == set(Play.__struct_fields__) - {"place"}
