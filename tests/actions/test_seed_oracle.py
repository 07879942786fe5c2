"""Seeding random rows into random tables, beside what a few lines of Python make of the same rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.actions.running import act
from tests.sweeps import seeds

KINDS: Mapping[str, Sequence[Sequence[str]]] = {
    "text": (["a"], ["b"], ["ä, 'x'"], ['"q"\\']),
    "integer": (["1", "01", " 1"], ["2", "+2"], ["-3"]),
    "numeric": (["1", "1.0", "1.00", "1e0"], ["2.5", "2.50"], ["0", "-0"]),
    "jsonb": (['{"a":1,"b":[2]}', '{ "b": [2], "a": 1 }'], ["null"], ['"x"']),
    "timestamptz": (["2026-01-01 00:00Z", "2026-01-01 01:00+01"], ["2026-02-01 00:00Z"]),
    "boolean": (["t", "true", "on"], ["f", "no"]),
    "text[]": (["{a,b}", '{"a","b"}'], ["{}"], ["{NULL,a}"]),
    "date": (["2026-01-31", "20260131"], ["2026-02-01"]),
}
"""By type: its values, each with the spellings that mean it."""

Row = dict[str, int | None]
"""A row by its columns: which value of the column's type, or none."""


class World:
    """A table with some rows, rows to be seeded, and how."""

    def __init__(self, seed: int) -> None:
        self.choice = choice = random.Random(seed)
        keyed = choice.choice([1, 2])
        self.columns = {f"k{n}": choice.choice(["text", "integer", "numeric", "date"]) for n in range(keyed)}
        self.columns |= {"c": "numeric"} | {f"c{n}": choice.choice(list(KINDS)) for n in range(choice.randint(0, 3))}
        self.key = tuple(name for name in self.columns if name.startswith("k"))
        self.values = tuple(name for name in self.columns if name.startswith("c"))
        self.there = self._rows(choice.randint(0, 6))
        self.rows = self._rows(choice.randint(1, 8))
        for row in self.rows:
            for name in self.values:
                if choice.random() < 0.1:
                    del row[name]
        self.update = choice.choice(["never", "all", [choice.choice(self.values)]])
        given = {name for row in self.rows for name in row}
        if isinstance(self.update, list) and not given.issuperset(self.update):
            self.update = "all"

    def _rows(self, count: int) -> list[Row]:
        found = [
            {name: self._value(kind, none=name in self.values) for name, kind in self.columns.items()}
            for _ in range(count)
        ]
        return list({self.key_of(row): row for row in found}.values())

    def _value(self, kind: str, *, none: bool) -> int | None:
        return None if none and self.choice.random() < 0.2 else self.choice.randrange(len(KINDS[kind]))

    def key_of(self, row: Row) -> tuple[int | None, ...]:
        return tuple(row[name] for name in self.key)

    def written(self, row: Row) -> dict[str, str | None]:
        """A row with one of the spellings of each value."""
        return {
            name: None if value is None else self.choice.choice(KINDS[self.columns[name]][value])
            for name, value in row.items()
        }

    def expected(self) -> tuple[list[Row], dict[str, int]]:
        """The rows afterwards, and how many were inserted, updated and kept."""
        table = {self.key_of(row): dict(row) for row in self.there}
        counts = {"inserted": 0, "updated": 0, "kept": 0}
        updated = self.values if self.update == "all" else () if self.update == "never" else tuple(self.update)
        for row in self.rows:
            there = table.get(self.key_of(row))
            if there is None:
                table[self.key_of(row)] = dict.fromkeys(self.columns) | row
                counts["inserted"] += 1
                continue
            differing = {name for name in self.values if name in row and row[name] != there[name]}
            counts["updated"] += bool(differing.intersection(updated))
            counts["kept"] += bool(differing.difference(updated))
            there |= {name: row[name] for name in differing.intersection(updated)}
        return list(table.values()), counts


def test_random_rows(new_database: Callable[[], str], tmp_path: Path) -> None:
    """Rows, counts and what a second run does are as the oracle says, for random tables, rows and updates."""
    database = new_database()
    with psycopg.connect(database, autocommit=True, prepare_threshold=None) as connection:
        for seed in seeds(3):
            world = World(seed)
            _create(connection, world)
            arguments = {
                "table": "t",
                "key": list(world.key),
                "rows": [world.written(row) for row in world.rows],
                "update": world.update,
            }
            rows, counts = world.expected()
            would = act("seed", arguments, tmp_path, database=database, check=True).facts
            assert {name: would[name] for name in counts} == counts, seed
            done = act("seed", arguments, tmp_path, database=database)
            assert {name: done.facts[name] for name in counts} == counts, seed
            assert done.facts["there"] == len(world.rows), seed
            assert _differences(connection, world, rows) == (0, len(rows)), seed
            arguments["rows"] = [world.written(row) for row in world.rows]
            again = act("seed", arguments, tmp_path, database=database)
            assert not again.changed, seed
            assert again.facts["kept"] == counts["kept"], seed


def _create(connection: psycopg.Connection[Any], world: World) -> None:
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in world.columns.items()]  # type: ignore[arg-type,unused-ignore]
    connection.execute("DROP TABLE IF EXISTS t")
    connection.execute(sql.SQL("CREATE TABLE t (id text PRIMARY KEY, {})").format(sql.SQL(", ").join(columns)))
    for number, row in enumerate(world.there):
        _insert(connection, "t", world.written(row) | {"id": f"old-{number}"})


def _insert(connection: psycopg.Connection[Any], table: str, row: Mapping[str, str | None]) -> None:
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Literal, row.values())),
        )
    )


def _differences(connection: psycopg.Connection[Any], world: World, rows: Sequence[Row]) -> tuple[int, int]:
    """How many rows of either side the other lacks, and how many there are: compared in another way than ours."""
    names = sql.SQL(", ").join(map(sql.Identifier, world.columns))
    connection.execute("CREATE TEMPORARY TABLE wanted (LIKE t)")
    for row in rows:
        _insert(connection, "wanted", world.written(row) | {"id": ""})
    query = sql.SQL("SELECT {0} FROM t EXCEPT ALL SELECT {0} FROM wanted").format(names)
    more = connection.execute(query).fetchall()
    query = sql.SQL("SELECT {0} FROM wanted EXCEPT ALL SELECT {0} FROM t").format(names)
    fewer = connection.execute(query).fetchall()
    connection.execute("DROP TABLE wanted")
    count = connection.execute("SELECT count(*) FROM t").fetchone()
    assert count is not None
    return len(more) + len(fewer), count[0]
