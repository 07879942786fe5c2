"""Backups taken while others write."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from tests.acting import context_of
from tests.control import Control, execute
from tests.sweeps import EVERYTHING
from toolkit.actions import reading, table_reading
from toolkit.actions.context import Context
from toolkit.actions.destinations import destinations
from toolkit.config import inventory
from toolkit.model.manifest import Manifest
from toolkit.model.scope import Scope
from toolkit.planning import chunking
from toolkit.postgres.schema import workspace
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.selection.support import find_support
from toolkit.postgres.session.connection import connect
from toolkit.runner.helping import helping
from toolkit.runner.processes import Hello
from toolkit.runner.wire import Errand
from toolkit.storage.backup_reader import BackupReader

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY);
CREATE TABLE counters (id text PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, n integer NOT NULL);
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "counterId" text NOT NULL REFERENCES counters,
    n integer NOT NULL
);
CREATE TABLE board (id integer PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops);
INSERT INTO shops VALUES ('shop');
INSERT INTO counters SELECT name, 'shop', 1 FROM unnest(ARRAY['insert', 'delete', 'update', 'board']) name;
INSERT INTO entries ("counterId", n) SELECT id, 1 FROM counters WHERE id <> 'board';
INSERT INTO board VALUES (1, 'shop');
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, label: id}
business:
  all:
    shops: tenant
    counters: {owned_by: [shopId]}
    entries: {owned_by: [counterId]}
    board: {owned_by: [shopId]}
"""

BACKUPS = 100 if EVERYTHING else 15

# Each writer keeps one promise in every transaction: its counter says what its rows in another table are.
INSERT = (
    "INSERT INTO entries (\"counterId\", n) VALUES ('insert', 1); UPDATE counters SET n = n + 1 WHERE id = 'insert'"
)
DELETE = (
    "INSERT INTO entries (\"counterId\", n) SELECT 'delete', 1 FROM generate_series(1, 3);"
    " DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE \"counterId\" = 'delete' ORDER BY id LIMIT 2);"
    " UPDATE counters SET n = n + 1 WHERE id = 'delete'"
)
UPDATE = (
    "UPDATE entries SET n = n + 1 WHERE \"counterId\" = 'update'; UPDATE counters SET n = n + 1 WHERE id = 'update'"
)
TRUNCATE = (
    "TRUNCATE board; UPDATE counters SET n = 1 + n % 5 WHERE id = 'board';"
    " INSERT INTO board SELECT i, 'shop' FROM counters, generate_series(1, n) i WHERE counters.id = 'board'"
)


@contextmanager
def writers(conninfo: str) -> Iterator[Counter[str]]:
    """Four connections that write until the block ends; gives how many transactions each has committed."""
    stop, done = threading.Event(), Counter[str]()

    def write(name: str, statements: str) -> None:
        pause = random.Random(name)
        with psycopg.connect(conninfo) as connection:
            while not stop.is_set():
                connection.execute(statements.encode())
                connection.commit()
                done[name] += 1
                stop.wait(pause.uniform(0, 0.004))

    work = {"insert": INSERT, "delete": DELETE, "update": UPDATE, "truncate": TRUNCATE}
    threads = [threading.Thread(target=write, args=item) for item in work.items()]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def stored_rows(control: Control, manifest: Manifest, table: str) -> list[list[str]]:
    """The rows of a table as a backup holds them: values as text, columns by name."""
    entry = manifest.table(table)
    assert entry is not None
    with BackupReader(control.repository, manifest) as reader:
        data = b"".join(reader.rows_of(entry)).decode()
    return [line.split("\t") for line in data.splitlines()]


@pytest.fixture
def small_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every table read by itself, and by several sessions however small it is."""
    monkeypatch.setattr(workspace, "SHARED_PARTS", 1)
    monkeypatch.setattr(table_reading, "ALONE_BYTES", 0)
    monkeypatch.setattr(table_reading, "PART_BYTES", 1)
    monkeypatch.setattr(table_reading, "PROCESS_PART_BYTES", 1)
    monkeypatch.setattr(chunking, "FORMAT_1", chunking.ChunkSizes(minimum=1000, beyond=3000, maximum=16000))


@pytest.mark.usefixtures("small_jobs")
def test_each_backup_is_one_consistent_state(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """Many backups by one, two and four sessions while four connections insert, update, delete and truncate: every
    promise holds in each of them."""
    conninfo = new_database()
    execute(conninfo, SCHEMA)
    control = Control(tmp_path, CATALOG)
    control.add_host("shop", conninfo)
    seen = set()
    with writers(conninfo) as done:
        for number in range(BACKUPS):
            manifest = control.backup("shop", sessions=(1, 2, 4)[number % 3])
            counters = {name: int(n) for name, n, _ in stored_rows(control, manifest, "counters")}
            entries = [(name, int(n)) for name, _, n in stored_rows(control, manifest, "entries")]
            held = Counter(name for name, _ in entries)
            assert held["insert"] == counters["insert"]
            assert held["delete"] == counters["delete"]
            assert [n for name, n in entries if name == "update"] == [counters["update"]]
            assert len(stored_rows(control, manifest, "board")) == counters["board"]
            seen.add(manifest.metadata.checksums.business_data)
    assert min(done.values()) > 20, f"the writers hardly wrote: {done}"
    assert len(seen) > BACKUPS // 2, "the backups hardly differ"


def with_processes(context: Context, control: Path) -> Context:
    """The same with processes that do parts of a backup."""
    hello = Hello(inventory=str(control / "inventory"), control=str(control), shown="inventory", extra={})
    errand = Errand(
        run="",
        key="part",
        action="backup",
        arguments=None,
        place=("", 0, ""),
        host=context.host.name,
        playbook="test",
        check=False,
        diff=False,
        now=context.now().isoformat(),
    )
    made = partial(msgspec.structs.replace, errand)
    return replace(context, helpers=lambda: helping(hello, lambda part: made(part=part), context.progress))


@pytest.mark.usefixtures("small_jobs")
def test_any_number_of_sessions_gives_the_same_bytes(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """One snapshot read by one, two and four sessions and by processes, while others write: the same tables and chunks,
    key by key."""
    conninfo = new_database()
    execute(
        conninfo, SCHEMA, "INSERT INTO entries (\"counterId\", n) SELECT 'update', n FROM generate_series(1, 20000) n"
    )
    control = Control(tmp_path, CATALOG)
    control.add_host("shop", conninfo)
    context = with_processes(context_of(inventory.load(tmp_path / "inventory"), "shop"), tmp_path)
    catalog, scope = context.inventory.catalog("application"), Scope()
    manifests = []
    with (
        writers(conninfo),
        destinations(context, [""], lock_wait=0) as into,
        connect(conninfo) as connection,
        consistent_snapshot(connection, catalog, scope) as survey,
    ):
        into.open(create=True)
        selected = survey.select()
        for sessions, processes in ((1, 1), (2, 1), (4, 1), (1, 3 if EVERYTHING else 2)):
            run = reading.Reading(
                context=context,
                connection=connection,
                conninfo=conninfo,
                survey=survey,
                selected=selected,
                supports=find_support(survey, selected),
                into=into,
                sessions=sessions,
                processes=processes,
                job="test",
                tags=(),
                started=datetime.now(UTC),
                clock=0,
                created_by="test",
            )
            manifests.append(run.store().publish())
            time.sleep(0.02)
    assert len({msgspec.json.encode((each.tables, each.selection)) for each in manifests}) == 1
