"""`orphans` against the words of its guide, worked out row by row on random databases."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.caseless import create_caseless
from tests.control import Control
from tests.sweeps import examples
from tests.traps import set_traps
from toolkit.postgres.servers.embedded import EmbeddedServer

DDL = """
CREATE TABLE tenants (id types.caseless PRIMARY KEY, demo boolean NOT NULL);
CREATE TABLE groups (id integer PRIMARY KEY, tenant types.caseless, above integer);
CREATE TABLE items (id integer PRIMARY KEY, grp integer NOT NULL REFERENCES groups);
CREATE TABLE parts (id integer PRIMARY KEY, item integer REFERENCES items ON DELETE CASCADE, tenant types.caseless);
CREATE TABLE bills (id integer PRIMARY KEY, tenant types.caseless REFERENCES tenants, item integer REFERENCES items);
CREATE TABLE notes (id integer PRIMARY KEY, item integer, other integer);
CREATE TABLE settings (id integer PRIMARY KEY, tenant types.caseless);
CREATE TABLE views (id integer PRIMARY KEY, item integer REFERENCES items ON DELETE CASCADE)
"""
DECLARED = {
    "groups": {"tenant": "tenants", "above": "groups"},
    "parts": {"tenant": "tenants"},
    "notes": {"item": "items", "other": "groups"},
    "settings": {"tenant": "tenants"},
}
KEYS = {"items": {"grp": "groups"}, "parts": {"item": "items"}, "bills": {"tenant": "tenants", "item": "items"}}
OWNED_BY = {
    "groups": ["tenant"],
    "items": ["grp"],
    "parts": ["tenant"],
    "bills": ["tenant"],
    "notes": ["item", "other"],
}
ALONG = {("parts", "item"), ("items", "grp")}
"""Validated foreign keys along which rows go with what they point at: by CASCADE, and by ownership."""

Row = dict[str, Any]
State = dict[str, list[Row]]
Spot = tuple[str, int]


@st.composite
def states(draw: st.DrawFn) -> State:
    """A few rows of every table; declared references lead anywhere, foreign keys to rows."""
    some = st.integers(1, 4)
    state: State = {"tenants": [{"id": key, "demo": key == 3} for key in (1, 2, 3)]}
    for table in ("groups", "items", "parts", "bills", "notes", "settings", "views"):
        keys = {**KEYS, "views": {"item": "items"}}.get(table, {})
        if table == "items" and not state["groups"]:
            state[table] = []
            continue
        rows = []
        for key in sorted(draw(st.sets(some, max_size=4))):
            row: Row = {"id": key}
            for column in DECLARED.get(table, {}):
                row[column] = draw(st.none() | some)
            for column, parent in keys.items():
                there = st.sampled_from([each["id"] for each in state[parent]]) if state[parent] else st.none()
                row[column] = draw(there if column == "grp" else st.none() | there)
            rows.append(row)
        state[table] = rows
    return state


@dataclass(frozen=True)
class View:
    """A state under a scope, row by row."""

    state: State
    named: tuple[int, ...]
    demo: str

    def links(self) -> Iterator[tuple[Spot, str, Spot | None]]:
        """Every filled reference of a business row or view: the row, its column, and where it leads."""
        for table, rows in self.state.items():
            for column, parent in {**DECLARED.get(table, {}), **KEYS.get(table, {})}.items():
                for row in rows:
                    if row[column] is not None:
                        there = any(each["id"] == row[column] for each in self.state[parent])
                        yield (table, row["id"]), column, (parent, row[column]) if there else None
        for row in self.state["views"]:
            if row["item"] is not None:
                yield ("views", row["id"]), "item", ("items", row["item"])

    def owners(self) -> dict[Spot, set[int]]:
        """Every row's owners."""
        owners = {(table, row["id"]): set[int]() for table, rows in self.state.items() for row in rows}
        for row in self.state["tenants"]:
            owners["tenants", row["id"]] = {row["id"]}
        links = [(a, b) for a, column, b in self.links() if b and column in OWNED_BY.get(a[0], ())]
        while any(owners[a] < owners[a] | owners[b] for a, b in links):
            for a, b in links:
                owners[a] |= owners[b]
        return owners

    def expected(self) -> tuple[Counter[str], set[Spot], int]:
        """Orphans in the scope per reference, the rows that go, and how many orphans are kept."""
        owners = self.owners()
        wanted = {"include": (True, False), "exclude": (False,), "only": (True,)}[self.demo]
        chosen = {
            row["id"]
            for row in self.state["tenants"]
            if row["demo"] in wanted and row["id"] in (self.named or (1, 2, 3))
        }

        def within(spot: Spot) -> bool:
            if spot[0] == "views":
                return False
            return bool(owners[spot] & chosen) or spot[0] == "settings" or (not owners[spot] and not self.named)

        def deletable(spot: Spot) -> bool:
            mine = bool(owners[spot] & chosen) or not self.named
            return within(spot) and mine and owners[spot] <= chosen

        dangling = [(a, column) for a, column, b in self.links() if b is None and within(a)]
        orphans_ = {a for a, _ in dangling}
        roots = {spot for spot in orphans_ if deletable(spot)}
        while True:
            going = self._closed(roots, deletable)
            staying = self._without_those_in_use(going)
            if roots <= staying:
                return Counter(f"{a[0]}.{column}" for a, column in dangling), going, len(orphans_ - roots)
            roots &= staying

    def _closed(self, roots: set[Spot], deletable: Callable[[Spot], bool]) -> set[Spot]:
        going = set(roots)
        along = [
            (a, b)
            for a, column, b in self.links()
            if b and deletable(a) and (column in DECLARED.get(a[0], {}) or (a[0], column) in ALONG)
        ]
        while more := {a for a, b in along if b in going and a not in going}:
            going |= more
        return going

    def _without_those_in_use(self, going: set[Spot]) -> set[Spot]:
        left = set(going)
        while used := {b for a, _, b in self.links() if b in left and a not in left and a[0] != "views"}:
            left -= used
        return left


