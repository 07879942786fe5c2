"""The reference application, backed up and restored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Servers
from tests.control import Control
from toolkit.postgres import demo


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """An empty control directory for the reference application."""
    return Control(tmp_path)


@pytest.fixture
def demo_host(control: Control, servers: Servers, demo_template: Callable[[int], str]) -> Callable[..., str]:
    """Adds a host with a copy of the small demo; gives its conninfo."""

    def add(name: str, version: int = 18) -> str:
        conninfo = servers.database(version, template=demo_template(version))
        control.add_host(name, conninfo)
        return conninfo

    return add


@pytest.fixture
def empty_host(control: Control, servers: Servers) -> Callable[..., str]:
    """Adds a host with the schema of the reference application and no rows; gives its conninfo."""

    def add(name: str, version: int = 18) -> str:
        conninfo = servers.database(version)
        demo.create_schema(conninfo)
        control.add_host(name, conninfo)
        return conninfo

    return add
