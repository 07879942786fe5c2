"""The actions `sql`, `demo` and `wait_for`'s query, on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.actions.running import act
from toolkit.errors import CommittedError, DatabaseError, InputError, RefusedError, TaskError
from toolkit.model.secret import Secret


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """A database with one table of three rows."""
    conninfo = new_database()
    with psycopg.connect(conninfo) as connection:
        connection.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
        connection.execute("INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, NULL)")
    return conninfo


def names(conninfo: str) -> list[str | None]:
    """The names in the table."""
    with psycopg.connect(conninfo) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM items ORDER BY id")]


def test_a_query_gives_rows(database: str, tmp_path: Path) -> None:
    """A query's rows are facts as JSON values, and reading changes nothing."""
    query = """
        SELECT id, name, 1.5::numeric AS d, 7::numeric AS whole, '2026-01-02'::date AS day, '\\x00ff'::bytea AS b,
               ARRAY['x', NULL] AS list, '{"k": [1]}'::jsonb AS doc, 'infinity'::float8 AS f, 'NaN'::numeric AS n
        FROM items WHERE id = %(id)s
    """
    outcome = act("sql", {"query": query, "args": {"id": 1}}, tmp_path, database=database)
    assert not outcome.changed
    assert outcome.facts["rows"] == [
        {
            "id": 1,
            "name": "a",
            "d": 1.5,
            "whole": 7,
            "day": "2026-01-02",
            "b": "\\x00ff",
            "list": ["x", None],
            "doc": {"k": [1]},
            "f": "inf",
            "n": "NaN",
        }
    ]
    assert outcome.facts["rowcount"] == 1


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("SELECT 1", False),
        ("UPDATE items SET name = 'z' WHERE id = 9", False),
        ("UPDATE items SET name = 'z' WHERE id = 1", True),
        ("WITH gone AS (DELETE FROM items WHERE id = 1 RETURNING id) SELECT * FROM gone", True),
        ("CREATE TABLE IF NOT EXISTS items (id int)", False),
        ("CREATE TABLE more (id int)", True),
        ("SELECT 1; DELETE FROM items; SELECT 2", True),
    ],
)
def test_changed_says_whether_anything_was_written(query: str, changed: bool, database: str, tmp_path: Path) -> None:
    """A task is changed exactly when its transaction wrote."""
    assert act("sql", {"query": query}, tmp_path, database=database).changed is changed


def test_several_statements_are_one_transaction(database: str, tmp_path: Path) -> None:
    """When one of several statements fails, none is kept."""
    query = "UPDATE items SET name = %s WHERE id = 1; UPDATE items SET name = 'x' WHERE id = 1 / 0"
    with pytest.raises(DatabaseError, match="division by zero"):
        act("sql", {"query": query, "args": ["changed"]}, tmp_path, database=database)
    with pytest.raises(CommittedError, match="ended their transaction themselves"):
        act("sql", {"query": "SELECT 1; COMMIT"}, tmp_path, database=database)
    assert names(database) == ["a", "b", None]


def test_values_are_never_part_of_the_text(database: str, tmp_path: Path) -> None:
    """Whatever a value holds, it stays a value; percent signs need no care without args."""
    evil = "'; DROP TABLE items; --"
    query = "UPDATE items SET name = %s WHERE id = 1"
    act("sql", {"query": query, "args": [Secret(evil)]}, tmp_path, database=database)
    assert names(database)[0] == evil
    outcome = act("sql", {"query": "SELECT '100%' AS done"}, tmp_path, database=database)
    assert outcome.facts["rows"] == [{"done": "100%"}]
    with pytest.raises(TaskError, match="do not fit their args"):
        act("sql", {"query": "SELECT %s", "args": [1, 2]}, tmp_path, database=database)


def test_check_mode_reads_and_never_writes(database: str, tmp_path: Path) -> None:
    """In check mode a reading statement runs, and a writing one is skipped by the server's own refusal."""
    outcome = act("sql", {"query": "SELECT count(*) AS n FROM items"}, tmp_path, database=database, check=True)
    assert outcome.facts["rows"] == [{"n": 3}]
    for query in ("DELETE FROM items", "SELECT 1; DELETE FROM items", "CREATE TABLE more (id int)"):
        assert act("sql", {"query": query}, tmp_path, database=database, check=True).skipped
    assert names(database) == ["a", "b", None]


def test_statements_come_from_a_file(database: str, tmp_path: Path) -> None:
    """`file` is relative to the control directory; one that cannot be read is an input error."""
    (tmp_path / "change.sql").write_text("UPDATE items SET name = 'ü'\nWHERE id = 1;\n", encoding="utf-8")
    assert act("sql", {"file": "change.sql"}, tmp_path, database=database).facts["rowcount"] == 1
    assert names(database)[0] == "ü"
    with pytest.raises(InputError, match=r"nowhere\.sql cannot be read"):
        act("sql", {"file": "nowhere.sql"}, tmp_path, database=database)


def test_no_statement_is_no_success(database: str, tmp_path: Path) -> None:
    """A text or a file without a statement, such as one that is all comments, is an input error."""
    (tmp_path / "empty.sql").write_text("\n", encoding="utf-8")
    for arguments in ({"query": "-- later"}, {"query": ";"}, {"file": "empty.sql"}):
        with pytest.raises(InputError, match="there is no statement in it"):
            act("sql", arguments, tmp_path, database=database)