class Database:
    """One database, filled over and over; `owner` and `superuser` are hosts."""

    def __init__(self, control: Control, loader: psycopg.Connection[Any]) -> None:
        self.control = control
        self._loader = loader

    def load(self, state: State) -> None:
        """Make it hold exactly this state."""
        self._loader.execute("TRUNCATE tenants, groups, items, parts, bills, notes, settings, views")
        for table, rows in state.items():
            for row in rows:
                names, values = ", ".join(row), ", ".join(["%s"] * len(row))
                query = f"INSERT INTO {table} ({names}) VALUES ({values})"
                self._loader.execute(query.encode(), [_spelled(table, row, name) for name in row])

    def spots(self) -> set[Spot]:
        """The rows that it holds."""
        tables = ("tenants", "groups", "items", "parts", "bills", "notes", "settings", "views")
        return {
            (table, int(str(key).lstrip("k")))
            for table in tables
            for (key,) in self._loader.execute(f"SELECT id FROM {table}".encode()).fetchall()
        }


def _spelled(table: str, row: Row, name: str) -> Any:
    """A value as it is stored: a tenant is a letter and a number, and every other row has a capital."""
    if (table, name) == ("tenants", "id"):
        return f"k{row[name]}"
    if name == "tenant" and row[name] is not None:
        return f"{'kK'[row['id'] % 2]}{row[name]}"
    return row[name]


@pytest.fixture(scope="module")
def database(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of the tables above, with a search path full of traps for all but who fills it."""
    name = f"orphans_{os.getpid()}"
    pg18.drop_database(name)
    conninfo = pg18.create_database(name)
    create_caseless(psycopg.conninfo.make_conninfo(conninfo, user="postgres"), "types")
    business: dict[str, Any] = {"tenants": "tenant"}
    for table in ("groups", "items", "parts", "bills", "notes", "settings"):
        rule: dict[str, Any] = {"owned_by": OWNED_BY[table]} if table in OWNED_BY else {"rule": "shared"}
        if table in DECLARED:
            rule["references"] = {column: f"{parent}.id" for column, parent in DECLARED[table].items()}
        business[table] = rule
    catalog = {
        "catalog": "application",
        "tenant": {"table": "tenants", "key": "id", "demo": "demo"},
        "business": {"all": business},
        "transient": {"all": {"views": {"cascade": True}}},
    }
    control = Control(tmp_path_factory.mktemp("orphans"), catalog=json.dumps(catalog))
    control.add_host("owner", conninfo)
    control.add_host("superuser", psycopg.conninfo.make_conninfo(conninfo, user="postgres"))
    with psycopg.connect(conninfo, autocommit=True) as loader:
        loader.execute(DDL.encode())
        set_traps(psycopg.conninfo.make_conninfo(conninfo, user="postgres"))
        yield Database(control, loader)
    pg18.drop_database(name)


@settings(max_examples=examples(15))
@given(
    state=states(),
    named=st.sampled_from([(), (), (1,), (2,), (1, 2)]),
    demo=st.sampled_from(["exclude", "include"]),
    host=st.sampled_from(["owner", "superuser"]),
)
def test_what_goes_is_what_the_guide_says(
    database: Database, state: State, named: tuple[int, ...], demo: str, host: str
) -> None:
    """The report counts every orphan of the scope; exactly the rows go that may and that cannot stay without them."""
    view = View(state, named, demo)
    counts, going, kept = view.expected()
    going |= {spot for spot, _, parent in view.links() if spot[0] == "views" and parent in going}
    database.load(state)
    arguments: dict[str, Any] = {"action": "delete", "demo": demo}
    if named:
        arguments["businesses"] = [f"K{key}" for key in named]
    planned = database.control.run("orphans", host, arguments, check=True)
    before = database.spots()
    done = database.control.run("orphans", host, arguments)
    facts: Any = done.facts
    assert planned.facts == facts
    assert {f"{each['table']}.{each['columns'][0]}": each["rows"] for each in facts["references"]} == counts
    assert before - database.spots() == going
    assert facts["deletes"] == Counter(table for table, _ in going)
    assert sum(rows for reasons in facts["kept"].values() for rows in reasons.values()) == kept
