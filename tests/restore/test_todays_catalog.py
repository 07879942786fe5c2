"""Tables and businesses that were something else when the backup was made: today's catalog file decides and says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from toolkit.errors import RefusedError
from toolkit.model.outcome import Outcome

DDL = (
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, name text, status text)",
    "CREATE TABLE sessions (id integer PRIMARY KEY, tenant text REFERENCES tenants, token text)",
    "CREATE TABLE parts (id integer PRIMARY KEY, item integer REFERENCES items)",
)
RULES: dict[str, Any] = {
    "items": {"owned_by": ["tenant"]},
    "sessions": {"owned_by": ["tenant"]},
    "parts": {"owned_by": ["item"]},
}
ROWS = (
    "INSERT INTO items VALUES (1, 'a', 'x', 'done'), (2, 'b', 'y', 'done')",
    "INSERT INTO sessions VALUES (1, 'a', 'secret'), (2, 'b', 'secret')",
    "INSERT INTO parts VALUES (1, 1), (2, 2)",
)


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """A source with rows of two businesses, over an empty target."""
    made = make_pair(RULES, *DDL)
    execute(made.source, *ROWS)
    return made


def classify(pair: Pair, **categories: dict[str, Any]) -> None:
    """Replace the catalog file: rules by category."""
    catalog = {
        "catalog": "application",
        "tenant": {"table": "tenants", "key": "id", "label": "name", "demo": "demo"},
        **{category: {"all": rules} for category, rules in categories.items()},
    }
    catalog["business"]["all"]["tenants"] = "tenant"  # type: ignore[index]
    file = pair.control.directory / "inventory" / "catalogs" / "application.yml"
    file.write_text(json.dumps(catalog), encoding="utf-8")


def both(pair: Pair, manifest: Any, **arguments: Any) -> Outcome:
    """Plan and restore by mirroring; both say the same."""
    planned = pair.control.restore("target", manifest, "mirror", check=True, **arguments)
    done = pair.control.restore("target", manifest, "mirror", **arguments)
    assert planned.facts["tables"] == done.facts["tables"]
    assert planned.warnings == done.warnings
    return done


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ("transient", "table sessions is transient now: its 2 rows in the backup stay there"),
        (
            "",
            "table sessions is not classified in inventory/catalogs/application.yml: its 2 rows in the backup stay"
            " there",
        ),
    ],
)
def test_rows_of_tables_that_are_not_restored_any_more(pair: Pair, today: str, said: str) -> None:
    """Old sessions are never written, nor those of a table that the file does not know; counted in plan and verify."""
    manifest = pair.backup()
    business = {name: rule for name, rule in RULES.items() if name != "sessions"}
    classify(pair, business=business, **({today: {"sessions": {}}} if today else {}))
    execute(pair.target, "INSERT INTO sessions VALUES (7, 'a', 'of today')")
    done = both(pair, manifest)
    assert said in done.warnings
    assert pair.rows("SELECT id FROM sessions") == [(7,)]
    assert pair.rows("SELECT id FROM items ORDER BY id") == [(1,), (2,)]
    verified = pair.control.verify("target", manifest)
    assert (verified.exit_code, said in verified.warnings) == (0, True)


def test_rows_that_point_at_what_is_not_restored(pair: Pair) -> None:
    """Without their parents they are conflicts, named before anything is written."""
    manifest = pair.backup()
    classify(pair, business={"parts": {"rule": "shared"}, "sessions": RULES["sessions"]}, transient={"items": {}})
    with pytest.raises(RefusedError, match="would point at no row of items"):
        pair.control.restore("target", manifest, "mirror")
    assert pair.rows("SELECT * FROM sessions") == []


@pytest.mark.parametrize("identity", ["source", "new"])
def test_a_table_that_belongs_to_the_device_now(pair: Pair, identity: str) -> None:
    """Its rows come along where the device's do, and nowhere else; a mirror deletes none."""
    manifest = pair.backup()
    classify(pair, business={name: RULES[name] for name in ("items", "parts")}, device={"sessions": {}})
    execute(pair.target, "INSERT INTO sessions VALUES (7, NULL, 'of this device')")
    done = both(pair, manifest, identity=identity)
    assert "table sessions is device data now: it has 2 rows in the backup, and they follow the device decision" in (
        done.warnings
    )
    there = [(1,), (2,), (7,)] if identity == "source" else [(7,)]
    assert pair.rows("SELECT id FROM sessions ORDER BY id") == there


