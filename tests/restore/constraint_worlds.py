"""Small applications with constraints of every kind, and states of them that the server itself has let in."""

from __future__ import annotations

from collections.abc import Set
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
    """

    ddl: tuple[str, ...]
    later: tuple[str, ...]
    on_target: tuple[str, ...]
    values: tuple[str | None, ...]
    points_at_u: bool

    def leads(self, part: Row, number: int, item: Row, *, gone: Set[str | None] = frozenset()) -> bool:
        """Whether a part points at an item in some way; by no value of `u` that another item has by then."""
        _, old, where, value = part
        by_old = old == str(number) and any("FOREIGN KEY" in each for each in self.later)
        by_value = self.points_at_u and value is not None and value == item[-1] and value not in gone
        return by_old or where == str(number) or by_value


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
    ddl = [
        "CREATE TYPE mood AS ENUM ('low', 'mid', 'high')",
        "CREATE DOMAIN few AS integer CHECK (VALUE BETWEEN 1 AND 4)",
        "CREATE DOMAIN word AS text",
        "CREATE TABLE tenants (id text PRIMARY KEY, name text, demo boolean)",
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text, size integer,"
        f" word word, u {kind})",
        "CREATE TABLE parts (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, old integer,"
        f" item integer REFERENCES items ON DELETE {random.choice(actions)} {deferrable}, u {column} {reference})",
        *([further] if further.startswith("CREATE") else []),
    ]
    later = random.sample(UNVALIDATED, random.choice((0, 0, 1, 1, 2)))
    if len(later) > 1 and later[0].split("(")[0] == later[1].split("(")[0]:
        later = later[:1]
    return Constraints(
        ddl=tuple(ddl),
        later=tuple(later),
        on_target=tuple(random.sample(TARGET_ONLY, random.choice((0, 0, 1, 2)))),
        values=values,
        points_at_u=points_at_u,
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
                random.choice(made.values),
            )
        for number in random.sample(range(1, 4), random.randint(0, 3)):
            rows["parts"][start + number] = (
                tenant,
                random.choice((None, "1", "2", "11", "99")),
                random.choice((None, "1", "2", "3", "11")),
                random.choice(made.values) if made.points_at_u else None,
            )
    return rows


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


COLUMNS = {"items": "id, tenant, name, size, word, u", "parts": "id, tenant, old, item, u"}


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
