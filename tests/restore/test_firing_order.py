"""Which foreign keys may change places: none of those that are said to may changes what becomes of any row."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import psycopg
import pytest

from tests.conftest import Servers
from tests.sweeps import seeds
from toolkit.postgres.schema.firing_order import acting_keys, pairs_that_matter
from toolkit.postgres.session.connection import Connection, connect

TABLES, KEYS, ROWS = range(4), range(9), range(1, 4)
LED_TO = [0, 0, 0, 0, 1, 1, 2, 2, 3]
ACTIONS = ["NO ACTION", "NO ACTION", "RESTRICT", "CASCADE", "CASCADE", "CASCADE", "SET NULL", "SET DEFAULT"]


def make(connection: Connection, random: Random) -> None:
    """Tables of a few rows, and keys between them."""
    for table in TABLES:
        connection.execute(f"CREATE TABLE t{table} (id integer PRIMARY KEY)".encode())
        connection.execute(f"INSERT INTO t{table} SELECT generate_series(1, {len(ROWS)})".encode())
    for key in KEYS:
        child, parent = random.choice(TABLES), random.choice(LED_TO)
        column = f"ALTER TABLE t{child} ADD r{key} integer DEFAULT {random.choice(['NULL', 3])}"
        connection.execute(column.encode())
        for row in ROWS:
            value = random.choice(["NULL", "NULL", "NULL", *ROWS])
            connection.execute(f"UPDATE t{child} SET r{key} = {value} WHERE id = {row}".encode())
        deferred = random.choice(["", "", "DEFERRABLE INITIALLY DEFERRED"])
        connection.execute(
            f"ALTER TABLE t{child} ADD CONSTRAINT k{key} FOREIGN KEY (r{key}) REFERENCES t{parent}"
            f" ON DELETE {random.choice(ACTIONS)} ON UPDATE {random.choice(ACTIONS)} {deferred}".encode()
        )
    if random.random() < 0.2:
        table = random.choice(TABLES)
        connection.execute(
            b"CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS"
            b" 'BEGIN DELETE FROM t0 WHERE id = 2; RETURN NULL; END'"
        )
        connection.execute(
            f"CREATE TRIGGER other AFTER DELETE ON t{table} FOR EACH ROW EXECUTE FUNCTION other()".encode()
        )


def outcomes(connection: Connection) -> Sequence[object]:
    """What every deletion and every change of a row that keys lead to ends in: an error, or all rows."""
    found = list[object]()
    statements = [
        f"{what} WHERE id = {row}"
        for table in TABLES[:3]
        for row in ROWS
        for what in (f"DELETE FROM t{table}", f"UPDATE t{table} SET id = id + 100")
    ]
    rows = " UNION ALL ".join(f"SELECT '{table}', t::text FROM t{table} t" for table in TABLES)
    for statement in statements:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.encode())
                connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                found.append(sorted(connection.execute(rows.encode()).fetchall()))
        except (psycopg.errors.IntegrityError, psycopg.errors.TriggeredDataChangeViolation):
            found.append("refused")
    return found


def pairs(connection: Connection) -> list[tuple[str, str]]:
    """The pairs of keys that may not change places."""
    keys = acting_keys(connection)
    return [(first.name, second.name) for first, second in pairs_that_matter(keys, {key.to for key in keys})]


@pytest.mark.parametrize("seed", seeds(3, 300))
def test_keys_that_may_change_places_do_so_unnoticed(servers: Servers, seed: int) -> None:
    """A key after which none comes that matters is made anew, which puts it last."""
    random = Random(seed)
    with connect(servers.database(random.choice([16, 18]))) as connection:
        make(connection, random)
        before, held = outcomes(connection), {first for first, _ in pairs(connection)}
        for key in acting_keys(connection):
            definition = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE oid = %s"
            row = connection.execute(definition, [key.number]).fetchone()
            assert row is not None
            with connection.transaction(force_rollback=key.name in held):
                connection.execute(f"ALTER TABLE {key.table} DROP CONSTRAINT {key.name}".encode())
                connection.execute(f"ALTER TABLE {key.table} ADD CONSTRAINT {key.name} {row[0]}".encode())
                if outcomes(connection) != before:
                    assert key.name in held, key
