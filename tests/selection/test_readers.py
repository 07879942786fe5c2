"""Several sessions that read one snapshot: which jobs they do, and what becomes of it when one of them fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.control import execute, new_role, rows
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import Connection, session
from toolkit.postgres.session.readers import Readers

JOBS = [f"t{number}" for number in range(6)]
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'readers' AND datname = current_database()"
    " AND pid <> ALL (%s)"
)


@pytest.fixture
def conninfo(new_database: Callable[[], str]) -> str:
    """A database with a table of one row for each job."""
    conninfo = new_database()
    execute(conninfo, *(f"CREATE TABLE {name} AS SELECT 1 AS n" for name in JOBS))
    return conninfo


class Reading:
    """A leader with readers beside it, whose jobs are to sum the numbers of a table.

    Attributes:
        found: what was read of each table, by which sessions.
    """

    def __init__(self, leader: Connection, conninfo: str) -> None:
        self.leader = leader
        self.process = leader.info.backend_pid
        self.conninfo = conninfo
        self.notes: list[str] = []
        self.found: dict[str, list[tuple[int, int]]] = {name: [] for name in JOBS}
        self.together = threading.Barrier(1)

    def sum(self, connection: Connection, name: str) -> None:
        """Do a job."""
        row = connection.execute(f"SELECT sum(n) FROM {name}").fetchone()
        assert row is not None
        self.found[name].append((int(row[0]), connection.info.backend_pid))
        if self.together.parties > 1:
            self.together.wait(120)

    def run(self, sessions: int, work: Callable[[Connection, str], None] | None = None) -> None:
        """Have all jobs done."""
        readers = Readers[str](self.leader, self.conninfo, sessions=sessions, look=lambda: None, note=self.notes.append)
        readers.run(JOBS[:1], JOBS[1:], work or self.sum)

    def alone(self) -> bool:
        """Whether there is no session beside the leader's, or none in a moment."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            end = time.monotonic() + 30
            while connection.execute(OTHERS, [[self.process]]).fetchone() != (0,):
                if time.monotonic() > end:
                    return False
                time.sleep(0.02)
        return True


@contextmanager
def leading(conninfo: str) -> Iterator[Reading]:
    """A leader with locks and a snapshot."""
    with session(conninfo, application="readers") as leader:
        leader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        leader.execute(f"LOCK TABLE {', '.join(JOBS)} IN ACCESS SHARE MODE")
        leader.execute("SELECT 1")
        yield Reading(leader, conninfo)


def test_readers_see_what_the_leader_sees(conninfo: str) -> None:
    """Two and three sessions each do some jobs, all of them in the snapshot of the first."""
    with leading(conninfo) as reading:
        execute(conninfo, *(f"INSERT INTO {name} VALUES (10)" for name in JOBS))
        for number in (2, 3):  # divide six jobs evenly, each session waiting for the others
            reading.together = threading.Barrier(number)
            reading.run(number)
            done = [found.pop() for found in reading.found.values()]
            assert [total for total, _ in done] == [1] * len(JOBS)
            assert len({process for _, process in done}) == number
        assert reading.alone()
        assert not reading.notes


def test_sessions_side_by_side_have_no_parallel_workers(conninfo: str) -> None:
    """Each of several sessions reads in one process of the server; one alone, and the leader later, need not."""
    with leading(conninfo) as reading:
        usual = reading.leader.execute("SHOW max_parallel_workers_per_gather").fetchone()
        settings = set[object]()

        def work(connection: Connection, name: str) -> None:
            settings.add(connection.execute("SHOW max_parallel_workers_per_gather").fetchone())
            reading.sum(connection, name)

        reading.together = threading.Barrier(2)
        reading.run(2, work)
        assert settings == {("0",)}
        reading.together = threading.Barrier(1)
        reading.run(1, work)
        assert settings == {("0",), usual}


def test_a_reader_that_is_killed_ends_everything(conninfo: str) -> None:
    """The leader, in the middle of a long statement, raises the reader's error at once; no session stays behind."""
    with leading(conninfo) as reading:

        def work(connection: Connection, name: str) -> None:
            if connection is not reading.leader:
                execute(conninfo, f"SELECT pg_terminate_backend({connection.info.backend_pid})")
            connection.execute("SELECT pg_sleep(60)")

        begun = time.monotonic()
        with pytest.raises(psycopg.errors.AdminShutdown):
            reading.run(3, work)
        assert time.monotonic() - begun < 50
        assert reading.alone()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_ends_the_leader_ends_its_readers(conninfo: str, error: type[BaseException]) -> None:
    """The leader fails while readers are in long statements: they are cancelled, and their sessions end."""
    with leading(conninfo) as reading:
        sleeping = threading.Event()

        def work(connection: Connection, name: str) -> None:
            if connection is reading.leader:
                assert sleeping.wait(50)
                raise error
            sleeping.set()
            connection.execute("SELECT pg_sleep(60)")

        begun = time.monotonic()
        with pytest.raises(error):
            reading.run(3, work)
        assert time.monotonic() - begun < 50
        assert reading.alone()
        assert reading.leader.execute("SELECT 1").fetchone() == (1,)


def test_a_reader_does_not_wait_behind_who_waits_for_the_leader(conninfo: str) -> None:
    """A table for which somebody wants an exclusive lock is read by the leader, which has its lock already."""
    with leading(conninfo) as reading, psycopg.connect(conninfo) as other:
        waiting = threading.Thread(target=lambda: other.execute("LOCK TABLE t1 IN ACCESS EXCLUSIVE MODE"))
        waiting.start()
        while not rows(conninfo, "SELECT FROM pg_locks WHERE NOT granted AND relation = 't1'::regclass"):
            time.sleep(0.01)
        begun = threading.Event()

        def work(connection: Connection, name: str) -> None:
            if connection is reading.leader and name == JOBS[0]:
                assert begun.wait(120)  # until a reader has come to the table
            elif connection is not reading.leader:
                begun.set()
            reading.sum(connection, name)

        reading.run(2, work)
        assert [len(found) for found in reading.found.values()] == [1] * len(JOBS)
        assert reading.found["t1"][0][1] == reading.process
        assert "lock timeout" in reading.notes[0]
        reading.leader.execute("ROLLBACK")
        waiting.join()


def test_without_further_connections_one_session_reads(conninfo: str, pg18: EmbeddedServer) -> None:
    """A role that may connect but once leaves all to the leader, and that is noted."""
    role = f"once_{threading.get_native_id()}"
    new_role(pg18.superuser, role)
    execute(pg18.superuser, f"ALTER ROLE {role} CONNECTION LIMIT 1")
    name = psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]
    execute(conninfo, *(f"GRANT SELECT ON {job} TO {role}" for job in JOBS))
    try:
        with leading(pg18.conninfo(str(name), role)) as reading:

            def work(connection: Connection, job: str) -> None:
                while not reading.notes:  # until others have tried to connect
                    time.sleep(0.01)
                reading.sum(connection, job)

            reading.run(4, work)
            processes = {process for found in reading.found.values() for _, process in found}
            assert processes == {reading.process}
            assert any("too many connections for role" in note for note in reading.notes)
    finally:
        execute(pg18.conninfo(str(name), "postgres"), f"DROP OWNED BY {role}")
        execute(pg18.superuser, f"DROP ROLE {role}")
