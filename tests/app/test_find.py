"""The command `find`, and the searches behind it."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.control import Control as Place
from tests.control import execute
from toolkit.app.command import Call
from toolkit.app.commands import explain, find
from toolkit.app.control import Control
from toolkit.app.performing import perform
from toolkit.errors import PlaybackError
from toolkit.output.streams import Output
from toolkit.postgres.selection import row_search
from toolkit.postgres.servers.embedded import EmbeddedServer

CATALOG = """
catalog: application
tenant: {table: shops, key: id, label: name}
business:
  all:
    shops: tenant
    items: {owned_by: [shop]}
    lines: {owned_by: [shop]}
    notes: shared
transient:
  all: {carts: {}}
"""
TABLES = """
CREATE TABLE shops (id integer PRIMARY KEY, name text);
CREATE TABLE items (id uuid PRIMARY KEY, shop integer REFERENCES shops, name varchar(80), password_hash text);
CREATE TABLE lines (shop integer REFERENCES shops, number integer, what text COLLATE "C", PRIMARY KEY (shop, number));
CREATE TABLE notes (written timestamptz);
CREATE TABLE carts (id text PRIMARY KEY);
INSERT INTO shops VALUES (7, 'Umoja Grill'), (8, '<script>alert(1)</script>');
INSERT INTO items VALUES ('00000000-0000-0000-0000-000000000007', 7, '100% Tee', 'grill-secret');
INSERT INTO lines VALUES (7, 1, 'a grill'), (8, 2, 'something');
INSERT INTO carts VALUES ('7'), ('Umoja cart');
"""


@pytest.fixture(scope="module")
def shop(pg18: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The control directory of a host `shop` with a few rows."""
    name = f"find_{uuid.uuid4().hex[:12]}"
    conninfo = pg18.create_database(name)
    execute(conninfo, TABLES)
    place = Place(tmp_path_factory.mktemp("control"), catalog=CATALOG)
    place.add_host("shop", conninfo)
    yield place.directory
    pg18.drop_database(name)


def found(directory: Path, *text: str, table: str = "") -> dict[str, Any]:
    """What `find` answers as JSON."""
    out = io.StringIO()
    given = find.Options(text=text, table=table)
    control = Control(directory=directory)
    assert perform(find.COMMAND, given, control, host="shop", json=True, output=Output(out, out)) == 0, out.getvalue()
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def rows(document: dict[str, Any]) -> list[tuple[str, list[str], str]]:
    """The rows of an answer: table, key and where the text stands."""
    return [(each["table"], each["key"], each["column"]) for each in document["rows"]]


def test_a_row_is_found_by_its_key_else_by_its_text(shop: Path) -> None:
    """A key is found exactly, of one column or several; text in any column of text, but not where secrets stand."""
    by_key = found(shop, "7")
    assert rows(by_key) == [("shops", ["7"], "")]
    assert by_key["by_text"] == []
    assert "items" not in by_key["by_key"], "7 is no uuid"
    assert rows(found(shop, "8,2")) == [("lines", ["8", "2"], "")]
    item = "00000000-0000-0000-0000-000000000007"
    assert rows(found(shop, item.upper())) == [("items", [item], "")]
    by_text = found(shop, "GRILL")
    assert sorted(rows(by_text)) == [("lines", ["7", "1"], "what"), ("shops", ["7"], "name")]
    assert by_text["unsearched"] == {"notes": "it has no text columns"}
    assert rows(found(shop, "0%")) == [("items", [item], "name")], "nothing in a text is a pattern"
    assert rows(found(shop, "o' OR true --")) == []
    # what no backup has is looked for where it is named
    assert rows(found(shop, "cart")) == []
    assert rows(found(shop, "cart", table="carts")) == [("carts", ["Umoja cart"], "id")]
    assert found(shop, "IN")["tables"] == ["lines"]
    assert rows(found(shop, "no uuid", table="items")) == []


def test_what_was_not_searched_is_said(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows enough, no time and large tables end a search, and every table that was passed over is named."""
    monkeypatch.setattr(row_search, "LARGE", 0)
    execute(database(shop), "ANALYZE")
    large = found(shop, "grill")
    assert rows(large) == []
    assert large["unsearched"]["shops"] == "it has more than 0 rows: look in it alone"
    assert rows(found(shop, "grill", table="shops")) == [("shops", ["7"], "name")]
    monkeypatch.setattr(row_search, "search_rows", no_time(row_search.search_rows))
    hurried = found(shop, "7")
    assert (hurried["rows"], hurried["unsearched"]["shops"]) == ([], "there was no time for it")


def no_time(search: Callable[..., Any]) -> Callable[..., Any]:
    """The same search with no time for it."""
    return lambda *words: search(*words, seconds=0.0)


def database(directory: Path) -> str:
    """Where the rows are."""
    hosts = json.loads((directory / "inventory" / "hosts.yml").read_text(encoding="utf-8"))
    return str(hosts["all"]["hosts"]["shop"]["database"])


def test_a_page_waits_for_a_database_only_so_long(shop: Path) -> None:
    """A command with a limit of time ends by an error when the server is busy, and leaves no statement behind."""
    call = Call(
        command=explain.COMMAND, control=Control(directory=shop), output=Output(io.StringIO()), host="shop", seconds=0.5
    )
    with psycopg.connect(database(shop)) as holder:
        holder.execute("LOCK TABLE shops IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(PlaybackError, match=r"0\.5 seconds|statement timeout"):
            list(explain.COMMAND.body(explain.Options(row=("shops", "7")), call))
    [answer] = explain.COMMAND.body(explain.Options(row=("shops", "7")), call)
    assert answer.document()["taken"]
