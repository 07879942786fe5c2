"""The classification of a database of one business: no table says whose its rows are, so all of them are, whole."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.model.catalog import Category, TenantTable
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.classification import frameworks, names, rules
from toolkit.planning.classification.proposals import Classification, Option, Proposal, Reason, Verdict


def stand_in(schema: DatabaseSchema, rows: Mapping[str, int]) -> TenantTable | None:
    """Give the table that stands in the place of the tenants' in a catalog file: the smallest that is not empty.

    Args:
        rows: how many rows there are in each table.

    Returns:
        None where no table has a primary key of one column.
    """
    found = [
        table
        for table in schema.tables.values()
        if len(table.primary_key) == 1
        and frameworks.migration_column(table) is None
        and names.table_can_stand(table.name)
    ]
    table = min(found, key=lambda each: (not rows.get(each.name), rows.get(each.name, 0), each.name), default=None)
    return None if table is None else TenantTable(table=table.name, key=table.primary_key[0], label="", demo="")


def classify_whole(tenant: TenantTable, schema: DatabaseSchema) -> Classification:
    """Propose that every row of every table is backed up, but for the records of migration tools."""
    migrations = [table for table in schema.tables.values() if frameworks.migration_column(table) is not None]
    return Classification(
        tenant=tenant,
        proposals=tuple(_proposal(tenant, schema.tables[name]) for name in sorted(schema.tables)),
        dropped=(),
        kept=0,
        written={},
        differences=(),
        schema_version=frameworks.schema_version(migrations),
    )


def _proposal(tenant: TenantTable, table: Table) -> Proposal:
    group, reason, why, option = "all", Reason.LISTED, "all of it", rules.shared(table.name)
    verdict = Verdict.DECIDED
    if frameworks.migration_column(table) is not None:
        group, reason, why = "schema", Reason.MIGRATIONS, "the record of a migration tool"
        option = rules.outside(table.name, Category.DEVICE)
    elif table.name == tenant.table:
        reason, why = Reason.TENANT, "stands in the place of a table of tenants, since there is none"
        option = Option(rule=rules.tenant_rule(table.name), meaning=why)
    elif not names.table_can_stand(table.name):
        verdict, reason, why = Verdict.OPEN, Reason.UNWRITABLE, "its name cannot stand in a rule"
    options = (option,) if verdict is Verdict.DECIDED else ()
    return Proposal(table=table.name, group=group, verdict=verdict, reason=reason, why=why, options=options)
