"""A real Ceph for the tests: one monitor, one OSD in memory and the RADOS Gateway, on loopback, in a folder of its own.

`python -m tests.storage.s3.ceph FILE PID` starts it, says in FILE how it is reached (or why it is not) as JSON, and
ends it when process PID is gone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.ports import free_port

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph")
ACCESS_KEY = "playback-tests"
SECRET_KEY = "playback-tests-secret"
PATIENCE = 120
"""Seconds the whole cluster may take to start; five are usual."""

_SETTINGS = """
[global]
fsid = {fsid}
mon_host = v2:127.0.0.1:{monitor}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
mon_data_avail_crit = 1
mon_data_avail_warn = 1
mon_max_pg_per_osd = 1000
paxos_propose_interval = 0.01
paxos_min_wait = 0.01
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
memstore_device_bytes = 2147483648
ms_bind_ipv4 = true
public_addr = 127.0.0.1
run_dir = {home}
admin_socket = {home}/$name.asok
pid_file = {home}/$name.pid
log_file = {home}/$name.log
debug_mon = 0/0
debug_osd = 0/0
debug_rgw = 0/0
debug_ms = 0/0
debug_rocksdb = 0/0
mon_data = {home}/mon
osd_data = {home}/osd
rgw_data = {home}/rgw
rgw_frontends = beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1
rgw_thread_pool_size = 32
rgw_lifecycle_work_time = 00:00-00:01
"""


def missing() -> list[str]:
    """The programs of Ceph that this machine does not have."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


class Ceph:
    """A cluster that lives as long as its `with` block; `endpoint` is where its gateway answers S3."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="ceph-"))
        self._settings = self._home / "ceph.conf"
        self._monitor, gateway = free_port(), free_port()
        self._daemons: list[subprocess.Popen[bytes]] = []
        self.endpoint = f"http://127.0.0.1:{gateway}"
        self._fsid = str(uuid.uuid4())
        self._settings.write_text(
            _SETTINGS.format(fsid=self._fsid, monitor=self._monitor, gateway=gateway, home=self._home), encoding="ascii"
        )

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        for folder in ("mon", "osd", "rgw"):
            (self._home / folder).mkdir()
        monmap = str(self._home / "monmap")
        address = f"[v2:127.0.0.1:{self._monitor}]"
        self._run("monmaptool", "--create", "--addv", "a", address, "--fsid", self._fsid, monmap, conf=False)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self._daemon("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        self._run("ceph", "osd", "new", osd)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._daemon("ceph-osd", "-i", "0")
        user = ("user", "create", "--uid=tests", "--display-name=tests")
        keys = (f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}")
        self._run("radosgw-admin", *user, *keys, "--no-mon-config")
        self._daemon("radosgw", "-n", "client.rgw", "--no-mon-config")
        self._wait_for_gateway()

    def _run(self, program: str, *arguments: str, conf: bool = True) -> None:
        settings = ("-c", str(self._settings)) if conf else ()
        done = subprocess.run(
            [program, *settings, *arguments], capture_output=True, check=False, timeout=PATIENCE, cwd=self._home
        )
        if done.returncode:
            output = (done.stdout + done.stderr).decode(errors="replace")
            raise RuntimeError(f"{program} {' '.join(arguments)} ended with {done.returncode}: {output}")

    def _daemon(self, program: str, *arguments: str) -> None:
        with (self._home / f"{program}.out").open("wb") as output:
            command = [program, "-c", str(self._settings), "-f", *arguments]
            self._daemons.append(subprocess.Popen(command, stdout=output, stderr=output, cwd=self._home))

    def _wait_for_gateway(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if any(daemon.poll() is not None for daemon in self._daemons):
                said = b"".join(file.read_bytes() for file in self._home.glob("*.out"))
                raise RuntimeError(f"a daemon ended by itself: {said.decode(errors='replace')}")
            try:
                with urllib.request.urlopen(self.endpoint, timeout=5):
                    return
            except urllib.error.HTTPError:
                return  # it answers, and what it says to a stranger is its own affair
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the gateway does not answer after {PATIENCE} s")

    def _stop(self) -> None:
        for daemon in reversed(self._daemons):
            # nothing of it is kept, so nothing has to be written down first
            daemon.kill()
            daemon.wait()
        shutil.rmtree(self._home, ignore_errors=True)


def _say(file: Path, **facts: str) -> None:
    """Publish a file whole."""
    temporary = file.with_suffix(".tmp")
    temporary.write_text(json.dumps(facts), encoding="utf-8")
    temporary.replace(file)


def main(file: Path, pid: int) -> None:
    """Start, say so, and wait for the end of a process."""
    try:
        with Ceph() as ceph:
            _say(file, endpoint=ceph.endpoint)
            while psutil.pid_exists(pid):
                time.sleep(0.2)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        _say(file, error=str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
