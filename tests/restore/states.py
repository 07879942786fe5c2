"""Two states of an application that have keys in common, drawn by hypothesis; both satisfy every constraint."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from hypothesis import strategies as st

from tests.restore.spec import Row, State, Table, World

Draw = st.DrawFn


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
        named = self.arguments["businesses"]
        assert isinstance(named, list)
        return named


@st.composite
def cases(draw: Draw, world: World) -> Case:
    """A case for a world."""
    source, target = draw(_states(world))
    named, demo = draw(_scope(source))
    arguments: dict[str, object] = {"businesses": named, "demo": demo}
    if any(table.newest_by for table in world.tables) and draw(st.booleans()):
        limit = draw(st.sampled_from((None, 1, 2, 3)))
        arguments["optional"] = {
            table.name: {"limit": limit} if limit else {} for table in world.tables if table.newest_by
        }
    return Case(source=source, target=target, mode=draw(st.sampled_from(("merge", "mirror"))), arguments=arguments)


@st.composite
def _scope(draw: Draw, source: State) -> tuple[list[str], str]:
    demo = draw(st.sampled_from(("include", "include", "exclude", "only")))
    wanted = {"include": (True, False), "exclude": (False,), "only": (True,)}[demo]
    eligible = sorted(row["id"] or "" for row in source["tenants"] if (row["demo"] == "true") in wanted)
    if not eligible or draw(st.booleans()):
        return [], demo
    return sorted(draw(st.sets(st.sampled_from(eligible), min_size=1, max_size=2))), demo


@st.composite
def _states(draw: Draw, world: World) -> tuple[State, State]:
    source: State = {}
    target: State = {}
    for table in world.tables:
        first: list[Row] = []
        second: list[Row] = []
        for key in _keys(world, table):
            fate = draw(st.integers(0, 9))
            row = _row(draw, world, table, key)
            if fate in (1, 2, 3, 4):  # the same on both sides
                first.append(row)
                second.append(dict(row))
            elif fate in (5, 6, 7):  # on both sides, differing in some columns
                first.append(row)
                other = _row(draw, world, table, key)
                changed = draw(st.integers(1, 7))
                free = [name for name in table.columns if name not in table.key]
                second.append(
                    row | {name: other[name] for number, name in enumerate(free) if changed >> (number % 3) & 1}
                )
            elif fate == 8:
                first.append(row)
            elif fate == 9:
                second.append(row)
        source[table.name] = first
        target[table.name] = second
    return legal(world, source), legal(world, target)


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


def _row(draw: Draw, world: World, table: Table, key: Row) -> Row:
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
        row[name] = draw(st.sampled_from(choices))
    return row


def legal(world: World, state: State) -> State:
    """The state without what its constraints forbid: second holders of a unique value, references to nothing."""
    for table in world.tables:
        for columns in (table.key, *table.unique):
            state[table.name] = _first_holders(table, columns, state[table.name])
    while sum(_dangling(world, table, state) for table in world.tables):
        pass
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
    """Set references to nothing to NULL, or drop the rows where they may not be; tells whether there were any."""
    found = False
    for reference in table.references:
        parent = world[reference.parent]
        present = {parent.normal(reference.parent_columns, row) for row in state[parent.name]}
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
        state[table.name] = kept
    return found
