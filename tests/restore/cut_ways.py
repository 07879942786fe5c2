"""Tables through which ownership passes and of which a rule cuts rows, and what is then in whose backup."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.restore.spec import Row, Table, World
from tests.restore.view import REFERENCED, View

DAYS = ("2026-01-01", "2026-01-02", "2026-01-03", None)


def with_cut_ways(random: Random, tables: list[Table]) -> list[Table]:
    """The same tables; half of the time a rule cuts rows of one or two of those through which ownership passes."""
    found = sorted(leading(tables))
    if not found or random.random() < 0.5:
        return tables
    chosen = set(random.sample(found, min(len(found), random.choice((1, 1, 2)))))
    return [_cut(random, table) if table.name in chosen else table for table in tables]


def leading(tables: list[Table]) -> set[str]:
    """The business tables whose rows own others'."""
    return {
        name
        for table in tables
        for source, columns in table.owned_by
        for name in [source or next(each.parent for each in table.references if each.columns == columns)]
    }


def _cut(random: Random, table: Table) -> Table:
    if table.newest_by or table.where:
        return table
    by_number = table.kind == "owned" and table.key == ("id",) and "integer" in table.columns["id"]
    if by_number and random.random() < 0.6:
        columns, values = table.columns | {"day": "date"}, table.values | {"day": DAYS}
        return replace(table, columns=columns, values=values, newest_by="day")
    return replace(table, where=("name OPERATOR(pg_catalog.=) 'x'", _is_x))


def _is_x(row: Row) -> bool:
    return row["name"] == "x"


def is_cut_on_the_way(world: World) -> bool:
    """Whether a rule cuts rows through which ownership passes."""
    return any(world[name].where or world[name].newest_by for name in leading(list(world.tables)))


def own_backup(wider: View, businesses: tuple[str, ...]) -> View:
    """What a backup of these businesses alone would have had when the wider one was made."""
    return replace(wider, named=businesses, demo="include")


def cut_from(wider: View, own: View) -> set[str]:
    """The tables of which the businesses' own backup has rows that a limit cut from the wider one."""
    lost = set()
    for name, limit in own.optional.items():
        if limit is not None:
            there = {spot for spot, reason in wider.taken.items() if spot[0] == name and reason != REFERENCED}
            newest = {spot for spot, reason in own.taken.items() if spot[0] == name and reason != REFERENCED}
            if newest - there:
                lost.add(name)
    return lost
