"""Several sessions that read one snapshot at once (docs/adr/0034-several-readers-of-one-snapshot.md).

The session that took the snapshot leads: it holds the locks, reads what only it can see, and takes part in the rest.
The others are readers, each in a thread of its own, with the exported snapshot. A reader that cannot be had, or that
others keep from its lock, leaves its work to those that are there: the result is the same for any number of them.

Readers can be processes too, here or on other machines: then a thread here hands each job over, and waits for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Generic, Protocol, TypeVar

import psycopg
from msgspec import Struct
from psycopg import sql

from toolkit.errors import PlaybackError
from toolkit.postgres.session.connection import Connection, explaining, first_line, session
from toolkit.postgres.session.stalling import GivenUpError

Job = TypeVar("Job")
Job_contra = TypeVar("Job_contra", contravariant=True)

_LOCK_MILLISECONDS = 200
"""How long a reader waits for a lock. Who asked for a stronger one may be waiting for the leader, and the leader for
the reader. It is less than the server's deadlock_timeout."""

_LOOK_SECONDS = 0.1
"""After this time the leader looks around while it waits for readers."""


_SERVER = "SELECT pg_postmaster_start_time()::text"

_BEGIN = sql.SQL(
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}; SET LOCAL lock_timeout = {};"
    " SET LOCAL max_parallel_workers_per_gather = 0"
)


class Snapshot(Struct, frozen=True, kw_only=True):
    """An exported snapshot, what tells its server from any other, and what its sessions are called there."""

    name: str
    server: str
    application: str


class NotTakenError(Exception):
    """A reader could not do a job, which is left to others; the text says why."""


class Away(Protocol[Job_contra]):
    """Has jobs done by other processes."""

    @property
    def processes(self) -> int:
        """How many do a job each at the same time."""

    def __call__(self, job: Job_contra, snapshot: Snapshot, given_up: Callable[[], bool]) -> None:
        """Have a job done, and wait for it.

        Args:
            given_up: tells whether nobody wants it any more; what was begun is cancelled then.

        Raises:
            NotTakenError: no process could do it.
        """


@contextmanager
def sharing(conninfo: str, snapshot: Snapshot) -> Iterator[Connection]:
    """Open a session with a snapshot.

    Raises:
        NotTakenError: it cannot be had, or, inside the block, others keep it from a lock.
        DatabaseError: inside the block, any other error of the server.
    """
    with explaining(conninfo), ExitStack() as opened:
        try:
            connection = opened.enter_context(session(conninfo, application=snapshot.application))
            take_over(connection, snapshot)
        except PlaybackError as error:
            raise NotTakenError(error.message) from error
        except psycopg.Error as error:
            raise NotTakenError(first_line(error)) from error
        try:
            yield connection
        except psycopg.errors.LockNotAvailable as error:
            raise NotTakenError(first_line(error)) from error


def take_over(connection: Connection, snapshot: Snapshot) -> None:
    """Begin a transaction with a snapshot; an error of the server where it is another one."""
    if connection.execute(_SERVER).fetchone() != (snapshot.server,):
        raise psycopg.OperationalError("the address leads to another server this time")
    begin = _BEGIN.format(sql.Literal(snapshot.name), _LOCK_MILLISECONDS)
    connection.execute(begin.as_bytes(connection))


@contextmanager
def in_one_process(connection: Connection) -> Iterator[None]:
    """Let the server have no parallel workers for the statements of a part of a transaction.

    They would mix the order in which rows lie. Beside other sessions they only make it dearer to sort.
    """
    connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
    yield
    connection.execute("SET LOCAL max_parallel_workers_per_gather TO DEFAULT")


