"""What stands in the way of a restore as the oracle has worked it out: values held by others, references to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from tests.restore.spec import Columns, Reference, Row, Table
from tests.restore.view import Spot, View


class Restored(Protocol):
    """A restore as worked out: see `Oracle`."""

    source: View
    target: View
    updated: dict[Spot, Spot]
    added: dict[str, list[Spot]]
    deleted: set[Spot]
    released: dict[Spot, Row]
    atomic: bool

    def after(self, place: Spot) -> Row:
        """What becomes of a row."""

    def afterwards(self, table: Table) -> Iterator[tuple[Spot | None, Row]]:
        """The rows of a table afterwards."""

    def leads_somewhere(self, child: Table, reference: Reference, row: Row) -> bool:
        """Whether a reference leads to a row that is there afterwards."""


def held(restored: Restored) -> Iterator[Spot]:
    """Rows whose unique values another row holds that is neither deleted nor takes another value."""
    for table, spot, place in _written(restored):
        for columns in _keys(table):
            values = table.normal(columns, restored.source.row(spot))
            if None not in values and any(
                other not in (None, place) and table.normal(columns, row) == values
                for other, row in restored.afterwards(table)
            ):
                yield spot


def dangling(restored: Restored) -> Iterator[Spot]:
    """Rows whose parents will not be there."""
    for table, spot, _ in _written(restored):
        row = restored.source.row(spot)
        if not all(restored.leads_somewhere(table, each, row) for each in table.references if each.action):
            yield spot


def stranded(restored: Restored) -> Iterator[Spot]:
    """Rows that would take away the values by which rows that stay point at them."""
    for child, reference in restored.target.world.references:
        if not reference.action:
            continue
        for spot in restored.target.spots(child.name):
            if spot in restored.deleted or spot in restored.updated:
                continue
            row = restored.after(spot)
            if not restored.leads_somewhere(child, reference, row):
                for place in restored.target.pointed_at(child, reference, spot, row):
                    if place not in restored.deleted:
                        yield restored.updated[place]


def strained(restored: Restored) -> bool:
    """Whether values have to change hands in a way that is open only to who may suspend foreign keys.

    A value is free at once where its holder is deleted first, or lets go of a column that nothing points at.
    """
    if _acts_on_others(restored):
        return True
    crossing = _crossing(restored)
    if crossing and _vacated_by_deletes(restored):
        return True
    for table, spot, place in _written(restored):
        for columns in _keys(table):
            values = table.normal(columns, restored.source.row(spot))
            if None in values or (columns in table.late and restored.atomic) or _can_let_go(restored, table, columns):
                continue
            for other in restored.target.spots(table.name):
                holds = other != place and table.normal(columns, restored.target.row(other)) == values
                if holds and (other in restored.updated or crossing):
                    return True
    return False


def _acts_on_others(restored: Restored) -> bool:
    """Whether an update of values that are pointed at would make the server change, or not allow, rows that find them.

    Values that only look different are changed values to the server, and it acts on all rows that find them. Where
    they tell rows apart nothing else of the plan changes them, so that whoever points at them is in the way.
    """
    for child, reference in restored.target.world.references:
        parent = restored.target.world[reference.parent]
        if reference.on_update == "no action":
            continue
        fixed = set(reference.parent_columns) == set(parent.identity)
        for place, spot in restored.updated.items():
            before, after = restored.target.row(place), restored.source.row(spot)
            if place[0] != parent.name or all(before[name] == after[name] for name in reference.parent_columns):
                continue
            values = parent.normal(reference.parent_columns, before)
            for pointing in restored.target.spots(child.name):
                excused = not fixed and (pointing in restored.updated or pointing in restored.deleted)
                if not excused and child.normal(reference.columns, restored.target.row(pointing)) == values:
                    return True
            written = [each for table, each, _ in _written(restored) if table.name == child.name]
            if any(child.normal(reference.columns, restored.source.row(each)) == values for each in written):
                return True
    return False


def _written(restored: Restored) -> Iterator[tuple[Table, Spot, Spot | None]]:
    """Every row of the backup that is written, with its place on the target now."""
    for place, spot in restored.updated.items():
        yield restored.target.world[spot[0]], spot, place
    for name, spots in list(restored.added.items()):
        for spot in spots:
            yield restored.target.world[name], spot, None


def _keys(table: Table) -> list[Columns]:
    return [columns for columns in (table.key, *table.unique) if columns and columns != table.identity]


def _crossing(restored: Restored) -> bool:
    """Whether rows that stay point now, by a foreign key, at rows that are deleted."""
    return any(
        place in restored.deleted
        for child, reference in restored.target.world.references
        if reference.action
        for spot in restored.target.spots(child.name)
        if spot not in restored.deleted and spot not in restored.released
        for place in restored.target.pointed_at(child, reference, spot)
    )


def _vacated_by_deletes(restored: Restored) -> bool:
    """Whether rows that are deleted point at values that are about to change."""
    return any(
        parent.normal(reference.parent_columns, restored.target.row(place))
        != parent.normal(reference.parent_columns, restored.after(place))
        for child, reference in restored.target.world.references
        if reference.action
        for parent in [restored.target.world[reference.parent]]
        for spot in restored.target.spots(child.name)
        if spot in restored.deleted
        for place in restored.target.pointed_at(child, reference, spot)
        if place in restored.updated
    )


def _can_let_go(restored: Restored, table: Table, columns: Columns) -> bool:
    keys: list[tuple[Any, Reference]] = [each for each in restored.target.world.references if each[1].action]
    pointed_at = {name for _, key in keys if key.parent == table.name for name in key.parent_columns}
    pointing = {name for child, key in keys if child.name == table.name for name in key.columns}
    return any(
        name not in pointed_at and (table.may_be_null(name) or name not in pointing)
        for name in columns
        if "ALWAYS" not in table.columns[name]
    )
