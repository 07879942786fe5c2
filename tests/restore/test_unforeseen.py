"""What no plan can foresee is named in it, and only where it applies; rows without a partition are foreseen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control import execute
from tests.restore.conftest import MakePair, Pair
from tests.restore.test_conflicts import refused
from toolkit.errors import RefusedError
from toolkit.model.outcome import Outcome
from toolkit.wording import counted

RULES: dict[str, Any] = {"items": {"owned_by": ["tenant"]}}
ITEMS = "CREATE TABLE items (id integer PRIMARY KEY, tenant text NOT NULL REFERENCES tenants, name text)"
ROWS = "INSERT INTO items VALUES (1, 'a', 'one'), (2, 'b', 'two')"
FUNCTION = "CREATE FUNCTION {} RETURNS {} LANGUAGE plpgsql {} AS $$ BEGIN RETURN {}; END $$"


def named(outcome: Outcome) -> list[str]:
    """What a plan names as unforeseen, in its text as in its document."""
    assert outcome.plan is not None
    lines = [line.removeprefix("cannot be foreseen: ") for line in outcome.details if line.startswith("cannot be")]
    assert lines == outcome.plan["unforeseen"]
    return lines


def foreseen(pair: Pair, **arguments: Any) -> list[str]:
    """What check mode names; the restore itself names the same, and a second one, which writes nothing, nothing."""
    manifest = pair.backup()
    found = named(pair.restore(of=manifest, check=True, **arguments))
    assert named(pair.restore(of=manifest, **arguments)) == found
    assert named(pair.restore(of=manifest, **arguments)) == []
    return found


def test_triggers_that_fire(make_pair: MakePair) -> None:
    """Triggers that would fire for what this plan does are named; those of other tables and other events are not."""
    pair = make_pair(
        {**RULES, "others": {"owned_by": ["tenant"]}},
        ITEMS,
        ITEMS.replace("items", "others"),
        FUNCTION.format("f()", "trigger", "", "coalesce(NEW, OLD)"),
        *(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION f()"
            for name, event, table in (
                ("adding", "INSERT", "items"),
                ("changing", "UPDATE", "items"),
                ("off", "INSERT", "items"),
                ("elsewhere", "INSERT", "others"),
            )
        ),
        "ALTER TABLE items DISABLE TRIGGER off",
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION f()",
    )
    execute(pair.source, ROWS)
    assert named(pair.restore(check=True)) == []
    assert foreseen(pair, triggers="fire") == [
        "trigger adding of table items fires, and may refuse or change rows, also of other tables",
        "trigger late of table items fires when all rows are written, and may refuse or change rows, also of other"
        " tables",
    ]


def test_expressions_that_are_not_immutable(make_pair: MakePair) -> None:
    """What constraints, domains, generated columns and indexes of written tables ask at the time is named."""
    pair = make_pair(
        RULES,
        ITEMS,
        *(
            FUNCTION.format(f"{name}(text)", "boolean", "IMMUTABLE", "true")
            for name in ("asked", "of_domain", "of_column", "of_index")
        ),
        "ALTER TABLE items ADD CONSTRAINT asking CHECK (asked(name))",
        "ALTER TABLE items ADD CONSTRAINT timely CHECK (now() > '-infinity' AND CURRENT_DATE > '-infinity')",
        "CREATE DOMAIN inner_one AS text CONSTRAINT inside CHECK (of_domain(VALUE))",
        "CREATE DOMAIN outer_one AS inner_one",
        "ALTER TABLE items ALTER name TYPE outer_one, ADD g boolean GENERATED ALWAYS AS (of_column(name)) STORED",
        "CREATE INDEX partly ON items (id) WHERE of_index(name)",
    )
    execute(pair.source, ROWS)
    assert named(pair.restore(check=True)) == [
        "constraint timely of table items depends on now, the clock, which need not answer then as now"
    ]
    pair.fill("ALTER FUNCTION asked STABLE", *(f"ALTER FUNCTION of_{name} VOLATILE" for name in ("domain", "column")))
    pair.fill("ALTER FUNCTION of_index STABLE")
    assert [line.removesuffix(", which need not answer then as now") for line in foreseen(pair)] == [
        "constraint asking of table items depends on asked",
        "constraint inside of domain inner_one of table items depends on of_domain",
        "constraint timely of table items depends on now, the clock",
        "generated column g of table items depends on of_column",
        "index partly of table items depends on of_index",
    ]


def test_a_rule(make_pair: MakePair) -> None:
    """A rule for what the plan does is named where triggers are to fire; else it is silent like them."""
    pair = make_pair(RULES, ITEMS, "CREATE RULE r AS ON INSERT TO items DO ALSO NOTIFY told")
    execute(pair.source, ROWS)
    assert named(pair.restore(check=True)) == []
    assert foreseen(pair, triggers="fire") == [
        "rule r of table items applies, and may refuse or change rows, also of other tables"
    ]


def test_plain_schemas_are_foreseen(make_pair: MakePair) -> None:
    """Checks, indexes and generated columns of the server's own functions, dates and formats too, name nothing."""
    pair = make_pair(
        RULES,
        ITEMS,
        "ALTER TABLE items ADD at timestamptz DEFAULT now(), ADD day date, ADD CHECK (day IS NULL OR day <= at),"
        " ADD CHECK (concat(name, at::date) <> ''), ADD g text GENERATED ALWAYS AS (lower(name)) STORED",
        "CREATE UNIQUE INDEX ON items (lower(name)) WHERE name ~ '^[a-z]'",
    )
    execute(pair.source, "INSERT INTO items VALUES (1, 'a', 'one')")
    assert foreseen(pair) == []


