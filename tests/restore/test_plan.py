"""The plan as people and programs read it: numbers per table, rows with the columns that differ, JSON in the report."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.app.invoking import ROOT, invoke, playbook
from tests.control import execute
from tests.restore.conftest import MakePair, Pair

SCHEMA = json.loads((ROOT / "schemas" / "run-report.schema.json").read_text(encoding="utf-8"))
ITEMS = (
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text, price numeric,"
    " note text)",
    "CREATE TABLE parts (id serial PRIMARY KEY, item integer NOT NULL REFERENCES items)",
)
RULES = {"items": {"owned_by": ["tenant"]}, "parts": {"owned_by": ["item"]}}


def changed(make_pair: MakePair) -> Pair:
    """A pair with rows that come, change, go, stay and are kept."""
    pair = make_pair(
        RULES,
        *ITEMS,
        "CREATE TABLE locks (id integer PRIMARY KEY, item integer REFERENCES items)",
        transient={"locks": {}},
    )
    long = "x" * 500
    execute(
        pair.source,
        "INSERT INTO items VALUES (1, 'a', 'same', 1, 'n'), (9, 'a', NULL, 9, ''), (10, 'b', 'b', 10.00, 'two\nlines')",
        f"INSERT INTO items VALUES (11, 'a', '{long}1', 1, '{long}'), (12, 'b', NULL, 2.50, '{long[:60]}A{long[:60]}')",
        "INSERT INTO parts (item) VALUES (1), (9)",
    )
    execute(
        pair.target,
        "INSERT INTO items VALUES (1, 'a', 'same', 1, 'n'), (10, 'b', 'a', 9.50, 'two'), (20, 'a', 'gone', 3, NULL)",
        f"INSERT INTO items VALUES (11, 'a', '{long}2', 1, NULL), (12, 'b', 'x', 2.5, '{long[:60]}B{long[:60]}')",
        "INSERT INTO items VALUES (30, 'a', 'in use', 3, NULL)",
        "INSERT INTO locks VALUES (1, 30)",
    )
    return pair


def test_check_mode_prints_numbers_per_table_and_rows(make_pair: MakePair) -> None:
    """Check mode with --diff: a table of numbers, rows kept with the reason, and a few rows with what differs."""
    planned = changed(make_pair).restore(check=True)
    assert planned.message.endswith("into target: 3 inserts, 3 updates, 1 delete, 3 unchanged, 1 kept")
    assert planned.details[0].startswith("user triggers are kept silent")
    assert planned.details[1:] == (
        "table  inserts  updates  deletes  unchanged  kept  conflicts",
        "items        1        3        1          1     1          0",
        "parts        2        0        0          0     0          0",
        "1 other table: 2 rows unchanged",
        "kept items: 1 row: rows of locks still point at them, e.g. 30",
        "+ items 9: note '', price 9, tenant 'a'",
        "~ items 10: name 'a' → 'b', note 'two' → 'two lines', price 9.50 → 10.00",
        f"~ items 11: name '{'x' * 40}…' → (differs further on), note NULL → '{'x' * 40}…'",
        f"~ items 12: name 'x' → NULL, note '…{'x' * 20}B{'x' * 19}…' → '…{'x' * 20}A{'x' * 19}…', price 2.5 → 2.50",
        "- items 20: name 'gone', price 3, tenant 'a'",
        "+ parts 1: item 1",
        "+ parts 2: item 9",
        "sequences moved forward: parts_id_seq to 2",
    )


def test_applying_gives_the_numbers_of_the_plan(make_pair: MakePair) -> None:
    """What check mode promised is what is done, in every number of every table; samples are read only for --diff."""
    pair = changed(make_pair)
    manifest = pair.backup()
    planned = pair.control.restore("target", manifest, "mirror", check=True)
    done = pair.control.restore("target", manifest, "mirror")
    assert planned.plan is not None
    assert done.plan is not None
    for promised, kept in zip(_tables(planned.plan), _tables(done.plan), strict=True):
        assert {**promised, "samples": [], "load": ""} == {**kept, "load": ""}
        assert kept["samples"] == []
    assert done.details[1:] == (
        "kept items: 1 row: rows of locks still point at them, e.g. 30",
        "sequences moved forward: parts_id_seq to 2",
    )


def _tables(plan: Any) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = plan["tables"]
    return tables


def test_conflicts_stand_in_the_table(make_pair: MakePair) -> None:
    """A table with nothing but conflicts is listed, with their number, and in the document with their keys."""
    pair = make_pair(RULES, *ITEMS, "ALTER TABLE items ADD UNIQUE (name)")
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'y', 1), (3, 'a', 'z', 1)")
    execute(pair.target, "INSERT INTO items VALUES (3, 'a', 'z', 1), (7, 'a', 'x', 1), (8, 'a', 'y', 1)")
    planned = pair.restore("merge", check=True)
    assert planned.exit_code == 4
    assert planned.details[2].split() == ["table", "inserts", "updates", "deletes", "unchanged", "kept", "conflicts"]
    assert planned.details[3].split() == ["items", "2", "0", "0", "1", "2", "2"]
    plan: Any = planned.plan
    (conflict,) = plan["conflicts"]
    assert (conflict["table"], conflict["rows"], conflict["samples"]) == ("items", 2, ["1", "2"])
    assert not list(Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": "#/$defs/plan"}).iter_errors(plan))


def test_the_report_carries_the_plan(make_pair: MakePair) -> None:
    """`--report` has the whole plan under the task's result and fits its schema; with `no_log` it has none of it."""
    pair = changed(make_pair)
    label = pair.backup().metadata.label
    report, task = pair.control.directory / "report.json", f"restore: {{from: {label}, mode: mirror}}"
    path = playbook(pair.control.directory, f"{{{task}}}", f"{{{task}, no_log: true}}", hosts="target")
    inventory = str(pair.control.directory / "inventory")
    ran = invoke("run", str(path), "--inventory", inventory, "--check", "--diff", "--report", str(report))
    assert ran.code == 0
    assert ran.out.count("    ~ items 10: name 'a' → 'b'") == 1
    document = json.loads(report.read_text(encoding="utf-8"))
    assert not [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]
    shown, hidden = (task["results"][0] for task in document["plays"][0]["tasks"])
    assert "plan" not in hidden
    items = {table["table"]: table for table in shown["plan"]["tables"]}["items"]
    assert (items["inserts"], items["updates"], items["deletes"], items["unchanged"]) == (1, 3, 1, 1)
    assert items["kept"] == {"rows of locks still point at them": 1}
    assert [each["samples"] for each in items["kept_rows"]] == [["30"]]
    assert items["samples"][1] == {
        "action": "update",
        "key": ["10"],
        "name": "a",
        "reason": "",
        "values": [
            {"column": "name", "before": "a", "after": "b"},
            {"column": "note", "before": "two", "after": "two\nlines"},
            {"column": "price", "before": "9.50", "after": "10.00"},
        ],
    }
    assert shown["plan"]["sequences"] == [{"name": "parts_id_seq", "value": 2, "is_called": True}]


