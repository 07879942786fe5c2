"""The command `graph` on the reference application."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from tests.app.invoking import ROOT, invoke
from tests.conftest import Servers
from tests.control import Control, execute, rows

SVG = "{http://www.w3.org/2000/svg}"
TABLES = "(SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')"


def test_the_picture_in_the_guide_is_that_of_the_demo(
    tmp_path: Path, servers: Servers, demo_template: Callable[[int], str]
) -> None:
    """Every table is named once, every foreign key is drawn, and the guide shows exactly what the command draws."""
    conninfo = servers.database(18, template=demo_template(18))
    control = Control(tmp_path)
    control.add_host("shop", conninfo)
    words = ("--host", "shop", "--inventory", str(tmp_path / "inventory"))
    ran = invoke("graph", *words, "--output", str(tmp_path / "graph.svg"))
    assert ran.code == 0, ran.text
    text = (tmp_path / "graph.svg").read_bytes()
    root = ET.fromstring(text)
    named = [each.text for each in root.iter(f"{SVG}text") if each.get("class") == "table"]
    tables = [name for (name,) in rows(conninfo, "SELECT relname FROM pg_class WHERE oid IN " + TABLES)]
    assert sorted(str(each) for each in named) == sorted(tables)
    keys = rows(conninfo, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid IN " + TABLES)
    titles = [path.findtext(f"{SVG}title") or "" for path in root.iter(f"{SVG}path")]
    assert sum("foreign key" in title for title in titles) == keys[0][0]

    guide = ROOT / "docs" / "guide" / "demo-graph.svg"
    shown = guide.read_bytes().replace(b"\r\n", b"\n")
    assert shown == text, "draw it anew: invoke graph --host demo --output docs/guide/demo-graph.svg"


def test_a_picture_needs_a_file_that_can_be_written(tmp_path: Path, new_database: Callable[[], str]) -> None:
    """Without a file, or with one in a directory that does not exist, there is one clear error."""
    control = Control(
        tmp_path, catalog="{catalog: application, tenant: {table: t, key: id}, business: {all: {t: tenant}}}"
    )
    conninfo = new_database()
    control.add_host("shop", conninfo)
    execute(conninfo, "CREATE TABLE t (id text PRIMARY KEY)")
    words = ("--host", "shop", "--inventory", str(tmp_path / "inventory"))
    assert "no file is named" in invoke("graph", *words).err
    ran = invoke("graph", *words, "--output", str(tmp_path / "none" / "graph.svg"))
    assert (ran.code, "--output: cannot write" in ran.err) == (2, True)