def test_what_is_computed_from_a_column_that_the_backup_lacks(make_pair: MakePair) -> None:
    """A constraint of a generated column is named where that is computed from a value which the server fills in."""
    pair = make_pair(RULES, ITEMS)
    execute(
        pair.target,
        "ALTER TABLE items ADD extra integer DEFAULT -5, ADD g integer GENERATED ALWAYS AS (extra + 1) STORED",
        "ALTER TABLE items ADD CONSTRAINT computed CHECK (g > 0), ADD CONSTRAINT single UNIQUE (g)",
    )
    execute(pair.source, ROWS)
    assert named(pair.restore(check=True)) == [
        "constraint computed of table items depends on extra, which the backup does not have",
        "unique key single of table items depends on extra, which the backup does not have",
    ]


PARTED = "CREATE TABLE items (id integer, tenant text REFERENCES tenants, day date, kind text) PARTITION BY {}"


@pytest.mark.parametrize(
    ("by", "partitions", "outside"),
    [
        (
            "RANGE (day)",
            ("FOR VALUES FROM ('2026-01-01') TO ('2026-03-01')", "FOR VALUES FROM ('2026-03-01') TO ('2026-05-01')"),
            3,
        ),
        ("LIST (kind)", ("FOR VALUES IN ('x', NULL)",), 2),
        ("LIST (lower(kind))", ("FOR VALUES IN ('x')", "FOR VALUES IN ('y')"), 1),
        ("HASH (id)", ("FOR VALUES WITH (MODULUS 2, REMAINDER 0)", "FOR VALUES WITH (MODULUS 2, REMAINDER 1)"), 0),
        ("LIST (kind)", ("DEFAULT",), 0),
        ("LIST (kind)", ("DEFAULT", "FOR VALUES IN ('x')"), 0),
        ("LIST (kind)", (), 5),
    ],
)
def test_rows_without_a_partition(make_pair: MakePair, by: str, partitions: tuple[str, ...], outside: int) -> None:
    """Rows that no partition of the target takes are conflicts of the plan, and exactly these are put aside."""
    pair = make_pair(RULES, PARTED.format(by))
    for number, values in enumerate(partitions):
        execute(pair.target, f"CREATE TABLE part_{number} PARTITION OF items {values}")
    kind = "DEFAULT" if "HASH" not in by else "FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
    execute(pair.source, f"CREATE TABLE whole PARTITION OF items {kind}")
    execute(
        pair.source,
        "INSERT INTO items VALUES (1, 'a', '2026-02-01', 'x'), (2, 'a', '2026-04-01', 'Y'),"
        " (3, 'b', '2026-05-01', NULL), (4, 'b', NULL, 'X'), (5, 'a', '2025-01-01', 'x')",
    )
    if not outside:
        manifest = pair.backup()
        assert pair.restore(of=manifest, check=True).exit_code == 0
        assert pair.restore(of=manifest).facts["inserts"] == 5
        return
    [conflict] = refused(pair)
    assert f"items: the table has no partition on the target that takes them: {counted(outside, 'row')}" in conflict
    done = pair.restore(on_error="quarantine")
    assert (done.exit_code, pair.rows("SELECT count(*) FROM items")) == (3, [(5 - outside,)])


