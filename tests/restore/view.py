"""A state of an application under a scope: whose each row is, and which rows the scope takes, found one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.restore.spec import Reference, Row, State, Table, World

Spot = tuple[str, int]
"""A row: its table and its place in it."""

OWNED, SHARED, UNOWNED, REFERENCED = "owned", "shared", "unowned", "referenced"


@dataclass(frozen=True, kw_only=True)
class View:
    """A state under a scope.

    Attributes:
        named: the named tenants, empty for a whole scope.
        demo: `exclude`, `include` or `only`.
        optional: optional tables that are read, with their limits.
        without: tenants that are left out whatever they are.
    """

    world: World
    state: State
    named: tuple[str, ...]
    demo: str
    optional: dict[str, int | None]
    without: frozenset[str] = frozenset()

    def row(self, spot: Spot) -> Row:
        """The row at that place."""
        return self.state[spot[0]][spot[1]]

    def spots(self, table: str) -> Iterator[Spot]:
        """Every row of a table."""
        return ((table, number) for number in range(len(self.state[table])))

    @cached_property
    def tenants(self) -> set[str]:
        """The selected tenants."""
        wanted = {"include": (True, False), "exclude": (False,), "only": (True,)}[self.demo]
        return {
            row["id"] or ""
            for row in self.state[self.world.tenant]
            if (not self.named or row["id"] in self.named)
            and (row["demo"] == "true") in wanted
            and row["id"] not in self.without
        }

    def pointed_at(self, child: Table, reference: Reference, spot: Spot, row: Row | None = None) -> list[Spot]:
        """The rows that one reference of a row leads to; `row` stands in for what is there now."""
        parent = self.world[reference.parent]
        values = child.normal(reference.columns, row or self.row(spot))
        if None in values:
            return []
        return [
            place
            for place in self.spots(parent.name)
            if parent.normal(reference.parent_columns, self.row(place)) == values
        ]

    @cached_property
    def owners(self) -> dict[Spot, set[str]]:
        """Of every row the tenants, selected or not, from which owner links lead to it."""
        links: list[tuple[Spot, Spot]] = []
        for table in self.world.tables:
            for source, columns in table.owned_by:
                carrier = self.world[source] if source else table
                for reference in carrier.references:
                    if set(reference.columns) != set(columns) or (source and reference.parent != table.name):
                        continue
                    for spot in self.spots(carrier.name):
                        for place in self.pointed_at(carrier, reference, spot):
                            links.append((spot, place) if source else (place, spot))
        owners: dict[Spot, set[str]] = defaultdict(set)
        for spot in self.spots(self.world.tenant):
            owners[spot] = {self.row(spot)["id"] or ""}
        while any(owners[owned] < owners[owned] | owners[owner] for owner, owned in links):
            for owner, owned in links:
                owners[owned] |= owners[owner]
        return owners

    @cached_property
    def by_rule(self) -> list[Table]:
        """The tables whose rules this scope applies."""
        return [
            table
            for table in self.world.tables
            if table.category == "business" and (not table.newest_by or table.name in self.optional)
        ]

    @cached_property
    def taken(self) -> dict[Spot, str]:
        """Every row of the scope, with the first reason that holds."""
        taken: dict[Spot, str] = {}
        for table in self.by_rule:
            chosen = {spot: reason for spot in self.spots(table.name) if (reason := self._reason(table, spot))}
            if table.where:
                chosen = {spot: reason for spot, reason in chosen.items() if table.where[1](self.row(spot))}
            limit = self.optional.get(table.name)
            taken |= {spot: chosen[spot] for spot in self._newest(table, list(chosen))[:limit]} if limit else chosen
        waiting = list(taken)
        while waiting:
            spot = waiting.pop()
            child = self.world[spot[0]]
            for reference in child.references:
                for place in self.pointed_at(child, reference, spot):
                    if place not in taken and self.comes_along(place[0]):
                        taken[place] = REFERENCED
                        waiting.append(place)
        return taken

    def comes_along(self, table: str) -> bool:
        """Whether rows of a table are taken for being pointed at."""
        return self.world[table].category in {"business", "device"}

    def _reason(self, table: Table, spot: Spot) -> str:
        if self.owners[spot] & self.tenants:
            return OWNED
        if table.kind == "shared":
            return SHARED
        policy = table.unowned or ("never" if self.named else "always")
        if policy == "never" or self.owners[spot]:
            return ""
        if table.kind != "referenced" or not self._is_led_to(spot):
            return UNOWNED
        # where all tenants are taken nothing may be lost: not even rows that only point at each other
        everything = not self.named and len(self.tenants) == len(self.state[self.world.tenant])
        return REFERENCED if everything else ""

    def _is_led_to(self, spot: Spot) -> bool:
        """Whether more than circles of `referenced` rows leads to a row."""
        seen, waiting = set[Spot](), [spot]
        while waiting:
            row = waiting.pop()
            pointing = [
                place
                for child, reference in self.world.references
                if reference.parent == row[0] and child.category == "business"
                for place in self.spots(child.name)
                if row in self.pointed_at(child, reference, place)
            ]
            if any(self.world[name].kind != "referenced" for name, _ in pointing) or (seen and not pointing):
                return True
            waiting += [each for each in pointing if each not in seen]
            seen.update(pointing)
        return False

    def _newest(self, table: Table, spots: list[Spot]) -> list[Spot]:
        by_key = sorted(spots, key=lambda spot: tuple(int(self.row(spot)[name] or 0) for name in table.key))
        return sorted(by_key, key=lambda spot: self.row(spot)[table.newest_by] or "", reverse=True)

    def cut_off(self, table: Table, row: Row) -> bool:
        """Whether a row would stand behind the last one that the limit of this backup let in."""
        limit = self.optional.get(table.name)
        chosen = [spot for spot, reason in self.taken.items() if spot[0] == table.name and reason != REFERENCED]
        if not limit or len(chosen) < limit:
            return False
        last = self.row(self._newest(table, chosen)[-1])
        if row[table.newest_by] != last[table.newest_by]:
            return (row[table.newest_by] or "") < (last[table.newest_by] or "")
        return [int(row[name] or 0) for name in table.key] > [int(last[name] or 0) for name in table.key]
