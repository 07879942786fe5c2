"""Others who write the same rows all the time: after two attempts the tables that the plan writes to are locked.

A restore works in one snapshot, so whoever changes a row that it is about to write makes it begin again; a row that
changes every moment would do so for ever. Once the tables are locked, others wait until it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from toolkit.errors import DatabaseError
from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.holders import ROWS, holders, listed
from toolkit.postgres.write.batches import REFUSALS
from toolkit.postgres.write.recovery import CONTENTION, ChangedMeanwhileError, Open

PATIENCE = 2
"""How often others may stand in the way before the tables are locked."""

_IN_THE_WAY = (psycopg.errors.SerializationFailure, *CONTENTION, ChangedMeanwhileError, *REFUSALS)
"""What an attempt ends with that others may have stood in the way of; a refusal may have other reasons too."""


class Contention:
    """What the attempts of one restore have met so far."""

    def __init__(self, reopen: Open) -> None:
        self._reopen = reopen
        self._failures = 0
        self._tables: set[str] = set()

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the next attempt has to lock against other writers; none as yet."""
        return tuple(sorted(self._tables)) if self._failures >= PATIENCE else ()

    @contextmanager
    def watching(self, ready: Ready) -> Iterator[None]:
        """Take note of what ends the block.

        Raises:
            DatabaseError: a session holds rows so long that there is no sense in waiting for them.
        """
        locked = bool(self.tables)
        try:
            yield
        except _IN_THE_WAY as error:
            held = isinstance(error, psycopg.errors.LockNotAvailable)
            # it was waited for long enough by then
            self._failures += PATIENCE if held else 1
            self._tables |= reached(ready.survey.schema, ready.touched)
            if held and locked:
                raise self._given_up(ready) from error
            raise

    def _given_up(self, ready: Ready) -> DatabaseError:
        with self._reopen() as connection:
            found = holders(connection, ready.survey.schema.schemas, ready.touched, ROWS)
        return DatabaseError(
            f"another session holds rows that are to be written, and does not let go of them{listed(found)}",
            hint="let it end, or end it with pg_terminate_backend, then run again; everything was rolled back",
        )


def reached(schema: DatabaseSchema, tables: list[str]) -> set[str]:
    """Give these tables, those that they point at and those that point at them."""
    near = set(tables)
    for child in schema.tables.values():
        for key in child.foreign_keys:
            if child.name in tables or key.parent in tables:
                near |= {child.name, key.parent}
    return near
