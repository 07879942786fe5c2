"""Parts of the reference application against what its generator knows of every row's owners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.control import Control, rows
from tests.demo.facts import columns, facts
from toolkit.demo import true_owners

Adder = Callable[..., str]
Keys = set[tuple[str, ...]]

SCOPES: Mapping[str, tuple[dict[str, Any], str]] = {
    "a shop": ({"businesses": ["biz-blaze-hardware"]}, "id = 'biz-blaze-hardware'"),
    "a restaurant": ({"businesses": ["biz-umoja-grill"]}, "id = 'biz-umoja-grill'"),
    "demo only": ({"demo": "only"}, '"isDemo"'),
    "without demo": ({"demo": "exclude"}, 'NOT "isDemo"'),
}
"""What is asked of the backup, and which businesses that means."""

owners_of = cache(true_owners)


@pytest.mark.parametrize("name", SCOPES)
def test_a_part_is_complete_and_stands_by_itself(
    control: Control, demo_host: Adder, empty_host: Adder, name: str
) -> None:
    """No owned row is missing, every other one is counted as such, and no foreign key leads out of the part."""
    arguments, condition = SCOPES[name]
    source, target = demo_host("source"), empty_host("target")
    tenants = {key for (key,) in rows(source, f"SELECT id FROM businesses WHERE {condition}")}
    manifest = control.backup("source", optional={"audit_logs": {}}, **arguments)
    control.restore("target", manifest, "merge")

    assert set(manifest.selection.tenants) == tenants
    with psycopg.connect(target, autocommit=True) as connection:
        for table, counts in manifest.selection.tables.items():
            owners, found = owners_of()[table], keys(connection, table)
            owned = {key for key, each in owners.items() if each & tenants}
            assert owned <= found, table
            assert counts.owned == len(owned), table
            assert counts.total == len(found), table
            of_others = sum(1 for key in found if owners[key] and not owners[key] & tenants)
            assert of_others <= counts.referenced, table
            assert not (arguments.get("businesses") and counts.unowned), table
        left_out = [table for table in owners_of() if table not in manifest.selection.tables]
        assert not any(each & tenants for table in left_out for each in owners_of()[table].values())
        assert dangling(connection) == []


def keys(connection: psycopg.Connection[Any], table: str) -> Keys:
    """The keys of all rows."""
    key = (sql.SQL("{}::text").format(sql.Identifier(name)) for name in facts()[table].key)
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(key), sql.Identifier(table))
    return set(connection.execute(query))


def dangling(connection: psycopg.Connection[Any]) -> list[str]:
    """Every foreign key of the application that some row violates."""
    return [
        f"{table} ({', '.join(pointing)})"
        for table in columns()
        for pointing, parent, parent_columns, _, _ in facts()[table].foreign_keys
        if violated(connection, table, pointing, parent, parent_columns)
    ]


def violated(
    connection: psycopg.Connection[Any],
    table: str,
    columns: tuple[str, ...],
    parent: str,
    parent_columns: tuple[str, ...],
) -> bool:
    """Whether a row with all of the columns filled has no parent."""
    pairs = zip(columns, parent_columns, strict=True)
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} c WHERE {} AND NOT EXISTS (SELECT FROM {} p WHERE {}))").format(
        sql.Identifier(table),
        sql.SQL(" AND ").join(sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(name)) for name in columns),
        sql.Identifier(parent),
        sql.SQL(" AND ").join(sql.SQL("c.{} = p.{}").format(*map(sql.Identifier, pair)) for pair in pairs),
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    return bool(row[0])
