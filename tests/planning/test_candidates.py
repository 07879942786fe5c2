"""Which rows of a backup come on stage so that businesses can be picked out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from toolkit.model.catalog import TenantTable
from toolkit.model.manifest import RuleEntry, StoredColumn, TableEntry
from toolkit.model.schema import Column, DatabaseSchema, Table
from toolkit.model.schemas import Schemas
from toolkit.planning import candidates
from toolkit.planning.candidates import Candidates, TooMuchError, Wider
from toolkit.planning.links import Links, OwnerLink
from toolkit.planning.picking import Picking
from toolkit.planning.references import ReferenceLink
from toolkit.planning.told_by_text import ToldByText

ROWS = {
    "makers": [b"7\tseven\n", b"8\teight\n", b"9\tnine\n"],
    "items": [b"1\t8\tx\n", b"2\t\\N\tx\n", b"1\t9\tz\n", b"3\t7\ty\n"],
    "orders": [b"1\ta\n", b"2\tb\n", b"3\ta\n"],
    "tenants": [b"a\n", b"b\n"],
}
COLUMNS = {
    "makers": {"id": "integer", "name": "text"},
    "items": {"order_id": "bigint", "maker": "integer", "text": "text"},
    "orders": {"id": "bigint", "tenant": "text"},
    "tenants": {"id": "text"},
}
RULES = {"tenants": "tenant", "orders": "owned", "items": "owned", "makers": "referenced"}


def link(table: str, column: str, source: str) -> OwnerLink:
    """Rows that are owned by the rows of another table."""
    return OwnerLink(table=table, columns=(column,), source=source, source_columns=("id",), total=False, single=False)


def wider(rules: Mapping[str, str] = RULES, types: Mapping[str, Mapping[str, str]] = COLUMNS) -> Wider:
    """A small application."""
    entries = {
        name: TableEntry(
            name=name,
            category="business",
            group="",
            columns=tuple(StoredColumn(name=column, type=kind) for column, kind in types[name].items()),
            key=(),
            rows=len(rows),
            bytes=sum(map(len, rows)),
            digest="",
        )
        for name, rows in ROWS.items()
    }
    tables = {
        name: Table(
            name=name,
            columns=tuple(Column(name=column, type=kind) for column, kind in each.items()),
            primary_key=("id",) if "id" in each else (),
        )
        for name, each in types.items()
    }
    schema = DatabaseSchema(schemas=Schemas(covered=("public",)), tables=tables)
    makers = ReferenceLink(child="items", columns=("maker",), parent="makers", parent_columns=("id",))
    orders = ReferenceLink(child="items", columns=("order_id",), parent="orders", parent_columns=("id",))
    links = Links(
        owners=(link("orders", "tenant", "tenants"), link("items", "order_id", "orders")),
        references=(makers, orders),
    )
    picking = Picking(
        tenant=TenantTable(table="tenants", key="id"),
        rules={name: RuleEntry(kind=kind) for name, kind in rules.items()},  # type: ignore[arg-type]
        links=links,
        owners={},
        referenced={},
        limits={},
    )
    text = ToldByText(entries=entries, target=schema, recorded=schema, loose=())
    return Wider(entries=entries, picking=picking, links=links, text=text, tenants={b"a"})


def staged(found: Candidates) -> tuple[dict[str, list[bytes]], list[str]]:
    """What comes on stage, and the tables as they are read."""
    rows: dict[str, list[bytes]] = {}
    turns = []
    for name in found.turns():
        turns.append(name)
        for data in chunks(ROWS[name]):
            rows.setdefault(name, []).extend(found.among(name, data))
    return rows, turns


def chunks(rows: Sequence[bytes]) -> list[bytes]:
    """Chunks of two rows."""
    return [b"".join(rows[place : place + 2]) for place in range(0, len(rows), 2)]


def test_what_a_business_owns_and_points_at_is_told_by_text() -> None:
    """A NULL leads nowhere, a table is read once, and what is wanted of one that was read is read again."""
    rows, turns = staged(Candidates(wider()))
    assert rows["orders"] == [b"1\ta\n", b"3\ta\n"]
    assert rows["items"] == [b"1\t8\tx\n", b"1\t9\tz\n", b"3\t7\ty\n"]
    assert sorted(rows["makers"]) == ROWS["makers"]
    assert turns == ["tenants", "orders", "items", "makers"]


def test_what_text_does_not_tell_is_taken_whole() -> None:
    """Numbers may be equal under other texts, and what hangs on such rows is not known either."""
    rows, _ = staged(Candidates(wider(types={**COLUMNS, "orders": {"id": "bigint", "tenant": "citext"}})))
    assert rows["orders"] == ROWS["orders"]
    assert rows["items"] == ROWS["items"]
    assert rows["tenants"] == [b"a\n"]


def test_shared_rows_are_taken_whole() -> None:
    """They are of every business."""
    rows, turns = staged(Candidates(wider({**RULES, "makers": "shared"})))
    assert rows["makers"] == ROWS["makers"]
    assert turns.count("makers") == 1


def test_values_are_held_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than can be held is not told by text at all."""
    monkeypatch.setattr(candidates, "HELD_BYTES", 300)
    with pytest.raises(TooMuchError):
        staged(Candidates(wider()))
