"""Backups that are killed, and backups that are damaged."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.control import ROOT, Control, execute, rows
from tests.sweeps import EVERYTHING
from toolkit.errors import PlaybackError
from toolkit.model.outcome import SilentProgress
from toolkit.storage.check import check

Adder = Callable[..., str]

KILLS = 20 if EVERYTHING else 5
"""Backups that are killed."""


def backup_command(control: Control, host: str) -> list[str]:
    """The command line that backs a host up."""
    playbook = control.directory / "backup.yml"
    play = {"name": "backup", "hosts": host, "tasks": [{"name": "back up", "backup": {"demo": "include"}}]}
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    inventory = str(control.directory / "inventory")
    return [sys.executable, "-m", "invoke", "run", str(playbook), "--inventory", inventory]


def test_a_killed_backup_leaves_a_valid_repository(control: Control, demo_host: Adder) -> None:
    """kill -9 at random moments: the repository checks clean, lists no half backup, and the next run succeeds."""
    conninfo = demo_host("source")
    command = backup_command(control, "source")
    begun = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    whole = time.monotonic() - begun
    stamped = "SELECT table_name FROM information_schema.columns WHERE column_name = 'updatedAt'"
    touch = [
        f'UPDATE "{table}" SET "updatedAt" = "updatedAt" + interval \'1 second\''
        for (table,) in rows(conninfo, stamped)
    ]
    moments, finished, interrupted = random.Random(20), 1, 0
    for _ in range(KILLS):
        execute(conninfo, *touch)
        # a moment is told by how long a whole run took, so that it does not depend on the machine's speed
        begun = time.monotonic()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=whole * moments.uniform(0.3, 1))
            process.kill()
            process.communicate()
        if process.returncode == 0:  # which was slow because of others
            whole = min(whole, time.monotonic() - begun)
        finished += process.returncode == 0
        interrupted += process.returncode != 0
        backups = control.repository.manifests()
        assert not backups.unreadable
        # a run may have published its manifest and been killed before it could say so
        assert finished <= len(backups.manifests) <= finished + interrupted
        assert not check(control.repository, progress=SilentProgress()).findings
    assert interrupted
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert not check(control.repository, progress=SilentProgress()).findings


SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, name text);
CREATE TABLE orders (id integer PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, notes text);
INSERT INTO shops VALUES ('a', 'Shop A'), ('b', 'Shop B');
INSERT INTO orders SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, md5(i::text) FROM generate_series(1, 40) i;
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, label: name}
business:
  all: {shops: tenant, orders: {owned_by: [shopId]}}
"""


def damage(data: bytes, choice: random.Random) -> bytes:
    """The data with one bit flipped, or cut short."""
    place = choice.randrange(len(data))
    if choice.random() < 0.25:
        return data[:place]
    return data[:place] + bytes([data[place] ^ (1 << choice.randrange(8))]) + data[place + 1 :]


@pytest.mark.parametrize("seed", range(4 if EVERYTHING else 2))
def test_damage_stops_a_restore_before_it_changes_a_row(
    tmp_path: Path, new_database: Callable[[], str], seed: int
) -> None:
    """Hundreds of single-bit flips and truncations: a restore is refused, or restores exactly what was backed up."""
    source, target = new_database(), new_database()
    execute(source, SCHEMA)
    execute(target, SCHEMA, "TRUNCATE shops, orders", "INSERT INTO shops VALUES ('a', 'Old name')")
    control = Control(tmp_path, CATALOG)
    control.add_host("source", source)
    control.add_host("target", target)
    manifest = control.backup("source")
    # what a restore reads: its manifest and chunks
    folders = (tmp_path / "repository" / "backups", tmp_path / "repository" / "chunks")
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    everything = "SELECT s, NULL::orders FROM shops s UNION ALL SELECT NULL, o FROM orders o ORDER BY 1, 2"
    wanted, before = rows(source, everything), rows(target, everything)
    choice, refused = random.Random(seed), 0
    for _ in range(250):
        file = choice.choice(files)
        intact = file.read_bytes()
        file.write_bytes(damage(intact, choice))
        try:
            control.restore("target", manifest, "mirror")
        except PlaybackError:
            refused += 1
            assert rows(target, everything) == before
        else:
            assert rows(target, everything) == wanted
            execute(target, "TRUNCATE shops, orders", "INSERT INTO shops VALUES ('a', 'Old name')")
        file.write_bytes(intact)
    assert refused > 200
    assert control.restore("target", manifest, "mirror").changed
