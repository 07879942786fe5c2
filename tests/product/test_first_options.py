"""What `classify` offers first is safe: a tenant's own backup loses none of its rows and hands it nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from tests.control import Control
from tests.product.taking import Taking, schema_of
from tests.product.tenant_worlds import TENANTS, Key, TenantWorld
from tests.sweeps import seeds
from toolkit.config.catalog_entry import entry, tenant_section
from toolkit.model.catalog import Catalog, TableRule, TenantTable
from toolkit.model.schema import DatabaseSchema
from toolkit.planning.classification.proposals import Reason, Verdict
from toolkit.planning.classification.proposing import classify
from toolkit.postgres.schema.introspection import read_schema
from toolkit.postgres.session.connection import connect

SEEDS = seeds(25)
RESTORED = 10
"""Of so many cases one is backed up and restored by servers; of all, the backup is worked out row by row."""


def decided(schema: DatabaseSchema, tenant: TenantTable) -> tuple[Catalog, set[str]]:
    """A catalog with the first option of every table, and the tables of which it is said that no rule is right."""
    rules: dict[str, TableRule] = {}
    catalog = Catalog(
        name="application", file="application.yml", schemas=schema.schemas.covered, tenant=tenant, rules=rules
    )
    unsafe: set[str] = set()
    for _ in schema.tables:
        found = classify(replace(catalog, rules=rules), schema)
        rules = rules | {
            each.table: each.options[0].rule for each in found.proposals if each.verdict is not Verdict.FOLLOWS
        }
        unsafe |= {each.table for each in found.proposals if each.reason is Reason.POLYMORPHIC}
        if not found.proposals:
            break
    assert rules.keys() == schema.tables.keys()
    return replace(catalog, rules=rules), unsafe


def text_of(catalog: Catalog) -> str:
    """A catalog as a file."""
    lines = [
        "catalog: application",
        f"schemas: [{catalog.schemas[0]}]",
        "other_schemas: {'*': other cases}",
        tenant_section(catalog.tenant),
    ]
    for category in ("business", "device", "transient"):
        entries = [f"    {entry(rule)}" for rule in catalog.rules.values() if rule.category == category]
        lines += [f"{category}:", "  all:", *entries] if entries else []
    return "\n".join(lines) + "\n"


def rows_in(conninfo: str, world: TenantWorld, schema: str) -> set[tuple[str, Key]]:
    """The rows of a database."""
    found = set()
    with psycopg.connect(conninfo) as connection:
        for table in world.tables:
            columns = ", ".join(f'"{name}"::text' for name in table.key)
            found |= {
                (table.name, tuple(row))
                for row in connection.execute(f'SELECT {columns} FROM {schema}."{table.name}"'.encode())
            }
    return found


def make(conninfo: str, world: TenantWorld, schema: str, *, rows: bool) -> None:
    """The tables of a world in a schema of their own."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}; SET search_path TO {schema}; {world.script(rows=rows)}".encode())


def mistakes(world: TenantWorld, tenant: str, rows: set[tuple[str, Key]], unsafe: set[str]) -> Sequence[object]:
    """What is lost and what is leaked in these rows of one tenant's backup."""
    lost = {each for each in world.rows_of(tenant) if each not in rows and each[0] not in unsafe}
    return [("lost", *each) for each in sorted(lost)] + [
        ("leaked", *each) for each in sorted(rows & world.foreign_rows(tenant))
    ]


def by_seed(seed: int) -> tuple[TenantWorld, Catalog, set[str]]:
    """A world, the catalog of all first options, and the tables of which it is said that no rule is right."""
    world = TenantWorld(seed)
    tenant = TenantTable(table=world.tenants.name, key=world.tenant_key[0])
    return world, *decided(schema_of(world, f"case_{seed}"), tenant)


def test_first_options_neither_lose_nor_leak(capsys: pytest.CaptureFixture[str]) -> None:
    """With all first options taken, every tenant's backup has all of its rows and none of another's."""
    failures: list[object] = []
    for seed in SEEDS:
        world, catalog, unsafe = by_seed(seed)
        taking = Taking(world, catalog)
        for tenant in TENANTS:
            failures += [(seed, tenant, each) for each in mistakes(world, tenant, taking.of(tenant), unsafe)]
    with capsys.disabled():
        print(f"\nfirst options: seeds {SEEDS[0]} to {SEEDS[-1]}, {len(failures)} mistakes", end=" ")
    assert failures == []


def test_first_options_hold_in_restores(
    tmp_path: Path, new_database: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One tenant's backup, restored into an empty schema, has all of its rows and none of another's, as worked out."""
    source, target = new_database(), new_database()
    seeds = SEEDS[::RESTORED]
    for seed in seeds:
        world, catalog, unsafe = by_seed(seed)
        make(source, world, catalog.schemas[0], rows=True)
        make(target, world, catalog.schemas[0], rows=False)
        with connect(source) as connection:
            assert decided(read_schema(connection, catalog.schemas), catalog.tenant) == (catalog, unsafe), seed
        place = Control(tmp_path / catalog.schemas[0], text_of(catalog))
        place.add_host("from", source)
        place.add_host("to", target)
        tenant = TENANTS[seed % 3]
        key = str(world.tenants.rows[seed % 3].values[catalog.tenant.key])
        place.restore("to", place.backup("from", businesses=[key], demo="include"), "mirror")
        rows = rows_in(target, world, catalog.schemas[0])
        assert mistakes(world, tenant, rows, unsafe) == [], seed
        assert rows == Taking(world, catalog).of(tenant), seed
    with capsys.disabled():
        print(f"\nrestored: seeds {seeds}", end=" ")
