"""What differs between two states, as a person asks for it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from toolkit.app.command import Call
from toolkit.app.commands.diff import COMMAND, Options
from toolkit.app.control import Control as CommandControl
from toolkit.app.differing import Asked, opened
from toolkit.app.performing import perform
from toolkit.model.difference import Difference
from toolkit.model.outcome import SilentProgress
from toolkit.output.streams import Output
from toolkit.planning import chunking
from toolkit.planning.chunking import ChunkSizes
from toolkit.planning.native_order import native_rank
from toolkit.postgres.session.connection import connect
from toolkit.storage import chunk_writer
from toolkit.storage.layout import CHUNKS
from toolkit.storage.local import LocalStore


def compare(
    directory: Path, *labels: str, host: str = "", business: str = "", tables: tuple[str, ...] = ()
) -> Difference:
    """Compare as the command does."""
    call = Call(command=COMMAND, control=CommandControl(directory=directory), output=Output(StringIO(), StringIO()))
    asked = Asked(labels=labels, host=host, business=business, tables=tables, shown=1000)
    with opened(call, asked) as sides:
        return sides.compare(SilentProgress())


Numbers = dict[str, tuple[int, int, int]]


def numbers(found: Difference) -> Numbers:
    """Inserts, updates and deletes of each table."""
    return {each.table: (each.inserts, each.updates, each.deletes) for each in found.tables}


ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, name text, price numeric(10,2))"
PARTS = "CREATE TABLE parts (item integer REFERENCES items, number integer, name text, PRIMARY KEY (item, number))"
RULES = {"items": {"owned_by": ["tenant"]}, "parts": {"owned_by": ["item"]}}


def diff(pair: Pair, *labels: str, host: str = "", as_json: bool = False, **options: Any) -> tuple[int, str, str]:
    """Run the command; gives its exit code and what it prints."""
    out, err = StringIO(), StringIO()
    control = CommandControl(directory=pair.control.directory)
    given = Options(labels=labels, **options)
    code = perform(COMMAND, given, control, host=host, json=as_json, output=Output(out, err))
    return code, out.getvalue(), err.getvalue()


def test_what_a_person_reads(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers per table, rows with the columns that differ, the reverse of a restore; only what differs is read."""
    monkeypatch.setattr(chunking, "FORMAT_1", ChunkSizes(minimum=4000, beyond=4000, maximum=20000))
    monkeypatch.setattr(chunk_writer, "PACKED", 0)
    pair = make_pair(RULES, ITEMS, PARTS)
    filling = "INSERT INTO items SELECT n, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END, md5(n::text), n"
    pair.fill(
        f"{filling} FROM generate_series(1, 900) n",
        "INSERT INTO parts SELECT n, 1, 'part' FROM generate_series(1, 500) n",
    )
    first = pair.backup()
    execute(
        pair.source,
        "UPDATE items SET price = 7.5 WHERE id = 2",
        "DELETE FROM items WHERE id = 899",
        "INSERT INTO parts VALUES (3, 2, 'new')",
        "INSERT INTO tenants VALUES ('c', 'C', false)",
    )
    labels = first.metadata.label, pair.backup().metadata.label
    read = counting(monkeypatch)
    code, out, _ = diff(pair, *labels, rows=True)
    assert code == 6
    assert "items          0        1        1        898" in out
    assert "~ items 2: price 2.00 → 7.50" in out
    assert "- items 899: name '" in out
    assert "+ parts 3, 2: name 'new'" in out
    assert "business c (C) is only in" in out
    # of two chunks of items and more those that differ, on both sides; of the others one each
    chunks = {chunk.id for entry in first.tables for chunk in entry.chunks}
    assert len(first.table("items").chunks) > 2  # type: ignore[union-attr]
    assert len(read) == len(set(read)) == int(out.rpartition("; read ")[2].split()[0])
    assert len(chunks - set(read)) == len(first.table("items").chunks) - 2  # type: ignore[union-attr]
    # the target is as the source was
    assert diff(pair, labels[0], host="target")[0] == 0
    code, out, _ = diff(pair, labels[1], host="target", business="b", as_json=True)
    found = json.loads(out)
    assert (code, found["equal"], found["business"]) == (6, False, "b")
    changed = {each["table"]: (each["inserts"], each["updates"], each["deletes"]) for each in found["tables"]}
    assert changed == {"items": (1, 0, 0), "parts": (0, 0, 1), "tenants": (0, 0, 0)}
    code, out, _ = diff(pair, *labels, business="a", rows=True, limit="1", tables="item*")
    assert (code, "~ items 2" in out, "899" in out, "parts" in out) == (6, True, False, False)


