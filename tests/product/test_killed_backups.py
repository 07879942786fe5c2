"""Backups whose sessions, workers, scheduler or leader are killed: there is no half backup, and the next run completes.

A backup that is killed as a process of its own: test_interruption.py.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.control import ROOT, Control, execute, rows
from tests.sweeps import SEED, covering, examples, slow_only
from toolkit.actions import table_reading
from toolkit.errors import PlaybackError
from toolkit.model.outcome import SilentProgress
from toolkit.planning import chunking
from toolkit.storage.check import check

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY);
CREATE TABLE orders (id text PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, notes text);
CREATE TABLE items (id bigint PRIMARY KEY, "orderId" text NOT NULL REFERENCES orders, notes text);
INSERT INTO shops VALUES ('shop');
INSERT INTO orders SELECT md5(i::text), 'shop', repeat(md5(i::text), 3) FROM generate_series(1, {rows}) i;
INSERT INTO items SELECT i, md5(i::text), repeat(md5(i::text), 3) FROM generate_series(1, {rows}) i;
ANALYZE;
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, label: id}
business:
  all:
    shops: tenant
    orders: {owned_by: [shopId]}
    items: {owned_by: [orderId]}
"""

READING = """
SELECT pid, query FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'playback backup'
ORDER BY pid
"""


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have small tables read in parts, of small chunks."""
    monkeypatch.setattr(table_reading, "ALONE_BYTES", 0)
    monkeypatch.setattr(table_reading, "PART_BYTES", 100_000)
    monkeypatch.setattr(chunking, "FORMAT_1", chunking.ChunkSizes(minimum=5_000, beyond=15_000, maximum=80_000))


def content(control: Control, label: str) -> dict[str, str]:
    """The digest of each table of a backup."""
    return {table.name: table.digest for table in control.repository.manifest(label).tables}


def sound(control: Control) -> set[str]:
    """See that every backup in the repository can be read and restored; gives their labels."""
    backups = control.repository.manifests()
    assert not backups.unreadable
    assert not check(control.repository, progress=SilentProgress()).findings
    return set(backups.manifests)


@contextmanager
def killing_a_session(conninfo: str, source: random.Random) -> Iterator[list[str]]:
    """Meanwhile, end some session of a backup at some moment; gives what it was at."""
    victim, moment, ended = source.random(), source.random() * 0.15, threading.Event()
    killed = list[str]()

    def kill() -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            begun = 0.0
            while not ended.is_set():
                found = connection.execute(READING.encode()).fetchall()
                begun = begun or (time.monotonic() if len(found) > 1 else 0.0)
                if begun and time.monotonic() - begun > moment and found:
                    pid, query = found[int(victim * len(found))]
                    if connection.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone() == (True,):
                        killed.append(str(query))
                    return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


@pytest.mark.usefixtures("in_parts")
def test_a_session_that_is_killed_leaves_no_half_backup(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """One of four sessions, the leader's or a reader's, is ended at a random moment: there is a whole backup or none,
    the next one completes, and has what one session reads undisturbed."""
    conninfo = new_database()
    execute(conninfo, SCHEMA.format(rows=6000))
    control = Control(tmp_path, CATALOG)
    control.add_host("shop", conninfo)
    source, failed = random.Random(SEED), 0
    labels = {control.backup("shop").metadata.label}
    for number in range(examples(5)):
        execute(conninfo, "UPDATE items SET notes = md5(notes) WHERE id % 2 = 0")
        with killing_a_session(conninfo, source) as killed, suppress(PlaybackError):
            labels.add(control.backup("shop", sessions=4).metadata.label)
        if len(labels) < number + 2:  # one fails only where one was killed
            assert killed
            failed += 1
            labels.add(control.backup("shop", sessions=4).metadata.label)
        assert sound(control) == labels
    assert failed
    one, four = (control.backup("shop", sessions=sessions).metadata.label for sessions in (1, 4))
    assert content(control, one) == content(control, four) == content(control, max(labels))


SCHEDULER = """
import time
from dask.distributed import LocalCluster
cluster = LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0",
                       host="127.0.0.1", protocol="tcp://")