def test_many_rows_are_cut(database: str, tmp_path: Path) -> None:
    """At most 1,000 rows are kept, and the facts say so."""
    outcome = act("sql", {"query": "SELECT generate_series(1, 1001) AS n"}, tmp_path, database=database)
    assert len(outcome.facts["rows"]) == 1000  # type: ignore[arg-type]
    assert outcome.facts["truncated"] is True


def test_waiting_for_a_query(database: str, tmp_path: Path) -> None:
    """wait_for ends once the query's first value is true, and fails saying what it gives instead."""
    arguments = {"sql": "SELECT count(*) = 3 FROM items", "timeout": 5}
    assert "is there" in act("wait_for", arguments, tmp_path, database=database).message
    for query, found in (("SELECT NULL", "it gives None"), ("DELETE FROM items", "must not"), ("SELECT x", "column")):
        with pytest.raises(TaskError, match=f"waited 0.05 s .*{found}"):
            act("wait_for", {"sql": query, "timeout": 0.05, "delay": 0.01}, tmp_path, database=database)
    assert names(database) == ["a", "b", None]


def test_demo_refuses_a_database_with_tables(database: str, tmp_path: Path) -> None:
    """The demo application is never loaded over somebody's tables."""
    with pytest.raises(RefusedError, match=r"is not empty: schema public has 1 table\b"):
        act("demo", {}, tmp_path, database=database)
    assert names(database) == ["a", "b", None]


def test_demo_fills_an_empty_database(new_database: Callable[[], str], tmp_path: Path) -> None:
    """An empty database gets the demo application, in check mode only the promise of it."""
    conninfo = new_database()
    assert act("demo", {"scale": "small"}, tmp_path, database=conninfo, check=True).changed
    outcome = act("demo", {"scale": "small"}, tmp_path, database=conninfo)
    assert outcome.changed
    assert outcome.facts["tables"] == 144
    with psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT count(*) FROM businesses").fetchone() == (8,)


def test_every_row_is_saved(database: str, tmp_path: Path) -> None:
    """`save` writes every row, also beyond those that are facts, as one JSON object per line."""
    query = "SELECT n, 'é' AS t, NULL AS nothing FROM generate_series(1, 2500) n"
    outcome = act("sql", {"query": query, "save": "made/rows.jsonl"}, tmp_path, database=database)
    lines = (tmp_path / "made" / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"n": n, "t": "é", "nothing": None} for n in range(1, 2501)]
    assert (outcome.facts["saved"], outcome.facts["truncated"]) == (2500, True)
    assert len(outcome.facts["rows"]) == 1000  # type: ignore[arg-type]  # facts are of any type
    assert not outcome.changed


def test_what_cannot_be_saved_is_not_done(database: str, tmp_path: Path) -> None:
    """Rows that are deleted into a file stay when the file cannot be written."""
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(TaskError, match="cannot be written"):
        act("sql", {"query": "DELETE FROM items RETURNING *", "save": "taken/rows"}, tmp_path, database=database)
    assert names(database) == ["a", "b", None]


def test_check_mode_saves_nothing(database: str, tmp_path: Path) -> None:
    """In check mode the rows are counted and no file is written."""
    arguments = {"query": "SELECT * FROM items", "save": "rows.jsonl"}
    outcome = act("sql", arguments, tmp_path, database=database, check=True)
    assert "3 rows would be saved" in outcome.message
    assert not (tmp_path / "rows.jsonl").exists()


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'infinity'::timestamptz", "infinity"),
        ("'-infinity'::timestamp", "-infinity"),
        ("'infinity'::date", "infinity"),
        ("'0044-03-15 BC'::date", "0044-03-15 BC"),
        ("'0044-03-15 BC'::timestamp", "0044-03-15 00:00:00 BC"),
        ("'294276-01-01'::timestamp", "294276-01-01 00:00:00"),
        ("'24:00'::time", "24:00:00"),
        ("ARRAY['infinity'::date, '2026-01-02']", ["infinity", "2026-01-02"]),
        ("daterange('2026-01-02', 'infinity')", "[2026-01-02, infinity)"),
        ("'2026-01-02'::date", "2026-01-02"),
        ("'1 hour'::interval", 3600.0),
    ],
)
def test_times_that_python_does_not_have_are_text(expression: str, text: object, database: str, tmp_path: Path) -> None:
    """A time beyond what Python has comes as the server writes it; all others as before."""
    outcome = act("sql", {"query": f"SELECT {expression} AS found"}, tmp_path, database=database)
    assert outcome.facts["rows"] == [{"found": text}]


def test_an_infinite_interval_is_not_none_at_all(database: str, tmp_path: Path) -> None:
    """An interval that a newer server calls infinite is not read as one of no seconds."""
    with psycopg.connect(database) as connection:
        if connection.info.server_version < 170000:
            pytest.skip("the server has no infinite interval")
    outcome = act("sql", {"query": "SELECT 'infinity'::interval AS found"}, tmp_path, database=database)
    assert outcome.facts["rows"] == [{"found": "infinity"}]
