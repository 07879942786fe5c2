"""A real PgBouncer before a test server; tests that need it are skipped by name where the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from toolkit.postgres.servers.account import account_of
from toolkit.postgres.servers.embedded import EmbeddedServer

PROGRAM = shutil.which("pgbouncer", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))

_SETTINGS = """
[databases]
* = host={host} port=5432 {user}{password}
[pgbouncer]
unix_socket_dir = {home}
listen_port = 6432
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 50
query_wait_timeout = 120
logfile = {home}/log
"""


@contextmanager
def pooler(server: EmbeddedServer, conninfo: str, *, mode: str = "transaction", size: int = 3) -> Iterator[str]:
    """Start a pooler whose clients all are the role of a conninfo; gives the conninfo of its database there."""
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed")
    account = account_of(server.directory).number
    # a number without a name gets at a server of its own through that server's directory alone
    process = (server.directory / "postmaster.pid").read_text("utf-8").splitlines()[0]
    parts = conninfo_to_dict(conninfo)
    beside = parts["host"] == str(server.directory)
    # an installed server trusts everybody
    file = parts.get("passfile")
    password = f"password={Path(str(file)).read_text('ascii').strip().rpartition(':')[2]}" if file else ""
    home = Path(tempfile.mkdtemp(prefix="pooler-"))
    settings = _SETTINGS.format(
        home=home,
        host=f"/proc/{process}/cwd" if account is not None and beside else parts["host"],
        user=f"user={parts['user']} ",
        password=password,
        mode=mode,
        size=size,
    )
    (home / "pgbouncer.ini").write_text(settings, encoding="utf-8")
    account_of(server.directory).own(home)
    running = subprocess.Popen(
        [PROGRAM, "-q", str(home / "pgbouncer.ini")], user=account, group=account, stderr=subprocess.DEVNULL
    )
    try:
        made = make_conninfo("", host=str(home), port=6432, dbname=parts["dbname"], user=parts["user"])
        _wait(made, running)
        yield made
    finally:
        running.terminate()
        running.wait(60)
        shutil.rmtree(home)


def _wait(conninfo: str, running: subprocess.Popen[bytes]) -> None:
    for _ in range(2000):
        assert running.poll() is None, "PgBouncer has ended"
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("PgBouncer does not answer")