print(cluster.scheduler_address, flush=True)
time.sleep(1000)
"""

HOSTS = ("first", "second")


def killed_run(command: list[str], conninfo: str, who: str, moment: float) -> int:
    """Begin a run on Dask, and kill its leader, a worker or the scheduler a moment after the first session is there."""
    with subprocess.Popen([sys.executable, "-c", SCHEDULER], stdout=subprocess.PIPE, text=True) as scheduler:
        assert scheduler.stdout is not None
        address = f":{scheduler.stdout.readline().strip()}" if who == "scheduler" else ""
        with subprocess.Popen(
            [*command, "--executor", f"dask{address}", "--forks", "2"], cwd=ROOT, stdout=subprocess.DEVNULL
        ) as process:
            while process.poll() is None and not rows(conninfo, READING):
                time.sleep(0.005)
            time.sleep(moment)
            if process.poll() is None:
                leader = psutil.Process(process.pid)
                workers = [each for each in leader.children(recursive=True) if "spawn_main" in " ".join(each.cmdline())]
                victim = {"leader": leader, "worker": workers[-1] if workers else leader}.get(who)
                (victim or psutil.Process(scheduler.pid)).send_signal(signal.SIGKILL)
            process.wait(120)
            psutil.wait_procs(workers if who == "leader" else [], timeout=20)
        scheduler.kill()
    return process.returncode


@slow_only
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("number", "who", "processes"), covering(range(examples(1)), ["worker", "scheduler", "leader"], [1, 3])
)
def test_who_is_killed_on_dask_leaves_no_half_backup(
    processes: int, who: str, number: int, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """Killed at a random moment of two backups, each read by one process or several: the repository is sound, and a run
    without Dask completes at once."""
    conninfo = new_database()
    execute(conninfo, SCHEMA.format(rows=60_000))
    control = Control(tmp_path, CATALOG)
    for host in HOSTS:
        control.add_host(host, conninfo)
    reading = {"processes": processes} if processes > 1 else {}
    play = {"name": "backup", "hosts": "all", "tasks": [{"backup": {"job": "killed", **reading}}]}
    playbook = tmp_path / "backup.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    command = [sys.executable, "-m", "invoke", "run", str(playbook), "--inventory", str(tmp_path / "inventory")]
    code = killed_run(command, conninfo, who, random.Random(f"{SEED} {who} {number}").random() * 1.5)
    print(f"{who} killed, the run ended with {code}")
    before = sound(control) if (tmp_path / "repository" / "playback.json").is_file() else set()
    assert code or len(before) == len(HOSTS)
    assert not subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode
    after = sound(control) - before
    assert len(after) == len(HOSTS)
    assert len({json.dumps(content(control, label)) for label in after | before}) == 1


@slow_only
@pytest.mark.skipif(sys.platform == "win32", reason="processes in a group of their own get no Ctrl-C there")
@pytest.mark.parametrize("executor", ["threads", "dask"])
def test_ctrl_c_ends_all_processes(executor: str, tmp_path: Path, new_database: Callable[[], str]) -> None:
    """A backup that several processes read ends with 130: no session stays, no backup, and the next run completes."""
    conninfo = new_database()
    execute(conninfo, SCHEMA.format(rows=200_000))
    control = Control(tmp_path, CATALOG)
    control.add_host("shop", conninfo)
    playbook = tmp_path / "backup.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "tasks": [{"backup": {"processes": 3}}]}]), encoding="utf-8")
    command = [sys.executable, "-m", "invoke", "run", str(playbook), "--inventory", str(tmp_path / "inventory")]
    command += ["--executor", executor, "--forks", "2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while len(rows(conninfo, READING)) < 2:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    end = time.monotonic() + 5
    while rows(conninfo, READING):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert not sound(control)
    assert not subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode
    assert len(sound(control)) == 1
