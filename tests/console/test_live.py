"""Runs that go on: many watch one, two want one database, and the console is killed in the middle of a restore."""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from playwright.sync_api import Browser, expect

from tests.console.running import PATIENCE, Console
from tests.sweeps import EVERYTHING, slow_only
from toolkit.app.console.beginning import Starter
from toolkit.app.console.composing import playbook
from toolkit.app.control import Control, utc_now
from toolkit.app.runs import record as records
from toolkit.app.runs.record import Origin, Run
from toolkit.private.turn import turn
from toolkit.storage.processes import this_process

VIEWERS = 50
SCHEMA = """
CREATE TABLE shops (id int PRIMARY KEY);
CREATE TABLE goods (id int PRIMARY KEY, shop int NOT NULL REFERENCES shops, name text);
CREATE TABLE pause (id int PRIMARY KEY);
CREATE FUNCTION slow() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.pause) THEN PERFORM pg_sleep(60); END IF;
    RETURN true;
END $$;
ALTER TABLE goods ADD CHECK (public.slow());
INSERT INTO shops VALUES (1);
INSERT INTO goods SELECT n, 1, 'thing ' || n FROM generate_series(1, 200) n;
"""
"""Rows of goods are written slowly as long as there is a row in pause."""
CATALOG = """
catalog: small
schema: public
tenant: {table: shops, key: id}
business: {core: {shops: tenant, goods: {owned_by: [shop]}}}
transient: {runtime: {pause: {}}}
"""
RESTORE = playbook(
    "Restore", "small", [{"name": "Restore", "restore": {"from": "latest", "mode": "merge", "repository": "local"}}]
)


class Restoring:
    """A database whose restore takes as long as one wants, and its console."""

    def __init__(self, console: Console, database: str) -> None:
        self.console = console
        self.server = psycopg.connect(database, autocommit=True)
        self.server.execute(SCHEMA)
        (console.directory / "inventory" / "catalogs" / "small.yml").write_text(CATALOG, encoding="utf-8")
        console.add_host("small", database, catalog="small", repository="local")
        self.starter = Starter(control=Control(directory=console.directory), now=utc_now)

    def begin(self, text: str) -> str:
        """Begin a run that this process holds; gives its ID."""
        return self.starter.begin(text, [], by="Ann")

    def rows(self) -> list[tuple[object, ...]]:
        """All rows of goods, with where they are stored."""
        return self.server.execute("SELECT ctid::text, xmin::text, * FROM goods ORDER BY id").fetchall()

    def lose(self) -> list[tuple[object, ...]]:
        """Lose rows, and let the next restore take long; gives what is left."""
        self.server.execute("DELETE FROM goods WHERE id > 100; INSERT INTO pause VALUES (1)")
        return self.rows()

    def writes(self) -> None:
        """Wait until a restore is in the middle of writing."""
        asked = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        until(lambda: self.server.execute(asked).rowcount > 0)

    def go_on(self) -> None:
        """Let what is written from now on take no time."""
        self.server.execute("DELETE FROM pause")


@pytest.fixture
def restoring(console: Console, new_database: Callable[[], str]) -> Iterator[Restoring]:
    """A host `small` with a backup in `local`."""
    made = Restoring(console, new_database())
    run = made.begin(playbook("Back up", "small", [{"backup": {"scope": "business", "job": "small"}}]))
    assert console.wait(run) == 0
    yield made
    for process in made.starter.began.values():
        assert process.stdin is not None
        process.stdin.close()
        process.wait(PATIENCE)
    made.server.close()


