"""One database read by several processes on one snapshot: the backup of one session, to the byte."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import pytest

from tests.control import Control as Site
from tests.control import execute, rows
from tests.product.test_concurrency import CATALOG, SCHEMA
from tests.runner.playbooks import Ran, run_text
from tests.sweeps import EVERYTHING
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


def sessions(conninfo: str) -> int:
    """How many sessions there have been."""
    return int(rows(conninfo, "SELECT sessions FROM pg_stat_database WHERE datname = current_database()")[0][0])


def content(manifest: Manifest) -> bytes:
    """What a manifest says of rows."""
    return msgspec.json.encode((manifest.tables, manifest.selection))


@pytest.mark.parametrize("executor", ["threads", *(["dask"] if EVERYTHING else [])])
def test_processes_give_the_backup_of_one_session(site: tuple[Site, str], executor: str) -> None:
    """With other processes, on any executor, each table is the same as with one session, keys and chunks."""
    made, conninfo = site
    for processes in (None, *((2, 3, 4) if EVERYTHING else (3,))):
        before = sessions(conninfo)
        ran = back_up(made, executor if processes else "threads", **({"processes": processes} if processes else {}))
        assert (ran.code, "WARNING" in ran.text) == (0, False), ran.text
        assert sessions(conninfo) - before >= (processes or 1), "others did not read"
    found = [content(each) for each in made.repository.manifests().manifests.values()]
    assert len(found) > 1
    assert len(set(found)) == 1


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


def test_lost_processes_leave_their_work_to_the_leader(site: tuple[Site, str]) -> None:
    """The backup is the same when all others die; a warning says so."""
    made, _ = site
    with killing_processes() as killed:
        ran = back_up(made, processes=3)
    assert killed
    assert (ran.code, "fewer processes read: a process was lost" in ran.text) == (0, True), ran.text
    assert back_up(made).code == 0
    assert len({content(each) for each in made.repository.manifests().manifests.values()}) == 1
