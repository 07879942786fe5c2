"""Restoring over a schema that has moved on: all drift is listed before any write, and answers carry the rows over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.invoking import invoke, playbook
from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.sweeps import covering
from toolkit.errors import InputError, RefusedError
from toolkit.model.outcome import Outcome

ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text, size integer)"
RULES = {"items": {"owned_by": ["tenant"]}}
HOSTS = pytest.mark.parametrize("host", ["target", "superuser"])


def drifted(make_pair: MakePair, values: str, *statements: str) -> Pair:
    """Items that the source has, and what happened to the target's schema."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.source, f"INSERT INTO items VALUES {values}")
    execute(pair.target, *statements)
    return pair


def refused(pair: Pair, **answers: Any) -> tuple[str, ...]:
    """The reasons for which a restore is refused, in check mode and otherwise; checks that nothing is changed."""
    state, manifest = pair.state(), pair.backup()
    reasons = []
    for check in (True, False):
        with pytest.raises(RefusedError) as refusal:
            pair.control.restore("target", manifest, "mirror", check=check, **answers)
        reasons.append(refusal.value.reasons)
    assert refusal.value.exit_code == 4
    assert reasons[0] == reasons[1]
    assert pair.state() == state
    return reasons[0]


def problems(pair: Pair, **answers: Any) -> list[str]:
    """What is wrong with answers; checks that nothing is changed."""
    state = pair.state()
    with pytest.raises(InputError) as error:
        pair.restore(**answers)
    assert pair.state() == state
    return [str(problem) for problem in error.value.problems]


def restored(pair: Pair, mode: str = "mirror", host: str = "target", **answers: Any) -> Outcome:
    """Restore, after a check that must promise the same, and before another one that must find nothing to do."""
    manifest = pair.backup()
    planned = pair.control.restore(host, manifest, mode, check=True, **answers)
    done = pair.control.restore(host, manifest, mode, **answers)
    for what in ("inserts", "updates", "deletes", "unchanged", "kept", "conflicts"):
        assert planned.facts[what] == done.facts[what]
    state = pair.state()
    again = pair.control.restore(host, manifest, mode, **answers)
    assert not again.changed
    assert pair.state() == state
    return done


def test_all_drift_is_listed(make_pair: MakePair) -> None:
    """Every table, column, type, label and key that does not fit is named at once, with counts and keys."""
    pair = make_pair(
        {**RULES, "gone": {"owned_by": ["tenant"]}, "keyed": {"owned_by": ["tenant"]}, "plain": {"owned_by": ["t"]}},
        ITEMS,
        "CREATE TABLE gone (id integer PRIMARY KEY, tenant text REFERENCES tenants)",
        "CREATE TYPE colour AS ENUM ('red', 'blue')",
        "CREATE TABLE keyed (id integer, part integer, tenant text REFERENCES tenants, c colour, d colour[],"
        " PRIMARY KEY (id, part))",
        "CREATE TABLE plain (id integer PRIMARY KEY, t text REFERENCES tenants,"
        " twice integer GENERATED ALWAYS AS (id * 2) STORED)",
    )
    execute(
        pair.source,
        "INSERT INTO items VALUES (1, 'a', 'x', 1), (2, 'a', 'x', 70000), (3, 'a', 'x', NULL), (4, 'b', 'x', -32769)",
        "INSERT INTO gone VALUES (1, 'a'), (2, 'a')",
        "INSERT INTO keyed VALUES (1, 1, 'a', 'blue', '{red}'), (1, 2, 'a', 'red', '{red,blue}')",
        "INSERT INTO plain VALUES (1, 'a')",
    )
    execute(
        pair.target,
        "DROP TABLE gone",
        "ALTER TABLE keyed DROP CONSTRAINT keyed_pkey, DROP c, DROP d, DROP part, ADD PRIMARY KEY (id)",
        "DROP TYPE colour",
        "CREATE TYPE colour AS ENUM ('red')",
        "ALTER TABLE keyed ADD c colour, ADD d colour[]",
        "ALTER TABLE items DROP name, ALTER size TYPE smallint, ADD colour text NOT NULL",
        "ALTER TABLE plain ALTER twice DROP EXPRESSION, DROP CONSTRAINT plain_pkey",
    )
    assert sorted(refused(pair)) == [
        "column items.colour is new, NOT NULL and has no default",
        "column items.name is missing",
        "column items.size is smallint, in the backup integer: 2 rows do not fit, e.g. 2; 4",
        "column keyed.c: public.colour does not have 'blue' any more: 1 rows do not fit, e.g. 1, 1",
        "column keyed.d: public.colour[] does not have '{red,blue}' any more: 1 rows do not fit, e.g. 1, 2",
        "column keyed.part is missing",
        "column plain.twice is no longer generated; the backup has no values of it",
        "table gone is missing; the backup has 2 rows of it",
        "table plain has no key, in the backup the key (id)",
    ]
    assert pair.control.verify("target", pair.backup()).exit_code == 6