@slow_only
def test_two_restores_into_one_database(restoring: Restoring) -> None:
    """The second one is refused while the first one writes, and its page says so as the command line does."""
    console, before = restoring.console, restoring.lose()
    first = restoring.begin(RESTORE)
    restoring.writes()
    second = restoring.begin(RESTORE)
    assert console.wait(second) == 5
    file = console.directory / "second.yml"
    file.write_text(RESTORE, encoding="utf-8")
    refused = console.invoke("run", "second.yml")
    page = console.page(f"/runs/{second}")
    for said in ("another restore is writing into this database, so nothing was changed", "wait until it has ended"):
        assert said in refused.out
        assert said in page
    assert (refused.code, restoring.rows() == before) == (5, True)
    assert console.post(f"/runs/{first}/stop", {}, form=f"/runs/{first}").status_code == 303
    assert console.wait(first) == 130
    assert restoring.rows() == before


def test_a_console_that_is_killed_in_the_middle_of_a_restore(restoring: Restoring) -> None:
    """The database is as before, the page says so after a restart, and the restore can be begun again from there."""
    console, before = restoring.console, restoring.lose()
    first = restoring.begin(RESTORE)
    restoring.writes()
    assert console.post(f"/runs/{first}/stop", {}, form=f"/runs/{first}").status_code == 303
    assert console.wait(first) == 130
    # the console begins this one itself, and holds its standard input
    begun = console.post(f"/runs/{first}/again", {}, form=f"/runs/{first}").headers["location"]
    restoring.writes()
    console.process.kill()
    console.process.wait()
    console.client.close()
    assert console.wait(begun.rpartition("/")[2]) == 130
    assert restoring.rows() == before
    console.start()
    page = console.page(begun)
    assert "the console was closed" in page
    assert "No backup or restore is half done" in page
    restoring.go_on()
    done = console.post(f"{begun}/again", {}, form=begun).headers["location"]
    assert console.wait(done.rpartition("/")[2]) == 0
    assert len(restoring.rows()) == 200


class Watched:
    """A run of which this process writes the record, so that it goes on as long as one wants."""

    def __init__(self, control: Path, tables: Sequence[str], title: str = "Watched") -> None:
        self.id = records.new_id(datetime.now(UTC))
        self.directory = records.directory_of(control, self.id)
        self.tables, self.title = tables, title
        self.numbers = 0

    def begin(self) -> None:
        """Write what a run writes when it begins."""
        process = this_process()
        run = Run(
            id=self.id,
            title=self.title,
            playbook="watched.yml",
            command="run",
            by="Ann",
            origin=Origin.COMMAND,
            started=datetime.now(UTC),
            process=process,
        )
        records.write(self.directory, run)
        self.tell("play_started", play="p", hosts=["demo"])
        self.tell("task_started", play="p", task="Back up", handler=False)
        self.progress(0, expected=dict.fromkeys(self.tables, 1000))

    def progress(self, rows: int, **more: object) -> None:
        """Tell that so many rows of each table are done."""
        done = {name: {"rows": rows, "bytes": rows * 100} for name in self.tables}
        total = len(self.tables)
        self.tell(
            "progress",
            play="p",
            task="Back up",
            host="demo",
            phase="backup",
            note=self.tables[0],
            rows=rows * total,
            bytes=0,
            total_rows=1000 * total,
            total_bytes=None,
            tables=done,
            **more,
        )

    def tell(self, event: str, **facts: object) -> None:
        """Write an event."""
        self.numbers += 1
        head = {"event": event, "number": self.numbers, "time": datetime.now(UTC).isoformat()}
        with (self.directory / records.EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**head, **facts}) + "\n")

    def end(self) -> None:
        """Write what a run writes when it ends."""
        known = records.read(self.directory.parents[2], self.id)
        assert known is not None
        records.write(self.directory, records.ended(known.run, now=datetime.now(UTC), code=0))


def watch(console: Console, run: str, seen: list[str]) -> None:
    """Watch a run to its end, as a browser does."""
    cookies = dict(console.client.cookies)
    with (
        httpx.Client(base_url=console.address, cookies=cookies, timeout=PATIENCE) as client,
        client.stream("GET", f"/runs/{run}/events") as stream,
    ):
        seen.extend(line for line in stream.iter_lines() if "of about" in line or line.startswith("event: ended"))


def until(seen: Callable[[], bool]) -> None:
    """Wait until something is seen."""
    end = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < end, f"it was not seen within {PATIENCE} s"
        time.sleep(0.05)


