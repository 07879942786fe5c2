"""Tasks on Dask workers and in processes: as in threads, and never more said than is known when something dies."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import psutil
import psycopg
import pytest
from dask.distributed import Client, LocalCluster

from tests.app.invoking import ROOT
from tests.runner.playbooks import CONTROL, Ran, run_text
from tests.sweeps import EVERYTHING, slow_only
from toolkit.app.commands import run
from toolkit.app.control import Control
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.runner import wire
from toolkit.runner.processes import Hello, WorkerProcess
from toolkit.runner.wire import Errand

pytestmark = pytest.mark.server

PASSWORD = "worker-x7-secret"


@dataclass(frozen=True, slots=True)
class Site:
    """A control directory with the hosts a, b and c on one database, and what watches that."""

    control: Control
    conninfo: str

    def run(self, text: str, executor: str = "threads", **more: Any) -> Ran:
        """Run a playbook."""
        options = run.Options(executor=executor, **more)
        return run_text(text, self.control.directory, options, control=self.control)

    def ask(self, query: str) -> object:
        """Ask the database."""
        with closing(psycopg.connect(self.conninfo, autocommit=True)) as connection:
            row = connection.execute(query).fetchone()
        return row and row[0]

    def end(self) -> None:
        """End statements whose clients are dead; the server would notice that when they are done."""
        self.ask(f"SELECT count(pg_terminate_backend(pid)) {SLEEPING.partition(' count(*) ')[2]}")
        self.wait(SLEEPING, 0)

    def wait(self, query: str, wanted: object, seconds: float = 60) -> None:
        """Wait until the database answers that."""
        end = time.monotonic() + seconds
        while (found := self.ask(query)) != wanted:
            assert time.monotonic() < end, f"{query} gives {found!r}, not {wanted!r}"
            time.sleep(0.05)


@pytest.fixture
def site(pg18: EmbeddedServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site with a database of its own, in which the sequence `begun` counts what was begun, committed or not."""
    name = f"cluster_{os.getpid()}_{abs(hash(request.node.name)) % 100000}"
    conninfo = pg18.create_database(name)
    (tmp_path / "inventory").mkdir()
    hosts: dict[str, object] = {name: {"database": conninfo} for name in "abc"}
    everyone = {"hosts": hosts, "vars": {"token": {"env": "PLAYBACK_TEST_TOKEN"}, "word": "w-{{ inventory_hostname }}"}}
    (tmp_path / "inventory" / "hosts.yml").write_text(json.dumps({"all": everyone}), encoding="utf-8")
    found = Site(Control(directory=tmp_path), conninfo)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE begun; CREATE TABLE done (host text)")
    yield found
    pg18.drop_database(name)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two workers that know a secret which this process does not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYBACK_TEST_TOKEN", PASSWORD)
        started = LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0", silence_logs=50
        )
    with started:
        yield started


SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'pg_sl[e]ep'"
WRITING = "INSERT INTO done SELECT '{{ inventory_hostname }}' FROM nextval('begun'), pg_sleep({{ sleep | default(0) }})"


def test_a_playbook_needs_no_change(site: Site, cluster: LocalCluster) -> None:
    """Loops, facts, secrets and extra variables mean what they mean in threads; the values of secrets stay there."""
    text = """
- hosts: all
  vars: {greeting: "{{ word }} of {{ groups.all | length }}"}
  tasks:
    - sql: {query: "SELECT 1 + %(n)s AS n, %(text)s AS text", args: {n: "{{ item }}", text: "{{ greeting }}"}}
      loop: [1, 2]
      register: found
    - debug: {msg: "{{ found.results[1].rows }} {{ hostvars.a.found.results | length }}"}
    - sql: {query: "SELECT octet_length(%(t)s) AS n", args: {t: "{{ token }}"}}
      register: secret
    - debug: {msg: "{{ secret.rows }}"}
    - sql: {query: SELECT nonsense}
      ignore_errors: true
    - when: inventory_hostname == 'b'
      sql: {query: SELECT 1, args: {x: "{{ missing }}"}}
"""
    hosts = site.control.directory / "inventory" / "hosts.yml"
    name = str(site.ask("SELECT current_database()"))
    hosts.write_text(hosts.read_text(encoding="utf-8").replace(name, "{{ called }}"), encoding="utf-8")
    called = (f"called={name}",)
    with pytest.MonkeyPatch.context() as patch:
        there = site.run(text, executor=f"dask:{cluster.scheduler_address}", extra_vars=called)
        patch.setenv("PLAYBACK_TEST_TOKEN", PASSWORD)
        here = site.run(text, extra_vars=called)
        processes = site.run(text, executor="processes", extra_vars=called, forks="1")
    assert there == here == processes
    assert there.code == 2
    assert str(len(PASSWORD)) in there.out
    assert PASSWORD not in there.text