@pytest.mark.parametrize("mode", ["merge", "mirror"])
def test_a_new_column_is_the_targets_own(make_pair: MakePair, mode: str) -> None:
    """An inserted row gets the default of a column that only the target has, an updated one keeps what it has."""
    pair = drifted(
        make_pair,
        "(1, 'a', 'x', 1), (2, 'a', 'y', 2)",
        "ALTER TABLE items ADD colour text NOT NULL DEFAULT 'red' CHECK (colour IS NOT NULL), ADD note text",
        "INSERT INTO items VALUES (2, 'a', 'old', 2, 'green', 'mine')",
    )
    outcome = restored(pair, mode)
    assert (outcome.facts["inserts"], outcome.facts["updates"]) == (1, 1)
    assert pair.rows("SELECT id, name, colour, note FROM items ORDER BY id") == [
        (1, "x", "red", None),
        (2, "y", "green", "mine"),
    ]
    assert pair.control.verify("target", pair.backup()).exit_code == 0


CONVERSIONS = [  # type of the backup, of the target, values that fit it, and values that do not
    ("integer", "bigint", ["1", "-2147483648"], []),
    ("bigint", "integer", ["2147483647"], ["2147483648"]),
    ("integer", "numeric(5,2)", ["999", "-1"], ["1000"]),
    ("numeric(12,4)", "numeric(12,2)", ["9.5", "'NaN'", "0.1000"], ["9.505"]),
    ("numeric", "integer", ["7.00"], ["7.01", "'NaN'"]),
    ("numeric", "double precision", ["0.1"], ["0.12345678901234567890"]),
    ("double precision", "real", ["0.5", "'-Infinity'"], ["0.1", "1e300"]),
    ("text", "varchar(3)", ["'abc'", "''"], ["'abcd'", "'abc '"]),
    ("text", "character(3)", ["'ab'"], ["'a '", "'abcd'"]),
    ("character(5)", "text", ["'ab'"], []),
    ("text", "integer", ["'7'"], ["'x'", "'007'", "' 7'", "''"]),
    ("integer", "text", ["7"], []),
    ("text", "boolean", ["'t'"], ["'yes'"]),
    ("text", "uuid", ["'0195f3c0-0000-7000-8000-000000000001'"], ["'0195F3C0-0000-7000-8000-000000000001'"]),
    ("timestamp(6)", "timestamp(0)", ["'2026-01-02 03:04:05'"], ["'2026-01-02 03:04:05.5'"]),
    ("timestamp", "timestamptz", ["'2026-01-02 03:04:05.123456'", "'infinity'"], []),
    ("timestamptz", "date", ["'2026-01-02 00:00+00'"], ["'2026-01-02 00:00+01'"]),
    ("date", "timestamp", ["'2026-01-02'"], []),
    ("interval", "interval(0)", ["'1 day 2 seconds'"], ["'1.5 seconds'"]),
    ("jsonb", "text", ["'{\"a\": 1}'"], []),
    ("text", "jsonb", ["'{\"a\": 1}'"], ["'{\"a\":1}'", "'{'"]),
    ("text[]", "varchar(2)[]", ["'{ab,NULL}'"], ["'{abc}'"]),
    ("text", "bytea", ["'\\x00ff'"], ["'x'"]),
    ("text", "public.small", ["'7'"], ["'12'", "'x'"]),
    ("text", 'public."Colour"', ["'red'"], ["'blue'"]),
]


