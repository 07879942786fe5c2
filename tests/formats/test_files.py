"""CSV and JSON Lines are read by Python's own libraries and by PostgreSQL's own statements, and all is there."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.control import Control
from tests.formats.conftest import Exporting
from tests.formats.loading import content, psql
from tests.formats.nasty import FILES, NAMES


def columns(conninfo: str, table: str) -> list[str]:
    """The columns that an export has, sorted as a repository sorts them."""
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = ''"
    with psycopg.connect(conninfo) as connection:
        return sorted(name for (name,) in connection.execute(query, [table]).fetchall())


def texts(conninfo: str, table: str) -> list[list[str]]:
    """The rows of a table as text, by the same columns; NULL as nothing."""
    names = (sql.SQL("format('%s', {})").format(sql.Identifier(name)) for name in columns(conninfo, table))
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(names), sql.SQL(table))
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET lc_monetary = 'C'")
        return [list(row) for row in connection.execute(query).fetchall()]


def loose_keys(conninfo: str) -> None:
    """Drop the foreign keys."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        keys = connection.execute(
            "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint"
            " WHERE contype = 'f' AND conparentid = 0"
        ).fetchall()
        for (statement,) in keys:
            connection.execute(statement)


def test_csv_is_read_by_anybody(shop: Control, export: Exporting, tmp_path: Path, elsewhere: str) -> None:
    """By \\copy with NULL and the empty text told apart, and by Python's csv, whose rows are those of the source."""
    outcome = export("csv", "out")
    source = shop.hosts["shop"]["database"]
    loose_keys(elsewhere)
    for name, file in zip(NAMES, FILES, strict=True):
        path = tmp_path / "out" / f"{file}.csv"
        with path.open(encoding="utf-8", newline="") as lines:
            header, *found = csv.reader(lines, strict=True)
        assert header == columns(source, name)
        if len(header) > 1:
            assert sorted(found) == sorted(texts(source, name))
        quoted = ", ".join(f'"{each.replace(chr(34), chr(34) * 2)}"' for each in header)
        psql(elsewhere, f"\\copy {name} ({quoted}) FROM '{path}' WITH (FORMAT csv, HEADER)")
    assert content(elsewhere, NAMES) == content(source, NAMES)
    assert any("cells of text begin with" in warning or "cell of text" in warning for warning in outcome.warnings)
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert all(f"{file}.csv" in readme for file in FILES)


def test_csv_for_spreadsheets(export: Exporting, tmp_path: Path) -> None:
    """A byte order mark, a text that stands for NULL, no formula, and all of it in one zip."""
    export("csv", "out.zip", bom=True, null_text="NULL", safe_for_spreadsheets=True, tables=["kinds"])
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        text = archive.read("kinds.csv")
        assert "has a ' in front" in archive.read("README.md").decode()
    assert text.startswith("\ufeff".encode())
    assert b',"",NULL,' in text  # the empty text is told from NULL
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))
    assert [row["t"] for row in rows if row["id"] == "4"] == ["'=1+1"]
    assert [row["n"] for row in rows if row["id"] == "3"] == ["-0.10"]  # a number is no formula
    assert [row["b"] for row in rows if row["id"] == "3"] == ["NULL"]


def test_json_lines_lose_nothing(shop: Control, export: Exporting, tmp_path: Path, elsewhere: str) -> None:
    """Python's json reads them, each type in its form; PostgreSQL makes rows of them that are those of the source."""
    export("jsonl", "out", compress=True)
    assert "| org.jsonl.gz | org | 3 | id |" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    source = shop.hosts["shop"]["database"]
    loose_keys(elsewhere)
    found = {}
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        for name, file in zip(NAMES, FILES, strict=True):
            lines = gzip.decompress((tmp_path / "out" / f"{file}.jsonl.gz").read_bytes()).decode().splitlines()
            found[name] = [json.loads(line) for line in lines]
            names = sql.SQL(", ").join(map(sql.Identifier, columns(source, name)))
            loading = (
                "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM json_populate_record(NULL::{0}, %s)"
            )
            query = sql.SQL(loading).format(sql.SQL(name), names)
            connection.cursor().executemany(query, [(line,) for line in lines])
    expected = dict(content(source, NAMES))
    # white space within json; and null, which the loading takes for NULL
    kinds = [re.sub(r",\\n ", ",  ", line).replace("\tnull\t", "\t\\N\t") for line in expected["kinds"]]
    expected["kinds"] = sorted(kinds)
    assert content(elsewhere, NAMES) == expected
    row = next(each for each in found["kinds"] if each["id"] == "9007199254740993")
    assert row["n"] == "12345678901234567890.123400"
    assert [each.get("j", "NULL") for each in found["kinds"] if each["id"] in "234"] == [None, "NULL", 1]
    assert (row["i"], row["b"], row["f"], row["r"]) == (-2147483648, True, 0, "NaN")
    assert (row["tz"], row["ts"], row["x"]) == ("2026-02-03T02:05:06.789Z", "infinity", "\\x00ff5c")
    assert (row["ia"], row["na"]) == ([[1, None], [3, 4]], ["1.10", "NaN"])
    assert row["ta"] == ["", "NULL", None, '{,}"\\', "n\nt\t"]
    assert (row["jb"], row["ja"]) == ({"b": [1.1, None, '"é']}, [{"q": 'a"b'}])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "sql", "copy"])
def test_the_same_rows_give_the_same_bytes(export: Exporting, tmp_path: Path, kind: str) -> None:
    """Compressed files too, so that a second export can be compared with the first."""
    to = "{}.sql.gz" if kind in {"sql", "copy"} else "{}"
    for name in ("one", "two"):
        export(kind, to.format(name), **({} if kind in {"sql", "copy"} else {"compress": True}))
    places = [tmp_path / to.format(name) for name in ("one", "two")]
    one, two = ([path] if path.is_file() else sorted(path.iterdir()) for path in places)
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
