"""A small application over several repositories, for the tests of storage."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.acting import act, context_of
from tests.control import ROOT, Control, execute
from toolkit.config import inventory
from toolkit.model.outcome import Outcome
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

SCHEMA = """
CREATE TABLE shops (id text PRIMARY KEY, name text);
CREATE TABLE orders (id integer PRIMARY KEY, "shopId" text NOT NULL REFERENCES shops, notes text);
INSERT INTO shops VALUES ('a', 'Shop A'), ('b', 'Shop B');
INSERT INTO orders SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, md5(i::text) FROM generate_series(1, 400) i;
"""

CATALOG = """
catalog: application
schema: public
tenant: {table: shops, key: id, label: name}
business:
  all: {shops: tenant, orders: {owned_by: [shopId]}}
"""


HOLD = """
import pathlib, sys
from datetime import UTC, datetime
from toolkit.storage.local import LocalStore
from toolkit.storage.locks import LockKind, locked
from toolkit.storage.repository import Repository

repository = Repository.open(LocalStore(pathlib.Path(sys.argv[1])), create=False)
with locked(repository, LockKind.EXCLUSIVE, purpose="prune (weekly)", now=lambda: datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def pruning(repository: Path) -> Iterator[None]:
    """Another process holds a local repository, as a prune does."""
    command = [sys.executable, "-c", HOLD, str(repository)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"held"
        yield
        process.communicate()


@dataclass
class Shop:
    """A control directory with the host `shop` and local repositories.

    Attributes:
        control: the control directory.
        database: the conninfo of the host's database.
    """

    control: Control
    database: str

    @classmethod
    def make(cls, directory: Path, database: str, *repositories: str) -> Shop:
        """Fill a new database, and name it and the repositories in an inventory."""
        execute(database, SCHEMA)
        control = Control(directory, CATALOG)
        control.add_host("shop", database, repository=repositories[0])
        shop = cls(control, database)
        shop.name_repositories({name: {"type": "local", "path": str(shop.path(name))} for name in repositories})
        return shop

    def name_repositories(self, repositories: Mapping[str, Mapping[str, Any]]) -> None:
        """Write repositories.yml."""
        file = self.control.directory / "inventory" / "repositories.yml"
        file.write_text(json.dumps(repositories), encoding="utf-8")

    def path(self, name: str) -> Path:
        """The directory of a local repository."""
        return self.control.directory / "stores" / name

    def repository(self, name: str) -> Repository:
        """A local repository, which must exist."""
        return Repository.open(LocalStore(self.path(name)), create=False)

    def labels(self, name: str) -> set[str]:
        """The labels of a local repository."""
        return set(self.repository(name).labels())

    def write_hosts(self) -> None:
        """Write hosts.yml, with what was added to `control.hosts`."""
        file = self.control.directory / "inventory" / "hosts.yml"
        file.write_text(json.dumps({"all": {"hosts": self.control.hosts}}), encoding="utf-8")

    def change(self, number: int) -> None:
        """Change a row, so that the next backup differs."""
        execute(self.database, f"UPDATE orders SET notes = 'change {number}' WHERE id = {1 + number % 400}")

    def run(
        self, action: str, *, host: str = "shop", check: bool = False, now: datetime | None = None, **arguments: Any
    ) -> Outcome:
        """Run an action on a host; `from_` stands for the argument `from`."""
        loaded = inventory.load(self.control.directory / "inventory")
        given = {name.rstrip("_"): value for name, value in arguments.items()}
        return act(action, given, context_of(loaded, host, playbook="nightly", check=check, now=now))
