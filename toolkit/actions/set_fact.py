"""The action `set_fact`: variables that last for the rest of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.actions.context import Context
from toolkit.model.outcome import Outcome


def set_fact(arguments: Mapping[str, Any], context: Context) -> Outcome:
    """Give every argument as a fact; the runner keeps them as variables of the host. Changes nothing outside."""
    del context
    return Outcome(facts=dict(arguments))