class Readers(Generic[Job]):
    """Has jobs done by several sessions.

    Args:
        leader: in a REPEATABLE READ transaction that holds locks on all that is read.
        conninfo: how its server is reached.
        sessions: how many read at once at most, the leader included.
        look: called by the leader again and again while it waits; what it raises ends everything.
        note: is told why there are fewer readers.
        away: has shared jobs done by other processes as well.
    """

    def __init__(
        self,
        leader: Connection,
        conninfo: str,
        *,
        sessions: int,
        look: Callable[[], None],
        note: Callable[[str], None],
        away: Away[Job] | None = None,
    ) -> None:
        self._leader = leader
        self._away = away
        self._conninfo = conninfo
        self._sessions = sessions
        self._application = leader.info.parameter_status("application_name") or "playback"
        self._look = look
        self._note = note
        self._changed = threading.Condition()
        self._left = deque[Job]()
        self._open = 0
        self._error: BaseException | None = None
        self._given_up = threading.Event()

    def run(self, own: Sequence[Job], shared: Sequence[Job], work: Callable[[Connection, Job], None]) -> None:
        """Have every job done.

        Args:
            own: jobs that the leader alone can do.
            shared: jobs that any session can do, the largest first.
            work: does a job; done again from its beginning where others kept a reader from its lock.

        Raises:
            The first error of any job. All others are given up then.
        """
        self._left.extend(shared)
        watch = self._leader.watch
        try:
            if watch is not None:
                watch.given_up = self._given_up
            with in_one_process(self._leader) if self._start(len(shared) + bool(own) - 1, work) else nullcontext():
                for job in own:
                    work(self._leader, job)
                while self._go_on():
                    for job in self._taken():
                        work(self._leader, job)
        except GivenUpError:
            self._raise_error()
            raise
        finally:
            self._end()
            if watch is not None:
                watch.given_up = None
        self._raise_error()

    def _start(self, most: int, work: Callable[[Connection, Job], None]) -> bool:
        """Have others begin; tells whether there are any."""
        away = min(most, self._away.processes if self._away else 0)
        readers = min(most - away, self._sessions - 1)
        if away + readers < 1:
            return False
        if self._leader.pooled:  # which may have no other session, and keep a reader waiting for one
            self._note("a pooler stands before the database: one session reads")
            return False
        row = self._leader.execute("SELECT pg_export_snapshot(), pg_postmaster_start_time()::text").fetchone()
        assert row is not None
        snapshot = Snapshot(name=row[0], server=row[1], application=self._application)
        self._open += away
        for _ in range(away):
            threading.Thread(target=self._send, args=(snapshot,), name="snapshot-sender", daemon=True).start()
        for _ in range(readers):
            threading.Thread(target=self._read, args=(snapshot, work), name="snapshot-reader", daemon=True).start()
        return True

    def _send(self, snapshot: Snapshot) -> None:
        """Have jobs done by a process as long as there are any."""
        assert self._away is not None
        try:
            for job in self._taken():
                try:
                    self._away(job, snapshot, self._given_up.is_set)
                except NotTakenError as error:
                    self._give_back(job)
                    self._lacking(str(error), "processes")
                    return
        except BaseException as error:
            self._fail(error)
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _read(self, snapshot: Snapshot, work: Callable[[Connection, Job], None]) -> None:
        """Do jobs as a reader as long as there are any."""
        try:
            with self._session(snapshot) as connection:
                for job in self._taken():
                    self._do(connection, job, work)
        except PlaybackError as error:
            self._lacking(error.message)
        except psycopg.Error as error:
            self._lacking(first_line(error))

    def _lacking(self, reason: str, what: str = "sessions") -> None:
        if not self._given_up.is_set():
            self._note(f"fewer {what} read: {reason}")

    def _give_back(self, job: Job) -> None:
        with self._changed:
            self._left.appendleft(job)

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
        self._given_up.set()

    def _do(self, connection: Connection, job: Job, work: Callable[[Connection, Job], None]) -> None:
        try:
            work(connection, job)
        except psycopg.errors.LockNotAvailable:
            self._give_back(job)
            raise
        except BaseException as error:
            self._fail(error)
            raise

    @contextmanager
    def _session(self, snapshot: Snapshot) -> Iterator[Connection]:
        """A session with the snapshot. It counts as open from when it is connected until it is closed."""
        counted = False
        try:
            with session(self._conninfo, application=self._application) as connection:
                with self._changed:
                    self._open += 1
                    counted = True
                assert connection.watch is not None
                connection.watch.given_up = self._given_up
                take_over(connection, snapshot)
                yield connection
        finally:
            with self._changed:
                self._open -= counted
                self._changed.notify_all()

    def _taken(self) -> Iterator[Job]:
        """Take jobs that are left one by one; none once all is given up."""
        while True:
            with self._changed:
                if not self._left or self._given_up.is_set():
                    return
                job = self._left.popleft()
            yield job

    def _go_on(self) -> bool:
        """Wait while there are readers; gives False when all jobs are done. One may be left that a reader gave back."""
        while True:
            with self._changed:
                self._raise_error()
                if self._left or not self._open:
                    return bool(self._left)
                self._changed.wait(_LOOK_SECONDS)
            self._look()

    def _end(self) -> None:
        """Have the readers end."""
        self._given_up.set()
        with self._changed:
            while self._open:
                self._changed.wait(_LOOK_SECONDS)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error
