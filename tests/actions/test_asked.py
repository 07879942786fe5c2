"""What a restore was asked for, kept and read back."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.actions.asked import asked_again
from toolkit.actions.registry import ACTIONS
from toolkit.errors import DamageError
from toolkit.model.playbook import Place
from toolkit.runner.arguments import prepared

ALL = {
    "mode": "mirror",
    "businesses": ["a", "b"],
    "identity": "new",
    "rename": {"orders": "sales"},
    "drop_columns": ["orders.old"],
    "defaults": {"orders.channel": "shop", "orders.sure": True, "orders.none": None},
    "triggers": "fire",
}


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (ALL, ALL),
        ({"mode": "merge", "from": "latest", "lock_wait": 5, "triggers": "silent"}, {"mode": "merge"}),
        ({"mode": "merge", "scratch": {"like": "x"}, "identity": "auto"}, {"mode": "merge", "identity": "auto"}),
    ],
)
def test_it_is_kept_without_what_is_as_by_default(arguments: dict[str, Any], kept: dict[str, Any]) -> None:
    """The arguments that decide what is planned are kept as they were written, and read back as they were."""
    given = prepared(ACTIONS["restore"], arguments, Place())
    assert given.document() == kept
    again = asked_again(given.document())
    assert (again.document(), again.answers) == (kept, given.answers)


@pytest.mark.parametrize("document", [{}, {"mode": "both"}, {"mode": "merge", "businesses": "a"}])
def test_anything_else_is_damage(document: dict[str, Any]) -> None:
    """A document that no restore has left is told as what it is."""
    with pytest.raises(DamageError, match="cannot be read"):
        asked_again(document)
