"""What a verification against a database finds, counts and names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair
from toolkit.planning import chunking
from toolkit.planning.chunking import ChunkSizes
from toolkit.postgres.compare import ranges
from toolkit.postgres.schema import workspace

ITEMS = "CREATE TABLE items (part text, id integer, tenant text REFERENCES tenants, name text, PRIMARY KEY (part, id))"
RULES = {"items": {"owned_by": ["tenant"]}}


def test_missing_changed_and_extra_rows_are_counted_and_named(make_pair: MakePair) -> None:
    """Each table that differs says how many rows are missing, extra and changed, with the first keys of them."""
    pair = make_pair(RULES, ITEMS)
    pair.fill("INSERT INTO items SELECT 'p', n, 'a', 'same' FROM generate_series(1, 20) n")
    execute(pair.target, "DELETE FROM items WHERE id IN (3, 4)", "UPDATE items SET name = NULL WHERE id IN (5, 6, 7)")
    execute(pair.target, "INSERT INTO items VALUES ('q', 1, 'b', 'extra')")
    outcome = pair.control.verify("target", pair.backup())
    assert outcome.exit_code == 6
    assert outcome.facts["tables"] == {"items": {"missing": 2, "extra": 1, "changed": 3}}
    assert outcome.details == ("items: differs: 2 missing, 1 extra, 3 changed, first keys: p, 3; p, 4; p, 5; q, 1",)


@pytest.mark.parametrize("part_bytes", [1 << 20, 50])
def test_several_sessions_compare_at_once(
    make_pair: MakePair, monkeypatch: pytest.MonkeyPatch, part_bytes: int
) -> None:
    """What differs in each of several tables, or parts of them, is found, and a mirror leaves none of it."""
    monkeypatch.setattr(chunking, "FORMAT_1", ChunkSizes(minimum=1, beyond=20, maximum=400))
    monkeypatch.setattr(ranges, "PART_BYTES", part_bytes)
    monkeypatch.setattr(ranges, "ALONE_BYTES", -1)
    monkeypatch.setattr(workspace, "SHARED_PARTS", 1)
    names = ["eggs", "items", "oils"]
    pair = make_pair(
        {name: {"owned_by": ["tenant"]} for name in names},
        "CREATE DOMAIN code AS integer",
        *(ITEMS.replace("items", name).replace("id integer", "id code") for name in names),
    )
    pair.fill(*(f"INSERT INTO {name} SELECT 'p', n, 'a', 'same' FROM generate_series(1, 20) n" for name in names))
    execute(pair.target, "DELETE FROM eggs WHERE id = 3", "UPDATE oils SET name = NULL WHERE id IN (5, 6)")
    # keys that are there may be none that the target would take today
    execute(pair.target, "ALTER DOMAIN code ADD CHECK (VALUE < 9) NOT VALID")
    manifest = pair.backup()
    assert pair.control.verify("target", manifest).facts["tables"] == {
        "eggs": {"missing": 1, "extra": 0, "changed": 0},
        "oils": {"missing": 0, "extra": 0, "changed": 2},
    }
    pair.control.restore("target", manifest, "mirror")
    assert pair.control.verify("target", manifest).exit_code == 0


def test_rows_without_a_key_are_counted_as_often_as_they_stand(make_pair: MakePair) -> None:
    """Without a key a changed row is one missing and one extra, and of equal rows each counts."""
    pair = make_pair(
        {"logs": {"owned_by": ["tenant"]}}, "CREATE TABLE logs (tenant text REFERENCES tenants, line text)"
    )
    execute(pair.source, "INSERT INTO logs VALUES ('a', 'x'), ('a', 'x'), ('a', 'x'), ('a', NULL)")
    execute(pair.target, "INSERT INTO logs VALUES ('a', 'x'), ('a', ''), ('b', 'y')")
    outcome = pair.control.verify("target", pair.backup())
    assert outcome.facts["tables"] == {"logs": {"missing": 3, "extra": 2, "changed": 0}}


def test_rows_outside_the_scope_do_not_count(make_pair: MakePair) -> None:
    """A backup of one business is exact beside a database that has others."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES ('p', 1, 'a', 'x')")
    execute(pair.target, "INSERT INTO items VALUES ('p', 1, 'a', 'x'), ('p', 2, 'b', 'y')")
    assert pair.control.verify("target", pair.backup(businesses=["a"])).exit_code == 0
    assert pair.control.verify("target", pair.backup()).facts["tables"] == {
        "items": {"missing": 0, "extra": 1, "changed": 0}
    }


def test_a_row_that_others_own_is_there_all_the_same(make_pair: MakePair) -> None:
    """Rows are looked for in the whole table: one that the scope does not take is not missing when it is exact."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}, "colours": "referenced"},
        "CREATE TABLE colours (id text PRIMARY KEY)",
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, colour text REFERENCES colours)",
    )
    pair.fill("UPDATE tenants SET demo = true WHERE id = 'b'", "INSERT INTO colours VALUES ('red')")
    execute(pair.target, "INSERT INTO items VALUES (1, 'b', 'red')")
    assert pair.control.verify("target", pair.backup(demo="exclude")).exit_code == 0


def test_a_missing_table_or_column_is_said(make_pair: MakePair) -> None:
    """Rows that cannot be compared differ, with the reason."""
    pair = make_pair(
        {**RULES, "logs": {"owned_by": ["tenant"]}},
        ITEMS,
        "CREATE TABLE logs (id integer PRIMARY KEY, tenant text)",
        "ALTER TABLE logs ADD FOREIGN KEY (tenant) REFERENCES tenants",
    )
    pair.fill("INSERT INTO items VALUES ('p', 1, 'a', 'x')", "INSERT INTO logs VALUES (1, 'a')")
    manifest = pair.backup()
    execute(pair.target, "DROP TABLE logs", "ALTER TABLE items DROP name")
    outcome = pair.control.verify("target", manifest)
    assert outcome.details == (
        "items: differs: column items.name is missing",
        "logs: differs: the database has no such table",
    )
    unknown = {"missing": None, "extra": None, "changed": None, "reason": "column items.name is missing"}
    assert outcome.facts["tables"] == {"items": unknown, "logs": {"missing": 1, "extra": 0, "changed": 0}}


def test_what_harms_no_row_of_a_pack_is_a_warning(make_pair: MakePair) -> None:
    """A pack that is damaged where no backup needs it: the backup is whole, as `check` says."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, "INSERT INTO items VALUES ('p', 1, 'a', 'x')")
    label = pair.backup().metadata.label
    [pack] = filter(Path.is_file, (pair.control.directory / "repository" / "packs").rglob("*"))
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes() + b"behind")
    outcome = pair.control.run("verify", "source", {"backup": label, "against": "repository"})
    assert (outcome.exit_code, outcome.facts["findings"]) == (0, [])
    assert [line.partition(" is ")[2] for line in outcome.warnings] == [
        "damaged where no backup needs it; it goes when no backup needs any of it"
    ]
