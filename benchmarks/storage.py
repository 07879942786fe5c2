"""Backup to S3 on loopback beside backup to disk: `make benchmark-storage`.

The demo at `medium`, each backup into an empty repository by a process of its own, disk and S3 in turn. The server is a
Ceph RADOS Gateway where it is installed, else moto's; it runs outside of what is measured, on the same processors.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3

from benchmarks.process import ROOT, Timing, run
from tests.storage.s3 import ceph

HOME = ROOT / ".playback" / "benchmark-storage"
HOST = "medium"
BUCKET = "benchmark"
KEYS = {"BENCHMARK_ACCESS_KEY": ceph.ACCESS_KEY, "BENCHMARK_SECRET_KEY": ceph.SECRET_KEY}


@contextmanager
def moto() -> Iterator[str]:
    """The endpoint of moto's server, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        for _ in range(200):
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


@contextmanager
def s3_server(kind: str) -> Iterator[tuple[str, str]]:
    """The name and the endpoint of a server."""
    if kind == "ceph" or (not kind and not ceph.missing()):
        with ceph.Ceph() as cluster:
            yield "ceph", cluster.endpoint
    else:
        with moto() as endpoint:
            yield "moto", endpoint


@dataclass(frozen=True, slots=True)
class Cost:
    """What a backup cost: a process's wall clock and peak memory, and its seconds of processor."""

    timing: Timing
    processor: float


def backup_to(repository: dict[str, object]) -> Cost:
    """Back the demo up into a repository."""
    stores = {"benchmark": repository}
    (HOME / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    file = HOME / "backup.yml"
    tasks = [{"name": "backup", "backup": {"demo": "include", "job": "benchmark"}}]
    file.write_text(json.dumps([{"name": "benchmark", "hosts": HOST, "tasks": tasks}]), encoding="utf-8")
    before = os.times()
    timing = run([sys.executable, "-m", "invoke", "run", str(file), "--inventory", str(HOME / "inventory")])
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(timing, spent)


def to_disk() -> Cost:
    """Back up into a new directory."""
    path = HOME / "repository"
    shutil.rmtree(path, ignore_errors=True)
    return backup_to({"type": "local", "path": str(path)})


def to_s3(endpoint: str) -> Cost:
    """Back up under a new prefix."""
    access, secret = ({"env": name} for name in KEYS)
    keys = {"access_key": access, "secret_key": secret}
    place = {"endpoint": endpoint, "bucket": BUCKET, "prefix": uuid.uuid4().hex}
    return backup_to({"type": "s3", **place, **keys})


def prepare(endpoint: str) -> None:
    """Make an inventory, the bucket and the demo."""
    shutil.rmtree(HOME, ignore_errors=True)
    (HOME / "inventory" / "catalogs").mkdir(parents=True)
    catalog = ROOT / "inventory" / "catalogs" / "multi-business.yml"
    shutil.copy(catalog, HOME / "inventory" / "catalogs" / catalog.name)
    host = {"database": f"embedded:demo-{HOST}", "catalog": "multi-business", "repository": "benchmark"}
    (HOME / "inventory" / "hosts.yml").write_text(json.dumps({"all": {"hosts": {HOST: host}}}), encoding="utf-8")
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ceph.ACCESS_KEY,
        aws_secret_access_key=ceph.SECRET_KEY,
    )
    client.create_bucket(Bucket=BUCKET)
    for first in (to_disk, lambda: to_s3(endpoint)):
        first()


def main() -> None:
    """Run the rounds, and print each and the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=("ceph", "moto"), default="")
    options = parser.parse_args()
    os.environ.update(KEYS)
    with s3_server(options.server) as (name, endpoint):
        prepare(endpoint)
        rounds: list[tuple[Cost, Cost]] = []
        for number in range(options.rounds):
            # who begins changes with every round
            if number % 2:
                remote, disk = to_s3(endpoint), to_disk()
            else:
                disk, remote = to_disk(), to_s3(endpoint)
            rounds.append((disk, remote))
            print(f"round {number + 1}: disk {_text(disk)}; {name} {_text(remote)}", flush=True)
        ratios = [remote.timing.seconds / disk.timing.seconds for disk, remote in rounds]
        processor = [remote.processor / disk.processor for disk, remote in rounds]
        memory = [
            statistics.median(cost.timing.memory for cost in costs) / 2**20 for costs in zip(*rounds, strict=True)
        ]
        print(
            f"{name} / disk: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) in time,"
            f" {statistics.median(processor):.2f} in processor time; memory {memory[0]:.0f} and {memory[1]:.0f} MiB"
        )


def _text(cost: Cost) -> str:
    return f"{cost.timing.seconds:.2f} s, {cost.processor:.2f} s of processor, {cost.timing.memory / 2**20:.0f} MiB"


if __name__ == "__main__":
    main()
