"""A control directory for tests: an inventory over real databases, and actions run in it as a playbook runs them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.acting import act, context_of
from toolkit.actions.action import Action
from toolkit.config import inventory
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
        loaded = inventory.load(self.directory / "inventory")
        return act(action, arguments, context_of(loaded, host, check=check, diff=check))

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


def execute(conninfo: str, *statements: str) -> None:
    """Run statements, each in its own transaction."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def new_role(superuser: str, role: str) -> None:
    """Make a role that may log in with the password that all roles of an embedded server have."""
    file = psycopg.conninfo.conninfo_to_dict(superuser).get("passfile")
    password = Path(str(file)).read_text("ascii").strip().rpartition(":")[2] if file else ""
    execute(superuser, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'" if file else f"CREATE ROLE {role} LOGIN")


def rows(conninfo: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()
