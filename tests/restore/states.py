"""Two states of an application that have keys in common, made at random; both satisfy every constraint."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from random import Random

from tests.restore.aftermath import aftermath
from tests.restore.spec import Reference, Row, State, Table, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """State `source` is backed up with `arguments` and restored over state `target` in `mode`."""

    source: State
    target: State
    mode: str
    arguments: dict[str, object]

    @property
    def named(self) -> list[str]:
        """The named tenants; none for a whole scope."""
        named = self.arguments.get("businesses", [])
        assert isinstance(named, list)
        return named


def make_case(random: Random, world: World) -> Case:
    """A case for a world."""
    source, target = _states(random, world)
    letting_go = random.random() < 0.7 and _points_at_extras(random, world, source, target)
    # whose rows are not in the scope lets go of nothing
    named, demo = ([], "include") if letting_go and random.random() < 0.6 else _scope(random, source)
    arguments: dict[str, object] = {"demo": demo, **({"businesses": named} if named else {})}
    if any(table.newest_by for table in world.tables) and random.random() < 0.5:
        limit = random.choice((None, 1, 2, 3))
        arguments["optional"] = {
            table.name: {"limit": limit} if limit else {} for table in world.tables if table.newest_by
        }
    mode = "mirror" if letting_go else random.choice(("merge", "mirror"))
    return Case(source=source, target=target, mode=mode, arguments=arguments)


def _points_at_extras(random: Random, world: World, source: State, target: State) -> bool:
    """Let rows outside the scope that SET NULL empties point at what a mirror deletes; tells if any can."""
    found = False
    for child, reference in world.references:
        parent = world[reference.parent]
        if child.category == "business" or reference.action != "set null" or parent.category != "business":
            continue
        if parent.name != world.tenant and len(source[parent.name]) > 1:
            source[parent.name].pop()
            source.update(legal(world, source))
        there = {parent.normal(parent.identity, row) for row in source[parent.name]}
        extras = [row for row in target[parent.name] if parent.normal(parent.identity, row) not in there]
        for row in target[child.name] if extras else ():
            values = random.choice(extras)
            changed = {
                name: values[theirs]
                for name, theirs in zip(reference.columns, reference.parent_columns, strict=True)
                if name not in child.key
            }
            row.update(changed)
            found = True
    target.update(legal(world, target))
    return found


def _scope(random: Random, source: State) -> tuple[list[str], str]:
    demo = random.choice(("include", "include", "exclude", "only"))
    wanted = {"include": (True, False), "exclude": (False,), "only": (True,)}[demo]
    eligible = sorted(row["id"] or "" for row in source["tenants"] if (row["demo"] == "true") in wanted)
    if not eligible:
        return [], "include"  # a demo rule that leaves no business is refused
    if random.random() < 0.5:
        return [], demo
    return sorted(random.sample(eligible, random.randint(1, min(2, len(eligible))))), demo


def _states(random: Random, world: World) -> tuple[State, State]:
    source: State = {}
    target: State = {}
    for table in world.tables:
        first: list[Row] = []
        second: list[Row] = []
        for key in _keys(world, table):
            fate = random.randint(0, 10)
            row = _row(random, world, table, key)
            if fate == 0:
                continue
            if fate in (1, 2, 3):  # the same on both sides
                first.append(row)
                second.append(dict(row))
            elif fate in (4, 5, 6):  # on both sides, differing in some columns
                first.append(row)
                other = _row(random, world, table, key)
                changed = random.randint(1, 7)
                free = [name for name in table.columns if name not in table.key]
                second.append(
                    row | {name: other[name] for number, name in enumerate(free) if changed >> (number % 3) & 1}
                )
            elif fate in (7, 8):
                first.append(row)
            else:
                second.append(row)
        source[table.name] = first
        target[table.name] = second
    source = legal(world, source)
    if random.random() < (0.8 if world.has_members or world.has_chains else 0.3):
        return source, aftermath(random, world, source, legal)
    return source, legal(world, target)


def _keys(world: World, table: Table) -> list[Row]:
    """The keys a table may have: all of a small set, or, for a table without a key, none at all, three times."""
    if not table.key:
        return [{}, {}, {}]
    choices = [_choices(world, table, name) for name in table.key]
    made = [dict(zip(table.key, values, strict=True)) for values in product(*choices)]
    return made if len(made) <= 6 else made[:: len(made) // 5]


def _choices(world: World, table: Table, column: str) -> tuple[str | None, ...]:
    for reference in table.references:
        if column in reference.columns:
            parent = world[reference.parent]
            return _choices(world, parent, reference.parent_columns[reference.columns.index(column)])
    return table.values[column]


def _row(random: Random, world: World, table: Table, key: Row) -> Row:
    row: Row = {}
    for name in table.columns:
        if name in key:
            row[name] = key[name]
            continue
        choices = _choices(world, table, name)
        if not table.may_be_null(name):
            choices = tuple(choice for choice in choices if choice is not None)
        elif name not in table.values:
            choices = (*choices, None)
        row[name] = random.choice(choices)
    return row


def legal(world: World, state: State) -> State:
    """The state without what its constraints forbid: second holders of a unique value, references to nothing."""
    found = True
    while found:
        for table in world.tables:
            for columns in (table.key, *table.unique):
                state[table.name] = _first_holders(table, columns, state[table.name])
        for table in world.tables:
            state[table.name] = [row for row in state[table.name] if table.lets(row)]
        found = sum(_dangling(world, table, state) for table in world.tables) > 0
    return state


def _first_holders(table: Table, columns: tuple[str, ...], rows: list[Row]) -> list[Row]:
    seen = set()
    kept = []
    for row in rows:
        values = table.normal(columns, row)
        if not columns or None in values or values not in seen:
            kept.append(row)
        seen.add(values)
    return kept


def _dangling(world: World, table: Table, state: State) -> bool:
    """Set references to nothing to NULL, or else to a row that is there, or drop the row; tells if there were any."""
    found = False
    for reference in table.references:
        parent = world[reference.parent]
        present = {parent.normal(reference.parent_columns, row) for row in state[parent.name]}
        others = [tuple(row[name] for name in reference.parent_columns) for row in state[parent.name]]
        others = [values for values in others if None not in values]
        kept = []
        for row in state[table.name]:
            values = table.normal(reference.columns, row)
            if None in values or values in present:
                kept.append(row)
                continue
            found = True
            if all(table.may_be_null(name) for name in reference.columns):
                row.update(dict.fromkeys(reference.columns))
                kept.append(row)
            elif others and reference.parent != table.name and not _shared(table, reference):
                row.update(zip(reference.columns, others[len(kept) % len(others)], strict=True))
                kept.append(row)
        state[table.name] = kept
    return found


def _shared(table: Table, reference: Reference) -> bool:
    """Whether columns of a reference tell rows apart or are another reference's too, so that they had better stay."""
    others = {name for each in table.references if each is not reference for name in each.columns}
    return not {*table.key, *others}.isdisjoint(reference.columns)