@pytest.mark.parametrize("executor", ["dask", "threads", *(["processes"] if EVERYTHING else [])])
def test_ctrl_c_reaches_the_servers(site: Site, cluster: LocalCluster, executor: str) -> None:
    """Statements that are waited for are cancelled on the server; their hosts, and no others, are to be done again."""
    text = f"""
- hosts: all
  tasks:
    - sql: {{query: "{WRITING}"}}
      vars: {{sleep: "{{{{ 60 if inventory_hostname != 'a' and not again | default('') else 0 }}}}"}}
"""

    pressed: list[float] = []

    def press() -> None:
        site.wait(SLEEPING, 2)
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    where = f"dask:{cluster.scheduler_address}" if executor == "dask" else executor
    ran = site.run(text, executor=where, forks="2")
    pressing.join()
    assert ran.code == 130
    site.wait(SLEEPING, 0)
    assert time.monotonic() - pressed[0] < 40
    assert site.ask("SELECT string_agg(host, '') FROM done") == "a"
    recap = ran.out.partition("PLAY RECAP")[2]
    counts = re.findall(r"^(\w) : ok=(\d) .* failed=(\d) .* ignored=0(?: +interrupted=(\d))?$", recap, re.MULTILINE)
    assert counts == [("a", "1", "0", ""), ("b", "0", "0", "1"), ("c", "0", "0", "1")]
    told, _, retry = recap.strip().rpartition("--limit ")
    assert told.endswith("2 of 3 hosts did not come to the end; to run it again there: ")
    assert site.run(text, executor=where, limit=retry, extra_vars=("again=yes",)).code == 0
    assert site.ask("SELECT string_agg(host, '' ORDER BY host) FROM done") == "abc"


def busy_with(host: str, cluster: LocalCluster) -> int:
    """The process of the worker that runs a task of a host."""
    with Client(cluster, set_as_default=False) as client:
        working = client.processing().items()
        worker = next(worker for worker, keys in working if any(key.startswith(f"{host}-") for key in keys))
        return int(client.run(os.getpid, workers=[worker])[worker])


def test_a_lost_worker_costs_one_host(site: Site, cluster: LocalCluster) -> None:
    """What it was writing is called undecided and is not begun again; others go on, and the rerun completes."""
    text = f"""
- hosts: all
  tasks:
    - sql: {{query: "{WRITING}"}}
      vars: {{sleep: "{{{{ 100 if inventory_hostname == 'a' and wait | default('') else 0 }}}}"}}
    - debug: {{msg: went on}}
"""
    address = cluster.scheduler_address
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(lambda: site.run(text, executor=f"dask:{address}", extra_vars=("wait=yes",)))
        site.wait(SLEEPING, 1)
        site.wait("SELECT count(*) FROM done", 2)
        psutil.Process(busy_with("a", cluster)).kill()
        result = ran.result(200)
    assert result.code == 8
    assert "fatal: [a]: FAILED! => its worker was lost while this task ran, and nobody can say" in result.out
    assert re.findall(r"ok: \[(\w)\] => went on", result.out) == ["b", "c"]
    site.end()
    assert site.ask("SELECT last_value FROM begun") == 3
    retry = result.out.strip().splitlines()[-1].rpartition("--limit ")[2]
    again = site.run(text, executor=f"dask:{address}", limit=retry)
    assert again.code == 0
    assert site.ask("SELECT string_agg(host, ' ' ORDER BY host) FROM done") == "a b c"


def test_a_worker_lost_between_two_tasks_costs_no_host(
    site: Site, cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that waits for the next task has none to lose; another one takes that."""
    # on a busy machine it takes long to begin one
    monkeypatch.setattr("toolkit.runner.cluster._WITHOUT_WORKERS", 200)
    with Client(cluster, set_as_default=False) as client:
        workers = client.run(os.getpid).values()
    text = f"""
- hosts: a
  tasks:
    - sql: {{query: "{WRITING}"}}
    - command: {{argv: {json.dumps(["kill", "-9", *map(str, workers)])}}}
    - sql: {{query: "{WRITING}"}}
"""
    result = site.run(text, executor=f"dask:{cluster.scheduler_address}")
    assert result.code == 0, result.out
    assert site.ask("SELECT count(*) FROM done") == 2


def own_processes() -> list[psutil.Process]:
    """The worker processes that this one has begun."""
    children = psutil.Process().children()
    return [each for each in children if "toolkit.runner.process" in each.cmdline()]


def test_a_lost_process_is_replaced(site: Site) -> None:
    """The host whose process died is undecided and not begun again; a new process does the others."""
    text = f"""
- hosts: all
  tasks:
    - sql: {{query: "{WRITING}"}}
      vars: {{sleep: "{{{{ 100 if inventory_hostname == 'a' else 0 }}}}"}}
"""
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(lambda: site.run(text, executor="processes", forks="1"))
        site.wait(SLEEPING, 1)
        for process in own_processes():
            process.kill()
        result = ran.result(200)
    site.end()
    assert result.code == 8
    assert "fatal: [a]: FAILED! => its process was lost while this task ran, and nobody can say" in result.out
    assert site.ask("SELECT string_agg(host, ' ' ORDER BY host) FROM done") == "b c"
    assert site.ask("SELECT last_value FROM begun") == 3
    assert not own_processes()


SCHEDULER = """
import time
from dask.distributed import LocalCluster
cluster = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0",
                       host="127.0.0.1", protocol="tcp://")