def test_values_that_fit_another_type_are_carried_over(make_pair: MakePair) -> None:
    """Widened or narrowed: what means the same in the new type is restored, anything else counted and named."""
    pair = make_pair(
        {f"t{number}": {"owned_by": ["tenant"]} for number in range(len(CONVERSIONS))},
        "CREATE DOMAIN small AS integer CHECK (VALUE < 10)",
        "CREATE TYPE \"Colour\" AS ENUM ('red')",
    )
    table = "CREATE TABLE t{} (id integer PRIMARY KEY, tenant text REFERENCES tenants, v {})"
    for number, (before, after, fitting, _) in enumerate(CONVERSIONS):
        execute(pair.source, table.format(number, before))
        execute(pair.target, table.format(number, after))
        for key, value in enumerate(["NULL", *fitting]):
            execute(pair.source, f"INSERT INTO t{number} VALUES ({key}, 'a', {value})")
    assert restored(pair).facts["inserts"] == sum(1 + len(fitting) for _, _, fitting, _ in CONVERSIONS)
    assert pair.control.verify("target", pair.backup()).exit_code == 0
    for number, (before, after, fitting, _) in enumerate(CONVERSIONS):
        for key, value in enumerate(fitting):
            output = "concat(v)" if after == "boolean" else "v"
            query = f"SELECT v::text, {output}::{before} = {value} FROM t{number} WHERE id = {key + 1}"
            ((found, back),) = pair.rows(query)
            assert back, f"{before} → {after}: {value} became {found}"
    for number, (_, _, _, others) in enumerate(CONVERSIONS):
        for key, value in enumerate(others):
            execute(pair.source, f"INSERT INTO t{number} VALUES ({100 + key}, 'a', {value})")
    expected = {
        f"t{number}.v": (len(others), "; ".join(str(100 + key) for key in range(len(others))[:3]))
        for number, (_, _, _, others) in enumerate(CONVERSIONS)
        if others
    }
    for reason in refused(pair):
        column, _, rest = reason.removeprefix("column ").partition(" is ")
        rows, keys = expected.pop(column)
        assert rest.endswith(f": {rows} rows do not fit, e.g. {keys}")
    assert not expected


