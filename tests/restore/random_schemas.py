"""Worlds whose tables are in several schemas, one of which is left out."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.restore.spec import Reference, Table, World

COVERED, LEFT_OUT = "other", "outside"
"""A second schema that the catalog file covers, and one that it leaves out."""


def spread(random: Random, world: World) -> World:
    """Move tables of a world to other schemas, by their names; transient ones also to where nothing is covered."""
    if random.random() < 0.4:
        return world
    names = {each.name: _place(random, each) + each.name for each in world.tables if each.name != world.tenant}
    return replace(world, tables=tuple(_moved(each, names) for each in world.tables))


def _place(random: Random, table: Table) -> str:
    schemas = ["", COVERED, *([LEFT_OUT] * 4 if table.category == "transient" else [])]
    chosen = random.choice(schemas)
    return f"{chosen}." if chosen else ""


def _moved(table: Table, names: dict[str, str]) -> Table:
    name = names.get(table.name, table.name)
    return replace(
        table,
        name=name,
        references=tuple(_led(each, names) for each in table.references),
        owned_by=tuple((names.get(source, source), columns) for source, columns in table.owned_by),
        statements=tuple(
            _placed(_placed(each, "ON", table.name, name), "TO", table.name, name) for each in table.statements
        ),
        # nobody said of a table that is not covered that deletes may cascade into it
        cascade=table.cascade and not name.startswith(f"{LEFT_OUT}."),
    )


def _placed(statement: str, word: str, before: str, name: str) -> str:
    """The same for a table, or a partition of one, that is named behind a word."""
    return statement.replace(f" {word} {before}", f" {word} {name}")


def _led(reference: Reference, names: dict[str, str]) -> Reference:
    return replace(reference, parent=names.get(reference.parent, reference.parent))
