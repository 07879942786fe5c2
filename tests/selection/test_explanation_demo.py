"""Explanations and leaks of the reference application, whose rows' true owners are known."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from tests.control import execute
from tests.installed import copied_database
from tests.traps import set_traps
from toolkit.config import catalog as catalogs
from toolkit.demo import true_owners
from toolkit.errors import InputError
from toolkit.model.catalog import Catalog
from toolkit.model.scope import BackupType, Demo, Scope
from toolkit.postgres.selection.explanation import Explainer
from toolkit.postgres.selection.leaks import find_leaks
from toolkit.postgres.selection.row_lookup import find_row, table_named
from toolkit.postgres.selection.snapshot import consistent_snapshot
from toolkit.postgres.servers.embedded import EmbeddedServer
from toolkit.postgres.session.connection import Connection, connect
from toolkit.shipped import DEMO_INVENTORY

CATALOG = DEMO_INVENTORY / "catalogs" / "multi-business.yml"
WHOLE, ALL, ONLY = Scope(), Scope(demo=Demo.INCLUDE), Scope(demo=Demo.ONLY)
UMOJA = Scope(businesses=("biz-umoja-grill",))
DEVICE = Scope(type=BackupType.FULL_DEVICE)

Owners = Mapping[str, Mapping[tuple[str, ...], frozenset[str]]]


@pytest.fixture(scope="module")
def owners() -> Owners:
    """For whom the demo made each row."""
    return true_owners()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """How the demo is classified."""
    return catalogs.load(CATALOG)


@pytest.fixture(scope="module")
def demo(demo_template: Callable[[int], str], pg18: EmbeddedServer) -> Iterator[Connection]:
    """A connection to a copy of the small demo, with a person whom nobody points at and an unclassified table.

    Its search path is full of traps.
    """
    name = f"explanation_{uuid.uuid4().hex[:12]}"
    conninfo = copied_database(pg18, name, demo_template(18))
    execute(
        conninfo,
        "CREATE TABLE notes (body text); INSERT INTO notes VALUES ('a'), ('a'), ('b')",
        "CREATE TABLE person AS SELECT * FROM persons LIMIT 1; UPDATE person SET id = 'person-alone'",
        "INSERT INTO persons SELECT * FROM person ON CONFLICT DO NOTHING; DROP TABLE person",
    )
    set_traps(pg18.conninfo(name, user="postgres"))
    with connect(conninfo) as connection:
        yield connection
    pg18.drop_database(name)


def test_owners_are_the_true_owners(demo: Connection, catalog: Catalog, owners: Owners) -> None:
    """The first, middle and last row of every business table belong to those for whom the demo made them."""
    with consistent_snapshot(demo, catalog, ALL, unclassified="warn") as survey:
        explainer = Explainer(demo, survey)
        for table in ("users", "employees", "expense_accounts", "vehicle_trips", "loan_transactions", "menu_items"):
            keys = sorted(owners[table])
            for key in (keys[0], keys[len(keys) // 2], keys[-1]):
                found = explainer.explain(table, key)
                assert {owner.tenant for owner in found.owners} == owners[table][key], (table, key)
                for owner in found.owners:
                    assert owner.path[0].row.values == key
                    assert (owner.path[-1].owner.table, owner.path[-1].owner.values) == ("businesses", (owner.tenant,))


MARKS: Sequence[tuple[Scope, Sequence[tuple[str, str | None, str]]]] = (
    (
        WHOLE,
        (
            ("permissions permission-0", "shared", "its table is shared"),
            ("users user-outsider-0", "unowned", "nobody owns it, and the scope is whole"),
            ("businesses biz-demo-cafe", "referenced", "a demo business, and the scope says demo: exclude"),
            ("persons person-alone", "unowned", "no row points at it, and the scope is whole"),
            ("sync_metrics metric-0-1", None, "device tables are read only by a full-device scope"),
            ("sessions session-0", None, "transient tables are never read"),
            ("notes body=a", None, "table notes is not classified in the catalog file"),
        ),
    ),
    (
        ONLY,
        (
            ("inter_business_loans loan-l-demo", "owned", "owned by Demo Café ☕ (biz-demo-cafe)"),
            ("businesses biz-city-style", "referenced", "not a demo business, and the scope says"),
        ),
    ),
    (
        UMOJA,
        (
            ("projects project-of-nobody", None, "nobody owns it, and the scope names businesses"),
            ("persons person-alone", None, "no row points at it, and the scope names businesses"),
            ("businesses biz-demo-hardware", "referenced", "which the scope does not name"),
        ),
    ),
    (DEVICE, (("sync_metrics metric-0-1", "shared", "a full-device scope takes device tables whole"),)),
)


@pytest.mark.parametrize(("scope", "rows"), MARKS, ids=["whole", "only demo", "named", "full-device"])
def test_every_mark_has_its_reason(
    demo: Connection, catalog: Catalog, scope: Scope, rows: Sequence[tuple[str, str | None, str]]
) -> None:
    """Every mark, and every way not to be taken, comes with its reason."""
    with consistent_snapshot(demo, catalog, scope, unclassified="warn") as survey:
        explainer = Explainer(demo, survey)
        for row, mark, reason in rows:
            table, *words = row.split()
            found = explainer.explain(table, words)
            assert found.mark == mark, row
            assert any(reason in each for each in found.reasons), found.reasons
            if mark == "referenced":
                assert sum(each.taken for each in found.pointing) > 0


def test_people_who_are_pointed_at_are_referenced_even_in_a_whole_table(demo: Connection, catalog: Catalog) -> None:
    """Where all businesses are taken, so is the whole table of persons, but each row keeps its own reason."""
    row = demo.execute('SELECT min("personId") FROM public.project_contractors').fetchone()
    assert row is not None
    with consistent_snapshot(demo, catalog, ALL, unclassified="warn") as survey:
        explainer = Explainer(demo, survey)
        assert explainer.selected.taken["persons"].ids is None
        found, alone = explainer.explain("persons", row), explainer.explain("persons", ["person-alone"])
    assert found.mark == "referenced"
    assert "project_contractors" in {each.table for each in found.pointing}
    assert alone.mark == "unowned"


def test_optional_tables_are_taken_within_their_limit(demo: Connection, catalog: Catalog, owners: Owners) -> None:
    """A row of an optional table is taken where the scope names the table and the limit reaches it."""
    keys, scope = list(owners["audit_logs"])[:3], Scope(demo=Demo.INCLUDE, optional={"audit_logs": 1})
    with consistent_snapshot(demo, catalog, ALL, unclassified="warn") as survey:
        without = Explainer(demo, survey).explain("audit_logs", keys[0])
    assert without.reasons == ("its table is optional, and the scope does not name it", "no taken row points at it")
    with consistent_snapshot(demo, catalog, scope, unclassified="warn") as survey:
        explainer = Explainer(demo, survey)
        found = [explainer.explain("audit_logs", each) for each in keys]
    assert sum(each.mark is None for each in found) >= 2
    reason = "it is not among the newest 1 rows of its table by timestamp"
    assert all(reason in each.reasons for each in found if each.mark is None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "employees primaryBusinessId=biz-stonebridge",
            "several rows .*\nHINT: name the row by its key: employees <id>",
        ),
        ("usres x", "has no table 'usres'\nHINT: did you mean users"),
        ("users", "no row is named"),
        ("users nobody", "table users has no row with id=nobody"),
        ("users a b", "name the row by its key: users <id>"),
        ("receipt_sequences biz-umoja-grill", "receipt_sequences <businessId> <date>"),
        ("business_orders createdAt=soon", "no row of table business_orders can have createdAt=soon: invalid"),
        ("notes a", "notes has no key"),
        ("notes text=a", "notes has no key"),
    ],
)
def test_a_row_that_cannot_be_found_is_one_clear_error(
    demo: Connection, catalog: Catalog, row: str, message: str
) -> None:
    """An unknown table, an unknown row or a key of another shape is named, with what to do."""
    table, *words = row.split()
    with consistent_snapshot(demo, catalog, WHOLE, unclassified="warn") as survey, pytest.raises(InputError) as caught:
        find_row(demo, survey.schema, table_named(survey.schema, table), words)
    assert re.search(message, str(caught.value))


def test_an_unknown_business_is_refused(demo: Connection, catalog: Catalog) -> None:
    """As a backup would refuse it."""
    scope = Scope(businesses=("biz-none",))
    with (
        consistent_snapshot(demo, catalog, scope, unclassified="warn") as survey,
        pytest.raises(InputError, match="no such business"),
    ):
        Explainer(demo, survey)


def test_leaks_are_the_rows_of_several_true_owners(demo: Connection, catalog: Catalog, owners: Owners) -> None:
    """Per table, as many rows have two owners as the demo made for two; no reference to a foreign row is missing."""
    with consistent_snapshot(demo, catalog, ALL, unclassified="warn") as survey:
        found = find_leaks(survey)
        references = survey.links.references
    several = Counter(table for table, rows in owners.items() for each in rows.values() if len(each) > 1)
    assert {each.table: each.rows for each in found.co_owned} == several
    for table in found.co_owned:
        for sample in table.samples:
            key = tuple(str(value) for value in sample.row.values)
            assert set(sample.owners) == owners[table.table][key]
    pairs = Counter[tuple[str, tuple[str, ...]]]()
    for link in references:
        if len(link.columns) == 1 and link.parent_columns == ("id",) and "id" in key_of(demo, link.child):
            query = f'SELECT c.id, c."{link.columns[0]}" FROM public."{link.child}" c'
            for child, parent in demo.execute(query.encode()):
                theirs = owners[link.parent].get((parent,), frozenset())
                pairs[link.child, link.columns] += bool(theirs) and not owners[link.child][(child,)] <= theirs
    told = {(each.table, each.columns): each.pairs for each in found.references}
    assert {key: count for key, count in told.items() if key in pairs} == +pairs
    assert len(+pairs) > 50


def key_of(connection: Connection, table: str) -> set[str]:
    """The columns of a table's primary key."""
    query = (
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indisprimary AND i.indrelid = %s::regclass"
    )
    return {name for (name,) in connection.execute(query, [f'public."{table}"'])}
