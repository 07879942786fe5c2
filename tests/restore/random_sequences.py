"""Sequences made up at random for made-up applications, and where a restore has to leave them, value by value."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random

from psycopg import sql

from tests.restore.spec import State, Table, World, identifier

Standing = tuple[int, bool]
"""Where a sequence stands: its last value, and whether that was given out."""

WIDE = ((-(2**63), 2**63 - 1), (1, 2**63 - 1), (1, 2**63 - 1))
LIMITS = ((1, 3), (1, 100), (2, 4), (-5, 2), *WIDE)

EXTREMES = {
    "smallint": ("2", "3", "-5", "32767", None),
    "bigint": ("3", "99", "9223372036854775807", "-9223372036854775808", None),
    "numeric": ("3.7", "-4.5", "NaN", "Infinity", "-Infinity", "9223372036854775808", f"1{'0' * 40}", None),
    "real": ("2.5", "-3.5", "NaN", "-Infinity", "9.223372e+18", None),
    "double precision": ("2.5", "NaN", "9.223372036854776e+18", "-9.3e+18", None),
}
"""Values at the ends of what sequences may give, and past them, by the type of a column that one could number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One sequence.

    Attributes:
        numbers: the columns whose default is its next value, as (table, column).
        owner: the column it is owned by; None for a free one.
        scaled: the default multiplies its next value, so that rows tell nothing of it.
    """

    name: str
    increment: int = 1
    least: int = 1
    greatest: int = 2**31 - 1
    cycle: bool = False
    cache: int = 1
    start: int = 1
    numbers: tuple[tuple[str, str], ...] = ()
    owner: tuple[str, str] | None = None
    scaled: bool = False

    @property
    def ddl(self) -> str:
        """What makes it, after the tables."""
        cycle, quoted = "CYCLE" if self.cycle else "NO CYCLE", identifier(self.name).as_string(None)
        parts = [
            f"CREATE SEQUENCE {quoted} INCREMENT {self.increment} MINVALUE {self.least} MAXVALUE {self.greatest}"
            f" START {self.start} CACHE {self.cache} {cycle}"
        ]
        value = f"nextval({sql.Literal(quoted).as_string(None)})" + (" * 100" if self.scaled else "")
        parts.extend(f"ALTER TABLE {table} ALTER {column} SET DEFAULT {value}" for table, column in self.numbers)
        if self.owner:
            parts.append(f"ALTER SEQUENCE {quoted} OWNED BY {self.owner[0]}.{self.owner[1]}")
        return "; ".join(parts)


def make_sequences(random: Random, world: World) -> World:
    """The world with up to three sequences beside those of its identity columns, and columns for them to number."""
    world = replace(world, tables=tuple(_with_extremes(random, table) for table in world.tables))
    columns = [
        (table.name, name)
        for table in world.tables
        for name, kind in table.columns.items()
        if kind.partition(" ")[0] in {"integer", "text", "double", *EXTREMES} and "IDENTITY" not in kind
    ]
    numbers = [(table, name) for table, name in columns if not world[table].columns[name].startswith("text")]
    made: list[Shape] = []
    for number in range(random.randint(0, 3)):
        taken = {column for shape in made for column in shape.numbers}
        free = [column for column in numbers if column not in taken]
        if random.random() < 0.5:
            free = [column for column in free if column[1] == "no"] or free
        chosen = random.sample(free, min(len(free), random.choice((0, 1, 1, 1, 2))))
        least, greatest = random.choice(WIDE if chosen and chosen[0][1] == "no" and random.random() < 0.7 else LIMITS)
        owner = random.choice((None, *chosen, *random.sample(columns, min(2, len(columns)))))
        # a sequence is in the schema of the table that owns it
        schema = owner[0].rpartition(".")[0] if owner else random.choice(("", "", "other"))
        called = random.choice((f"s{number}", f"s{number}", f"No {number}'s \"%s"))
        made.append(
            Shape(
                name=f"{schema}.{called}" if schema else called,
                increment=random.choice((1, 1, 1, -1, 2, -3)),
                least=least,
                greatest=greatest,
                cycle=random.random() < 0.2,
                cache=random.choice((1, 1, 1, 10)),
                start=random.randint(max(least, -5), min(greatest, 5)),
                numbers=tuple(chosen),
                owner=owner,
                scaled=random.random() < 0.15,
            )
        )
    return replace(world, sequences=tuple(shape.ddl for shape in made), shapes=(*made, *_identities(world)))


def _with_extremes(random: Random, table: Table) -> Table:
    if not table.key or random.random() < 0.5:
        return table
    kind = random.choice(tuple(EXTREMES))
    return replace(table, columns=table.columns | {"no": kind}, values=table.values | {"no": EXTREMES[kind]})


def _identities(world: World) -> list[Shape]:
    return [
        Shape(name=f"{table.name}_{name}_seq", numbers=((table.name, name),), owner=(table.name, name))
        for table in world.tables
        for name, kind in table.columns.items()
        if "IDENTITY" in kind
    ]


def make_standing(random: Random, world: World) -> dict[str, Standing]:
    """Where the sequences of one database stand."""
    return {
        shape.name: (random.randint(max(shape.least, -6), min(shape.greatest, 9)), random.random() < 0.7)
        for shape in world.shapes
    }


def expected_standing(
    world: World,
    backup: Mapping[str, Standing],
    target: Mapping[str, Standing],
    tables: Collection[str],
    state: State,
    *,
    theirs: bool = False,
) -> dict[str, Standing]:
    """Where they stand once a backup of some tables is restored and the target holds a state.

    Args:
        theirs: these are not all tables of the backup, and only sequences that have to do with them move.
    """
    return {
        shape.name: _furthest(world, shape, (backup[shape.name], target[shape.name]), tables, state)
        if not theirs or _related(shape) & set(tables)
        else target[shape.name]
        for shape in world.shapes
    }


def following(world: World, standing: Mapping[str, Standing]) -> dict[str, Standing]:
    """The same, where "comes next" is told from "was given out last" only where nothing can have come before."""
    found = {}
    for shape in world.shapes:
        value, called = standing[shape.name]
        before = value - shape.increment
        earlier = not called and shape.least <= before <= shape.greatest
        found[shape.name] = (before, True) if earlier else (value, called)
    return found


def _related(shape: Shape) -> set[str]:
    return {table for table, _ in shape.numbers} | ({shape.owner[0]} if shape.owner else set())


def _furthest(
    world: World, shape: Shape, standings: tuple[Standing, Standing], tables: Collection[str], state: State
) -> Standing:
    backup, here = standings
    measures = set() if shape.scaled else set(shape.numbers)
    defaults = {column for each in world.shapes for column in each.numbers}
    if not shape.numbers and shape.owner and shape.owner not in defaults:
        measures = {shape.owner}
    is_held = shape.owner is None or bool(_related(shape) & set(tables))
    if not is_held and not any(table in tables for table, _ in measures):
        return here
    best = here
    if is_held:
        value, called = backup
        best = _further(shape, best, (value, called))
    if not shape.cycle:
        for table, column in measures:
            if world[table].columns[column].startswith("text"):
                continue
            for row in state[table]:
                text = row[column]
                if text not in (None, "NaN") and shape.least <= Decimal(text) <= shape.greatest:
                    rounding = ROUND_FLOOR if shape.increment > 0 else ROUND_CEILING
                    best = _further(shape, best, (int(Decimal(text).to_integral_value(rounding)), True))
    return best


def _further(shape: Shape, one: Standing, other: Standing) -> Standing:
    """The one of two that lies further in the direction of the sequence."""
    sign = 1 if shape.increment > 0 else -1
    if not other[1]:
        comes_next = one[0] + shape.increment if one[1] else one[0]
        return other if sign * other[0] > sign * comes_next else one
    return other if (sign * other[0], True) > (sign * one[0], one[1]) else one
