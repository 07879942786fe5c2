"""The actions and their schemas."""

from __future__ import annotations

from toolkit.actions.registry import ACTIONS, NOT_IN_THIS_VERSION
from toolkit.config import validation


def test_every_schema_has_its_action() -> None:
    """Every action that a playbook may name can run or is refused by name, and every one has a schema."""
    assert not set(ACTIONS) & NOT_IN_THIS_VERSION
    assert set(ACTIONS) | NOT_IN_THIS_VERSION == set(validation.actions())
