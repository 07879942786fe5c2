"""Names of files and values of JSON, as no database needs to tell them."""

from __future__ import annotations

import pytest

from toolkit.formats.file_names import file_names
from toolkit.formats.json_values import encoder


def test_files_are_told_apart_everywhere() -> None:
    """Whatever tables are called, no two files are the same on Windows, and none is a device or goes elsewhere."""
    tables = [
        "orders",
        "Orders",
        "ORDERS~2",
        "con",
        "NUL.x",
        "../up",
        "a/b",
        "a%2Fb",
        "dot.",
        " lead",
        "readme",
        "é",
        "x" * 300,
    ]
    names = list(file_names(tables, ".csv").values())
    assert len({name.casefold() for name in names}) == len(tables)
    assert not any(set(name) & set('<>:"/\\|?*') for name in names)
    assert max(map(len, names)) < 200
    assert {"_con.csv", "_NUL.x.csv", "_readme.csv", "orders~2.csv", "dot%2E.csv", "é.csv"} <= set(names)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("jsonb[]", '{"null","{\\"a\\": 1}"}', '[null, {"a": 1}]'),
        ("jsonb[]", '{NULL,"1"}', '"{NULL,\\"1\\"}"'),
        ("text[]", '{NULL,"NULL",null}', '[null, "NULL", "null"]'),
        ("box[]", "{(1,1),(0,0);(2,2),(0,0)}", '["(1,1),(0,0)", "(2,2),(0,0)"]'),
        ("integer[]", "[2:3]={1,2}", '"[2:3]={1,2}"'),
        ("real", "1e-07", "1e-07"),
        ("double precision", "-Infinity", '"-Infinity"'),
        ("bigint", "1", '"1"'),
        ("timestamp(3) with time zone", "0044-03-15 12:00:00+00 BC", '"0044-03-15 12:00:00+00 BC"'),
        ("timestamp(3) with time zone", "2026-02-03 04:05:06.7+00", '"2026-02-03T04:05:06.7Z"'),
        ("timestamps", "2026-02-03 04:05:06", '"2026-02-03 04:05:06"'),
    ],
)
def test_each_type_has_its_form(kind: str, text: str, expected: str) -> None:
    """A value is JSON by its type, and PostgreSQL's own text where JSON would lose something."""
    assert encoder(kind)(text) == expected
