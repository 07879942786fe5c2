"""The selection worked out by brute force, row by row, from the words of the design alone.

It shares no code with the product: rows are dictionaries, owners are found by walking from every row separately, and
references are followed until nothing is added.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.selection.world import Edge, Reference, Row, Table, Value, World
from toolkit.model.scope import BackupType, Demo, Scope

Mark = str
"""`owned`, `shared`, `unowned` or `referenced`."""

Spot = tuple[str, int]
"""A row: its table and its place in it."""

Content = tuple[Value, ...]
"""The values of a row, columns in the order of the world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a scope has to take.

    Attributes:
        tenants: the selected tenants, key → label.
        dropped: named tenants that the demo rule drops.
        marks: every row taken, and why.
        cutoffs: by table whose limit is reached: the age of the oldest row, where all that are taken have one.
        owners: the tenants that own each row, selected or not; rows of nobody have no entry.
    """

    tenants: Mapping[str, str]
    dropped: tuple[str, ...]
    marks: Mapping[Spot, Mark]
    cutoffs: Mapping[str, str]
    owners: Mapping[Spot, frozenset[str]]

    def rows(self, world: World) -> dict[str, Counter[tuple[Content, Mark]]]:
        """By table: the contents taken with their marks, and how often."""
        found: dict[str, Counter[tuple[Content, Mark]]] = defaultdict(Counter)
        for (table, number), mark in self.marks.items():
            found[table][content(world.tables[table], number), mark] += 1
        return dict(found)

    def owned_by_selected(self, spot: Spot) -> bool:
        """Whether a selected tenant owns the row."""
        return not self.owners.get(spot, frozenset()).isdisjoint(self.tenants)


def content(table: Table, number: int) -> Content:
    """The values of a row."""
    return tuple(table.rows[number][column] for column in table.columns)


def expect(world: World, scope: Scope) -> Expected | None:
    """What the scope takes; None where it has to be refused, because none of the named tenants is left."""
    return _Oracle(world, scope).expect()


class _Oracle:
    def __init__(self, world: World, scope: Scope) -> None:
        self.world = world
        self.scope = scope
        self.tables = {name: table for name, table in world.tables.items() if table.present}
        self.references = [each for each in world.references if {each.child, each.parent} <= self.tables.keys()]
        self.targets = {
            (each, number): self._targets(each, number)
            for each in self.references
            for number in range(len(self.tables[each.child].rows))
        }
        self.cutoffs: dict[str, str] = {}
        self.all_tenants = {str(row[world.key]) for row in self.tables[world.tenant].rows}

    def expect(self) -> Expected | None:
        named, selected = self._tenants()
        if self.scope.businesses and not selected:
            return None
        owners = {spot: found for spot in self._spots() if (found := self._owners(spot))}
        marks: dict[Spot, Mark] = {}
        for table in self.tables.values():
            marks.update(self._own_reasons(table, frozenset(selected), owners))
        self._follow_references(marks)
        dropped = tuple(sorted(set(named) - set(selected))) if self.scope.businesses else ()
        return Expected(tenants=selected, dropped=dropped, marks=marks, cutoffs=self.cutoffs, owners=owners)

    def _spots(self) -> Iterator[Spot]:
        return ((name, number) for name, table in self.tables.items() for number in range(len(table.rows)))

    # T

    def _tenants(self) -> tuple[list[str], dict[str, str]]:
        rows = {str(row[self.world.key]): row for row in self.tables[self.world.tenant].rows}
        column = self.tables[self.world.tenant].columns[self.world.key]
        meant = {column.normal(name) for name in self.scope.businesses}
        named = [key for key in rows if not meant or column.normal(key) in meant]
        label = self.world.label or self.world.key
        return named, {
            key: "" if rows[key][label] is None else str(rows[key][label])
            for key in named
            if self.scope.demo is Demo.INCLUDE or self._is_demo(rows[key]) == (self.scope.demo is Demo.ONLY)
        }

    def _is_demo(self, row: Row) -> bool:
        return bool(self.world.demo) and row[self.world.demo] is True

    # references and O(r)

    def _targets(self, reference: Reference, number: int) -> list[int]:
        row = self.tables[reference.child].rows[number]
        parent = self.tables[reference.parent]
        columns = [parent.columns[name] for name in reference.parent_columns]
        values = [column.normal(row[name]) for column, name in zip(columns, reference.columns, strict=True)]
        if None in values:
            return []
        return [
            place
            for place, goal in enumerate(parent.rows)
            if [column.normal(goal[name]) for column, name in zip(columns, reference.parent_columns, strict=True)]
            == values
        ]

    def _owner_rows(self, spot: Spot) -> Iterator[Spot]:
        """The rows that own this one directly."""
        name, number = spot
        for edge in self.tables[name].rule.owned_by:
            for reference in self._fitting(name, edge):
                if not edge.table:
                    yield from ((reference.parent, place) for place in self.targets[reference, number])
                    continue
                for place in range(len(self.tables[edge.table].rows)):
                    if number in self.targets[reference, place]:
                        yield edge.table, place

    def _fitting(self, name: str, edge: Edge) -> Iterable[Reference]:
        """The references that an entry of `owned_by` means."""
        return (
            each
            for each in self.references
            if (each.child, set(each.columns)) == (edge.table or name, set(edge.columns))
            and (not edge.table or each.parent == name)
        )

    def _owners(self, spot: Spot) -> frozenset[str]:
        seen, waiting = {spot}, [spot]
        while waiting:
            for owner in self._owner_rows(waiting.pop()):
                if owner not in seen:
                    seen.add(owner)
                    waiting.append(owner)
        tenants = self.tables[self.world.tenant].rows
        return frozenset(str(tenants[number][self.world.key]) for name, number in seen if name == self.world.tenant)

    # a to c, and their filters

    def _own_reasons(
        self, table: Table, selected: frozenset[str], owners: Mapping[Spot, frozenset[str]]
    ) -> dict[Spot, Mark]:
        spots = [(table.name, number) for number in range(len(table.rows))]
        if table.rule.category == "device" and self.scope.type is BackupType.FULL_DEVICE:
            return dict.fromkeys(spots, "shared")
        if not table.is_business or (table.rule.optional and table.name not in self.scope.optional):
            return {}
        reasons = {
            spot: mark for spot in spots if (mark := self._reason(table, spot, selected, owners.get(spot, frozenset())))
        }
        if table.rule.where:
            reasons = {spot: mark for spot, mark in reasons.items() if table.rule.where.holds(table.rows[spot[1]])}
        limit = self.scope.optional.get(table.name)
        if limit is not None:
            newest = sorted(reasons, key=lambda spot: self._age(table, table.rows[spot[1]]))
            reasons = {spot: reasons[spot] for spot in newest[:limit]}
            ages = [table.rows[number][table.rule.newest_by] for _, number in reasons]
            if len(reasons) == limit and None not in ages:
                self.cutoffs[table.name] = str(ages[-1])
        return reasons

    def _reason(self, table: Table, spot: Spot, selected: frozenset[str], owners: frozenset[str]) -> Mark | None:
        kind, unowned = table.rule.kind, table.rule.unowned or ("never" if self.scope.businesses else "always")
        if kind == "shared":
            return "shared"
        if owners & selected:
            return "owned"
        if owners or unowned == "never":
            return None
        if kind != "referenced" or not self._led_to(spot):
            return "unowned"
        # where all tenants are taken nothing may be lost: not even rows that only point at each other
        everything = not self.scope.businesses and selected == self.all_tenants
        return "referenced" if everything else None

    def _led_to(self, spot: Spot) -> bool:
        """Whether a row of another rule leads to a row, or one that nobody points at, and not circles alone."""
        seen, waiting = set[Spot](), [spot]
        while waiting:
            pointing = list(self._pointing_at(waiting.pop()))
            if any(self.tables[name].rule.kind != "referenced" for name, _ in pointing) or (seen and not pointing):
                return True
            waiting += [each for each in pointing if each not in seen]
            seen.update(pointing)
        return False

    def _pointing_at(self, spot: Spot) -> Iterator[Spot]:
        name, number = spot
        for (reference, place), places in self.targets.items():
            if reference.parent == name and number in places and self.tables[reference.child].is_business:
                yield reference.child, place

    def _age(self, table: Table, row: Row) -> tuple[object, ...]:
        """Sorts the newest first, those of no time last, and ties by the key."""
        newest = row[table.rule.newest_by]
        assert newest is None or isinstance(newest, int)
        return (newest is None, -(newest or 0), *_key_order(table, row))

    # d

    def _follow_references(self, marks: dict[Spot, Mark]) -> None:
        waiting = list(marks)
        while waiting:
            name, number = waiting.pop()
            for reference in self.references:
                if reference.child != name or self.tables[reference.parent].rule.category not in ("business", "device"):
                    continue
                for place in self.targets[reference, number]:
                    spot = (reference.parent, place)
                    if spot not in marks:
                        marks[spot] = "referenced"
                        waiting.append(spot)


def _key_order(table: Table, row: Row) -> tuple[object, ...]:
    """The repository's order of rows: the primary key, else the narrowest NOT NULL unique key, else all columns."""
    candidates = [key for key in table.unique if not any(table.columns[name].nullable for name in key)]
    key = table.key or min(candidates, key=lambda names: (len(names), names), default=())
    if key:
        return tuple(_sortable(row[name]) for name in key)
    return tuple(part for name in sorted(table.columns) for part in (row[name] is None, _sortable(row[name])))


def _sortable(value: Value) -> object:
    """Numbers by value, everything else by its text as bytes; NULLs, which are put last before, all alike."""
    if isinstance(value, bool):
        return b"t" if value else b"f"
    return value.encode() if isinstance(value, str) else 0 if value is None else value
