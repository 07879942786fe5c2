"""Who owns which rows: O(r) of the design, reduced to what a scope needs to know.

For every table this makes a table of ids with one line per row and colour: `mine` is true when a selected tenant
reaches the row along owner links, false when another tenant does. A row without a line is owned by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from toolkit.model.catalog import TenantTable
from toolkit.planning.links import OwnerLink, components
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Relation, Sql, create_temporary, scalar

NOTHING = sql.SQL("")


@dataclass(frozen=True, slots=True)
class Owners:
    """The owners of one table's rows.

    Attributes:
        source: a table of ids with `mine` and the columns in `keys`.
        keys: column of the table → its name in `source`.
        all_mine: True when every row is owned, and by selected tenants only.
    """

    source: Sql
    keys: Mapping[str, str]
    all_mine: bool = False


class Ownership:
    """Computes owners table by table; groups of tables on a common cycle together, until nothing is added."""

    def __init__(
        self,
        connection: Connection,
        relations: Mapping[str, Relation],
        links: Sequence[OwnerLink],
        tenant: TenantTable,
        *,
        prefix: str,
    ) -> None:
        self._connection = connection
        self._relations = relations
        self._links = [link for link in links if link.table in relations and link.source in relations]
        self._tenant = tenant
        self._prefix = prefix
        self._owners: dict[str, Owners] = {}

    def compute(self, selected: Sql, *, only_selected: bool, all_selected: bool) -> dict[str, Owners]:
        """Owners of every table that owner links reach.

        Args:
            selected: a condition on the tenant table (alias `t`) that is true for selected tenants.
            only_selected: follow selected tenants only; no line with `mine` false is made.
            all_selected: every tenant is selected.
        """
        edges = [(link.source, link.table) for link in self._links]
        nodes = {self._tenant.table, *(name for edge in edges for name in edge)}
        for group in components(nodes, edges):
            inner = [link for link in self._links if link.table in group and link.source in group]
            if inner:
                self._cycle(group, inner, selected, only_selected=only_selected)
            else:
                self._single(group[0], selected, only_selected=only_selected, all_selected=all_selected)
        return self._owners

    def _single(self, table: str, selected: Sql, *, only_selected: bool, all_selected: bool) -> None:
        incoming = [link for link in self._links if link.table == table]
        is_tenant = table == self._tenant.table
        total = any(link.total and self._owners[link.source].all_mine for link in incoming)
        if all_selected and (is_tenant or total):
            relation, names = self._relations[table], self._key_names(table)
            query = sql.SQL("(SELECT {ids}, true AS mine{keys} FROM {source} t)").format(
                ids=relation.ids("t"), keys=self._select_keys(names), source=relation.source
            )
            self._owners[table] = Owners(query, names, all_mine=True)
            return
        parts = [self._from_link(link) for link in incoming if link.source in self._owners]
        if is_tenant:
            parts.append(self._seed(selected, only_selected=only_selected))
        distinct = len(parts) > 1 or any(not link.single for link in incoming)
        self._owners[table] = self._create(table, parts, distinct=distinct)

    def _seed(self, selected: Sql, *, only_selected: bool) -> Sql:
        table = self._tenant.table
        relation = self._relations[table]
        where = sql.SQL(" WHERE {}").format(selected) if only_selected else NOTHING
        return sql.SQL("SELECT {ids}, ({selected}) AS mine{keys} FROM {source} t{where}").format(
            ids=relation.ids("t"),
            selected=selected,
            keys=self._select_keys(self._key_names(table)),
            source=relation.source,
            where=where,
        )

    def _from_link(self, link: OwnerLink, *, condition: Sql = NOTHING) -> Sql:
        """The lines that a link gives its table from the owners of its source (alias `s`)."""
        source, relation = self._owners[link.source], self._relations[link.table]
        joined = sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier("t", own), sql.Identifier("s", source.keys[theirs]))
            for own, theirs in zip(link.columns, link.source_columns, strict=True)
        )
        return sql.SQL("SELECT {ids}, s.mine{keys} FROM {own} t JOIN {source} s ON {joined}{condition}").format(
            ids=relation.ids("t"),
            keys=self._select_keys(self._key_names(link.table)),
            own=relation.source,
            source=source.source,
            joined=joined,
            condition=condition,
        )

    def _create(self, table: str, parts: Sequence[Sql], *, distinct: bool) -> Owners:
        names = self._key_names(table)
        if not parts:
            relation = self._relations[table]
            parts = [
                sql.SQL("SELECT {ids}, true AS mine{keys} FROM {source} t WHERE false").format(
                    ids=relation.ids("t"), keys=self._select_keys(names), source=relation.source
                )
            ]
        union = sql.SQL(" UNION ALL ").join(parts)
        query = sql.SQL("SELECT DISTINCT ON ({ids}, mine) * FROM ({union}) u").format(
            ids=self._relations[table].id_columns("u"), union=union
        )
        name = f"{self._prefix}_own_{len(self._owners)}"
        return Owners(create_temporary(self._connection, name, query if distinct else union), names)

    def _cycle(self, group: Sequence[str], inner: Sequence[OwnerLink], selected: Sql, *, only_selected: bool) -> None:
        """Rounds: each looks only at the lines that the round before added (column `round`)."""
        for table in group:
            incoming = [link for link in self._links if link.table == table and link.source not in group]
            parts = [self._from_link(link) for link in incoming if link.source in self._owners]
            if table == self._tenant.table:
                parts.append(self._seed(selected, only_selected=only_selected))
            self._owners[table] = self._create(table, parts, distinct=True)
            self._connection.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN round integer NOT NULL DEFAULT 0").format(self._owners[table].source)
            )
        added, number = 1, 0
        while added:
            number += 1
            added = sum(self._round(link, number) for link in inner)

    def _round(self, link: OwnerLink, number: int) -> int:
        """Add what `link` gives from lines of the round before, or of this one; gives how many lines were new."""
        relation, owners = self._relations[link.table], self._owners[link.table]
        fresh = sql.SQL(" AND s.round IN ({}, {})").format(sql.Literal(number - 1), sql.Literal(number))
        names = self._key_names(link.table)
        listed = sql.SQL(", ").join(
            [relation.id_columns("n"), sql.SQL("n.mine"), *(sql.Identifier("n", name) for name in names.values())]
        )
        query = sql.SQL(
            "INSERT INTO {target} SELECT DISTINCT ON ({ids}, n.mine) {listed}, {number} FROM ({new}) n WHERE NOT EXISTS"
            " (SELECT 1 FROM {target} o WHERE {same} AND o.mine = n.mine)"
        ).format(
            target=owners.source,
            ids=relation.id_columns("n"),
            listed=listed,
            number=sql.Literal(number),
            new=self._from_link(link, condition=fresh),
            same=relation.same_ids("o", "n"),
        )
        return self._connection.execute(query).rowcount

    def _key_names(self, table: str) -> dict[str, str]:
        """The columns of a table that links need from its owners, with their names there."""
        needed = sorted({name for link in self._links if link.source == table for name in link.source_columns})
        return {name: f"k{number}" for number, name in enumerate(needed)}

    def _select_keys(self, names: Mapping[str, str]) -> Sql:
        return sql.SQL("").join(
            sql.SQL(", {} AS {}").format(sql.Identifier("t", column), sql.Identifier(name))
            for column, name in names.items()
        )


def count_owned(connection: Connection, owners: Owners) -> int:
    """How many rows have at least one owner among the selected tenants."""
    return scalar(connection, sql.SQL("SELECT count(*) FROM {} o WHERE o.mine").format(owners.source))
