"""The command `graph` on the reference application."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from tests.app.invoking import ROOT, invoke
from tests.conftest import Servers
from tests.control import Control, execute, rows
from toolkit.app.command import Call
from toolkit.app.commands import graph
from toolkit.app.control import Control as CommandControl
from toolkit.output.streams import Output

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


def test_the_picture_of_a_backup_is_that_of_its_database(
    tmp_path: Path, servers: Servers, demo_template: Callable[[int], str]
) -> None:
    """Tables, owners and references are drawn as those of the database are, as far as the tables are in the backup."""
    control = Control(tmp_path)
    control.add_host("shop", servers.database(18, template=demo_template(18)))
    label = str(control.run("backup", "shop", {"scope": "full-device"}).facts["label"])
    call = Call(command=graph.COMMAND, control=CommandControl(directory=tmp_path), output=Output(), host="shop")
    drawn, (_, whole) = graph.graph_of_label(label, call), graph.graph_asked(call)
    names = {table.name for table in drawn.tables}
    assert set(drawn.tables) == {replace(each, optional=False) for each in whole.tables if each.name in names}
    assert set(drawn.edges) == {
        replace(each, cycle=False) for each in whole.edges if {each.child, each.parent} <= names and not each.cycle
    } | {each for each in drawn.edges if each.cycle}
    assert len(names) > 100
    output = tmp_path / "backup.svg"
    (said,) = graph.COMMAND.body(graph.Options(label=(label,), output=str(output)), call)
    assert next(iter(said.lines())).text.startswith(f"{output}: {label}: {len(names)} tables")
    assert f"{label}: {len(names)} tables" in output.read_text(encoding="utf-8")


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