def test_rows_change_hands_with_those_that_lead_to_them(make_pair: MakePair) -> None:
    """What is the same row on both sides, and belongs to another business by now, differs for either."""
    pair = make_pair(RULES, ITEMS, PARTS)
    execute(
        pair.source,
        "INSERT INTO items VALUES (1, 'a', 'one', 1), (2, 'a', 'two', 2)",
        "INSERT INTO parts VALUES (1, 1, 'x'), (2, 1, 'y'), (2, 2, 'z')",
    )
    before = pair.backup().metadata.label
    execute(pair.source, "UPDATE items SET tenant = 'b' WHERE id = 2")
    after = pair.backup().metadata.label
    directory = pair.control.directory
    for host, labels in (("", (before, after)), ("source", (before,))):
        of_a = numbers(compare(directory, *labels, host=host, business="a"))
        assert of_a == {"items": (0, 0, 1), "parts": (0, 0, 2), "tenants": (0, 0, 0)}
        of_b = numbers(compare(directory, *labels, host=host, business="b"))
        assert of_b == {"items": (1, 0, 0), "parts": (2, 0, 0), "tenants": (0, 0, 0)}


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chunks that are read from now on, by their ids."""
    read, get = list[str](), LocalStore.get

    def counted(self: LocalStore, name: str, *, limit: int | None = None) -> bytes:
        if name.startswith(CHUNKS):
            read.append(name.rpartition("/")[2])
        return get(self, name, limit=limit)

    monkeypatch.setattr(LocalStore, "get", counted)
    return read


def test_other_schemas_and_scopes_are_told(make_pair: MakePair) -> None:
    """Columns, keys, rules, tables and scopes that differ are said; rows are compared by what both sides have."""
    pair = make_pair(
        {**RULES, "notes": {"owned_by": ["tenant"]}, "doubled": "shared"},
        ITEMS,
        PARTS,
        "CREATE TABLE notes (tenant text REFERENCES tenants)",
        "CREATE TABLE doubled (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED PRIMARY KEY)",
    )
    execute(
        pair.source,
        "INSERT INTO items VALUES (1, 'a', 'one', 1), (2, 'b', 'two', 2)",
        "INSERT INTO parts VALUES (1, 1, 'x')",
        "INSERT INTO notes VALUES ('a'), ('a'), ('b')",
        "INSERT INTO doubled VALUES (1)",
    )
    first = pair.backup()
    execute(
        pair.source,
        "ALTER TABLE items DROP price, ADD colour text DEFAULT 'red', ALTER name TYPE varchar(9)",
        "UPDATE items SET name = 'zwei' WHERE id = 2",
        "ALTER TABLE parts DROP CONSTRAINT parts_pkey, ADD COLUMN id serial PRIMARY KEY",
        "INSERT INTO notes VALUES ('a')",
    )
    second = pair.backup(businesses=["a"])
    code, out, _ = diff(pair, first.metadata.label, second.metadata.label, rows=True)
    assert code == 6
    for told in (
        "another scope: business, all businesses, demo: include → business, a, demo: include",
        "business b (B) is only in",
        "table items: column colour text was added",
        "table items: column price numeric(10,2) was dropped",
        "table items: column name was text and is character varying(9)",
        "table parts: rows not compared: its key has the column id, which only one side has",
        "- items 2: name 'two', tenant 'b'",
    ):
        assert told in out, out
    third = pair.backup()
    found = compare(pair.control.directory, first.metadata.label, third.metadata.label)
    assert numbers(found) == {
        **dict.fromkeys(("doubled", "parts", "tenants"), (0, 0, 0)),
        "items": (0, 1, 0),
        "notes": (1, 0, 0),
    }
    assert [each.table for each in found.tables if each.reason] == ["parts"]
    # the target has the schema of before, without rows
    found = compare(pair.control.directory, third.metadata.label, host="target")
    assert {"table items: column colour text was dropped"} <= set(found.notes)
    assert numbers(found)["items"] == (0, 0, 2)
    assert {each.table for each in found.tables if "which is generated" in each.reason} == {"doubled"}


@pytest.mark.parametrize(
    ("labels", "given", "said"),
    [
        (("one",), {}, "1 backup is named"),
        (("one", "two"), {"host": "target"}, "2 backups are named"),
        (("one", "two"), {}, "there is no backup one in any repository"),
        (("one", "two"), {"limit": "3"}, "ask for them with --rows"),
        (("one", "two"), {"rows": True, "limit": "few"}, "expected a number of rows, not 'few'"),
        (("{}",), {"host": "nowhere"}, "nowhere"),
        (("{}", "{}"), {"business": "A"}, "there is no business A in"),
        (("{}", "{}"), {"tables": "itms"}, "neither side has a table itms; did you mean items?"),
    ],
)
def test_bad_input(make_pair: MakePair, labels: tuple[str, ...], given: dict[str, Any], said: str) -> None:
    """What is asked wrongly is one error that says what would be right."""
    pair = make_pair(RULES, ITEMS, PARTS)
    label = pair.backup().metadata.label
    code, out, err = diff(pair, *(each.format(label) for each in labels), **given)
    assert (code, out) == (2, "")
    assert said in err


NATIVE = {
    "smallint": "-3 0 12 32767",
    "bigint": "-9223372036854775808 -1 10 9",
    "numeric": "NaN Infinity -Infinity -1.5 1.0 1.00 10 9 1e-7 123456789012345678901234567890.5",
    "double precision": "NaN Infinity -Infinity -0 0 1e300 -1e-300 2.5 10",
    "money": "-1234567.89 0 12.5 100",
    "date": "infinity -infinity 2026-01-02 0044-03-15_BC 0001-01-01_BC 0001-01-01 12026-01-01",
    "timestamp": "infinity 2026-01-02_10:00:00.5 2026-01-02_10:00:00.25 0044-03-15_01:00_BC -infinity",
    "timestamptz": "infinity 2026-01-02_10:00:00+05 2026-01-02_10:00:00.25Z 0044-03-15_01:00Z_BC",
    "time": "00:00 24:00 12:00:00.000001 12:00",
    "timetz": "12:00+02 12:00-03:30 10:00+00 24:00-15 00:00+15:59:59",
    "interval": "1_mon 29_days 31_days -1_day 1_day_-25:00 -00:00:01.5 1_year 360_days_00:00:01 00:00",
}


def test_numbers_and_times_are_ordered_as_by_the_server(databases: tuple[str, str]) -> None:
    """Values of every type that sorts natively have the order, and the equality, that PostgreSQL gives them."""
    with connect(databases[0]) as connection:
        for kind, written in NATIVE.items():
            texts = [each.replace("_", " ") for each in written.split()]
            query = (
                "SELECT v::text, pg_catalog.format_type(%s::regtype, NULL), rank() OVER (ORDER BY q.v)"
                f" FROM (SELECT t::{kind} AS v FROM unnest(%s::text[]) t) q ORDER BY q.v"
            )
            found = connection.execute(query, [kind, texts]).fetchall()
            ranks = [native_rank(text, name) for text, name, _ in found]
            assert ranks == sorted(ranks), (kind, found)
            places = [ranks.index(rank) + 1 for rank in ranks]
            assert places == [place for _, _, place in found], (kind, found)
