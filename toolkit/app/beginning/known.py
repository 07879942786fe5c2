"""What the inventory says of hosts so far, without passwords of which the files are gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.app.beginning.database import SECRETS
from toolkit.config import conninfo
from toolkit.config.inventory import LoadedInventory
from toolkit.config.secrets import SourcedSecret, plain
from toolkit.config.templates import is_template
from toolkit.model.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHosts:
    """The hosts of an inventory that is there.

    Attributes:
        directory: the control directory.
    """

    inventory: LoadedInventory
    directory: Path

    @property
    def names(self) -> tuple[str, ...]:
        """Give the names of all hosts."""
        return tuple(self.inventory.groups["all"])

    def written(self, host: str) -> object:
        """Give the address of a host as it is written."""
        return self.inventory.host(host).variables["database"]

    def address(self, host: str) -> str | Secret:
        """Give the address of a host, without passwords of which the files are gone: those are asked for again."""
        written = self.written(host)
        if not isinstance(written, Mapping) or not any(map(self.is_lost, written.values())):
            return self.inventory.host(host).database
        kept = {key: value for key, value in written.items() if not self.is_lost(value)}
        return conninfo.from_parts(plain(kept)) if not any(map(is_template, kept.values())) else ""

    def is_lost(self, value: object) -> bool:
        """Say whether a value is a secret in a file of ours that is not there: copies of the directory have none."""
        file = own_file(value)
        return bool(file) and not (self.directory / file).is_file()


def own_file(value: object) -> str:
    """Give the file of ours that a secret is in, below the control directory; empty for any other value."""
    source = value.written.source if isinstance(value, SourcedSecret) and value.written else {}
    file = str(source.get("file", ""))
    return file if file.startswith(f"{SECRETS}/") else ""
