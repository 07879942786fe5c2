"""Rows that the target refuses for reasons no plan foresees: found among many, one by one."""

from __future__ import annotations

import re

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.sweeps import covering
from toolkit.errors import RefusedError, TaskError
from toolkit.model.quarantine import QuarantinedRow
from toolkit.postgres.write import batches
from toolkit.storage.quarantine import quarantines, read_rows

TABLES = (
    "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)",
    "CREATE TABLE notes (id integer PRIMARY KEY, item integer NOT NULL REFERENCES items)",
    """
    CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.id = 137 THEN RAISE EXCEPTION 'row % is not wanted', NEW.id; END IF;
        RETURN NEW;
    END $$
    """,
)
PICKY = "CREATE TRIGGER picky BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION picky()"


@pytest.fixture
def pair(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Three hundred new rows in several batches; the target does not want number 137, on which notes 37 and 237 are."""
    monkeypatch.setenv("PLAYBACK_NO_BACKOFF", "1")
    monkeypatch.setattr(batches, "BLOCKS", 1)
    made = make_pair({"items": {"owned_by": ["tenant"]}, "notes": {"owned_by": ["item"]}}, *TABLES)
    execute(
        made.source,
        "INSERT INTO items SELECT n, 'a', repeat('x', 200) || n FROM generate_series(1, 300) n",
        "INSERT INTO notes SELECT n, 1 + (n + 99) % 200 FROM generate_series(1, 300) n",
    )
    execute(made.target, "INSERT INTO items SELECT n, 'a', 'old' FROM generate_series(301, 310) n", PICKY)
    return made


def put_aside(pair: Pair) -> list[QuarantinedRow]:
    """The rows in quarantine."""
    repository = pair.control.repository
    return [row for each in quarantines(repository) for row in read_rows(repository, each)]


@pytest.mark.parametrize(("existing", "atomic"), covering([False, True], [True, False]))
def test_the_row_is_named(pair: Pair, *, atomic: bool, existing: bool) -> None:
    """`abort` says which row a trigger refuses, be it inserted or updated; where atomic, nothing has changed."""
    if existing:
        execute(pair.target, "ALTER TABLE items DISABLE TRIGGER picky", "INSERT INTO items VALUES (137, 'a', 'old')")
        execute(pair.target, "ALTER TABLE items ENABLE TRIGGER picky")
    state, manifest = pair.state(), pair.backup()
    with pytest.raises(RefusedError if atomic else TaskError, match=r"items \(137\): row 137 is not wanted") as refusal:
        pair.restore(of=manifest, triggers="fire", atomic=atomic)
    assert atomic or re.search(r"; \d+ batches with \d+ rows are committed and stay", refusal.value.message)
    if atomic:
        assert pair.state() == state
    execute(pair.target, "DROP TRIGGER picky ON items")
    assert pair.restore(of=manifest, triggers="fire", atomic=atomic).changed
    assert not pair.restore(of=manifest, triggers="fire", atomic=atomic).changed


@pytest.mark.parametrize("atomic", [True, False])
def test_exactly_that_row_is_put_aside(pair: Pair, *, atomic: bool) -> None:
    """`quarantine` applies everything but the refused row and those that point at it, and says which those are."""
    outcome = pair.restore(triggers="fire", atomic=atomic, on_error="quarantine")
    assert outcome.exit_code == 3
    found = {(row.table, row.key): row for row in put_aside(pair)}
    assert set(found) == {("items", "137"), ("notes", "37"), ("notes", "237")}
    assert found["items", "137"].sqlstate == "P0001"
    assert "row 137 is not wanted" in found["items", "137"].reason
    assert pair.rows("SELECT count(*) FROM items") == [(299,)]
    assert pair.rows("SELECT count(*) FROM notes") == [(298,)]
    assert pair.rows("SELECT count(*) FROM notes WHERE id IN (37, 237)") == [(0,)]


@pytest.mark.parametrize("atomic", [True, False])
def test_a_silent_trigger_takes_no_part_in_the_search(pair: Pair, *, atomic: bool) -> None:
    """Where triggers are kept silent, only the row that an index cannot take is put aside."""
    execute(pair.target, "CREATE INDEX ON items ((1 / (id - 2)))")
    outcome = pair.restore(atomic=atomic, on_error="quarantine")
    assert outcome.exit_code == 3
    found = {(row.key, row.sqlstate) for row in put_aside(pair) if row.table == "items"}
    assert found == {("2", "22012")}
    assert pair.rows("SELECT count(*) FROM items") == [(299,)]
    assert pair.rows("SELECT tgenabled FROM pg_trigger WHERE tgname = 'picky'") == [("O",)]
