"""schemas/manifest.schema.json says what the program writes, neither more nor less."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tests.storage.samples import sample_rows, write_backup
from toolkit.model import manifest as model
from toolkit.model import schema as facts
from toolkit.storage.layout import manifest_name
from toolkit.storage.repository import Repository

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "schemas" / "manifest.schema.json").read_text(encoding="utf-8")
)
STRUCTS: dict[str, type[msgspec.Struct]] = {
    "metadata": model.Metadata,
    "businessFilter": model.BusinessFilter,
    "stats": model.Stats,
    "checksums": model.Checksums,
    "table": model.TableEntry,
    "support": model.Support,
    "storedColumn": model.StoredColumn,
    "keyColumn": model.KeyColumn,
    "chunk": model.Chunk,
    "pack": model.Pack,
    "sequence": model.SequenceEntry,
    "leftOut": model.LeftOut,
    "selection": model.Selection,
    "tableSelection": model.TableSelection,
    "rule": model.RuleEntry,
    "ownerWay": model.OwnerWay,
    "pointer": model.Pointer,
    "databaseSchema": facts.DatabaseSchema,
    "schemaTable": facts.Table,
    "column": facts.Column,
    "uniqueKey": facts.UniqueKey,
    "foreignKey": facts.ForeignKey,
    "equality": facts.Equality,
}


def written(repository: Repository) -> dict[str, Any]:
    """The manifest file of a backup."""
    manifest, _ = write_backup(repository, sample_rows(), packed=500)
    document: dict[str, Any] = json.loads(repository.store.get(manifest_name(manifest.metadata.label)))
    return document


def objects(document: object, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON object in a document with its path."""
    if isinstance(document, dict):
        yield path, document
        for key, value in document.items():
            yield from objects(value, f"{path}.{key}")
    elif isinstance(document, list):
        for value in document:
            yield from objects(value, f"{path}[]")


def test_the_schema_is_one() -> None:
    """The file is valid JSON Schema."""
    Draft202012Validator.check_schema(SCHEMA)


def test_a_written_manifest_validates(repository: Repository) -> None:
    """A manifest with every kind of field passes."""
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(written(repository))] == []


def test_unknown_keys_are_refused_everywhere(repository: Repository) -> None:
    """A key the schema does not know is an error in every object, but for those whose keys are names."""
    document = written(repository)
    validator = Draft202012Validator(SCHEMA)
    by_name = {
        "$.metadata.optional",
        "$.selection.tenants",
        "$.selection.tables",
        "$.selection.rules",
        "$.selection.limits",
        "$.schema.tables",
        "$.schema.enums",
        "$.put_aside",
    }
    found = dict(objects(document))
    assert len(found) > 20
    for path, value in found.items():
        if path not in by_name:
            value["novel"] = 1
            assert not validator.is_valid(document), path
            del value["novel"]
    assert validator.is_valid(document)


@pytest.mark.parametrize("name", ["", *STRUCTS])
def test_properties_are_the_fields(name: str) -> None:
    """The properties of every object are the fields that the program writes, and exactly the omittable are optional."""
    part = SCHEMA["$defs"][name] if name else SCHEMA
    struct = STRUCTS[name] if name else model.Manifest
    fields = msgspec.structs.fields(struct)
    omitted = {
        field.encode_name
        for field in fields
        if struct.__struct_config__.omit_defaults and field.default is not msgspec.NODEFAULT
    }
    assert set(part["properties"]) == {field.encode_name for field in fields}
    assert set(part["required"]) == {field.encode_name for field in fields} - omitted
    assert part["additionalProperties"] is False


def test_every_definition_is_compared() -> None:
    """No definition escapes the comparison with the program."""
    assert set(SCHEMA["$defs"]) == set(STRUCTS)


def test_every_property_is_explained() -> None:
    """Every property has a description and an example that is valid."""
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        for name, value in part["properties"].items():
            assert value["description"].endswith("."), name
            assert value["examples"], name
            validator = Draft202012Validator({**value, "$defs": SCHEMA["$defs"]})
            for example in value["examples"]:
                assert validator.is_valid(example), (name, example)
