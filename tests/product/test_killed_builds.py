"""Scratch restores and exclusive restores that are killed while they build: nothing half done, the rerun completes."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Servers
from tests.control import ROOT, Control, execute, rows
from tests.sweeps import SEED, slow_only
from toolkit.errors import PlaybackError
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.postgres.restore import fresh, rebuilding
from toolkit.postgres.servers.embedded import EmbeddedServer

pytestmark = [pytest.mark.timeout(3600), pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")]

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, label: name}
business:
  all:
    shops: tenant
    items: {owned_by: [shop]}
    parts: {owned_by: [item]}
"""

# an index on what `held` gives is built once nobody keeps it waiting
TABLES = """
CREATE TABLE shops (id integer PRIMARY KEY, name text);
CREATE TABLE items (id integer PRIMARY KEY, shop integer NOT NULL REFERENCES shops, name text);
CREATE TABLE parts (id integer PRIMARY KEY, item integer NOT NULL REFERENCES items, name text UNIQUE);
CREATE INDEX ON items (shop);
CREATE INDEX ON parts (item);
CREATE FUNCTION public.held(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM pg_catalog.pg_advisory_xact_lock_shared(4711); RETURN $1; END $$;
CREATE INDEX held ON items (public.held(name));
COMMENT ON INDEX held IS 'kept';
"""

ROWS = """
INSERT INTO shops VALUES (1, 'a'), (2, 'b');
INSERT INTO items SELECT g, 1 + g % 2, 'item ' || g FROM generate_series(1, 300) g;
INSERT INTO parts SELECT g, g, 'part ' || g FROM generate_series(1, 300) g;
"""

BUILDING = "SELECT pid FROM pg_stat_activity WHERE starts_with(query, 'CREATE INDEX held') AND wait_event = 'advisory'"

OURS = """
SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
AND (starts_with(application_name, 'playback') OR application_name = 'pg_restore') AND starts_with(datname, %s)
"""

STRUCTURE = """
SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'comment', obj_description('public.held'::regclass) ORDER BY 1, 2
"""

CONTENT = "SELECT 1, id, shop, name FROM items UNION ALL SELECT 2, id, item, name FROM parts ORDER BY 1, 2"


