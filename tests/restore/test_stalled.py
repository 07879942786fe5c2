"""Connections on which nothing comes any more end within bounded time, and the error says so."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.control import ROOT, execute
from tests.restore.proxy import Proxy, Session
from tests.sweeps import EVERYTHING, slow_only
from toolkit.errors import DatabaseError, UnreachableError
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.servers.programs import fitting
from toolkit.postgres.session import stalling
from toolkit.postgres.session.connection import connect
from toolkit.postgres.session.stalling import Patience, bounded

ROWS = "SELECT repeat('x', 1000) FROM generate_series(1, 30000)"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can wait for."""
    monkeypatch.setattr(stalling, "PATIENCE", Patience(silence=1, answer=1, probes=4))


@pytest.fixture
def impatient_with_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same; who is asked may take long to answer, on a busy machine."""
    monkeypatch.setattr(stalling, "PATIENCE", Patience(silence=1, answer=60, probes=60))


@pytest.fixture
def proxy(pg18: EmbeddedServer) -> Iterator[Proxy]:
    """A proxy before the server."""
    with Proxy(pg18.superuser) as made:
        yield made


class BlackHole:
    """Makes a proxy stop forwarding at a statement, while its connections stay open; new ones may be let through."""

    def __init__(self, proxy: Proxy, word: str, *, new_ones: bool) -> None:
        self._word = word
        self._new_ones = new_ones
        self._fallen = False
        self.ended = threading.Event()
        proxy.on_statement = self._see

    def _see(self, session: Session, statement: str) -> None:
        if self._word in statement:
            self._fallen = True
            session.send(statement)
            self.ended.wait(60)
        elif self._fallen and not self._new_ones:
            self.ended.wait(60)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("new_ones", [True, False])
def test_a_copy_that_stalls_ends(proxy: Proxy, new_database: Callable[[], str], new_ones: bool) -> None:
    """In the middle of a COPY nothing comes any more: the error says that it stalled and why that is known."""
    hole = BlackHole(proxy, "COPY", new_ones=new_ones)
    began = time.monotonic()
    reason = "the server waits for us" if new_ones else "the server does not answer on a second connection either"
    with (
        pytest.raises(DatabaseError, match=f"the connection has stalled: nothing came for .* and {reason}") as stalled,
        connect(proxy.conninfo(new_database())) as connection,
        connection.cursor().copy(f"COPY ({ROWS}) TO STDOUT".encode()) as copy,
    ):
        for _ in copy:
            pass
    hole.ended.set()
    assert time.monotonic() - began < 50
    assert "run again" in stalled.value.hint


@pytest.mark.usefixtures("impatient_with_silence")
def test_a_server_at_work_is_waited_for(proxy: Proxy, new_database: Callable[[], str]) -> None:
    """A statement that takes longer than the silence, or waits for a lock, is left alone, whoever is asked."""
    database = new_database()
    execute(database, "CREATE TABLE busy ()")
    with psycopg.connect(database) as holder, connect(proxy.conninfo(database)) as connection:
        holder.execute("LOCK TABLE busy")
        release = threading.Timer(2, holder.rollback)
        release.start()
        connection.execute("SELECT FROM public.busy")
        connection.execute("SELECT pg_sleep(1.5)")
        release.join()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("new_ones", [True, False] if EVERYTHING else [True])
def test_a_program_that_stalls_ends(proxy: Proxy, new_database: Callable[[], str], new_ones: bool) -> None:
    """pg_dump, to which nothing comes any more, is ended, whether or not the server can be asked about it."""
    hole = BlackHole(proxy, "pg_catalog.pg_attribute", new_ones=new_ones)
    database = proxy.conninfo(new_database())
    execute(database, "CREATE TABLE dumped ()")
    (programs, *_) = fitting("", source=18, target=18)
    reason = "the server waits for the program" if new_ones else "the server does not answer on a second connection"
    began = time.monotonic()
    with pytest.raises(DatabaseError, match=f"pg_dump failed: the connection has stalled: {reason}"):
        programs.run("pg_dump", ["--schema-only"], database=database)
    hole.ended.set()
    assert time.monotonic() - began < 50


@slow_only
@pytest.mark.usefixtures("impatient_with_silence")
def test_a_program_at_work_is_waited_for(proxy: Proxy, new_database: Callable[[], str]) -> None:
    """pg_dump that waits for a lock, longer than the silence, is left alone."""
    database = proxy.conninfo(new_database())
    execute(database, "CREATE TABLE busy ()")
    (programs, *_) = fitting("", source=18, target=18)
    with psycopg.connect(database) as holder:
        holder.execute("LOCK TABLE busy")
        release = threading.Timer(2.5, holder.rollback)
        release.start()
        assert "CREATE TABLE public.busy" in programs.run("pg_dump", ["--schema-only"], database=database)
        release.join()


def test_limits_are_set_where_the_user_set_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection has limits for connecting and for peers that are gone; the user's own ones stay."""
    found = conninfo_to_dict(bounded("host=db.example.com"))
    assert found["connect_timeout"] == "30"
    idle, interval, count = (int(str(found[f"keepalives_{name}"])) for name in ("idle", "interval", "count"))
    assert idle + interval * count == 120
    assert found["tcp_user_timeout"] == "120000"
    own = make_conninfo("host=db.example.com", connect_timeout=3, keepalives_idle=9, tcp_user_timeout=5)
    assert {**conninfo_to_dict(bounded(own)), **conninfo_to_dict(own)} == conninfo_to_dict(bounded(own))
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "7")
    assert "connect_timeout" not in conninfo_to_dict(bounded("host=db.example.com"))


@pytest.mark.usefixtures("impatient")
def test_a_server_that_never_answers_is_unreachable() -> None:
    """A port that takes connections and says nothing is given up after the limit for connecting."""
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with (
            pytest.raises(UnreachableError, match="timeout"),
            connect(f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=x connect_timeout=2"),
        ):
            pass
    assert time.monotonic() - began < 50


def test_what_the_driver_says_to_itself_is_not_printed() -> None:
    """A lost connection is told by one error; no line of the driver's log stands beside it."""
    logged = (
        "import logging, toolkit.postgres.session.connection; logging.getLogger('psycopg').warning('error ignored')"
    )
    done = subprocess.run([sys.executable, "-c", logged], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
