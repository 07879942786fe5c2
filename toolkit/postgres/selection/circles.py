"""Rows of `referenced` tables that only circles of such rows lead to: nobody else points at them.

A row goes with the rows that point at it. One that points at itself, and rows that point at each other, would go with
nobody and be in no backup of a whole scope, nor would what they alone point at among such rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from toolkit.planning.cycles import components
from toolkit.planning.references import ReferenceLink
from toolkit.postgres.schema.relation import Relation, Sql, points_at
from toolkit.postgres.schema.workspace import Workspace


class Circles:
    """What leads to the rows of `referenced` tables that can be on a circle.

    Args:
        links: references from business tables.
        tables: those with the rule `referenced`.
    """

    def __init__(
        self,
        workspace: Workspace,
        relations: Mapping[str, Relation],
        *,
        links: Sequence[ReferenceLink],
        tables: Sequence[str],
    ) -> None:
        self._workspace = workspace
        self._relations = relations
        self._links = links
        self._group = tuple(sorted(_circling([link for link in links if {link.child, link.parent} <= set(tables)])))
        self._led: Sql | None = None

    def nobody_else(self, table: str) -> Sql:
        """Give the condition that row `t` of a table is led to by circles alone, if anything points at it."""
        if table not in self._group:
            return sql.SQL("false")
        if self._led is None:
            self._led = self._workspace.hold("led", self._led_to(self._group))
        return sql.SQL(
            "NOT EXISTS (SELECT 1 FROM {} l WHERE l.place = {} AND l.row_id = t.ctid AND l.part_id = t.tableoid)"
        ).format(self._led, sql.Literal(self._group.index(table)))

    def _led_to(self, group: tuple[str, ...]) -> Sql:
        """The rows of a group of tables that can be reached from a row outside, or from one that nobody points at."""
        inner = [link for link in self._links if link.child in group and link.parent in group]
        steps = sql.SQL(" UNION ALL ").join(
            sql.SQL(
                "SELECT {place} AS place, t.ctid AS row_id, t.tableoid AS part_id"
                " FROM {child} c JOIN {parent} t ON {on}"
                " WHERE l.place = {from_place} AND c.ctid = l.row_id AND c.tableoid = l.part_id"
            ).format(
                place=sql.Literal(group.index(link.parent)),
                child=self._relations[link.child].source,
                parent=self._relations[link.parent].source,
                on=points_at(link, "c", "t"),
                from_place=sql.Literal(group.index(link.child)),
            )
            for link in inner
        )
        return sql.SQL(
            "WITH RECURSIVE led AS ({starts} UNION SELECT n.place, n.row_id, n.part_id FROM led l"
            " CROSS JOIN LATERAL ({steps}) n) SELECT * FROM led"
        ).format(starts=sql.SQL(" UNION ").join(self._starts(group, table) for table in group), steps=steps)

    def _starts(self, group: tuple[str, ...], table: str) -> Sql:
        pointing = [link for link in self._links if link.parent == table]
        outside = [self._pointed(link) for link in pointing if link.child not in group]
        alone = [sql.SQL("NOT {}").format(self._pointed(link)) for link in pointing]
        return sql.SQL(
            "SELECT {place} AS place, t.ctid AS row_id, t.tableoid AS part_id FROM {source} t"
            " WHERE {outside} OR ({alone})"
        ).format(
            place=sql.Literal(group.index(table)),
            source=self._relations[table].source,
            outside=sql.SQL(" OR ").join(outside) if outside else sql.SQL("false"),
            alone=sql.SQL(" AND ").join(alone),
        )

    def _pointed(self, link: ReferenceLink) -> Sql:
        return sql.SQL("EXISTS (SELECT 1 FROM {} c WHERE {})").format(
            self._relations[link.child].source, points_at(link, "c", "t")
        )


def _circling(links: Sequence[ReferenceLink]) -> set[str]:
    """The tables on circles of links, and those that they lead to."""
    edges = [(link.child, link.parent) for link in links]
    found = {child for child, parent in edges if child == parent}
    for group in components({name for edge in edges for name in edge}, edges):
        if len(group) > 1:
            found.update(group)
    while more := {parent for child, parent in edges if child in found} - found:
        found |= more
    return found
