"""A control directory for tests: an inventory over real databases, and actions run in it as a playbook runs them."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.acting import act, context_of
from toolkit.actions.action import Action
from toolkit.config import inventory
from toolkit.config.inventory import LoadedInventory
from toolkit.model.manifest import Manifest
from toolkit.model.outcome import Outcome
from toolkit.shipped import DEMO_INVENTORY
from toolkit.storage.local import LocalStore
from toolkit.storage.repository import Repository

ROOT = Path(__file__).parent.parent


@dataclass
class Control:
    """A control directory.

    Attributes:
        directory: an empty directory.
        catalog: text of the catalog file `application`; that of the reference application without it.
    """

    directory: Path
    catalog: str = ""
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _read: tuple[dict[Path, bytes], LoadedInventory] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def repository(self) -> Repository:
        """The repository `local`, which must exist."""
        return Repository.open(LocalStore(self.directory / "repository"), create=False)

    @property
    def repository_exists(self) -> bool:
        """Whether anything was ever written to it."""
        return (self.directory / "repository").exists()

    def add_host(self, name: str, conninfo: str, **variables: Any) -> str:
        """Name a database in the inventory; gives the name."""
        called = "application" if self.catalog else "multi-business"
        self.hosts[name] = {"database": conninfo, "catalog": called, "repository": "local", **variables}
        folder = self.directory / "inventory"
        (folder / "catalogs").mkdir(parents=True, exist_ok=True)
        (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": self.hosts}}), encoding="utf-8")
        store = {"type": "local", "path": str(self.directory / "repository")}
        (folder / "repositories.yml").write_text(json.dumps({"local": store}), encoding="utf-8")
        file = folder / "catalogs" / f"{called}.yml"
        if self.catalog:
            file.write_text(self.catalog, encoding="utf-8")
        else:
            shutil.copy(DEMO_INVENTORY / "catalogs" / file.name, file)
        return name

    def run(
        self, action: str | Action[Any], host: str, arguments: Mapping[str, Any], *, check: bool = False
    ) -> Outcome:
        """Run an action on a host."""
        return act(action, arguments, context_of(self.inventory(), host, check=check, diff=check))

    def inventory(self) -> LoadedInventory:
        """The inventory as its files are now; checked again only where one of them has changed."""
        folder = self.directory / "inventory"
        files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        if self._read is None or self._read[0] != files:
            self._read = files, inventory.load(folder)
        return self._read[1]

    def backup(self, host: str, **arguments: Any) -> Manifest:
        """Back up; gives the manifest as it can be read back."""
        outcome = self.run("backup", host, arguments)
        return self.repository.manifest(str(outcome.facts["label"]))

    def restore(self, host: str, manifest: Manifest, mode: str, *, check: bool = False, **arguments: Any) -> Outcome:
        """Restore a backup into a host. Device rows come along unless told otherwise, as on the same device."""
        wanted = {"from": manifest.metadata.label, "mode": mode, "identity": "source", **arguments}
        return self.run("restore", host, wanted, check=check)

    def verify(self, host: str, manifest: Manifest) -> Outcome:
        """Verify a backup against a host's database."""
        return self.run("verify", host, {"backup": manifest.metadata.label})


_kept: dict[str, psycopg.Connection[Any] | None] = {}
"""The databases for which a session is kept, and the session, once it has begun."""


@contextmanager
def keeping(conninfos: Iterable[str]) -> Iterator[None]:
    """Have `execute` and `rows` use one session for each of these databases: to begin one costs more than most does."""
    _kept.update(dict.fromkeys(conninfos))
    yield
    for conninfo in conninfos:
        kept = _kept.pop(conninfo)
        if kept is not None:
            kept.close()


@contextmanager
def _session(conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    """A new session, or the one that is kept, which then is as a new one; what waits in another thread has its own."""
    if conninfo not in _kept or threading.current_thread() is not threading.main_thread():
        with psycopg.connect(conninfo, autocommit=True) as connection:
            yield connection
        return
    kept = _kept[conninfo]
    if kept is None or kept.closed:
        _kept[conninfo] = kept = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
    try:
        yield kept
    except psycopg.OperationalError:
        kept.close()
        raise
    finally:
        if not kept.closed:
            kept.rollback()
            kept.execute("DISCARD ALL")


def execute(conninfo: str, *statements: str) -> None:
    """Run statements, each in its own transaction."""
    with _session(conninfo) as session:
        for statement in statements:
            session.execute(statement.encode())


def new_role(superuser: str, role: str) -> None:
    """Make a role that may log in with the password that all roles of an embedded server have."""
    file = psycopg.conninfo.conninfo_to_dict(superuser).get("passfile")
    password = Path(str(file)).read_text("ascii").strip().rpartition(":")[2] if file else ""
    execute(superuser, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'" if file else f"CREATE ROLE {role} LOGIN")


def rows(conninfo: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with _session(conninfo) as session:
        return session.execute(query.encode()).fetchall()
