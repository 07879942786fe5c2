"""Moving sequences forward, never back; what could stop a move is asked for before the commit."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psycopg
from psycopg import sql

from toolkit.errors import DatabaseError
from toolkit.model.schemas import Schemas
from toolkit.model.sequence import SequenceMove
from toolkit.planning.sequences import steps_to
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.schema.sequences import sequences_of
from toolkit.postgres.session.connection import Connection

STEPS = 10_000
"""Up to so many values are taken one by one, which nobody's nextval can come between. Further away a sequence is set:
between looking and setting nobody takes that many."""


def try_moves(connection: Connection, schemas: Schemas, moves: Iterable[SequenceMove]) -> None:
    """Ask for every move before the commit what could stop it, in a way that moves nothing.

    A value past the limits is refused only after the server has seen that the sequence is there, that the role may set
    it and that nobody else is altering it; the lock it takes for that is held until the transaction ends. Where no
    value is past the limits, looking takes the same lock.

    Raises:
        psycopg.Error: the move would fail.
    """
    names = {move.name for move in moves}
    for found in sequences_of(connection, schemas, lambda found: found.counter.name in names):
        limits = (found.counter.minimum - 1, found.counter.maximum + 1)
        impossible = next((value for value in limits if -(2**63) <= value < 2**63), None)
        if impossible is None:
            name = _name(connection, schemas, found.counter.name)
            connection.execute(sql.SQL("SELECT pg_sequence_last_value({}::regclass)").format(name))
            continue
        with suppress(psycopg.errors.NumericValueOutOfRange), connection.transaction():
            connection.execute(_setval(connection, schemas, found.counter.name, impossible, called=True))


def advance(connection: Connection, schemas: Schemas, moves: list[SequenceMove]) -> None:
    """Move sequences forward, and take those that stand where they should off the list.

    It takes effect at once and cannot be rolled back: call it after the commit.
    """
    while moves:
        _advance(connection, schemas, moves[0])
        del moves[0]


def statement_of(schemas: Schemas, move: SequenceMove) -> str:
    """Give a move as SQL that a person can run: it does nothing where the sequence has gone on meanwhile."""
    query = sql.SQL("SELECT setval({}, {}, {}) FROM {} WHERE last_value {} {};").format(
        sql.Literal(identifier(schemas, move.name).as_string(None)),
        sql.Literal(move.value),
        sql.Literal(move.is_called),
        identifier(schemas, move.name),
        sql.SQL((">=" if move.descending else "<=") if move.is_called else (">" if move.descending else "<")),
        sql.Literal(move.value),
    )
    return query.as_string(None)


def _advance(connection: Connection, schemas: Schemas, move: SequenceMove) -> None:
    found = next(sequences_of(connection, schemas, lambda found: found.counter.name == move.name), None)
    if found is None:
        raise DatabaseError(f"sequence {move.name} is not there any more")
    if not found.counter.is_behind(move.position):
        return
    steps = steps_to(found.counter, move.position)
    if steps is None or steps > STEPS:
        connection.execute(_setval(connection, schemas, move.name, move.value, called=move.is_called))
        return
    query = sql.SQL("SELECT max(nextval({}::regclass)) FROM generate_series(1, {})").format(
        _name(connection, schemas, move.name), sql.Literal(steps)
    )
    # others may have taken its last values meanwhile
    with suppress(psycopg.errors.SequenceGeneratorLimitExceeded):
        connection.execute(query)


def _setval(connection: Connection, schemas: Schemas, name: str, value: int, *, called: bool) -> Sql:
    return sql.SQL("SELECT setval({}::regclass, {}::bigint, {})").format(
        _name(connection, schemas, name), sql.Literal(str(value)), sql.Literal(called)
    )


def _name(connection: Connection, schemas: Schemas, name: str) -> sql.Literal:
    return sql.Literal(identifier(schemas, name).as_string(connection))