@dataclass
class Site:
    """A host `source` with rows, its backup, and where it is restored.

    Attributes:
        kind: `scratch`, beside the source, or `exclusive`, into an empty database of the same schema.
        restored: the conninfo of what is restored.
    """

    control: Control
    kind: str
    source: str
    restored: str
    manifest: Manifest

    @property
    def wanted(self) -> dict[str, Any]:
        """The arguments of the restore."""
        kind = {"scratch": {"like": "source", "on": "host", "keep": True}} if self.kind == "scratch" else {}
        exclusive = {"exclusive": True} if self.kind == "exclusive" else {}
        return {"from": self.manifest.metadata.label, "mode": "mirror", "identity": "source", **kind, **exclusive}

    def restore(self) -> Outcome:
        """Restore in this process."""
        return self.control.run("restore", "source" if self.kind == "scratch" else "target", self.wanted)

    def start(self) -> subprocess.Popen[bytes]:
        """Restore in another process."""
        directory = self.control.directory
        shutil.copy(ROOT / "tasks.py", directory)
        host = "source" if self.kind == "scratch" else "target"
        play = {"name": "restore", "hosts": host, "tasks": [{"name": "restore", "restore": self.wanted}]}
        (directory / "restore.yml").write_text(json.dumps([play]), encoding="utf-8")
        command = [sys.executable, "-m", "tests.product.small_builds", "run", str(directory / "restore.yml")]
        command += ["--inventory", str(directory / "inventory")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PLAYBACK_NO_BACKOFF": "1"}
        return subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def check_nothing_half_done(self) -> None:
        """See that there is no scratch database under its name, or that the target is as before."""
        if self.kind == "scratch":
            name = psycopg.conninfo.conninfo_to_dict(self.restored)["dbname"]
            if rows(self.source, f"SELECT FROM pg_database WHERE datname = '{name}'"):
                self.check_complete()
        elif rows(self.restored, CONTENT):
            self.check_complete()
        else:
            assert rows(self.restored, STRUCTURE) == rows(self.source, STRUCTURE)

    def check_complete(self) -> None:
        """See that all rows, indexes and constraints are there, and nothing else was left."""
        assert rows(self.restored, CONTENT) == rows(self.source, CONTENT)
        assert rows(self.restored, STRUCTURE) == rows(self.source, STRUCTURE)

    def sessions(self) -> list[int]:
        """The server's processes that work for the restore."""
        name = str(psycopg.conninfo.conninfo_to_dict(self.restored)["dbname"])
        with psycopg.connect(self.source, autocommit=True) as connection:
            return [pid for (pid,) in connection.execute(OURS, [name]).fetchall()]

    def drafts(self) -> list[tuple[Any, ...]]:
        """What was left of databases that were being made."""
        name = psycopg.conninfo.conninfo_to_dict(self.restored)["dbname"]
        return rows(self.source, f"SELECT datname FROM pg_database WHERE starts_with(datname, '{name}.')")


@pytest.fixture
def make(
    tmp_path: Path, servers: Servers, pg18: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Site]]:
    """Makes a site, where small tables are built as large ones are."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(fresh, "LARGE", 100)
    monkeypatch.setattr(fresh, "LARGE_TABLE", 100)
    monkeypatch.setattr(rebuilding, "LEAST_ROWS", 10)
    made = list[str]()

    def at(kind: str) -> Site:
        owner, target = servers.database(), servers.database()
        source = psycopg.conninfo.make_conninfo(owner, user="postgres")
        execute(source, TABLES, ROWS)
        execute(target, TABLES)
        control = Control(tmp_path, CATALOG)
        control.add_host("source", source)
        control.add_host("target", target)
        name = f"playback_scratch_of_{psycopg.conninfo.conninfo_to_dict(owner)['dbname']}"
        made.extend((name, f"{name}.draft", f"{name}.whole"))
        restored = psycopg.conninfo.make_conninfo(source, dbname=name) if kind == "scratch" else target
        return Site(control, kind, source, restored, control.backup("source"))

    yield at
    for name in made:
        pg18.drop_database(name)


@contextmanager
def moment(site: Site, choice: random.Random) -> Iterator[int | None]:
    """Wait for a moment amid the restore; gives the server's process at work, None where there is none any more.

    An exclusive restore is kept where it builds an index, a scratch restore is met anywhere once its draft is there.
    """
    database = site.restored if site.kind == "exclusive" else site.source
    with psycopg.connect(database, autocommit=True) as watch:
        if site.kind == "exclusive":
            watch.execute("SELECT pg_advisory_lock(4711)")
        found = list[int]()
        deadline = time.monotonic() + 60
        while not found and time.monotonic() < deadline:
            name = f"{psycopg.conninfo.conninfo_to_dict(site.restored)['dbname']}.draft"
            query, parameters = (BUILDING, []) if site.kind == "exclusive" else (OURS, [name])
            found = [pid for (pid,) in watch.execute(query, parameters).fetchall()]
        assert found
        if site.kind == "scratch":
            time.sleep(choice.random() / 5)
            found = [pid for (pid,) in watch.execute(OURS, [name]).fetchall()]
        yield choice.choice(found) if found else None


def kill(site: Site, choice: random.Random, *, after: float | None = None) -> None:
    """Kill the process that restores, after some time or at such a moment; then restore again."""
    with site.start() as process:
        if after is None:
            with moment(site, choice):
                process.kill()
        else:
            time.sleep(after)
            process.kill()
        process.communicate()
    deadline = time.monotonic() + 60
    while site.kind == "exclusive" and site.sessions():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    site.check_nothing_half_done()
    site.restore()
    site.check_complete()
    assert site.drafts() == []


def end_session(site: Site, choice: random.Random) -> None:
    """End one of the sessions by which a restore works: it completes all the same, or says so and the next one does."""
    failed = list[PlaybackError]()

    def restore() -> None:
        try:
            site.restore()
        except PlaybackError as error:
            failed.append(error)

    thread = threading.Thread(target=restore)
    thread.start()
    with moment(site, choice) as pid:
        if pid:
            execute(site.source, f"SELECT pg_terminate_backend({pid})")
    thread.join()
    if failed:
        site.check_nothing_half_done()
        site.restore()
    site.check_complete()
    assert site.drafts() == []


@pytest.mark.parametrize("kind", ["scratch", pytest.param("exclusive", marks=slow_only)])
def test_a_build_whose_leader_is_killed_is_made_by_the_next_run(make: Callable[[str], Site], kind: str) -> None:
    """Killed amid the building: no scratch database, the schema as before; the next run completes and tidies up."""
    kill(make(kind), random.Random(kind))


@pytest.mark.parametrize("kind", ["exclusive", pytest.param("scratch", marks=slow_only)])
def test_a_build_survives_the_end_of_a_session(make: Callable[[str], Site], kind: str) -> None:
    """A session that an administrator ends costs no row, index or mark."""
    end_session(make(kind), random.Random(kind))


@slow_only
@pytest.mark.parametrize("kind", ["scratch", "exclusive"])
def test_any_moment_will_do(make: Callable[[str], Site], kind: str) -> None:
    """Whenever the leader is killed, or a session ended, nothing is half done and the next run completes."""
    for number in range(20):
        choice = random.Random(f"{SEED} {kind} {number}")
        site = make(kind)
        kill(site, choice, after=choice.uniform(0.2, 2))
        if kind == "exclusive":
            execute(site.restored, "TRUNCATE shops, items, parts")
        end_session(site, choice)
