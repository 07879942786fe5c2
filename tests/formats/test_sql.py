"""SQL out of a backup is loaded by psql into an empty schema, whose constraints are in place, and all is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.control import Control, execute
from tests.formats.loading import content, load, sequences
from tests.formats.nasty import CATALOG, NAMES, ROWS, TABLES


@pytest.fixture
def shop(tmp_path: Path, new_database: Callable[[], str]) -> Control:
    """The host `shop`, whose backup there is."""
    control = Control(tmp_path, CATALOG)
    control.add_host("shop", new_database())
    execute(control.hosts["shop"]["database"], TABLES, ROWS)
    control.backup("shop")
    return control


@pytest.mark.parametrize("kind", ["sql", "copy"])
def test_everything_comes_back(shop: Control, new_database: Callable[[], str], kind: str) -> None:
    """Every value, sequence and row that points at itself or in a circle, by a role that is no superuser."""
    outcome = shop.run("export", "shop", {"format": kind, "file": "all.sql"})
    elsewhere = new_database()
    execute(elsewhere, TABLES)
    load(elsewhere, shop.directory / "all.sql")
    source = shop.hosts["shop"]["database"]
    assert content(elsewhere, NAMES) == content(source, NAMES)
    assert sequences(elsewhere) == sequences(source)
    assert outcome.changed
