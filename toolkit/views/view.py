"""How the result of an action looks: the views of each kind of result, found by its type."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from toolkit.model.outcome import Outcome


class View(Struct, frozen=True, kw_only=True):
    """A result for people and for programs.

    Attributes:
        message: one line.
        details: further lines.
        facts: JSON values, which `register` keeps.
        plan: JSON values for the report alone; None where there are none.
    """

    message: str
    details: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    plan: Mapping[str, object] | None = None


@functools.singledispatch
def view(result: object) -> View:
    """Give the view of a result; every kind of result has its own."""
    raise TypeError(f"no view of {type(result).__name__}")


def shown(outcome: Outcome) -> Outcome:
    """Give the outcome with what its result looks like; one without a result has said so itself."""
    if outcome.result is None:
        return outcome
    seen = view(outcome.result)
    return replace(outcome, message=seen.message, details=seen.details, facts=seen.facts, plan=seen.plan)