@HOSTS
def test_renamed_tables_and_columns(make_pair: MakePair, host: str) -> None:
    """Rows go where their table and columns are called now, references, sequences and scope with them."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}, "parts": {"owned_by": ["item"]}},
        "CREATE TABLE items (id serial PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text, size integer)",
        "CREATE TABLE parts (id integer PRIMARY KEY, item integer NOT NULL REFERENCES items)",
    )
    execute(
        pair.source,
        "INSERT INTO items (tenant, name, size) VALUES ('a', 'x', 1), ('a', 'y', 2), ('b', 'z', 3)",
        "INSERT INTO parts VALUES (1, 1), (2, 3)",
    )
    execute(
        pair.target,
        "ALTER TABLE items RENAME TO goods",
        "ALTER TABLE goods RENAME name TO size2",
        "ALTER TABLE goods RENAME size TO name",
        "ALTER TABLE goods RENAME size2 TO size",
        "ALTER TABLE parts RENAME item TO good",
        "ALTER SEQUENCE items_id_seq RENAME TO goods_id_seq",
        "INSERT INTO goods VALUES (2, 'a', 'old', 9), (9, 'a', 'other', 9)",
    )
    catalog = pair.control.directory / "inventory" / "catalogs" / "application.yml"
    manifest = pair.backup()
    text = catalog.read_text(encoding="utf-8").replace('"items"', '"goods"').replace('["item"]', '["good"]')
    catalog.write_text(text, encoding="utf-8")
    rename = {"items": "goods", "items.name": "size", "items.size": "name", "parts.item": "good"}
    outcome = pair.control.restore(host, manifest, "mirror", rename=rename)
    assert [outcome.facts[name] for name in ("inserts", "updates", "deletes")] == [4, 1, 1]
    assert pair.rows("SELECT id, size, name FROM goods ORDER BY id") == [(1, "x", 1), (2, "y", 2), (3, "z", 3)]
    assert pair.rows("SELECT id, good FROM parts ORDER BY id") == [(1, 1), (2, 3)]
    assert pair.rows("SELECT last_value FROM goods_id_seq") == [(3,)]
    assert not pair.control.restore(host, manifest, "mirror", rename=rename).changed
    one = pair.control.restore(host, manifest, "mirror", rename=rename, businesses=["b"])
    assert not one.changed


@HOSTS
def test_columns_are_dropped_where_that_is_said(make_pair: MakePair, host: str) -> None:
    """A column that the target has lost is passed over if the task says so, and the rest compared."""
    pair = drifted(
        make_pair,
        "(1, 'a', 'x', 1), (2, 'a', 'y', 2)",
        "ALTER TABLE items DROP name",
        "INSERT INTO items VALUES (1, 'a', 1), (2, 'a', 9)",
    )
    assert refused(pair) == ("column items.name is missing",)
    outcome = restored(pair, host=host, drop_columns=["items.name"])
    assert [outcome.facts[name] for name in ("inserts", "updates", "unchanged")] == [0, 1, 3]
    assert pair.rows("SELECT id, size FROM items ORDER BY id") == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("mode", "given"),
    covering(("merge", "mirror"), (("text", "shop"), ("integer", 7), ("boolean", True), ("jsonb", {"a": [1]}))),
)
def test_defaults_fill_columns_that_the_backup_does_not_have(
    make_pair: MakePair, mode: str, given: tuple[str, Any]
) -> None:
    """A new NOT NULL column gets the task's value in rows that are inserted; others keep theirs."""
    kind, value = given
    pair = drifted(
        make_pair,
        "(1, 'a', 'x', 1), (2, 'a', 'y', 2)",
        f"ALTER TABLE items ADD channel {kind}",
        "INSERT INTO items SELECT 2, 'a', 'old', 2, (ARRAY[NULL::text])[1]::jsonb #>> '{}'"
        if kind == "text"
        else "INSERT INTO items VALUES (2, 'a', 'old', 2)",
    )
    own = {"text": "'web'", "integer": "1", "boolean": "false", "jsonb": "'0'"}[kind]
    execute(pair.target, f"UPDATE items SET channel = {own}", "ALTER TABLE items ALTER channel SET NOT NULL")
    assert refused(pair) == ("column items.channel is new, NOT NULL and has no default",)
    restored(pair, mode, defaults={"items.channel": value})
    assert pair.rows("SELECT name, channel FROM items WHERE id = 1") == [("x", value)]
    assert pair.rows(f"SELECT name, channel = {own} FROM items WHERE id = 2") == [("y", True)]


def test_defaults_take_the_place_of_null(make_pair: MakePair) -> None:
    """A column that may not be NULL any more: rows without a value are conflicts, or get the task's value."""
    pair = drifted(make_pair, "(1, 'a', 'x', 1), (2, 'a', NULL, 2)", "ALTER TABLE items ALTER name SET NOT NULL")
    assert pair.restore(check=True).exit_code == 4
    restored(pair, defaults={"items.name": "nameless"})
    assert pair.rows("SELECT id, name FROM items ORDER BY id") == [(1, "x"), (2, "nameless")]


def test_an_enum_label_matters_only_where_it_is_used(make_pair: MakePair) -> None:
    """Labels that the target lacks are no drift while no row of the backup has them."""
    pair = make_pair(
        {"items": {"owned_by": ["tenant"]}},
        "CREATE TYPE colour AS ENUM ('red', 'blue')",
        "CREATE TABLE items (id integer PRIMARY KEY, tenant text REFERENCES tenants, c colour)",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'red'), (2, 'a', NULL)")
    execute(
        pair.target,
        "ALTER TABLE items DROP c",
        "DROP TYPE colour",
        "CREATE TYPE colour AS ENUM ('green', 'red')",
        "ALTER TABLE items ADD c colour",
    )
    restored(pair)
    execute(pair.source, "INSERT INTO items VALUES (3, 'b', 'blue')")
    assert refused(pair) == ("column items.c: public.colour does not have 'blue' any more: 1 rows do not fit, e.g. 3",)


