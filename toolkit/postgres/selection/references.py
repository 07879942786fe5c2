"""Takes what taken rows point at, by foreign keys and declared references (d of docs/design.md#what-a-scope-takes)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from psycopg import sql

from toolkit.planning.links import ReferenceLink, components
from toolkit.postgres.schema.relation import Relation, Sql, chosen, create_temporary, points_at, scalar
from toolkit.postgres.selection.marks import REFERENCED
from toolkit.postgres.session.connection import Connection

MOST_COLUMNS = 31
"""The most arguments that GROUPING takes."""


class ReferenceClosure:
    """Adds to tables of ids (row_id, why, round) the rows that taken rows point at.

    Args:
        links: between tables of the scope.
        ids: per table of the scope its table of ids, or None where every row is taken.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        relations: Mapping[str, Relation],
        links: Sequence[ReferenceLink],
        ids: Mapping[str, Sql | None],
        prefix: str,
    ) -> None:
        self._connection = connection
        self._relations = relations
        self._links = [link for link in links if link.child in ids and ids.get(link.parent) is not None]
        self._ids = ids
        self._names = (f"{prefix}_pointed_{number}" for number in count())

    def close(self) -> None:
        """Go from children to parents; on a cycle in rounds, until nothing is added."""
        for group in components(self._ids, [(link.child, link.parent) for link in self._links]):
            inner = [link for link in self._links if link.parent in group and link.child in group]
            number, added = 0, 1
            while inner and added:
                number += 1
                added = sum(self._add(link, self._fresh(link, number - 1), number) for link in inner)
            for child in group:
                outer = [link for link in self._links if link.child == child and link.parent not in group]
                self._follow([link for link in outer if not link.equalities])
                for link in outer:
                    if link.equalities:  # grouping might take values for equal that the foreign key tells apart
                        self._add(link, self._fresh(link, 0), 0)

    def _follow(self, links: Sequence[ReferenceLink]) -> None:
        """Add what the rows of one table point at along several links, reading its rows once."""
        if not links:
            return
        child = links[0].child
        ids = self._ids[child]
        if ids is not None and not scalar(self._connection, sql.SQL("SELECT count(*) FROM {}").format(ids)):
            return
        for batch in _batches(links):
            columns = sorted({name for link in batch for name in link.columns})
            sets = sorted({tuple(sorted(link.columns)) for link in batch})
            query = sql.SQL(
                "SELECT {values}, GROUPING({columns}) AS which {taken} GROUP BY GROUPING SETS ({sets})"
            ).format(
                values=sql.SQL(", ").join(
                    sql.SQL("c.{} AS {}").format(sql.Identifier(name), sql.Identifier(f"k{number}"))
                    for number, name in enumerate(columns)
                ),
                columns=_listed(columns),
                taken=chosen(self._connection, self._relations[child], ids, "c"),
                sets=sql.SQL(", ").join(sql.SQL("({})").format(_listed(names)) for names in sets),
            )
            pointed = create_temporary(self._connection, next(self._names), query)
            for link in batch:
                names = [f"k{columns.index(name)}" for name in link.columns]
                which = sum(1 << place for place, name in enumerate(reversed(columns)) if name not in link.columns)
                values = sql.SQL("SELECT {} FROM {} c WHERE c.which = {}").format(
                    sql.SQL(", ").join(
                        sql.SQL("c.{} AS {}").format(sql.Identifier(name), sql.Identifier(f"k{number}"))
                        for number, name in enumerate(names)
                    ),
                    pointed,
                    sql.Literal(which),
                )
                self._add(link, values, 0)

    def _fresh(self, link: ReferenceLink, number: int) -> Sql:
        """The values, as k0, k1 …, that child rows hold which were taken in this round or later."""
        relation, ids = self._relations[link.child], self._ids[link.child]
        values = sql.SQL("SELECT {} FROM {} c").format(
            sql.SQL(", ").join(
                sql.SQL("c.{} AS {}").format(sql.Identifier(name), sql.Identifier(f"k{position}"))
                for position, name in enumerate(link.columns)
            ),
            relation.source,
        )
        if ids is None:
            return values
        joined = sql.SQL("{} JOIN {} i ON {} WHERE i.round >= {}")
        return joined.format(values, ids, relation.same("c", "i"), sql.Literal(number))

    def _add(self, link: ReferenceLink, values: Sql, number: int) -> int:
        """Take the parent rows that hold these values; gives how many were new.

        Args:
            values: a query of k0, k1 … in the order of the link's columns.
            number: the round that new rows are marked with.
        """
        parent, target = self._relations[link.parent], self._ids[link.parent]
        assert target is not None
        names = [f"k{position}" for position in range(len(link.columns))]
        query = sql.SQL(
            'INSERT INTO {target} SELECT {ids}, {why}::"char", {number} FROM {source} t'
            " WHERE EXISTS (SELECT 1 FROM ({values}) v WHERE {joined})"
            " AND NOT EXISTS (SELECT 1 FROM {target} o WHERE {same})"
        ).format(
            target=target,
            ids=parent.ids("t"),
            why=sql.Literal(REFERENCED),
            number=sql.Literal(number),
            source=parent.source,
            values=values,
            joined=points_at(link, "v", "t", names=names),
            same=parent.same("t", "o"),
        )
        return self._connection.execute(query).rowcount


def _batches(links: Sequence[ReferenceLink]) -> Iterator[list[ReferenceLink]]:
    """Links in groups that together have no more columns than GROUPING takes."""
    batch: list[ReferenceLink] = []
    columns: set[str] = set()
    for link in links:
        if batch and len(columns | set(link.columns)) > MOST_COLUMNS:
            yield batch
            batch, columns = [], set()
        batch.append(link)
        columns |= set(link.columns)
    if batch:
        yield batch


def _listed(names: Sequence[str]) -> Sql:
    return sql.SQL(", ").join(sql.Identifier("c", name) for name in names)