NEW = [
    pytest.param("k integer NOT NULL DEFAULT 7 UNIQUE", "unique key items_k_key", id="unique"),
    pytest.param("k integer DEFAULT 7 CHECK (k > 10 OR name = 'one')", "constraint items_check", id="check"),
    pytest.param("k text DEFAULT 'z' REFERENCES tenants", "constraint items_k_fkey", id="foreign key"),
    pytest.param(
        "k integer GENERATED ALWAYS AS IDENTITY (START 2 MAXVALUE 2) UNIQUE", "unique key items_k_key", id="identity"
    ),
]


@pytest.mark.parametrize("host", ["target", "superuser"])
@pytest.mark.parametrize(("column", "what"), NEW)
def test_values_that_only_the_target_gives(make_pair: MakePair, column: str, what: str, host: str) -> None:
    """A constraint over a default of a column that the backup lacks is named; rows that break it are refused."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.target, f"ALTER TABLE items ADD {column}")
    execute(pair.source, ROWS)
    state, manifest = pair.state(), pair.backup()
    expected = [f"{what} of table items depends on k, which the backup does not have"]
    assert named(pair.restore(of=manifest, host=host, check=True)) == expected
    with pytest.raises(RefusedError):
        pair.restore(of=manifest, host=host)
    assert pair.state() == state


def test_a_new_column_without_values_is_foreseen(make_pair: MakePair) -> None:
    """Rows that are inserted have NULL in a new column without default: a CHECK is tried on that beforehand."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.target, "ALTER TABLE items ADD k integer UNIQUE REFERENCES items, ADD CHECK (k > 0)")
    execute(pair.source, ROWS)
    assert named(pair.restore(check=True)) == []
    execute(pair.target, "ALTER TABLE items ADD CONSTRAINT told CHECK (k IS NOT NULL OR name = 'two')")
    assert ["constraint told says" in each and "e.g. 1" in each for each in refused(pair)] == [True]


@pytest.mark.parametrize("drift", ["", ", ALTER name TYPE varchar(20)"])
@pytest.mark.parametrize("check", [False, True])
def test_a_generated_column_that_cannot_be_computed_is_named(make_pair: MakePair, drift: str, *, check: bool) -> None:
    """Where a generated column of the target ends in an error, table, column and server's words are told at once."""
    pair = make_pair(RULES, ITEMS)
    execute(pair.target, f"ALTER TABLE items ADD g integer GENERATED ALWAYS AS (10 / (id - 2)) STORED{drift}")
    execute(pair.source, ROWS)
    with pytest.raises(RefusedError) as refusal:
        pair.restore(check=check, on_error="quarantine")
    assert "table items" in refusal.value.message
    which = "some row" if drift else "row 2"
    said = f"generated columns g cannot be computed for {which} of the backup: division by zero"
    assert refusal.value.reasons == (said,)
