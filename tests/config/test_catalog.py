"""Catalog files as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.config import catalog
from toolkit.errors import InputError
from toolkit.model.catalog import Catalog, Category, DeclaredReference, OnOtherDevice, OwnerEdge, RuleKind
from toolkit.model.identity import CreateRule, IdentityRules, NodeRule

CASE = Path(__file__).parent / "cases" / "catalogs" / "valid" / "shop.yml"


@pytest.fixture(scope="module")
def shop() -> Catalog:
    """A catalog that uses every form there is."""
    return catalog.load(CASE, control=CASE.parent)


def test_head(shop: Catalog) -> None:
    """Name, schema, tenant, schema version and identity are taken over."""
    assert (shop.name, shop.file, shop.schemas) == ("shop", "shop.yml", ("public",))
    assert (shop.tenant.table, shop.tenant.key, shop.tenant.label, shop.tenant.demo) == (
        "businesses",
        "id",
        "name",
        "isDemo",
    )
    assert shop.schema_version == ("_prisma_migrations", "migration_name")
    node = NodeRule(
        table="nodes", key="nodeId", where='"isOwn"', order_by="createdAt", generate="{{ device.id }}-{{ now }}"
    )
    row = CreateRule(table="node_state", row={"nodeId": "{{ node_id }}", "count": 0, "since": None})
    assert shop.identity == IdentityRules(node=node, clear=("node_events",), create=(row,))


@pytest.mark.parametrize(
    ("table", "category", "group", "kind", "line"),
    [
        ("businesses", Category.BUSINESS, "core", RuleKind.TENANT, 11),
        ("users", Category.BUSINESS, "core", RuleKind.OWNED, 13),
        ("settings", Category.BUSINESS, "reference", RuleKind.SHARED, 24),
        ("persons", Category.BUSINESS, "reference", RuleKind.REFERENCED, 25),
        ("nodes", Category.DEVICE, "sync", RuleKind.SHARED, 28),
        ("sessions", Category.TRANSIENT, "runtime", RuleKind.SHARED, 30),
    ],
)
def test_rules(*, shop: Catalog, table: str, category: Category, group: str, kind: RuleKind, line: int) -> None:
    """Every table has its category, its group, its kind of rule and the line where it stands."""
    rule = shop.rules[table]
    assert (rule.table, rule.category, rule.group, rule.kind, rule.line) == (table, category, group, kind, line)


def test_owner_edges(shop: Catalog) -> None:
    """Owners are found by a column, by several together, and by columns of another table."""
    assert shop.rules["memberships"].owned_by == (OwnerEdge(columns=("businessId",)),)
    assert shop.rules["users"].owned_by == (OwnerEdge(table="memberships", columns=("userId",)),)
    assert shop.rules["trips"].owned_by == (
        OwnerEdge(columns=("businessId",)),
        OwnerEdge(columns=("driverId", "vehicleId")),
        OwnerEdge(table="pairs", columns=("driverId", "vehicleId")),
    )


@pytest.mark.parametrize(
    ("table", "columns", "parent", "parent_columns", "on_other_device"),
    [
        ("memberships", ["businessId"], "businesses", ["id"], None),
        ("pairs", ["driverId", "vehicleId"], "trips", ["a", "b"], None),
        ("printers", ["nodeId"], "nodes", ["nodeId"], OnOtherDevice.CURRENT_NODE),
        ("queues", ["nodeId"], "nodes", ["nodeId"], OnOtherDevice.NULL),
        ("spools", ["nodeId"], "nodes", ["nodeId"], OnOtherDevice.SKIP_ROW),
    ],
)
def test_references(
    *,
    shop: Catalog,
    table: str,
    columns: list[str],
    parent: str,
    parent_columns: list[str],
    on_other_device: OnOtherDevice | None,
) -> None:
    """Declared references are read in all their forms; YAML's null is a rule, its absence is none."""
    expected = DeclaredReference(
        columns=tuple(columns), parent=parent, parent_columns=tuple(parent_columns), on_other_device=on_other_device
    )
    assert shop.rules[table].references[0] == expected
    assert shop.rules["spools"].references[1].on_other_device is None


def test_settings(shop: Catalog) -> None:
    """Filters and settings are taken over; what is not written has its default."""
    jobs, logs = shop.rules["jobs"], shop.rules["logs"]
    assert (jobs.where, jobs.unowned, jobs.optional, jobs.newest_by) == ("status = 'DONE'", "never", False, "")
    assert (logs.where, logs.unowned, logs.optional, logs.newest_by) == ("", "", True, "createdAt")
    assert (shop.rules["sessions"].cascade, shop.rules["node_state"].cascade) == (True, False)


def test_patterns(shop: Catalog) -> None:
    """Glob patterns of device and transient tables stand apart from the tables."""
    assert [(rule.table, rule.category) for rule in shop.patterns] == [
        ("sync_*", Category.DEVICE),
        ("tmp_*", Category.TRANSIENT),
    ]
    assert not {"sync_*", "tmp_*"} & set(shop.rules)


def test_every_wrong_rule_is_told(tmp_path: Path) -> None:
    """Of tables with the same rule one is looked at where it is right, and each where it is wrong."""
    file = tmp_path / "till.yml"
    rules = "{shops: tenant, a: {owned_by: [shop]}, b: {owned_by: 1}, c: {owned_by: [shop]}, d: {owned_by: 1}}"
    file.write_text(f"catalog: till\ntenant: {{table: shops, key: id}}\nbusiness:\n  core: {rules}\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        catalog.load(file, control=tmp_path)
    assert {problem.path.split(".")[2] for problem in raised.value.problems} == {"b", "d"}
