"""The actions and their schemas."""

from __future__ import annotations

from toolkit.actions.registry import ACTIONS
from toolkit.config import validation


def test_every_schema_has_its_action() -> None:
    """Every action that a playbook may name can run, and every one has a schema."""
    assert set(ACTIONS) == set(validation.actions())