@pytest.mark.parametrize(
    "then",
    [
        {"items": {"owned_by": ["tenant"], "where": "status = 'done'"}},
        {"items": {"owned_by": ["tenant"], "optional": True}},
        {"items": {"rule": "shared"}},
    ],
    ids=["condition", "optional", "shared"],
)
def test_a_table_with_another_rule_loses_no_rows(make_pair: MakePair, then: dict[str, Any]) -> None:
    """What its rule of then did not take is not in the backup, which is no reason to delete it; nor what it owns."""
    pair = make_pair({**RULES, **then}, *DDL)
    execute(pair.source, *ROWS)
    manifest = pair.backup()
    classify(pair, business=dict(RULES))
    execute(pair.target, "INSERT INTO items VALUES (8, 'a', 'open', 'open')", "INSERT INTO parts VALUES (8, 8)")
    execute(pair.target, "INSERT INTO sessions VALUES (8, 'a', 'gone')")
    done = both(pair, manifest)
    assert any(
        each.startswith("table items was classified otherwise when the backup was made") for each in done.warnings
    )
    assert "ownership of parts passes through such tables: rows that the backup lacks stay" in done.warnings
    assert pair.rows("SELECT id FROM items WHERE id = 8 UNION ALL SELECT id FROM parts WHERE id = 8") == [(8,), (8,)]
    assert pair.rows("SELECT id FROM sessions WHERE id = 8") == []
    assert pair.control.verify("target", manifest).exit_code == 0


def test_a_table_that_is_business_data_now_and_was_not(make_pair: MakePair) -> None:
    """The backup does not have it: it is not touched, and that is said."""
    rules = {name: rule for name, rule in RULES.items() if name != "sessions"}
    pair = make_pair(rules, *DDL, transient={"sessions": {}})
    execute(pair.source, *ROWS)
    manifest = pair.backup()
    classify(pair, business=dict(RULES))
    execute(pair.target, "INSERT INTO sessions VALUES (7, NULL, '')")
    done = both(pair, manifest)
    assert "table sessions is business data now, and was left out of the backup as transient: it is not touched" in (
        done.warnings
    )
    assert pair.rows("SELECT id FROM sessions") == [(7,)]


DEMO = "UPDATE tenants SET demo = {} WHERE id = '{}'"


@pytest.mark.parametrize("mode", ["merge", "mirror"])
@pytest.mark.parametrize("rule", ["exclude", "only"])
def test_a_business_that_the_demo_rule_left_out_stays(pair: Pair, mode: str, rule: str) -> None:
    """Demo then and real now, or the reverse: it is not the backup's to delete or change, and that is said."""
    for database in (pair.source, pair.target):
        execute(database, DEMO.format("true" if rule == "exclude" else "false", "b"))
        execute(database, DEMO.format("false" if rule == "exclude" else "true", "a"))
    manifest = pair.backup(demo=rule)
    assert manifest.selection.left_out == {"b": "B"}
    execute(pair.target, DEMO.format("false" if rule == "exclude" else "true", "b"))
    execute(pair.target, "INSERT INTO items VALUES (9, 'b', 'real work', '')", "INSERT INTO tenants VALUES ('c', 'C')")
    execute(pair.target, DEMO.format("NULL" if rule == "exclude" else "true", "c"))
    planned = pair.control.restore("target", manifest, mode, check=True)
    done = pair.control.restore("target", manifest, mode)
    said = f"business b (B) was left out of the backup (demo: {rule}) and would be in it today: it stays as it is"
    gone = "business c (C) was not there when the backup was made: a mirror deletes it"
    assert said in planned.warnings
    assert (gone in planned.warnings) == (mode == "mirror")
    assert done.warnings == planned.warnings
    assert pair.rows("SELECT id FROM items ORDER BY id") == [(1,), (9,)]
    assert pair.rows("SELECT id FROM tenants ORDER BY id") == [("a",), ("b",), *([] if mode == "mirror" else [("c",)])]
    verified = pair.control.verify("target", manifest)
    assert (verified.exit_code, said in verified.warnings) == (0 if mode == "mirror" else 6, True)


def test_a_business_that_came_later_and_stays(pair: Pair) -> None:
    """A mirror says of a business which the backup lacks that it stays, where its row is one of those that are kept."""
    manifest = pair.backup()
    execute(pair.target, "INSERT INTO tenants VALUES ('c', 'C', NULL), ('d', 'D', NULL)")
    execute(pair.target, "CREATE TABLE held (tenant text REFERENCES tenants)", "INSERT INTO held VALUES ('d')")
    classify(pair, business=dict(RULES), transient={"held": {}})
    done = both(pair, manifest)
    was_not = "was not there when the backup was made"
    assert f"business c (C) {was_not}: a mirror deletes it" in done.warnings
    assert f"business d (D) {was_not}: its row stays, for the reason with which it is kept" in done.warnings
    assert pair.rows("SELECT id FROM tenants ORDER BY id") == [("a",), ("b",), ("d",)]