def run_rows(line: str) -> int:
    """How many rows a line of the stream says."""
    found = re.search(r"([0-9,]+) of about", line)
    assert found, line
    return int(found[1].replace(",", ""))


def characters(process: psutil.Process) -> int:
    """How much a process has read of files; 0 where this system does not say."""
    return process.io_counters().read_chars if sys.platform == "linux" else 0


def test_fifty_people_watch_one_run(console: Console) -> None:
    """Each sees it go on and end, and the server reads and renders once for all of them."""
    first = Watched(console.directory, ["first"])
    with turn(first.directory / records.LOCK):  # with it the console loads what it needs
        first.begin()
        first.end()
    watch(console, first.id, [])
    run = Watched(console.directory, [f"table_{number}" for number in range(130)])
    steps = 20 if EVERYTHING else 2
    server = psutil.Process(console.process.pid)
    with turn(run.directory / records.LOCK):
        run.begin()
        seen = [list[str]() for _ in range(VIEWERS)]
        threads = [threading.Thread(target=watch, args=(console, run.id, each)) for each in seen]
        before, memory, read = console.seconds, server.memory_info().rss, characters(server)
        for each in threads:
            each.start()
        # who comes after the end sees nothing else
        until(lambda: all(seen))
        for step in range(1, steps + 1):
            time.sleep(0.4)
            run.progress(step * 1000 // (steps + 1))
        rows = steps * 1000 // (steps + 1) * len(run.tables)
        until(lambda: bool(seen[0]) and run_rows(seen[0][-1]) == rows)
        late = list[str]()
        threads.append(threading.Thread(target=watch, args=(console, run.id, late)))
        threads[-1].start()
        until(lambda: bool(late))
        assert run_rows(late[0]) == rows
        run.end()
        for each in threads:
            each.join(PATIENCE)
    spent = console.seconds - before
    grown = server.memory_info().rss - memory
    written = (run.directory / records.EVENTS).stat().st_size
    print(f"{VIEWERS} viewers, {steps} events: {spent:.2f} s of processor time, {grown / 2**20:.1f} MiB more memory")
    assert characters(server) - read < 10 * written
    assert {each[-1] for each in seen} == {"event: ended"}
    assert min(map(len, seen)) > 1
    assert (spent < 0.6 + steps * 0.1, grown < 32 * 2**20) == (True, True)
    assert "done" in console.page(f"/runs/{run.id}")


def test_the_console_ends_while_somebody_watches(console: Console) -> None:
    """Ctrl-C ends it at once and without a trace, and with it what it sends."""
    run, seen = Watched(console.directory, ["orders"]), list[str]()
    with turn(run.directory / records.LOCK):
        run.begin()
        watching = threading.Thread(target=watch, args=(console, run.id, seen))
        watching.start()
        until(lambda: bool(seen))
        before = console.printed
        console.process.send_signal(signal.SIGINT)
        assert console.process.wait(PATIENCE) == 130
        watching.join(PATIENCE)
    assert console.printed.removeprefix(before) == "interrupted\n"
    console.client.close()
    console.start()


@slow_only
def test_pictures_of_the_guide(console: Console, browser: Browser, screenshots: Path) -> None:
    """A run that goes on, as the guide shows it."""
    tables = ("business_order_items", "employee_attendance", "product_prices", "sales", "customers")
    run = Watched(console.directory, tables, title="Back up all businesses")
    context = browser.new_context(base_url=console.address, viewport={"width": 1000, "height": 760})
    cookies = [{"name": e.name, "value": e.value or "", "url": console.address} for e in console.client.cookies.jar]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()
    with turn(run.directory / records.LOCK):
        run.begin()
        page.goto(f"/runs/{run.id}")
        time.sleep(0.5)
        run.progress(620)
        expect(page.get_by_text("rows a second")).to_be_visible()
        page.screenshot(path=screenshots / "run-live.png")
    context.close()
