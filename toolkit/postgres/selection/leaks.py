"""What ties tenants together: rows that several own, and references from one tenant's rows to another's.

Owners come from where the selection has them; all is worked out by the server, per table and per reference.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from toolkit.model.explanation import RowKey
from toolkit.model.leak import CoOwned, CrossReference, Leaks, OwnedRow
from toolkit.model.schema import Table
from toolkit.planning.references import ReferenceLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, points_at
from toolkit.postgres.selection.ownership import Ownership
from toolkit.postgres.selection.row_lookup import key_columns
from toolkit.postgres.selection.snapshot import Survey

SAMPLES = 3
"""Keys that are shown of many rows."""


def find_leaks(survey: Survey) -> Leaks:
    """Look at every row of every tenant, whatever the survey's scope is, inside its snapshot."""
    return _Search(survey).leaks()


class _Search:
    def __init__(self, survey: Survey) -> None:
        self._connection = survey.workspace.connection
        self._survey = survey
        self._tables = survey.schema.tables
        self._relations = survey.workspace.relations
        self._owners = self._owner_sets()

    def leaks(self) -> Leaks:
        """Give the whole report."""
        co_owned = (self._co_owned(self._tables[name]) for name in sorted(self._owners))
        links = sorted(self._survey.links.references, key=lambda link: (link.child, link.columns, link.parent))
        crossing = (
            self._crossing(link) for link in links if link.child in self._owners and link.parent in self._owners
        )
        return Leaks(
            tenants=self._tenants(),
            co_owned=tuple(found for found in co_owned if found.rows),
            references=tuple(found for found in crossing if found.pairs),
        )

    def _tenants(self) -> dict[str, str]:
        tenant = self._survey.catalog.tenant
        query = sql.SQL("SELECT t.{key}::text, coalesce(t.{label}::text, '') FROM {source} t").format(
            key=sql.Identifier(tenant.key),
            label=sql.Identifier(tenant.label or tenant.key),
            source=self._relations[tenant.table].source,
        )
        return dict(sorted((str(key), str(label)) for key, label in self._connection.execute(query)))

    def _owner_sets(self) -> Mapping[str, Sql]:
        """Per table with owners: a table of ids of the rows that are owned, with all `owners` of each, sorted."""
        ownership = Ownership(
            self._survey.workspace, self._relations, self._survey.links.owners, self._survey.catalog.tenant
        )
        sets = {}
        for table, owners in ownership.compute_tenants().items():
            ids = self._relations[table].id_columns("o")
            query = sql.SQL(
                'SELECT {ids}, array_agg(DISTINCT o.tenant COLLATE "C" ORDER BY o.tenant COLLATE "C") AS owners'
                " FROM {source} o GROUP BY {ids}"
            ).format(ids=ids, source=owners.source)
            sets[table] = self._survey.workspace.keep("owner_sets", query)
        self._survey.workspace.analyze()
        return sets

    def _co_owned(self, table: Table) -> CoOwned:
        relation = self._relations[table.name]
        query = sql.SQL(
            "SELECT count(*) OVER (), {keys}, o.owners FROM {source} t JOIN {owners} o ON {same}"
            " WHERE cardinality(o.owners) > 1{order} LIMIT {limit}"
        ).format(
            keys=key_columns(table, "t"),
            source=relation.source,
            owners=self._owners[table.name],
            same=relation.same("t", "o"),
            order=_ordered(table, "t"),
            limit=sql.Literal(SAMPLES),
        )
        rows = self._connection.execute(query).fetchall()
        return CoOwned(
            table=table.name,
            rows=rows[0][0] if rows else 0,
            samples=tuple(_owned(table.name, keys, owners) for _, keys, owners in rows),
        )

    def _crossing(self, link: ReferenceLink) -> CrossReference:
        child, parent = self._tables[link.child], self._tables[link.parent]
        query = sql.SQL(
            "SELECT count(*) OVER (), count(*) FILTER (WHERE a.owners && b.owners) OVER (),"
            " {child_keys}, a.owners, {parent_keys}, b.owners"
            " FROM {child} c JOIN {child_owners} a ON {same_child} JOIN {parent} p ON {joined}"
            " JOIN {parent_owners} b ON {same_parent}"
            " WHERE NOT a.owners <@ b.owners ORDER BY a.owners && b.owners{order} LIMIT {limit}"
        ).format(
            child_keys=key_columns(child, "c"),
            parent_keys=key_columns(parent, "p"),
            joined=points_at(link, "c", "p"),
            **self._side("child", child, "c", "a"),
            **self._side("parent", parent, "p", "b"),
            order=_then(child, "c"),
            limit=sql.Literal(SAMPLES),
        )
        rows = self._connection.execute(query).fetchall()
        return CrossReference(
            table=link.child,
            columns=link.columns,
            parent=link.parent,
            parent_columns=link.parent_columns,
            pairs=rows[0][0] if rows else 0,
            related=rows[0][1] if rows else 0,
            samples=tuple((_owned(link.child, row[2], row[3]), _owned(link.parent, row[4], row[5])) for row in rows),
        )

    def _side(self, name: str, table: Table, alias: str, owners: str) -> dict[str, Sql]:
        relation: Relation = self._relations[table.name]
        return {
            name: relation.source,
            f"{name}_owners": self._owners[table.name],
            f"same_{name}": relation.same(alias, owners),
        }


def _ordered(table: Table, alias: str) -> Sql:
    key = sort_key(table)
    return sql.SQL(" ORDER BY {}").format(order_by(key, alias))


def _then(table: Table, alias: str) -> Sql:
    key = sort_key(table)
    return sql.SQL(", {}").format(order_by(key, alias))


def _owned(table: str, keys: list[str | None], owners: list[str]) -> OwnedRow:
    return OwnedRow(row=RowKey(table=table, values=tuple(keys)), owners=tuple(owners))