def test_the_report_has_rows_that_are_kept_and_in_conflict(make_pair: MakePair) -> None:
    """With --diff the report has rows of every kind: also those that stay or cannot be written, with why."""
    pair = make_pair({"items": {"owned_by": ["tenant"]}}, ITEMS[0], "ALTER TABLE items ADD UNIQUE (note)")
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'ours', 1, 'n'), (2, 'a', 'moved', 2, 'm')")
    execute(pair.target, "INSERT INTO items VALUES (2, 'b', 'moved', 2, 'k'), (7, 'b', 'theirs', 7, 'n')")
    planned = pair.control.restore("target", pair.backup(businesses=["a"]), "merge", check=True)
    assert planned.plan is not None
    (items,) = (table for table in planned.plan["tables"] if table["table"] == "items")  # type: ignore[attr-defined]
    kept, refused = sorted(
        (each for each in items["samples"] if each["action"] in ("keep", "conflict")),
        key=lambda each: each["key"],
        reverse=True,
    )
    assert (kept["action"], kept["reason"]) == ("keep", "belong to another business now")
    assert {"column": "tenant", "before": "b", "after": "a"} in kept["values"]
    assert (refused["action"], refused["key"]) == ("conflict", ["1"])
    assert "note" in refused["reason"]
    assert {"column": "name", "before": None, "after": "ours"} in refused["values"]
