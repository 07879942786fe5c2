"""Another session that writes the same values again and again, so that every row has a new version all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

import psycopg
from psycopg import sql

from tests.restore.spec import World, identifier


@contextmanager
def stirring(conninfo: str, random: Random, world: World) -> Iterator[None]:
    """Stir the rows of a few tables of a database while the block runs.

    Args:
        conninfo: as a superuser: neither triggers nor foreign keys have a say.
    """
    chosen = random.sample(world.tables, random.randint(1, min(3, len(world.tables))))
    statements = [
        sql.SQL("UPDATE {0} SET {1} = {1}").format(identifier(table.name), sql.Identifier(column))
        for table in chosen
        for column in [next((name for name, kind in table.columns.items() if "ALWAYS" not in kind), None)]
        if column
    ]
    ended, begun = threading.Event(), threading.Event()

    def run() -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            while not ended.is_set():
                for statement in statements:
                    with suppress(psycopg.errors.DeadlockDetected):
                        connection.execute(statement)
                begun.set()
                time.sleep(0.001)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        begun.wait()
        yield
    finally:
        ended.set()
        thread.join()
