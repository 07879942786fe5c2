"""Two backups, a prune and a copy at once, as processes that are killed at random: every listed backup restores.

Three rounds run every time, fifty with PLAYBACK_SLOW_TESTS=1; `-rP` shows what became of the processes.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.control import ROOT, execute, rows
from tests.product.shop import SCHEMA, Shop
from tests.sweeps import EVERYTHING
from toolkit.model.outcome import SilentProgress
from toolkit.storage.check import check

ROUNDS = 50 if EVERYTHING else 2
KILLED = -9

TASKS: dict[str, dict[str, Any]] = {
    "first": {"backup": {"job": "first", "repository": "near", "lock_wait": 250}},
    "second": {"backup": {"job": "second", "repository": ["near", "far"], "lock_wait": 250}},
    "prune": {
        "prune": {
            "repository": "near",
            "keep_last": 2,
            "minimum": 1,
            "group_by": ["job"],
            "grace": "0h",
            "lock_wait": 250,
        }
    },
    "copy": {"copy": {"from": "near", "to": "far", "lock_wait": 250}},
}
"""What runs at once. Without a grace period only the locks keep the prune from what the others use."""

CONTENT = 'SELECT s.id, s.name, o.id, o.notes FROM shops s JOIN orders o ON o."shopId" = s.id ORDER BY 1, 3'


def start(shop: Shop, name: str) -> subprocess.Popen[bytes]:
    """Start the process of one task."""
    directory = shop.control.directory
    playbook = directory / f"{name}.yml"
    playbook.write_text(json.dumps([{"hosts": "shop", "tasks": [{"name": name, **TASKS[name]}]}]), encoding="utf-8")
    command = [sys.executable, "-m", "invoke", "run", str(playbook), "--inventory", str(directory / "inventory")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run_at_once(shop: Shop, source: random.Random) -> dict[str, tuple[int, str]]:
    """Run all tasks at once, and kill about half of them at some moment; gives exit codes and output by name."""
    processes = {name: start(shop, name) for name in source.sample(list(TASKS), len(TASKS))}
    began = time.monotonic()
    outputs: dict[str, str] = {}
    readers = [
        threading.Thread(target=lambda name=name: outputs.update({name: processes[name].communicate()[0].decode()}))
        for name in processes
    ]
    for reader in readers:
        reader.start()
    # most of the time until something happens is that of starting
    doomed = sorted((source.uniform(0.3, 4), name) for name in processes if source.random() < 0.5)
    for moment, name in doomed:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        processes[name].kill()
    for reader in readers:
        reader.join()
    return {name: (process.returncode, outputs[name]) for name, process in processes.items()}


def change(shop: Shop, source: random.Random) -> None:
    """Change some rows, so that the next backups have chunks of their own, and the old ones' become unneeded."""
    execute(
        shop.database,
        f"UPDATE orders SET notes = md5('{source.random()}' || id) WHERE id % 20 = {source.randrange(20)}",
        f"DELETE FROM orders WHERE id = {source.randrange(1, 400)}",
    )


def test_all_at_once_with_random_kills(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """After each round both repositories check clean, and a listed backup restores to what the database held."""
    target = new_database()
    shop = Shop.make(tmp_path, new_database(), "near", "far")
    execute(target, SCHEMA)
    shop.control.hosts["target"] = {"database": target, "catalog": "application", "repository": "near"}
    shop.write_hosts()
    source, ends = random.Random(5), Counter[tuple[str, int]]()
    first = shop.run("backup", repository=["near", "far"]).facts["label"]
    states: dict[str, list[Any]] = {str(first): rows(shop.database, CONTENT)}
    for round_ in range(ROUNDS):
        change(shop, source)
        state = rows(shop.database, CONTENT)
        before = shop.labels("near") | shop.labels("far")
        for name, (code, output) in run_at_once(shop, source).items():
            ends[name, code] += 1
            assert code in (0, KILLED), f"round {round_}, {name}: {code}\n{output}"
        for name in ("near", "far"):
            assert check(shop.repository(name), progress=SilentProgress()).findings == (), f"round {round_}"
        states.update(dict.fromkeys((shop.labels("near") | shop.labels("far")) - before, state))
        for name in ("near", "far"):
            label = source.choice(sorted(shop.labels(name)))
            shop.run("restore", host="target", from_=label, repository=name, mode="mirror", identity="source")
            assert rows(target, CONTENT) == states[label], f"round {round_}: {label} of {name}"
    print(", ".join(f"{name} {code}: {count}" for (name, code), count in sorted(ends.items())))
    assert all(ends[name, KILLED] + ends[name, 0] == ROUNDS for name in TASKS)
    assert ROUNDS < 50 or all(ends[name, code] > 5 for name in TASKS for code in (0, KILLED))
