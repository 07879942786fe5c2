"""The catalog file of the reference application against the facts and the database."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from tests.conftest import Servers
from tests.demo.facts import columns, facts
from toolkit.config import catalog
from toolkit.model.catalog import Catalog, RuleKind
from toolkit.shipped import DEMO_INVENTORY


def _catalog() -> Catalog:
    return catalog.load(DEMO_INVENTORY / "catalogs" / "multi-business.yml")


def test_every_table_stands_where_the_facts_put_it() -> None:
    """The file classifies exactly the 144 tables, each in its category and group, without patterns."""
    read = _catalog()
    assert {table: (rule.category, rule.group) for table, rule in read.rules.items()} == {
        table: (facts()[table].category, facts()[table].group) for table in columns()
    }
    assert read.patterns == ()


def test_every_way_to_an_owner_is_a_reference() -> None:
    """Each column named in owned_by is a foreign key of the facts, or a reference the rule declares."""
    read = _catalog()
    known = {table: {each[0] for each in facts()[table].foreign_keys} for table in columns()}
    for table, rule in read.rules.items():
        known[table] |= {reference.columns for reference in rule.references}
    for table, rule in read.rules.items():
        assert (rule.kind is RuleKind.OWNED) == bool(rule.owned_by), table
        for edge in rule.owned_by:
            assert edge.columns in known[edge.table or table], (table, edge)


def test_references_into_device_tables_say_what_becomes_of_them() -> None:
    """A business row that points at a device row has a rule for restores on another device."""
    read = _catalog()
    devices = {table for table, expected in facts().items() if expected.category == "device"}
    pointing = {
        (table, columns)
        for table, expected in facts().items()
        for columns, parent, *_ in expected.foreign_keys
        if expected.category == "business" and parent in devices
    }
    assert pointing == {
        (table, reference.columns)
        for table, rule in read.rules.items()
        for reference in rule.references
        if reference.on_other_device
    }


def test_deletes_may_cascade_into_transient_tables_only_as_foreign_keys_do() -> None:
    """`cascade: true` stands exactly at the transient tables that a delete of a business row cascades into."""
    business = {table for table, expected in facts().items() if expected.category == "business"}
    reached = {
        table
        for table, expected in facts().items()
        if table in columns()
        if expected.category == "transient"
        and any(parent in business and action == "cascade" for _, parent, _, _, action in expected.foreign_keys)
    }
    assert {table for table, rule in _catalog().rules.items() if rule.cascade} == reached


def test_every_named_column_exists(demo_template: Callable[[int], str], servers: Servers) -> None:
    """No rule names a column that the database does not have."""
    with psycopg.connect(servers.database(18, template=demo_template(18))) as connection:
        existing = {
            (table, column)
            for table, column in connection.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            )
        }
    read = _catalog()
    for table, rule in read.rules.items():
        named = [(edge.table or table, column) for edge in rule.owned_by for column in edge.columns]
        for reference in rule.references:
            named += [(table, column) for column in reference.columns]
            named += [(reference.parent, column) for column in reference.parent_columns]
        if rule.newest_by:
            named.append((table, rule.newest_by))
        assert existing.issuperset(named), table
    tenant = read.tenant
    assert existing.issuperset((tenant.table, column) for column in (tenant.key, tenant.label, tenant.demo))
