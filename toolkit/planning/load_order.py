"""In which order rows come into empty tables whose foreign keys are in place and checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from toolkit.model.schema import DatabaseSchema
from toolkit.planning.cycles import components


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStep:
    """Tables that are loaded together.

    Attributes:
        at_once: their rows point at each other by keys that are checked at the end of each statement, so that one
            statement has to bring all of them.
    """

    tables: tuple[str, ...]
    at_once: bool


def load_steps(schema: DatabaseSchema, names: Collection[str]) -> Sequence[LoadStep]:
    """Put tables in an order in which every row finds what it points at, keys that can be deferred being deferred."""
    edges = [
        (key.parent, name, key.deferrable or not key.enforced)
        for name in names
        for key in schema.tables[name].foreign_keys
        if key.parent in names
    ]
    checked = [(parent, child) for parent, child, later in edges if not later]
    steps = []
    for group in components(names, [(parent, child) for parent, child, _ in edges]):
        for inner in components(group, checked):
            circular = len(inner) > 1 or (inner[0], inner[0]) in checked
            steps.append(LoadStep(tables=inner, at_once=circular))
    return steps