def test_generated_columns_come_and_go(make_pair: MakePair) -> None:
    """A column that is generated now must come out as it was; one that no longer is needs values."""
    pair = drifted(
        make_pair,
        "(1, 'a', '2', 2), (2, 'a', '4', 4)",
        "ALTER TABLE items DROP name, ADD name text GENERATED ALWAYS AS ((size * 1)::text) STORED",
    )
    restored(pair)
    execute(pair.source, "UPDATE items SET name = 'four' WHERE id = 2")
    assert refused(pair) == ("column items.name is generated, and comes out otherwise: 1 rows do not fit, e.g. 2",)
    restored(pair, drop_columns=["items.name"])
    execute(pair.source, "ALTER TABLE items DROP size, ADD size integer GENERATED ALWAYS AS (id * 10) STORED")
    execute(pair.target, "ALTER TABLE items DROP name, ADD name text")
    assert refused(pair) == ("column items.size is no longer generated; the backup has no values of it",)
    restored(pair, defaults={"items.size": None})
    assert pair.rows("SELECT size FROM items ORDER BY id") == [(2,), (4,)]


def test_another_key_tells_rows_apart_or_is_refused(make_pair: MakePair) -> None:
    """Rows go by the target's key if it tells those of the backup apart."""
    pair = drifted(
        make_pair,
        "(1, 'a', 'x', 1), (2, 'a', 'y', 1), (3, 'b', 'x', 2)",
        "ALTER TABLE items DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (tenant, name)",
        "INSERT INTO items VALUES (9, 'a', 'y', 9), (8, 'a', 'z', 8)",
    )
    outcome = restored(pair)
    assert [outcome.facts[name] for name in ("inserts", "updates", "deletes")] == [2, 1, 1]
    execute(pair.source, "INSERT INTO items VALUES (4, 'b', 'x', 3)")
    assert refused(pair) == ("table items has the key (tenant, name): 2 rows are not told apart, e.g. b, x",)


def test_rows_without_a_key_are_reshaped_too(make_pair: MakePair) -> None:
    """Equal rows of a table without a key come back as often as they were, in another type."""
    pair = make_pair(
        {"logs": {"owned_by": ["tenant"]}}, "CREATE TABLE logs (tenant text REFERENCES tenants, n integer)"
    )
    execute(pair.source, "INSERT INTO logs VALUES ('a', 1), ('a', 1), ('a', NULL)")
    execute(pair.target, "ALTER TABLE logs ALTER n TYPE numeric(6,2)", "INSERT INTO logs VALUES ('a', 1)")
    restored(pair)
    assert pair.rows("SELECT n::text FROM logs ORDER BY n") == [("1.00",), ("1.00",), (None,)]


def test_answers_that_answer_nothing_are_errors(make_pair: MakePair) -> None:
    """Unknown tables and columns, and answers that nothing asks for, are all named, with their place."""
    pair = drifted(make_pair, "(1, 'a', 'x', 1)", "ALTER TABLE items ADD colour text NOT NULL DEFAULT 'red'")
    assert problems(
        pair,
        rename={
            "itmes": "goods",
            "items.nmae": "colour",
            "items.name": "nothing",
            "items.size": "size",
            "items.id": "name",
            "tenants": "items",
        },
        drop_columns=["items.tenant", "items.none", "gone.x", "items.name"],
        defaults={
            "items.shape": "x",
            "nowhere.x": 1,
            "items.colour": None,
        },
    ) == [
        "restore.rename.itmes: the backup has no table 'itmes'; did you mean items?",
        "restore.rename.items.nmae: table items of the backup has no column 'nmae'",
        "restore.rename.items.size: it has this name already",
        "restore.rename.tenants: table items of the backup is called items too",
        "restore.rename.items.name: table items of the target has no column 'nothing'",
        "restore.drop_columns.items.none: table items of the backup has no column 'none'",
        "restore.drop_columns.gone.x: the backup has no table 'gone'",
        "restore.drop_columns.items.name: it is renamed as well",
        "restore.defaults.items.shape: table items of the target has no column 'shape'",
        "restore.defaults.nowhere.x: the target has no table 'nowhere'",
        "restore.drop_columns.items.tenant: the target has this column: there is nothing to drop",
        "restore.defaults.items.colour: this column may not be NULL",
    ]
    assert problems(pair, defaults={"items.colour": "x", "tenants.demo": True}) == [
        "restore.defaults.tenants.demo: the backup has values of this column"
    ]


