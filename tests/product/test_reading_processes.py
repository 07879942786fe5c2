"""One database read by several processes on one snapshot: the backup of one session, to the byte."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.control import Control as Site
from tests.control import execute
from tests.product.test_concurrency import CATALOG, SCHEMA, stored_rows, writers
from tests.runner.playbooks import Ran, run_text
from tests.sweeps import EVERYTHING, slow_only
from toolkit.actions import table_reading
from toolkit.app.commands import run
from toolkit.app.control import Control
from toolkit.model.manifest import Manifest
from toolkit.planning import chunking

ROWS = """
INSERT INTO entries ("counterId", n) SELECT 'update', n FROM generate_series(1, 20000) n;
CREATE TABLE notes (id text PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, note text);
INSERT INTO notes SELECT md5(n::text) || E'\\t\\n', 'shop', repeat('x', n % 99) FROM generate_series(1, 9000) n;
ANALYZE
"""


@pytest.fixture
def site(tmp_path: Path, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> tuple[Site, str]:
    """A database whose tables are read in parts however small they are."""
    monkeypatch.setattr(table_reading, "ALONE_BYTES", 0)
    monkeypatch.setattr(table_reading, "PROCESS_PART_BYTES", 100_000)
    monkeypatch.setattr(chunking, "FORMAT_1", chunking.ChunkSizes(minimum=1000, beyond=3000, maximum=16000))
    conninfo = new_database()
    execute(conninfo, SCHEMA, ROWS)
    made = Site(tmp_path, CATALOG + "    notes: {owned_by: [shopId]}\n")
    made.add_host("shop", conninfo)
    return made, conninfo


def back_up(site: Site, executor: str = "threads", **arguments: object) -> Ran:
    """Back up as a playbook does."""
    play = [{"hosts": "all", "tasks": [{"backup": {"job": "read", **arguments}}]}]
    return run_text(json.dumps(play), site.directory, run.Options(executor=executor), Control(directory=site.directory))


@contextmanager
def sessions(conninfo: str, least: int) -> Iterator[None]:
    """See that meanwhile so many sessions have come at least; a session is counted when it ends, or later."""
    name = conninfo_to_dict(conninfo)["dbname"]
    with psycopg.connect(make_conninfo(conninfo, dbname="postgres"), autocommit=True) as watch:

        def count() -> int:
            [(found,)] = watch.execute("SELECT sessions FROM pg_stat_database WHERE datname = %s", [name])
            return int(found)

        before = count()
        yield
        end = time.monotonic() + 30
        while count() - before < least:
            assert time.monotonic() < end, "others did not read"
            time.sleep(0.02)


def content(manifest: Manifest) -> bytes:
    """What a manifest says of rows."""
    return msgspec.json.encode((manifest.tables, manifest.selection))


@contextmanager
def killing_processes() -> Iterator[list[int]]:
    """Meanwhile, kill every worker process of this one as soon as it is there."""
    ended, killed = threading.Event(), list[int]()

    def kill() -> None:
        while not ended.wait(0.01):
            for process in psutil.Process().children():
                with suppress(psutil.Error):
                    if "toolkit.runner.process" in process.cmdline():
                        process.kill()
                        killed.append(process.pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def test_processes_give_the_backup_of_one_session(site: tuple[Site, str]) -> None:
    """With other processes each table is the same as with one session, keys and chunks; also when all of these die,
    which is a warning."""
    made, conninfo = site
    assert back_up(made).code == 0
    for processes in (2, 3, 4) if EVERYTHING else (2,):
        with sessions(conninfo, processes):
            ran = back_up(made, processes=processes)
        assert (ran.code, "WARNING" in ran.text) == (0, False), ran.text
    with killing_processes() as killed:
        ran = back_up(made, processes=2)
    assert killed
    assert (ran.code, "fewer processes read: a process was lost" in ran.text) == (0, True), ran.text
    assert len({content(each) for each in made.repository.manifests().manifests.values()}) == 1


@slow_only
def test_dask_workers_give_the_backup_of_one_session(site: tuple[Site, str]) -> None:
    """The same on workers of Dask."""
    made, conninfo = site
    assert back_up(made).code == 0
    for processes in (2, 3):
        with sessions(conninfo, processes):
            ran = back_up(made, "dask", processes=processes)
        assert (ran.code, "WARNING" in ran.text) == (0, False), ran.text
    assert len({content(each) for each in made.repository.manifests().manifests.values()}) == 1


@slow_only
def test_dask_workers_read_one_snapshot_under_writers(site: tuple[Site, str]) -> None:
    """While four connections insert, update, delete and truncate, what workers read fits together in each backup."""
    made, conninfo = site
    with writers(conninfo) as done:
        for _ in range(3):
            with sessions(conninfo, 3):
                ran = back_up(made, "dask", processes=3)
            assert (ran.code, "WARNING" in ran.text) == (0, False), ran.text
    assert min(done.values()) > 20, f"the writers hardly wrote: {done}"
    manifests = list(made.repository.manifests().manifests.values())
    assert len({each.metadata.checksums.business_data for each in manifests}) == 3
    for manifest in manifests:
        counters = {name: int(n) for name, n, _ in stored_rows(made, manifest, "counters")}
        held = Counter(name for name, *_ in stored_rows(made, manifest, "entries"))
        assert (held["insert"], held["delete"]) == (counters["insert"], counters["delete"])
        assert len(stored_rows(made, manifest, "board")) == counters["board"]
        # one statement raises all of these rows by one
        changed = [int(n) for name, _, n in stored_rows(made, manifest, "entries") if name == "update"]
        assert sorted(changed)[0] == counters["update"]
