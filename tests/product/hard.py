"""The hard schema in databases of several servers, for the tests that send it through a backup."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Servers
from tests.control import Control
from toolkit.demo.hard import Feature, create_hard, load_hard
from toolkit.model.manifest import Manifest
from toolkit.shipped import DEMO_INVENTORY

CATALOG = (DEMO_INVENTORY / "catalogs" / "hard.yml").read_text(encoding="utf-8")
EVERYWHERE = (Feature.VIRTUAL, Feature.XML, Feature.COLLATION)
"""What is left out where databases of different servers are to have the same tables."""


@dataclass
class Hard:
    """A control directory whose hosts are databases with the hard schema."""

    control: Control
    servers: Servers

    def source(self, name: str, version: int, *, without: Collection[Feature] = (), large: bool = False) -> str:
        """A host with its rows; gives the conninfo."""
        conninfo = self.servers.database(version)
        load_hard(conninfo, large_documents=large, without=without)
        self.control.add_host(name, conninfo)
        return conninfo

    def empty(self, name: str, version: int, *, without: Collection[Feature] = ()) -> str:
        """A host with its tables only; gives the conninfo."""
        conninfo = self.servers.database(version)
        create_hard(conninfo, without=without)
        self.control.add_host(name, conninfo)
        return conninfo


def hard_control(directory: Path) -> Control:
    """An empty control directory for the hard schema."""
    return Control(directory, CATALOG.replace("catalog: hard", "catalog: application"))


def chunk_ids(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """The ids of the chunks of every table."""
    return {table.name: tuple(chunk.id for chunk in table.chunks) for table in manifest.tables}