def test_wrong_answers_are_shown_with_their_place_in_the_playbook(make_pair: MakePair) -> None:
    """A run ends with exit code 2 and says which file, line and argument is wrong."""
    pair = drifted(make_pair, "(1, 'a', 'x', 1)")
    label = pair.backup().metadata.label
    task = f"restore: {{from: {label}, mode: merge, drop_columns: [items.nmae]}}"
    path = playbook(pair.control.directory, "debug: {msg: first}", task, hosts="target")
    ran = invoke("run", str(path), "--inventory", str(pair.control.directory / "inventory"))
    assert ran.code == 2
    place = f"{path}:4: [0].tasks[1].restore.drop_columns.items.nmae"
    assert f"{place}: table items of the backup has no column 'nmae'" in ran.text


def test_a_default_that_its_column_cannot_hold_is_an_error(make_pair: MakePair) -> None:
    """The value of an answer is tried before anything else."""
    pair = drifted(make_pair, "(1, 'a', 'x', 1)", "ALTER TABLE items ADD price numeric(4,2)")
    assert problems(pair, defaults={"items.price": "dear"}) == [
        'restore.defaults.items.price: invalid input syntax for type numeric: "dear"'
    ]


def test_verification_follows_drift_that_needs_no_answer(make_pair: MakePair) -> None:
    """Where types have changed the rows are compared as the new type; what does not fit is said."""
    pair = drifted(make_pair, "(1, 'a', 'x', 1), (2, 'a', 'y', 2)", "ALTER TABLE items ALTER size TYPE numeric(9,2)")
    manifest = pair.backup()
    pair.control.restore("target", manifest, "mirror")
    assert pair.control.verify("target", manifest).exit_code == 0
    execute(pair.target, "UPDATE items SET size = 2.5 WHERE id = 2")
    (line,) = pair.control.verify("target", manifest).details
    assert line.startswith("items: ")
    assert "1 changed" in line
    execute(pair.target, "ALTER TABLE items ALTER size TYPE numeric(9,2)[] USING NULL")
    (line,) = pair.control.verify("target", manifest).details
    assert line == (
        "items: differs: column items.size is numeric(9,2)[], in the backup integer: 2 rows do not fit, e.g. 1; 2"
    )


def test_other_columns_tell_rows_apart_in_the_same_table(make_pair: MakePair) -> None:
    """A key in another order, and a column more in a table without a key, change nothing about the rows of a backup."""
    pair = make_pair(
        {name: {"owned_by": ["tenant"]} for name in ("parts", "logs")},
        "CREATE TABLE parts (tenant text REFERENCES tenants, n integer, PRIMARY KEY (tenant, n))",
        "CREATE TABLE logs (tenant text REFERENCES tenants, line text)",
    )
    execute(pair.source, "INSERT INTO parts VALUES ('a', 2), ('b', 1)", "INSERT INTO logs VALUES ('a', 'x')")
    execute(
        pair.target, "ALTER TABLE parts DROP CONSTRAINT parts_pkey", "ALTER TABLE parts ADD PRIMARY KEY (n, tenant)"
    )
    execute(pair.target, "ALTER TABLE logs ADD extra integer")
    manifest = pair.backup()
    assert pair.control.restore("target", manifest, "mirror").facts["inserts"] == 3
    assert not pair.control.restore("target", manifest, "mirror").changed
    assert pair.control.verify("target", manifest).exit_code == 0
