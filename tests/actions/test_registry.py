"""The actions and their schemas."""

from __future__ import annotations

import re

import pytest

from toolkit.actions.registry import ACTIONS
from toolkit.app.schemas import schema_files
from toolkit.config import validation
from toolkit.shipped import SCHEMAS


def test_every_schema_has_its_action() -> None:
    """Every action that a playbook may name can run, and every one has a schema."""
    assert set(ACTIONS) == set(validation.actions())
    assert {name: action.name for name, action in ACTIONS.items()} == {name: name for name in ACTIONS}


@pytest.mark.parametrize("name", ACTIONS)
def test_rules_are_about_arguments(name: str) -> None:
    """What holds between arguments, and what takes all of them, names arguments that there are."""
    action = ACTIONS[name]
    fields = set(action.arguments.__struct_encode_fields__)
    named = set(re.findall(r"'(\w+)'", str([rule.keywords().values() for rule in action.rules]))) - {"required"}
    assert named <= fields
    assert action.whole == "" or fields == {action.whole}


def test_the_schemas_are_up_to_date() -> None:
    """What `schemas/` says of actions is what their declarations say; `make schemas` writes it."""
    files = list(schema_files(ACTIONS, SCHEMAS))
    assert {path.name.removesuffix(".schema.json") for path, _ in files} >= ACTIONS.keys()
    for path, text in files:
        assert path.read_text(encoding="utf-8") == text, path.name
