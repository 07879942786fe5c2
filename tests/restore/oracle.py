"""What a restore does and a verification finds, worked out row by row from the words of the design.

It shares no code with the product: rows are dictionaries of text, tables are lists, and every set is grown or shrunk
until nothing changes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.restore.collisions import dangling, held, strained, stranded
from tests.restore.spec import Columns, Reference, Row, State, Table
from tests.restore.view import OWNED, REFERENCED, Spot, View

Pointing = tuple[Table, Reference, Spot, Spot]
"""A reference of a table, a row that has it, and the row that it leads to."""


@dataclass(kw_only=True)
class Numbers:
    """The plan of one table, in rows."""

    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    unchanged: int = 0
    set_null: int = 0
    kept: int = 0


@dataclass(kw_only=True)
class Expected:
    """What a restore has to do.

    Attributes:
        state: the target afterwards.
        conflicts: rows of the backup that the target cannot take; nothing is changed then.
        aside: rows that were left out to begin with.
        strained: values have to change hands in a way that is open only to who may suspend foreign keys.
    """

    state: State
    numbers: dict[str, Numbers] = field(default_factory=lambda: defaultdict(Numbers))
    conflicts: set[Spot] = field(default_factory=set)
    aside: frozenset[Spot] = frozenset()
    strained: bool = False

    @property
    def refused(self) -> set[str]:
        """The tables with conflicts."""
        return {table for table, _ in self.conflicts}


@dataclass(kw_only=True)
class Oracle:
    """One restore of backup `source` over `target`, whose view has the scope as evaluated there.

    Attributes:
        aside: rows of the backup that are left out.
        atomic: all is written in one transaction, at whose end deferrable keys are checked.
        only: the tables that are restored; None for all.
        updated: the row of the backup that each row of the target is to become.
        added: the rows of the backup that are inserted.
        released: rows of the target whose references to deleted rows become NULL.
    """

    source: View
    target: View
    mode: str
    aside: frozenset[Spot] = frozenset()
    atomic: bool = True
    only: frozenset[str] | None = None
    updated: dict[Spot, Spot] = field(default_factory=dict)
    added: dict[str, list[Spot]] = field(default_factory=lambda: defaultdict(list))
    released: dict[Spot, Row] = field(default_factory=dict)
    deleted: set[Spot] = field(default_factory=set)

    def expected(self) -> Expected:
        """The result."""
        self._result = Expected(state={}, aside=self.aside)
        backup: dict[str, list[Spot]] = {table.name: [] for table in self.source.by_rule if self._is_named(table.name)}
        for spot in sorted(self.source.taken):
            if self._is_named(spot[0]):
                backup.setdefault(spot[0], []).append(spot)
        for name, spots in backup.items():
            self._write(self.target.world[name], spots)
        self._bring()
        self._estrange({spot for spot, stays in self._extras(backup) if not stays})
        self._leave_what_nobody_needs()
        extras = list(self._extras(backup))
        for spot, stays in extras:
            self._result.numbers[spot[0]].kept += stays
        self._delete({spot for spot, stays in extras if not stays})
        self._result.conflicts |= {*held(self), *dangling(self), *stranded(self)}
        self._result.strained = strained(self)
        for table in self.target.world.tables:
            self._result.state[table.name] = [row for _, row in self.afterwards(table)]
        return self._result

    def quarantined(self) -> Expected:
        """The result when rows in conflict are put aside, and then those that depend on them, until none is left.

        Whose rows would be is asked again once all are aside that lack what was put aside with these.
        """
        aside: frozenset[Spot] = frozenset()
        while True:
            tried = replace(self, aside=aside, updated={}, added=defaultdict(list), released={}, deleted=set())
            found = tried.expected()
            if not found.conflicts:
                return found
            aside |= tried.with_dependants(found.conflicts)

    def with_dependants(self, spots: set[Spot]) -> set[Spot]:
        """These rows, which are not written, with those that would point at nothing without them."""
        self.updated = {place: spot for place, spot in self.updated.items() if spot not in spots}
        self.added = {name: [spot for spot in added if spot not in spots] for name, added in self.added.items()}
        lacking = {*dangling(self), *stranded(self)}
        return spots | self.with_dependants(lacking) if lacking else spots

    def after(self, place: Spot) -> Row:
        """What becomes of a row of the target that is not deleted."""
        if place in self.updated:
            return self.source.row(self.updated[place])
        return self.released.get(place) or self.target.row(place)

    def afterwards(self, table: Table) -> Iterator[tuple[Spot | None, Row]]:
        """The rows of a table afterwards, each with its place on the target now."""
        for place in self.target.spots(table.name):
            if place not in self.deleted:
                yield place, self.after(place)
        for spot in self.added[table.name]:
            yield None, self.source.row(spot)

    def _is_named(self, table: str) -> bool:
        return self.only is None or table in self.only

    def _bring(self) -> None:
        """Of tables that are not restored, rows come along that are missing and that rows to be written point at."""
        for spot in sorted(self._needed()):
            if spot not in self.aside:
                self.added[spot[0]].append(spot)
                self._result.numbers[spot[0]].inserts += 1

    def _leave_what_nobody_needs(self) -> None:
        needed = self._needed()
        for name, spots in self.added.items():
            for spot in [each for each in spots if not self._is_named(name) and each not in needed]:
                spots.remove(spot)
                self._result.numbers[name].inserts -= 1

    def _needed(self) -> set[Spot]:
        """The rows of other tables that rows to be written lack, one after the other; those aside need nothing."""
        waiting = [*self.updated.values(), *(spot for spots in self.added.values() for spot in spots)]
        waiting = [spot for spot in waiting if self._is_named(spot[0])]
        found: set[Spot] = set()
        while waiting:
            spot = waiting.pop()
            table = self.source.world[spot[0]]
            lacking = {
                place
                for reference in table.references
                if not self._is_named(reference.parent)
                if not self._is_there(reference.parent, reference.parent_columns, table, reference.columns, spot)
                for place in self.source.pointed_at(table, reference, spot)
                if place in self.source.taken and not self._stands(place)
            }
            waiting += [place for place in lacking - found if place not in self.aside]
            found |= lacking
        return found

    def _is_there(self, name: str, names: Columns, child: Table, columns: Columns, spot: Spot) -> bool:
        """Whether the target has a row of a table with the values of a row of the backup."""
        values, table = child.normal(columns, self.source.row(spot)), self.target.world[name]
        return any(table.normal(names, self.target.row(place)) == values for place in self.target.spots(name))

    def _stands(self, spot: Spot) -> bool:
        """Whether the target has this row of the backup, whatever it looks like there."""
        table = self.source.world[spot[0]]
        if table.identity:
            return self._is_there(table.name, table.identity, table, table.identity, spot)
        return any(self.target.row(place) == self.source.row(spot) for place in self.target.spots(table.name))

    def _write(self, table: Table, spots: list[Spot]) -> None:
        numbers = self._result.numbers[table.name]
        if not table.identity:
            self._write_keyless(table, spots)
            return
        there = {table.normal(table.identity, self.target.row(spot)): spot for spot in self.target.spots(table.name)}
        for spot in spots:
            row = self.source.row(spot)
            place = there.get(table.normal(table.identity, row))
            if spot in self.aside:
                continue
            if place is None:
                numbers.inserts += 1
                self.added[table.name].append(spot)
            elif self.target.row(place) == row:
                numbers.unchanged += 1
            else:
                self._settle(table, spot, place, numbers)

    def _settle(self, table: Table, spot: Spot, place: Spot, numbers: Numbers) -> None:
        """A row whose key is there and whose text differs: the owners of the row that is there decide."""
        owners, mine = self.target.owners[place], self.target.tenants
        lost = self.source.named and not owners and not self._owned_alone_in_backup(spot)
        if table.category != "business" or owners - mine or lost:
            numbers.kept += 1
        else:
            numbers.updates += 1
            self.updated[place] = spot

    def _estrange(self, candidates: set[Spot]) -> None:
        """Rows that were theirs in the backup and would be others' alone once written are not written."""
        places = {
            table.name: [place for place in self.target.spots(table.name) if place not in candidates]
            for table in self.target.world.tables
        }
        state = {
            name: [*map(self.after, there), *map(self.source.row, self.added[name])] for name, there in places.items()
        }
        owners, restored = replace(self.target, state=state).owners, self.source.tenants | self.target.tenants
        tenant = self.target.world.tenant
        others = {row["id"] or "" for row in self.target.state[tenant]} - restored
        for name, there in places.items():
            written = [self.updated.get(place) for place in there] + list(self.added[name])
            for number, spot in enumerate(written):
                after = owners[name, number]
                if not spot or not after or after - others or not self.source.owners[spot] & self.source.tenants:
                    continue
                self._result.numbers[name].kept += 1
                if number < len(there):
                    self._result.numbers[name].updates -= 1
                    del self.updated[there[number]]
                else:
                    self._result.numbers[name].inserts -= 1
                    self.added[name].remove(spot)

    def _owned_alone_in_backup(self, spot: Spot) -> bool:
        """Whether a row was the restored businesses' alone, also by rows that the backup lacks."""
        owners = self.source.owners[spot]
        return bool(owners) and owners <= self.source.tenants

    def _write_keyless(self, table: Table, spots: list[Spot]) -> None:
        """Of equal rows as many are inserted as there are fewer."""
        there = _bag([self.target.row(spot) for spot in self.target.spots(table.name)])
        for spot in spots:
            text = tuple(self.source.row(spot).items())
            if there[text]:
                there[text] -= 1
                self._result.numbers[table.name].unchanged += 1
            elif spot not in self.aside:
                self._result.numbers[table.name].inserts += 1
                self.added[table.name].append(spot)

    def _gained(self) -> dict[Spot, str]:
        """Rows of nobody that are the restored businesses' once the others are written, as far as rules take them."""
        state = {
            table.name: [row for _, row in self._settled(table)] + [*map(self.source.row, self.added[table.name])]
            for table in self.target.world.tables
        }
        later = replace(self.target, state=state)
        return {
            spot: OWNED
            for table in self.target.by_rule
            if table.kind in {"owned", "tenant"}
            for spot, row in self._settled(table)
            if later.owners[spot] and later.owners[spot] <= later.tenants
            if not self.target.owners[spot] and (not table.where or table.where[1](row))
        }

    def _settled(self, table: Table) -> Iterator[tuple[Spot, Row]]:
        return ((place, self.after(place)) for place in self.target.spots(table.name))

    def _extras(self, backup: dict[str, list[Spot]]) -> Iterator[tuple[Spot, bool]]:
        """The rows that the backup lacks: mirror deletes them unless others point at them, or they stay anyway."""
        taken = self.target.taken | self._gained()
        for name, spots in backup.items():
            yield from self._extra(self.target.world[name], spots, taken)

    def _extra(self, table: Table, spots: list[Spot], taken: dict[Spot, str]) -> Iterator[tuple[Spot, bool]]:
        if table.category != "business" or (table.newest_by and table.name not in self.target.optional):
            return
        whole, keys = not self.source.named, {table.normal(table.identity, self.source.row(spot)) for spot in spots}
        left = _bag([self.source.row(spot) for spot in spots])
        beyond: set[Spot] = set()
        for spot in self.target.spots(table.name):
            text = tuple(self.target.row(spot).items())
            if left[text]:
                left[text] -= 1
            else:
                beyond.add(spot)
        for spot, reason in taken.items():
            # a row of a `referenced` table is nobody's once all that points at it is deleted
            adrift = whole and table.kind == "referenced" and table.unowned != "never"
            extra = spot[0] == table.name and table.normal(table.identity, self.target.row(spot)) not in keys
            if not table.identity:
                extra = spot in beyond
            if not extra or (reason == REFERENCED and not adrift):
                continue
            common = not whole and reason != OWNED
            co_owned = bool(self.target.owners[spot] - self.target.tenants)
            cut = self.source.cut_off(table, self.target.row(spot))
            yield spot, bool(common or co_owned or table.where or cut or self.mode == "merge")

    def _delete(self, candidates: set[Spot]) -> None:
        """Shrink the candidates until nothing that stays points at one, then let go of what points at them.

        A row whose values another row takes over is not pointed at afterwards: that other row is.
        """
        pointing = [
            (child, reference, spot, place)
            for child, reference in self.target.world.references
            for spot in self.target.spots(child.name)
            for place in self.target.pointed_at(child, reference, spot, self.after(spot))
            if place not in self.updated
        ]
        staying: set[Spot] = set()
        while True:
            gone = candidates - staying
            cascading = [each for each in pointing if self._cascades(each[0], each[1])]
            while more := {spot for _, _, spot, place in cascading if place in gone} - gone - staying:
                gone |= more
            self.deleted = gone
            blocked = {
                place
                for child, reference, spot, place in pointing
                if place in gone
                and spot not in gone
                and not self._releases(child, reference)
                and not self.leads_somewhere(child, reference, self.after(spot))
            }
            blocked = blocked or self._cannot_be_without(pointing, gone)
            if not blocked:
                break
            staying |= blocked
        for spot in candidates:
            self._result.numbers[spot[0]].kept += spot not in gone
        for spot in gone:
            self._result.numbers[spot[0]].deletes += 1
        self.released.update(self._let_go(pointing, gone))
        for name, _ in self.released:
            self._result.numbers[name].set_null += 1

    def _let_go(self, pointing: list[Pointing], gone: set[Spot]) -> dict[Spot, Row]:
        """The rows whose references become NULL, as they are then."""
        found: dict[Spot, Row] = {}
        for child, reference, spot, place in pointing:
            if place in gone and spot not in gone and self._releases(child, reference):
                found[spot] = found.get(spot, self.after(spot)) | dict.fromkeys(reference.emptied)
        return found

    def _cannot_be_without(self, pointing: list[Pointing], gone: set[Spot]) -> set[Spot]:
        """What is pointed at by rows that CHECK does not let be without."""
        refused = {
            spot for spot, row in self._let_go(pointing, gone).items() if not self.target.world[spot[0]].lets(row)
        }
        return {
            place
            for child, reference, spot, place in pointing
            if spot in refused and place in gone and self._releases(child, reference)
        }

    def _releases(self, child: Table, reference: Reference) -> bool:
        return child.category != "business" and reference.action == "set null" and self._is_named(child.name)

    def _cascades(self, child: Table, reference: Reference) -> bool:
        return child.cascade and reference.action == "cascade" and self._is_named(child.name)

    def leads_somewhere(self, child: Table, reference: Reference, row: Row) -> bool:
        """Whether a row's reference is empty or leads to a row that is there afterwards."""
        parent, values = self.target.world[reference.parent], child.normal(reference.columns, row)
        return None in values or any(
            parent.normal(reference.parent_columns, each) == values for _, each in self.afterwards(parent)
        )


def _bag(rows: list[Row]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row.items()) for row in rows)


def differences(source: View, target: View) -> dict[str, dict[str, int]]:
    """What a verification counts per table that differs: missing, extra and changed rows."""
    found = {}
    for table in source.world.tables:
        backup = [source.row(spot) for spot in source.taken if spot[0] == table.name]
        within = [target.row(spot) for spot in target.taken if spot[0] == table.name]
        key = table.identity or tuple(table.columns)
        there = {table.normal(key, row): row for row in target.state[table.name]}
        keys = {table.normal(key, row) for row in backup}
        missing = sum(table.normal(key, row) not in there for row in backup)
        extra = sum(table.normal(key, row) not in keys for row in within)
        changed = sum(there.get(table.normal(key, row), row) != row for row in backup)
        if not table.identity:
            missing = (_bag(backup) - _bag(target.state[table.name])).total()
            extra = (_bag(within) - _bag(backup)).total()
            changed = 0
        if missing or extra or changed:
            found[table.name] = {"missing": missing, "extra": extra, "changed": changed}
    return found