def test_a_business_that_the_demo_rule_leaves_out_today(pair: Pair) -> None:
    """Real then and demo now: it stands outside a whole restore, which says so; by its name it comes back."""
    manifest = pair.backup(demo="exclude")
    execute(pair.target, *ROWS, "UPDATE items SET name = 'as demo' WHERE id = 2", DEMO.format("true", "b"))
    said = (
        "business b (B) is in the backup, and demo: exclude leaves it out today: it stands outside this restore; name"
        " it under `businesses` to restore it"
    )
    done = both(pair, manifest)
    assert said in done.warnings
    assert pair.rows("SELECT name FROM items WHERE id = 2") == [("as demo",)]
    pair.control.restore("target", manifest, "mirror", businesses=["b"])
    assert pair.rows("SELECT name FROM items WHERE id = 2") == [("y",)]
    assert pair.rows("SELECT demo FROM tenants WHERE id = 'b'") == [(False,)]


def test_businesses_are_the_same_in_another_spelling(make_pair: MakePair) -> None:
    """A key that equals that of the backup means the same business, whatever the demo rule says of it then and now."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE EXTENSION citext",
        "ALTER TABLE tenants ALTER id TYPE citext",
        "CREATE TABLE items (id integer PRIMARY KEY, tenant citext REFERENCES tenants, name text)",
    )
    for database in (pair.source, pair.target):
        execute(database, "INSERT INTO tenants VALUES ('c', 'C', true)")
        execute(database, "INSERT INTO items VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')")
    manifest = pair.backup(demo="exclude")
    execute(
        pair.target, "UPDATE tenants SET (id, demo) = (upper(id::text), id = 'b')", "UPDATE items SET name = 'today'"
    )
    planned = pair.control.restore("target", manifest, "mirror", check=True)
    done = both(pair, manifest)
    shown: Any = planned.plan
    assert [
        each["values"]
        for table in shown["tables"]
        if table["table"] == "tenants"
        for each in table["samples"]
        if each["action"] == "update"
    ] == [[{"column": "id", "before": "A", "after": "a"}]]
    business = [line for line in done.warnings if line.startswith("business ")]
    assert business == [
        "business C was left out of the backup (demo: exclude) and would be in it today: it stays as it is",
        "business B is in the backup, and demo: exclude leaves it out today: it stands outside this restore; name it"
        " under `businesses` to restore it",
    ]
    assert pair.rows("SELECT id::text FROM tenants ORDER BY lower(id::text)") == [("a",), ("B",), ("C",)]
    assert pair.rows("SELECT name FROM items ORDER BY id") == [("x",), ("today",), ("today",)]


def test_one_business_out_of_a_backup_whose_ways_are_cut(pair: Pair) -> None:
    """Where rows are known to be a business's by a table that is not restored any more, picking it is refused."""
    manifest = pair.backup()
    classify(pair, business={name: RULES[name] for name in ("items", "parts")}, transient={"sessions": {}})
    done = both(pair, manifest, businesses=["a"])
    assert "table sessions is transient now: its 2 rows in the backup stay there" in done.warnings
    assert pair.rows("SELECT id FROM parts") == [(1,)]
    classify(pair, business={"parts": {"rule": "shared"}, "sessions": RULES["sessions"]}, transient={"items": {}})
    with pytest.raises(
        RefusedError, match="rows belong to a business through table items, which is not restored any more"
    ):
        pair.control.restore("target", manifest, "mirror", businesses=["a"])


def test_a_device_table_that_nothing_of_today_points_at(make_pair: MakePair) -> None:
    """Its rows came along for a table that is transient now: they are compared, not called missing."""
    nodes = "CREATE TABLE nodes (id integer PRIMARY KEY, name text)"
    jobs = "CREATE TABLE jobs (id integer PRIMARY KEY, tenant text REFERENCES tenants, node integer REFERENCES nodes)"
    rules = {"jobs": {"owned_by": ["tenant"]}}
    pair = make_pair(rules, nodes, jobs, device={"nodes": {}})
    pair.fill("INSERT INTO nodes VALUES (1, 'x')", "INSERT INTO jobs VALUES (1, 'a', 1)")
    execute(pair.target, "INSERT INTO nodes VALUES (2, 'of this device')")
    manifest = pair.backup()
    classify(pair, business={}, device={"nodes": {}}, transient={"jobs": {}})
    both(pair, manifest)
    assert pair.rows("SELECT id FROM nodes ORDER BY id") == [(1,), (2,)]
    verified = pair.control.verify("target", manifest)
    assert (verified.exit_code, verified.facts["tables"]) == (0, {})
    execute(pair.target, "UPDATE nodes SET name = 'y' WHERE id = 1")
    assert pair.control.verify("target", manifest).facts["tables"] == {
        "nodes": {"missing": 0, "extra": 0, "changed": 1}
    }


def test_a_table_that_is_optional_now(pair: Pair) -> None:
    """What the backup has of it is restored and compared; nobody has to ask for it again."""
    manifest = pair.backup()
    classify(pair, business=RULES | {"items": {"owned_by": ["tenant"], "optional": True}})
    both(pair, manifest)
    assert pair.rows("SELECT id FROM items ORDER BY id") == [(1,), (2,)]
    verified = pair.control.verify("target", manifest)
    assert (verified.exit_code, verified.facts["tables"]) == (0, {})
