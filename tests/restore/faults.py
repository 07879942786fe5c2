"""What can go wrong at a batch of a restore, done for real: to its session, or by another one."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from tests.restore.proxy import Session
from tests.restore.sweeping import COMMIT, RESTORED, SESSIONS, WRITE, Bench

Break = Callable[[Bench, Session, str], None]

_SERIALIZATION = "DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = 'serialization_failure'; END $$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault.

    Attributes:
        at: the statements at which it may happen.
        times: how often it happens in a row.
        lock_seconds: how long the restore waits for a lock.
        begun: how often the restore begins its transaction, where it is atomic.
    """

    name: str
    run: Break
    at: re.Pattern[str] = WRITE
    times: int = 1
    lock_seconds: float = 30.0
    begun: int = 2
    atomic: bool = True


def _terminated(bench: Bench, session: Session, statement: str) -> None:
    """The session is ended by an administrator."""
    _terminate(bench, f"pid = {session.pid}")


def _others_terminated(bench: Bench, session: Session, statement: str) -> None:
    """The session that holds the plan's snapshot is ended."""
    _terminate(bench, f"pid <> {session.pid} AND pid IN (SELECT pid {SESSIONS})")


def _terminate(bench: Bench, condition: str) -> None:
    query = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {condition}"
    with psycopg.connect(bench.administrator, autocommit=True) as connection:
        assert connection.execute(query.encode()).fetchall() == [(True,)]


def _serialization(bench: Bench, session: Session, statement: str) -> None:
    """The server cannot serialize the transaction."""
    session.interject(_SERIALIZATION)


def _lock_timeout(bench: Bench, session: Session, statement: str) -> None:
    """Another session holds a lock and does not let go."""
    with psycopg.connect(bench.administrator, autocommit=True) as partner:
        partner.execute("SELECT pg_advisory_lock(42)")
        session.interject("SELECT pg_catalog.pg_advisory_xact_lock(42)")


def _deadlock(bench: Bench, session: Session, statement: str) -> None:
    """Another session holds a lock, and waits for one of this session."""
    with psycopg.connect(bench.administrator) as partner:
        partner.execute("SET deadlock_timeout = '10min'")
        partner.execute("SELECT pg_advisory_xact_lock(42)")
        session.interject("SELECT pg_catalog.pg_advisory_xact_lock(43)")
        thread = threading.Thread(target=lambda: partner.execute("SELECT pg_advisory_xact_lock(43)"))
        thread.start()
        with psycopg.connect(bench.administrator, autocommit=True) as watcher:
            waits = "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s"
            while watcher.execute(waits, [partner.info.backend_pid]).fetchone() != ("Lock",):
                time.sleep(0.002)
        session.interject("SELECT pg_catalog.pg_advisory_xact_lock(42)")
        thread.join()


def _commit_lost_before(bench: Bench, session: Session, statement: str) -> None:
    """The connection is cut before the commit reaches the server."""
    session.cut()


def _commit_lost_after(bench: Bench, session: Session, statement: str) -> None:
    """The connection is cut after the server has committed and before its answer comes back."""
    session.send(statement)
    session.answer()
    session.cut()


def _commit_lost_between(bench: Bench, session: Session, statement: str) -> None:
    """The product is asking for the fate of its transaction when the server is still to commit it."""
    session.cut_client()
    time.sleep(0.15)
    session.send(statement)
    session.answer()
    session.cut()


def _commit_never_sent(bench: Bench, session: Session, statement: str) -> None:
    """The product is asking for the fate of its transaction when the server is still to roll it back."""
    session.cut_client()
    time.sleep(0.15)
    session.cut()


FAULTS = (
    Fault(name="terminated", run=_terminated),
    Fault(name="terminated before the end", run=_terminated, at=RESTORED),
    Fault(name="terminated at commit", run=_terminated, at=COMMIT),
    Fault(name="holder terminated", run=_others_terminated, atomic=False),
    Fault(name="serialization failure", run=_serialization),
    Fault(name="deadlock", run=_deadlock, begun=1),
    Fault(name="lock timeout", run=_lock_timeout, lock_seconds=0.02, begun=1),
    Fault(name="three lock timeouts", run=_lock_timeout, lock_seconds=0.02, times=3),
    Fault(name="commit lost before", run=_commit_lost_before, at=COMMIT),
    Fault(name="commit lost after", run=_commit_lost_after, at=COMMIT, begun=1),
    Fault(name="commit lost between", run=_commit_lost_between, at=COMMIT, begun=1),
    Fault(name="commit never sent", run=_commit_never_sent, at=COMMIT),
)
