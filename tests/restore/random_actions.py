"""What the foreign keys of a made-up application do when a parent goes or changes: every action, and parts of a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from tests.installed import VERSION
from tests.restore.spec import Columns, Reference


def with_actions(random: Random, reference: Reference, may_be_null: Callable[[str], bool]) -> Reference:
    """A foreign key, now and then with SET NULL of some columns, SET DEFAULT or an action on update."""
    if not reference.action:
        return reference
    nullable = tuple(name for name in reference.columns if may_be_null(name))
    parts = VERSION >= 15 and len(reference.columns) > 1 and bool(nullable)
    if parts and random.random() < (0.5 if reference.action == "set null" else 0.2):
        reference = replace(reference, action="set null", set_columns=_some(random, nullable))
    elif nullable == reference.columns and random.random() < 0.1:
        reference = replace(reference, action="set default")
    if random.random() < 0.35:
        actions = ["cascade", "cascade", "restrict"]
        if nullable == reference.columns:
            actions += ["set null", "set default"]
        reference = replace(reference, on_update=random.choice(actions))
    return reference


def filled_columns(random: Random, references: Sequence[Reference]) -> Columns:
    """Columns that references empty, now and then, of which CHECK wants one to have a value."""
    emptied = sorted({name for each in references if each.action == "set null" for name in each.emptied})
    return tuple(random.sample(emptied, min(2, len(emptied)))) if random.random() < 0.8 else ()


def _some(random: Random, names: Columns) -> Columns:
    return tuple(sorted(random.sample(names, random.randint(1, len(names)))))