print(cluster.scheduler_address, flush=True)
time.sleep(100)
"""


def test_a_lost_scheduler_ends_the_run(site: Site) -> None:
    """What was under way is called undecided, and nothing more begins."""
    text = f"""
- hosts: all
  tasks:
    - sql: {{query: "{WRITING}"}}
      vars: {{sleep: 100}}
"""
    with subprocess.Popen([sys.executable, "-c", SCHEDULER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with ThreadPoolExecutor(1) as pool:
            ran = pool.submit(lambda: site.run(text, executor=f"dask:{address}", limit="a:b"))
            site.wait(SLEEPING, 1)
            process.kill()
            result = ran.result(200)
    assert result.code == 8
    assert "fatal: [a]: FAILED! => the scheduler was lost while this task ran, and nobody can say" in result.out
    assert "fatal: [b]: FAILED! => the scheduler is gone; this task was not begun" in result.out
    # Dask would print how it looked for the scheduler, with the trace, to the standard error of long ago
    assert not logging.getLogger("distributed.client").isEnabledFor(logging.ERROR)
    site.end()
    assert site.ask("SELECT last_value FROM begun") == 1


@pytest.mark.parametrize("executor", ["dask", *(["processes"] if EVERYTHING else [])])
def test_a_killed_run_leaves_nothing_running(site: Site, executor: str) -> None:
    """Workers of its own die with the run, their transactions with them, and the rerun completes."""
    playbook = site.control.directory / "p.yml"
    playbook.write_text(f'- hosts: a:b\n  tasks:\n    - sql: {{query: "{WRITING}"}}\n', encoding="utf-8")
    words = [sys.executable, "-m", "invoke", "run", str(playbook), "--inventory", str(playbook.parent / "inventory")]
    words += ["--executor", executor, "--forks", "2", "--extra-vars", "sleep=60"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        site.wait(SLEEPING, 2)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert not psutil.wait_procs(workers, timeout=60)[1]
    site.end()
    assert site.ask("SELECT count(*) FROM done") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="processes in a group of their own get no signals there")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("executor", ["dask", "processes"])
@pytest.mark.parametrize("moment", [number / 4 for number in range(2, 20)] if EVERYTHING else [])
def test_a_signal_to_all_processes_of_a_run_is_one_line(site: Site, moment: float, executor: str, name: str) -> None:
    """Ctrl-C in a terminal, its end, or that of a service, which workers hear too, ends a run with 130 and one line."""
    playbook = site.control.directory / "p.yml"
    playbook.write_text("- hosts: a:b\n  tasks:\n    - wait_for: {port: 9, timeout: 60}\n", encoding="utf-8")
    words = [sys.executable, "-m", "invoke", "run", str(playbook), "--inventory", str(playbook.parent / "inventory")]
    words += ["--executor", executor, "--forks", "2"]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        time.sleep(moment)
        workers = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, number := signal.Signals[name])
        out, said = process.communicate(timeout=60)
    # before the first line of ours, and within some imports, Python ends itself by the signal
    assert (process.returncode in (130, -number), said) in ((True, "interrupted\n"), (True, ""))
    assert "was lost" not in out
    assert not psutil.wait_procs(workers, timeout=60)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="processes in a group of their own get no signals there")
def test_a_worker_process_leaves_signals_to_the_run() -> None:
    """It goes on through signals that ask programs to end, from its first moment; what it starts is ended by them."""
    control = CONTROL.directory
    hello = Hello(inventory=str(control / "inventory"), control=str(control), shown="inventory", extra={})
    errand = Errand(
        run="",
        key="k",
        action="command",
        arguments={"argv": ["sh", "-c", "kill $$"]},
        place=("p.yml", 1, ""),
        host="one",
        playbook="p",
        check=False,
        diff=False,
        now="2026-11-28T00:00:00+00:00",
    )
    process = WorkerProcess(hello)
    answers = ThreadPoolExecutor(1).submit(process.do, errand, lambda _: None, lambda: False)
    try:
        while not answers.done():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(process.pid, number)
            time.sleep(0.01)
        assert wire.outcome(answers.result()).facts["rc"] == -signal.SIGTERM
    finally:
        process.close()


def test_what_is_wrong_with_a_cluster_is_said_before_anything_runs(site: Site) -> None:
    """An address without TLS, or where nobody is, and an unknown kind are one error each."""
    text = "- hosts: all\n  tasks:\n    - debug: {msg: ran}\n"
    for executor, said in (
        (
            "dask:tcp://10.1.2.3:8786",
            "is not encrypted, so that anybody between here and there could run tasks; use tls://",
        ),
        ("dask:scheduler", "is no address of a scheduler, such as tls://"),
        ("spark", "expected threads, processes, dask or dask:ADDRESS, not 'spark'"),
        ("dask:tls://127.0.0.1:1", "has no certificate with which to ask tls://127.0.0.1:1"),
    ):
        ran = site.run(text, executor=executor)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err


def test_what_is_wrong_with_dasks_configuration_is_no_defect(site: Site) -> None:
    """A certificate that is not there is named, and a cluster that has to be encrypted is not asked without."""
    text = "- hosts: all\n  tasks:\n    - debug: {msg: ran}\n"
    files = {"ca-file": "/nowhere/ca.pem", "client.cert": "/nowhere/node.pem", "client.key": "/nowhere/node.key"}
    settings = {f"distributed.comm.tls.{name}": file for name, file in files.items()}
    with dask.config.set(settings):
        missing = site.run(text, executor="dask:tls://127.0.0.1:1")
    with dask.config.set({"distributed.comm.require-encryption": True}):
        open_to_all = site.run(text, executor="dask:tcp://127.0.0.1:1")
    assert (missing.code, missing.out) == (2, ""), missing.err
    what = "/nowhere/ca.pem, which Dask's configuration names under distributed.comm.tls, cannot be read: No such file"
    assert what in missing.err
    assert (open_to_all.code, open_to_all.out) == (1, "")
    assert "the scheduler tcp://127.0.0.1:1 cannot be reached: encryption required" in open_to_all.err


@slow_only
def test_a_malformed_configuration_of_dask_is_no_defect(site: Site) -> None:
    """Dask reads it when it is imported."""
    text = "- hosts: all\n  tasks:\n    - debug: {msg: ran}\n"
    directory = site.control.directory
    (playbook := directory / "p.yml").write_text(text, encoding="utf-8")
    (broken := directory / "dask.yaml").write_text("distributed: [", encoding="utf-8")
    words = [sys.executable, "-m", "invoke", "run", str(playbook), "--inventory", str(directory / "inventory")]
    words += ["--executor", "dask"]
    environment = os.environ | {"DASK_CONFIG": str(broken)}
    malformed = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (malformed.returncode, malformed.stdout) == (2, "")
    assert malformed.stderr.startswith("ERROR: --executor: Dask's configuration cannot be read: ")


def test_a_cluster_without_workers_is_said_before_anything_runs(site: Site) -> None:
    """However many hosts at the same time are asked for."""
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50) as empty:
        ran = site.run(
            "- hosts: all\n  tasks: [{debug: {msg: ran}}]\n", executor=f"dask:{empty.scheduler_address}", forks="2"
        )
    assert (ran.code, ran.out) == (1, ""), ran.err
    assert "has no workers\nHINT: begin some" in ran.err


@slow_only
def test_workers_that_do_not_come_back_are_waited_for_once(site: Site) -> None:
    """Hosts that follow are told at once; nothing of theirs begins."""
    words = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    quiet = {"n_workers": 0, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    text = f'- hosts: all\n  tasks:\n    - sql: {{query: "{WRITING}"}}\n      vars: {{sleep: 60}}\n'
    with LocalCluster(**quiet) as cluster, subprocess.Popen([*words, cluster.scheduler_address]) as worker:
        with Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(1)
        with ThreadPoolExecutor(1) as pool:
            ran = pool.submit(site.run, text, executor=f"dask:{cluster.scheduler_address}", forks="1")
            site.wait(SLEEPING, 1)
            worker.kill()
            began = time.monotonic()
            result = ran.result(100)
    assert time.monotonic() - began < 60
    assert result.code == 8
    assert result.out.count("the cluster's last worker was lost before this task began; nothing was done") == 2
    site.end()
    assert site.ask("SELECT last_value FROM begun") == 1
