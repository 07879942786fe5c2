"""Small applications with constraints of every kind, and states of them that the server itself has let in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg

from tests.installed import VERSION

Row = tuple[str | None, ...]
Rows = dict[str, dict[int, Row]]
"""By table and id, the texts of the other columns."""

TABLES = ("tenants", "items", "parts")

UNIQUE_KINDS: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "smallint NOT NULL UNIQUE CHECK (u BETWEEN 1 AND 5)": ("", ("1", "2", "3", "4", "5")),
    "boolean NOT NULL, UNIQUE (tenant, u)": ("", ("true", "false")),
    "mood NOT NULL UNIQUE": ("", ("low", "mid", "high")),
    "few NOT NULL UNIQUE": ("", ("1", "2", "3")),
    "text NOT NULL UNIQUE CHECK (u ~ '^[a-z]$')": ("", ("x", "y", "z")),
    f"integer UNIQUE{' NULLS NOT DISTINCT' if VERSION >= 15 else ''}": ("", ("1", "2", "3", None)),
    "text UNIQUE": ("", ("x", "y", "z", None)),
    "integer NOT NULL UNIQUE DEFERRABLE CHECK (u < 5)": ("late", ("1", "2", "3", "4")),
    "int4range NOT NULL, EXCLUDE USING gist (u WITH &&)": ("late", ("[1,3)", "[2,5)", "[5,8)", "[8,9)")),
    "int4range NOT NULL CHECK (NOT isempty(u)), EXCLUDE USING gist (u WITH &&, int4range(0, size) WITH &&)": (
        "late",
        ("[1,3)", "[2,5)", "[5,8)", "[8,9)"),
    ),
    "integer NOT NULL CHECK (u > 0), g integer GENERATED ALWAYS AS (10 / u) STORED UNIQUE": ("late", ("1", "2", "4")),
    "text NOT NULL": ("CREATE UNIQUE INDEX second ON items (lower(u))", ("x", "X", "y", "z")),
    "text NOT NULL CHECK (length(u) = 1)": (
        "CREATE UNIQUE INDEX second ON items (u, tenant) WHERE size > 1",
        ("x", "y", "z"),
    ),
}
"""Types and constraints of `u`: a further statement (`late` where no foreign key can lead there), and values."""

TARGET_ONLY = (
    "ALTER TABLE items ADD CHECK (size > 1)",
    "ALTER TABLE items ALTER size SET NOT NULL",
    "CREATE UNIQUE INDEX ON items (name, size)",
    "CREATE UNIQUE INDEX ON items ((10 / (size - 2)))",
    "CREATE INDEX ON items ((10 / (size - 2)))",
    "CREATE INDEX ON items (id) WHERE 10 / (size - 3) > 0",
    "CREATE INDEX ON items (repeat(name, 100000))",
    "CREATE FUNCTION fine(items) RETURNS boolean LANGUAGE sql IMMUTABLE AS"
    " $$ SELECT ($1).name OPERATOR(pg_catalog.<>) 'x' $$; ALTER TABLE items ADD CHECK (fine(items))",
    "CREATE FUNCTION told(items) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT concat(($1).name, ($1).u) $$;"
    " CREATE UNIQUE INDEX ON items (told(items)) WHERE (items IS NOT NULL)",
    "ALTER TABLE items ADD CHECK (tableoid = 'items'::regclass AND name <> 'x')",
    "ALTER TABLE items ADD grown integer GENERATED ALWAYS AS (size - 1) STORED NOT NULL",
    "ALTER TABLE items REPLICA IDENTITY NOTHING; CREATE PUBLICATION played FOR TABLE items",
    "ALTER TABLE items ADD EXCLUDE (name WITH =) WHERE (size = 3)",
    "ALTER TABLE items ADD CHECK (10 / (size - 2) > 0)",
    "ALTER TABLE items ALTER name TYPE varchar(2)",
    "ALTER TABLE items ALTER size TYPE smallint",
    "ALTER DOMAIN word ADD CHECK (VALUE <> 'bad')",
    "ALTER DOMAIN few ADD CHECK (VALUE < 3) NOT VALID",
    "ALTER TYPE mood RENAME VALUE 'mid' TO 'middle'",
    "ALTER TABLE parts ALTER item SET NOT NULL",
)

SPANS = ("[1,3)", "[1,3)", "[3,5)", "[3,5)", "[5,7)", None)
ACROSS = ("[1,5)", "[1,5)", "[1,5)", "[2,4)", "[3,7)", None)
"""Values of `at`: such that do not overlap, and such that take several of them."""

MATCH_FULL = "ALTER TABLE parts ADD FOREIGN KEY (k, at) REFERENCES items (k, at) MATCH FULL NOT VALID"

UNVALIDATED = (
    "ALTER TABLE parts ADD CONSTRAINT old FOREIGN KEY (old) REFERENCES items NOT VALID",
    "ALTER TABLE parts ADD CONSTRAINT old FOREIGN KEY (old) REFERENCES items"
    f" NOT {'ENFORCED' if VERSION >= 18 else 'VALID'}",
    "ALTER TABLE items ADD CONSTRAINT old CHECK (name <> 'old') NOT VALID",
    "ALTER DOMAIN word ADD CHECK (VALUE <> 'bad') NOT VALID",
)


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """What one application asks of its rows.

    Attributes:
        ddl: made before there are rows.
        later: added to both databases with rows in them, and to the target alone.
        values: those of `u`.
        points_at_u: parts lead to items by `u`.
        pairs: they do by `k` and `at` as well: with MATCH `full`, or by a `period`; empty for not.
    """

    ddl: tuple[str, ...]
    later: tuple[str, ...]
    on_target: tuple[str, ...]
    values: tuple[str | None, ...]
    points_at_u: bool
    pairs: str

    def leads(self, part: Row, number: int, item: Row, *, arriving: Collection[Row] = ()) -> bool:
        """Whether a part points at an item in some way; by no value that another item brings."""
        by_old = part[1] == str(number) and any("FOREIGN KEY" in each for each in self.later)
        ways = (self._by_value, self._by_pair)
        by_values = any(way(part, item) and not any(way(part, each) for each in arriving) for way in ways)
        return by_old or part[2] == str(number) or by_values

    def _by_value(self, part: Row, item: Row) -> bool:
        return self.points_at_u and part[-1] is not None and part[-1] == item[-1]

    def _by_pair(self, part: Row, item: Row) -> bool:
        (ours, at), (theirs, there) = part[-3:-1], item[-3:-1]
        if not self.pairs or ours is None or ours != theirs or at is None or there is None:
            return False
        if self.pairs == "full":
            return at == there
        (start, end), (begin, stop) = _bounds(at), _bounds(there)
        return start < stop and begin < end


def _bounds(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.strip("[)").split(","))


def make_constraints(random: Random) -> Constraints:
    """An application."""
    kind = random.choice(list(UNIQUE_KINDS))
    further, values = UNIQUE_KINDS[kind]
    actions = ("NO ACTION", "NO ACTION", "RESTRICT", "CASCADE", "SET NULL")
    points_at_u = (
        not further and " UNIQUE" in kind and "NULLS" not in kind and "(tenant" not in kind and random.random() < 0.4
    )
    column = kind.partition(" ")[0]
    reference = f"REFERENCES items (u) ON DELETE {random.choice(actions)}" if points_at_u else ""
    deferrable = random.choice(("", "", "DEFERRABLE"))
    pairs = random.choice(("", "full", "full", *(["period"] * 3 if VERSION >= 18 else ["full"])))
    overlapping, period = (" WITHOUT OVERLAPS", "PERIOD ") if pairs == "period" else ("", "")
    late_full = random.random() < 0.7
    full = f"{'' if late_full else ' MATCH FULL'} ON DELETE {random.choice(actions)}" if pairs == "full" else ""
    ddl = [
        "CREATE TYPE mood AS ENUM ('low', 'mid', 'high')",
        "CREATE DOMAIN few AS integer CHECK (VALUE BETWEEN 1 AND 4)",
        "CREATE DOMAIN word AS text",
        "CREATE TABLE tenants (id text PRIMARY KEY, name text, demo boolean)",
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text, size integer,"
        f" word word, k int4range, at int4range, u {kind}{f', UNIQUE (k, at{overlapping})' if pairs else ''})",
        "CREATE TABLE parts (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, old integer,"
        f" item integer REFERENCES items ON DELETE {random.choice(actions)} {deferrable},"
        f" k int4range, at int4range, u {column} {reference}"
        f"{f', FOREIGN KEY (k, {period}at) REFERENCES items (k, {period}at){full}' if pairs else ''})",
        *([further] if further.startswith("CREATE") else []),
    ]
    later = random.sample(UNVALIDATED, random.choice((0, 0, 1, 1, 2)))
    if len(later) > 1 and later[0].split("(")[0] == later[1].split("(")[0]:
        later = later[:1]
    return Constraints(
        ddl=tuple(ddl),
        later=tuple(later),
        on_target=(
            *random.sample(TARGET_ONLY, random.choice((0, 0, 1, 2))),
            *((MATCH_FULL,) if pairs == "full" and late_full else ()),
        ),
        values=values,
        points_at_u=points_at_u,
        pairs=pairs,
    )


def make_rows(random: Random, made: Constraints) -> Rows:
    """Rows of two tenants, whose ids are disjoint; most of them will be let in."""
    rows: Rows = {"tenants": {}, "items": {}, "parts": {}}
    for start, tenant in ((0, "a"), (10, "b")):
        for number in random.sample(range(1, 6), random.randint(1, 5)):
            rows["items"][start + number] = (
                tenant,
                random.choice(("x", "y", "old", "long", None)),
                random.choice(("1", "2", "3", "4", "70000", None)),
                random.choice(("good", "bad", None)),
                *_pair(random, SPANS),
                random.choice(made.values),
            )
        for number in random.sample(range(1, 4), random.randint(0, 3)):
            rows["parts"][start + number] = (
                tenant,
                random.choice((None, "1", "2", "11", "99")),
                random.choice((None, "1", "2", "3", "11")),
                *_pair(random, ACROSS if made.pairs == "period" else SPANS),
                random.choice(made.values) if made.points_at_u else None,
            )
    return rows


def _pair(random: Random, spans: Sequence[str | None]) -> tuple[str | None, str | None]:
    return random.choice(("[1,2)", "[1,2)", "[1,2)", "[2,3)", None, None)), random.choice(spans)


def mutated(random: Random, made: Constraints, rows: Rows) -> Rows:
    """The rows with values of `u` handed round, and some changed, gone or new."""
    changed: Rows = {table: dict(each) for table, each in rows.items()}
    for tenant in "ab":
        ids = [number for number, row in changed["items"].items() if row[0] == tenant]
        handed = [changed["items"][number][-1] for number in ids]
        random.shuffle(handed)
        for number, value in zip(ids, handed, strict=True):
            changed["items"][number] = (*changed["items"][number][:-1], value)
    others = make_rows(random, made)
    for table in ("items", "parts"):
        for number in list(changed[table]):
            fate = random.random()
            if fate < 0.15:
                del changed[table][number]
            elif fate < 0.35 and number in others[table]:
                changed[table][number] = others[table][number]
        for number, row in others[table].items():
            if number not in changed[table] and random.random() < 0.3:
                changed[table][number] = row
    return changed


COLUMNS = {"items": "id, tenant, name, size, word, k, at, u", "parts": "id, tenant, old, item, k, at, u"}


def let_in(connection: psycopg.Connection[Any], rows: Rows) -> None:
    """Insert the rows that the server takes, one by one."""
    connection.execute("INSERT INTO tenants VALUES ('a', 'A', false), ('b', 'B', false)")
    for table, columns in COLUMNS.items():
        for number, row in rows[table].items():
            placeholders = ", ".join(["%s"] * (len(row) + 1))
            try:
                connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({placeholders})".encode(), [number, *row])
            except (psycopg.IntegrityError, psycopg.DataError):
                continue


def read(connection: psycopg.Connection[Any]) -> Rows:
    """Every row."""
    found: Rows = {}
    for table, columns in COLUMNS.items():
        texts = ", ".join(f"{name}::text" for name in columns.split(", ")[1:])
        rows = connection.execute(f"SELECT id, {texts} FROM {table}".encode())
        found[table] = {number: tuple(row) for number, *row in rows}
    return found
