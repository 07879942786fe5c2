"""Real PostgreSQL servers for the tests: 16 and 18, embedded, kept between runs."""

from __future__ import annotations

import hashlib
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from tests.app import invoking
from tests.control import Control
from tests.installed import BINARIES, PROGRAMS, VERSION, copied_database, installed_server
from tests.places import HOME, ROOT, keep_temporary_files
from tests.sweeps import EVERYTHING, SEED
from toolkit import demo
from toolkit.postgres.servers import embedded
from toolkit.postgres.servers.creation import create_once
from toolkit.postgres.servers.embedded import EmbeddedServer

pytest_plugins = ["tests.storage.s3.servers"]

# commands that tests start need not compile all of the toolkit each time
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
VERSIONS = (16, 18)

# how long an example takes says what else the machine does
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def test_server(version: int) -> EmbeddedServer:
    """Start the test server of a major version. All settings are the defaults but two, so that what works here works.

    Nothing waits for disks, or is written twice for them, which only a power cut could tell: a process that is killed
    has written.
    """
    server = embedded.start(HOME / f"test-server-{version}", version=version)
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_catalog.pg_reload_conf()")
    return server


SERVERS = frozenset(("pg15", "pg16", "pg18", "moto_server", "ceph_server", "s3_server", "server"))
"""Fixtures that start a server."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Settle where files are kept, and give the seed of a sweep to hypothesis and to the processes of pytest-xdist."""
    keep_temporary_files()
    # what starts programs in the background has them ignore signals, and theirs inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if EVERYTHING:
        os.environ["PLAYBACK_SEED"] = str(SEED)
        config.option.hypothesis_seed = config.option.hypothesis_seed or str(SEED)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a server or run commands, by their fixtures and by what their module imports."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        kind = item.callspec.params.get("store_kind", "local") if hasattr(item, "callspec") else "local"
        imported = vars(getattr(item, "module", item)).values()
        if fixtures & SERVERS or kind != "local" or embedded in imported:
            item.add_marker("server")
        if any(getattr(each, "__module__", "") == invoking.__name__ for each in imported):
            item.add_marker("command")


@pytest.fixture(autouse=True)
def _server_tests_are_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Find tests without the mark `server` that start one."""
    before = len(embedded._joined)
    yield
    if len(embedded._joined) > before and not request.node.get_closest_marker("server"):
        pytest.fail("starts a server: mark its module with pytest.mark.server")


def pytest_report_header() -> list[str]:
    """The servers under test, in the header of every run."""
    other = f"; {VERSION} of {PROGRAMS} in the place of 18" if PROGRAMS else ""
    return [f"postgresql: {', '.join(str(version) for version in VERSIONS)} (embedded){other}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say with which seed a sweep can be tried again."""
    if EVERYTHING:
        terminalreporter.write_line(f"\ntried everything; once more: PLAYBACK_SLOW_TESTS=1 PLAYBACK_SEED={SEED}")


@dataclass(frozen=True)
class Servers:
    """Makes databases that are dropped when the test ends."""

    by_version: dict[int, EmbeddedServer]
    created: list[tuple[int, str]]

    def database(self, version: int = 18, *, template: str | None = None) -> str:
        """A new database owned by a role that is no superuser; gives its conninfo."""
        name, server = f"t_{os.getpid()}_{uuid.uuid4().hex[:12]}", self.by_version[version]
        self.created.append((version, name))
        return copied_database(server, name, template or "template0")


@pytest.fixture(scope="session")
def pg18() -> Iterator[EmbeddedServer]:
    """The PostgreSQL 18 server, or the installed one that PLAYBACK_POSTGRES names in its place."""
    if PROGRAMS:
        with installed_server(Path(PROGRAMS)) as server:
            yield server
    else:
        yield test_server(18)


@pytest.fixture(scope="session")
def pg16() -> EmbeddedServer:
    """The PostgreSQL 16 server."""
    return test_server(16)


@pytest.fixture(scope="session")
def pg15() -> Iterator[EmbeddedServer]:
    """A PostgreSQL 15 with ICU and libxml, where the machine has one; the test is skipped elsewhere."""
    if not BINARIES.is_dir():
        pytest.skip(f"no PostgreSQL 15 is installed in {BINARIES}")
    with installed_server(BINARIES) as server:
        yield server


@pytest.fixture
def servers(pg16: EmbeddedServer, pg18: EmbeddedServer) -> Iterator[Servers]:
    """A maker of databases on both servers."""
    made = Servers({16: pg16, 18: pg18}, [])
    yield made
    for version, name in made.created:
        made.by_version[version].drop_database(name)


@pytest.fixture
def new_database(servers: Servers) -> Callable[[], str]:
    """A maker of empty PostgreSQL 18 databases, owned by a role that is no superuser."""
    return servers.database


def demo_database() -> str:
    """The name of the database that holds the small demo as this version of its package makes it."""
    package = ROOT / "toolkit" / "demo"
    digest = hashlib.sha256()
    for file in sorted(each for pattern in ("*.py", "*.sql") for each in package.rglob(pattern)):
        if "hard" not in file.relative_to(package).parts:
            digest.update(file.read_bytes())
    return f"demo_{digest.hexdigest()[:12]}"


def _template(server: EmbeddedServer, kind: str, fill: Callable[[str], object]) -> str:
    """The name of a database to copy, made once and kept between runs; those of older versions are dropped."""
    name = demo_database().replace("demo", kind)
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        stale = connection.execute(
            "SELECT datname FROM pg_database WHERE datname ~ %s AND datname <> %s", [f"^{kind}_[0-9a-f]{{12}}$", name]
        ).fetchall()
    for (each,) in stale:
        server.drop_database(each)
    create_once(server, name, fill=fill)
    return name


@pytest.fixture(scope="session")
def demo_template(pg16: EmbeddedServer, pg18: EmbeddedServer) -> Callable[[int], str]:
    """By major version: the name of a database to copy, `servers.database(version, template=demo_template(version))`.

    It holds the small demo.
    """
    by_version = {16: pg16, 18: pg18}
    return cache(lambda version: _template(by_version[version], "demo", demo.load))


@pytest.fixture(scope="session")
def empty_template(pg16: EmbeddedServer, pg18: EmbeddedServer) -> Callable[[int], str]:
    """The same with the schema of the reference application and no rows."""
    by_version = {16: pg16, 18: pg18}
    return cache(lambda version: _template(by_version[version], "empty", demo.create_schema))


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """An empty control directory for the reference application."""
    return Control(tmp_path)


@pytest.fixture
def demo_host(control: Control, servers: Servers, demo_template: Callable[[int], str]) -> Callable[..., str]:
    """Adds a host with a copy of the small demo; gives its conninfo."""

    def add(name: str, version: int = 18) -> str:
        conninfo = servers.database(version, template=demo_template(version))
        control.add_host(name, conninfo)
        return conninfo

    return add


@pytest.fixture
def empty_host(control: Control, servers: Servers, empty_template: Callable[[int], str]) -> Callable[..., str]:
    """Adds a host with the schema of the reference application and no rows; gives its conninfo."""

    def add(name: str, version: int = 18) -> str:
        conninfo = servers.database(version, template=empty_template(version))
        control.add_host(name, conninfo)
        return conninfo

    return add
