"""What is written into a control directory: its common files, a host with its secrets, its repository."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.app.beginning import texts
from toolkit.app.beginning.database import Reached
from toolkit.app.beginning.dialogue import HOSTS
from toolkit.app.beginning.files import Files
from toolkit.app.beginning.known import KnownHosts, own_file
from toolkit.app.beginning.playbooks import RECORD, digest, record, record_text, shipped_playbooks
from toolkit.app.beginning.proving import BESIDE
from toolkit.config import inventory_text, repositories
from toolkit.errors import InputError, Problem
from toolkit.postgres.session.parts import SECRETS as SECRET_PARTS

REPOSITORIES = "inventory/repositories.yml"
REPOSITORY = "backups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Notes what is to be written; what a person wrote stays.

    Attributes:
        hosts: those of the inventory; None where there is none yet.
        backups: where backups go; empty for a directory in the control directory.
    """

    files: Files
    hosts: KnownHosts | None
    backups: str

    def catalog(self, name: str, text: str) -> None:
        """Write a catalog file, in place of the one that it was made from."""
        file = f"inventory/catalogs/{name}.yml"
        if (self.files.directory / file).exists():
            self.files.change(file, text)
        else:
            self.files.add(file, text)

    def common(self) -> None:
        """Write the files that every control directory has."""
        add, files = self.files.add, self.files
        add("tasks.py", texts.TASKS)
        add(".gitignore", texts.IGNORED)
        if not (files.directory / ".playback" / ".gitignore").exists():
            add(".playback/.gitignore", texts.IGNORE_ALL)
        add("inventory/group_vars/all.yml", texts.VARIABLES)
        add(REPOSITORIES, texts.REPOSITORIES + "\n" + "\n".join(self._repository(REPOSITORY)) + "\n")
        add(HOSTS, texts.HOSTS)
        digests = record(files.directory)
        for name, text in shipped_playbooks().items():
            # one that was removed stays away
            if ((files.directory / name).exists() or name not in digests) and add(name, text):
                digests[name] = digest(text)
        if digests != record(files.directory):
            files.change(RECORD, record_text(digests))

    def host(self, host: str, found: Reached, *, catalog: str, on: str) -> None:
        """Add the host, its secrets and its repository to the inventory."""
        database, secrets = found.written(host)
        for file, value in secrets.items():
            self.files.secret(file, f"{value}\n")
        settings = {
            "database": database,
            "catalog": catalog,
            "repository": self._add_repository(host),
            "device": {"id": host, "name": found.device},
        }
        if on == BESIDE:
            settings["scratch_on"] = BESIDE
        notes = {key: text.format(catalog=catalog) for key, text in texts.HOST_NOTES.items()}
        lines = inventory_text.entry(host, settings, notes, indent=0)
        text = self.files.read(HOSTS) or texts.HOSTS
        self._add_lines(HOSTS, inventory_text.with_host(text, lines), lines, "under `hosts:`")

    def renew_secrets(self, host: str, found: Reached) -> None:
        """Keep a password that has changed, or whose file is gone, where the inventory refers to a file of ours."""
        written = self.hosts.written(host) if self.hosts else ""
        parts = written if isinstance(written, Mapping) else {}
        known = {own_file(parts.get(secret)): found.parts.get(secret, "") for secret in SECRET_PARTS}
        if found.by_variable:
            known[own_file(parts.get("password"))] = os.environ["PGPASSWORD"]
        known[own_file(written)] = found.address
        for file, value in known.items():
            if file and value and self.files.read(file) != f"{value}\n":
                self.files.secret(file, f"{value}\n")

    def scratch_beside(self, host: str) -> None:
        """Write into the inventory that proofs of a host that is there are made on its own server."""
        text = inventory_text.with_setting(self.files.read(HOSTS), host, {"scratch_on": BESIDE}, texts.HOST_NOTES)
        self._add_lines(HOSTS, text, [f"scratch_on: {BESIDE}"], f"to host {host}")

    def _repository(self, name: str) -> list[str]:
        path = Path(self.backups).expanduser().absolute().as_posix() if self.backups else "backups"
        return inventory_text.entry(name, {"type": "local", "path": path}, texts.REPOSITORY_NOTES, indent=0)

    def _add_repository(self, host: str) -> str:
        """The repository's name, which is added where there is none of that name."""
        file = self.files.directory / REPOSITORIES
        if not file.exists():
            return REPOSITORY
        there = repositories.load(file, control=self.files.directory)
        if REPOSITORY in there and not self.backups:
            return REPOSITORY
        name = f"{REPOSITORY}-{host}" if REPOSITORY in there else REPOSITORY
        lines = self._repository(name)
        text = inventory_text.with_repository(self.files.read(REPOSITORIES), lines)
        self._add_lines(REPOSITORIES, text, lines, "at the end")
        return name

    def _add_lines(self, file: str, text: str | None, lines: list[str], where: str) -> None:
        if text is None:
            shown = "\n".join(f"  {line}" for line in lines)
            message = f"is not written as one entry per line, so that nothing can be added {where}; nothing was written"
            raise InputError([Problem(file=file, message=message)], hint=f"add these lines yourself:\n{shown}")
        if file in self.files.kept:
            self.files.kept.remove(file)
        self.files.change(file, text)
