"""Several threads of one process read a repository at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.control import ROOT
from tests.storage.samples import sample_rows, write_backup
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

AT_ONCE = """
import pathlib, sys, threading
from concurrent.futures import ThreadPoolExecutor
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

sys.setswitchinterval(1e-6)
repository = Repository(LocalStore(pathlib.Path(sys.argv[1])), "")
together = threading.Barrier(8)

def read(_):
    together.wait()
    return len(repository.manifests().manifests)

with ThreadPoolExecutor(8) as pool:
    print(*pool.map(read, range(8)))
"""


def test_the_first_manifests_are_read_at_once(tmp_path: Path) -> None:
    """Threads that are the first to read a manifest do not crash the process: msgspec's types are prepared before."""
    write_backup(Repository.open(LocalStore(tmp_path), create=True), sample_rows())
    for _ in range(3):
        command = [sys.executable, "-c", AT_ONCE, str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE)
        assert (done.returncode, done.stdout.split()) == (0, [b"1"] * 8)
