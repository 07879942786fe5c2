"""What is tried again, and how a commit whose answer got lost is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from toolkit.errors import DatabaseError, UndecidedError, UnreachableError
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.write.fate import Deed, Fate
from toolkit.retries.policy import retrying

Open = Callable[[], AbstractContextManager[Connection]]
"""Opens a session with the target; errors of the server go through it as they are."""

CONTENTION = (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)
"""What is retried from the savepoint before a batch, at most twice; after that the transaction is begun again."""

ATTEMPTS, SECONDS = 8, 600.0
"""Most attempts at a transaction, and seconds after which no other begins."""

LOCK_SECONDS = 10.0
"""Seconds for which a statement of a restore waits for rows that another session holds."""

TABLE_SECONDS = 60.0
"""Seconds for which a restore tries to lock tables against other writers."""

UNIT_ATTEMPTS, UNIT_SECONDS = 3, 4 * LOCK_SECONDS
"""Most attempts at a batch in one transaction, and seconds after which no other begins."""

UNDECIDED_SECONDS = 60.0
"""Seconds that a server may take to finish a commit for whose answer nobody waits any more."""


class ChangedMeanwhileError(DatabaseError):
    """Other sessions have written rows that the plan speaks of; it has to be made anew."""


class _UnansweredError(Exception):
    """The server is still committing, or cannot be asked yet."""


def passes(error: BaseException) -> bool:
    """Tell whether a transaction that ended with this error may succeed when it is begun again."""
    if isinstance(error, (psycopg.errors.SerializationFailure, *CONTENTION, UnreachableError, ChangedMeanwhileError)):
        return True
    return lost(error)


def lost(error: BaseException) -> bool:
    """Tell whether an error means that the connection is gone: cut, or ended by the server (class 57P, no SQLSTATE)."""
    if not isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def patient(reopen: Open) -> Open:
    """Sessions whose statements give up (`LockNotAvailable`) once they have waited for a lock for LOCK_SECONDS."""

    @contextmanager
    def opened() -> Iterator[Connection]:
        with reopen() as connection:
            connection.keep_setting("lock_timeout", str(round(LOCK_SECONDS * 1000)))
            yield connection

    return opened


def commit(connection: Connection, reopen: Open, fate: Fate, committed: Callable[[], None]) -> None:
    """Commit the transaction; when the connection is lost meanwhile, find out whether it was committed.

    Args:
        committed: says to the fate what is committed; called once it is.

    Raises:
        psycopg.Error: it was not; the transaction may be begun again where `passes` says so.
        UndecidedError: the server cannot say any more, or does not answer.
        KeyboardInterrupt: interrupted meanwhile; the fate says how it ended.
    """
    row = connection.execute("SELECT pg_current_xact_id_if_assigned()::text").fetchone()
    transaction = "" if row is None or row[0] is None else str(row[0])
    if connection.pooled:  # the session goes on as somebody else's
        connection.execute("DISCARD TEMP")
    fate.committing(transaction)
    try:
        connection.execute("COMMIT")
    except KeyboardInterrupt:
        # the server may have gone on with it
        if _was_committed(transaction, reopen, fate):
            committed()
        else:
            fate.rolled_back()
        raise
    except psycopg.Error as error:
        if not lost(error) or (transaction and not _was_committed(transaction, reopen, fate)):
            fate.rolled_back()
            raise
    committed()


@contextmanager
def told_transaction(connection: Connection, reopen: Open, deed: Deed) -> Iterator[None]:
    """Run the block in a transaction and commit it; where the connection is lost meanwhile, the server is asked.

    Raises:
        UndecidedError: nobody can say whether it was committed.
        Interrupted: Ctrl-C in the commit, where it was, or nobody can say.
    """
    fate = Fate(deed)
    with fate.telling():
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        try:
            yield
            commit(connection, reopen, fate, lambda: fate.committed([]))
        finally:
            if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("ROLLBACK")


def _was_committed(transaction: str, reopen: Open, fate: Fate) -> bool:
    if not transaction:
        return False  # it has written nothing
    try:
        return retrying(
            lambda error: isinstance(error, (_UnansweredError, UnreachableError)) or lost(error),
            attempts=1000,
            seconds=UNDECIDED_SECONDS,
        )(lambda: _asked(transaction, reopen, fate))
    except (_UnansweredError, UnreachableError, psycopg.Error) as error:
        raise _undecided(transaction, "the server does not say whether it was", fate) from error


def _asked(transaction: str, reopen: Open, fate: Fate) -> bool:
    with reopen() as connection:
        row = connection.execute("SELECT pg_xact_status(%s::text::xid8)", [transaction]).fetchone()
    status = None if row is None else row[0]
    if status == "in progress":
        raise _UnansweredError
    if status is None:
        raise _undecided(transaction, "the server no longer knows whether it was", fate)
    return bool(status == "committed")


def _undecided(transaction: str, why: str, fate: Fate) -> UndecidedError:
    return UndecidedError(
        f"undecided: the connection was lost while transaction {transaction} was committed, and {why}", hint=fate.again
    )
