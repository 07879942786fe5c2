"""The proposals for small versions of common kinds of applications, word for word, as in `classify_cases`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.control import Control
from toolkit.app.commands import classify
from toolkit.app.control import Control as ControlDirectory
from toolkit.app.performing import perform
from toolkit.config import catalog as catalogs

CASES = Path(__file__).parent / "classify_cases"


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.sql")))
def test_proposals(name: str, tmp_path: Path, new_database: Callable[[], str]) -> None:
    """The printed file is the expected one, and loads; PLAYBACK_WRITE_CASES=1 writes it anew, to be read."""
    conninfo = new_database()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute((CASES / f"{name}.sql").read_bytes())
    place = Control(tmp_path, "catalog: application\n")
    place.add_host("till", conninfo)
    file = tmp_path / "inventory" / "catalogs" / "application.yml"
    file.unlink()
    control = ControlDirectory(directory=tmp_path, inventory=str(tmp_path / "inventory"))
    assert perform(classify.COMMAND, classify.Options(output=str(file)), control, host="till", debug=True) == 0
    text = file.read_text(encoding="utf-8")
    if os.environ.get("PLAYBACK_WRITE_CASES"):
        (CASES / f"{name}.yml").write_text(text, encoding="utf-8")
    assert text == (CASES / f"{name}.yml").read_text(encoding="utf-8")
    assert catalogs.load(file).tenant.table
