"""Takes what taken rows point at, by foreign keys and declared references (d of docs/design.md#what-a-scope-takes)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from psycopg import sql

from toolkit.planning.cycles import levels
from toolkit.planning.references import ReferenceLink
from toolkit.postgres.schema.relation import Relation, Sql, points_at
from toolkit.postgres.schema.row_sources import Rows, Temporary, chosen
from toolkit.postgres.schema.workspace import SMALL_BYTES, Workspace, shared
from toolkit.postgres.selection.marks import Mark

MOST_COLUMNS = 31
"""The most arguments that GROUPING takes."""


class ReferenceClosure:
    """Finds the rows that taken rows point at, from children to parents, a level of tables at a time.

    Args:
        links: between tables of the scope.
        taken: per table of the scope a table of ids (row_id, why), or None where every row is taken.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        relations: Mapping[str, Relation],
        links: Sequence[ReferenceLink],
        taken: Mapping[str, Rows | None],
    ) -> None:
        self._workspace = workspace
        self._relations = relations
        self._links = [link for link in links if link.child in taken and taken.get(link.parent) is not None]
        self._taken = taken
        self._added: dict[str, list[Rows]] = defaultdict(list)
        self._pointed: dict[ReferenceLink, Sql] = {}
        self._done: set[str] = set()

    def close(self) -> dict[str, Rows | None]:
        """Look at all references; gives the tables of ids with the rows that were added, whose reason is REFERENCED."""
        for level in levels(self._taken, [(link.child, link.parent) for link in self._links]):
            alone = {group[0] for group in level if not self._inner(group)}
            self._add_to_each(alone)
            for group in level:
                if group[0] not in alone:
                    self._add_in_rounds(group)
            tables = [name for group in level for name in group]
            self._done.update(tables)
            for table in tables:
                self._read_once(table)
            self._workspace.analyze()
        return {name: self._ids(name) for name in self._taken}

    def added(self, table: str) -> int:
        """Say how many rows of a table were added."""
        return sum(each.rows or 0 for each in self._added[table])

    def _inner(self, group: Sequence[str]) -> list[ReferenceLink]:
        return [link for link in self._links if link.parent in group and link.child in group]

    def _ids(self, table: str) -> Rows | None:
        """The rows of a table that are taken by now; None for all."""
        taken = self._taken[table]
        if taken is None or not self.added(table):
            return taken
        relation = self._relations[table]
        parts = [sql.SQL("SELECT {}, i.why FROM {} i").format(relation.id_columns("i"), taken)]
        parts.extend(
            sql.SQL('SELECT {}, {}::"char" AS why FROM {} i').format(
                relation.id_columns("i"), sql.Literal(Mark.REFERENCED), each
            )
            for each in self._added[table]
        )
        rows = None if taken.rows is None else taken.rows + self.added(table)
        # of nothing there is nothing to be read
        parts = parts[1:] if taken.empty else parts
        return Rows(sql.SQL("({})").format(sql.SQL(" UNION ALL ").join(parts)), rows)

    def _has_none(self, table: str) -> bool:
        ids = self._ids(table)
        return ids is not None and ids.empty

    # tables that are on no cycle

    def _add_to_each(self, tables: Iterable[str]) -> None:
        """Add to each of these tables what all others point at; small tables share statements."""
        pointing: dict[str, list[ReferenceLink]] = defaultdict(list)
        for link in self._links:
            if link.parent in tables and not self._has_none(link.child):
                pointing[link.parent].append(link)
        for group in shared(sorted(pointing), lambda name: self._read_for(pointing[name])):
            if len(group) == 1:
                self._add(group[0], self._missing(group[0], pointing[group[0]]))
                continue
            query = sql.SQL(" UNION ALL ").join(
                sql.SQL("SELECT {}::integer AS place, m.row_id, {} AS part_id FROM ({}) m").format(
                    sql.Literal(place),
                    sql.SQL("m.part_id" if self._relations[name].partitioned else "NULL::oid"),
                    self._missing(name, pointing[name]),
                )
                for place, name in enumerate(group)
            )
            self._share_out(group, self._workspace.keep("referenced", query))

    def _read_for(self, links: Iterable[ReferenceLink]) -> int | None:
        """How many bytes are read to find what links lead to."""
        names = {name for link in links for name in (link.parent, *self._read_again(link))}
        sizes = [self._relations[name].bytes for name in names]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def _read_again(self, link: ReferenceLink) -> tuple[str, ...]:
        return () if link in self._pointed else (link.child,)

    def _share_out(self, group: Sequence[str], found: Temporary) -> None:
        """Note what was found of several tables by one statement."""
        if not found.rows:
            return
        counts = sql.SQL("SELECT place, count(*) FROM {} p GROUP BY place").format(found)
        for place, rows in self._workspace.connection.execute(counts).fetchall():
            part = sql.SQL("(SELECT p.row_id, p.part_id FROM {} p WHERE p.place = {})").format(
                found, sql.Literal(place)
            )
            self._added[group[place]].append(Rows(part, rows))

    def _missing(self, table: str, links: Sequence[ReferenceLink]) -> Sql:
        """A query of the ids of rows that links lead to and that are not taken."""
        relation, ids = self._relations[table], self._ids(table)
        found = sql.SQL(" UNION ").join(
            sql.SQL("SELECT {} FROM {} t WHERE EXISTS (SELECT 1 FROM ({}) v WHERE {})").format(
                relation.ids("t"), relation.source, self._values(link), _joined(link)
            )
            for link in links
        )
        query = sql.SQL("SELECT {} FROM ({}) q").format(relation.id_columns("q"), found)
        if ids is None or ids.empty:
            return query
        return sql.SQL("{} WHERE NOT EXISTS (SELECT 1 FROM {} o WHERE {})").format(
            query, ids, relation.same_ids("q", "o")
        )

    def _add(self, table: str, missing: Sql) -> None:
        """Take the rows of a table that a query gives."""
        held = self._workspace.keep("referenced", missing)
        if held.rows:
            self._added[table].append(held)

    # tables on a cycle

    def _add_in_rounds(self, group: Sequence[str]) -> None:
        """Add what others point at, and then, round by round, what the rows that a round has added point at."""
        for name in group:
            outer = [link for link in self._links if link.parent == name and link.child not in group]
            if links := [link for link in outer if not self._has_none(link.child)]:
                self._add(name, self._missing(name, links))
        fresh = {name: self._ids(name) for name in group if not self._has_none(name)}
        inner, held, number = self._inner(group), dict[str, Temporary](), 0
        while fresh:
            before, fresh, number = fresh, {}, number + 1
            for name in group:
                links = [link for link in inner if link.parent == name and link.child in before]
                self._pointed |= {link: self._read(link, before[link.child]) for link in links}
                if links and (added := self._add_to(held, name, self._missing(name, links), number)):
                    condition = sql.SQL("(SELECT h.* FROM {} h WHERE h.round = {})")
                    fresh[name] = Rows(condition.format(held[name], sql.Literal(number)), added)
            self._workspace.analyze()
        for link in inner:
            self._pointed.pop(link, None)

    def _add_to(self, held: dict[str, Temporary], table: str, missing: Sql, number: int) -> int:
        """Take the rows of a table that a query gives in a round; gives how many they are."""
        rows = sql.SQL("SELECT m.*, {} AS round FROM ({}) m").format(sql.Literal(number), missing)
        if table in held:
            return self._workspace.insert(held[table], rows)
        held[table] = self._workspace.keep("referenced", rows)
        self._added[table].append(held[table])
        return held[table].rows

    # the values by which rows point

    def _values(self, link: ReferenceLink) -> Sql:
        """A query of the values, as k0, k1 …, that taken rows of the child hold."""
        return self._pointed.get(link) or self._read(link, self._ids(link.child))

    def _read(self, link: ReferenceLink, ids: Rows | None) -> Sql:
        return sql.SQL("SELECT {} {}").format(
            sql.SQL(", ").join(
                sql.SQL("c.{} AS {}").format(sql.Identifier(name), sql.Identifier(f"k{position}"))
                for position, name in enumerate(link.columns)
            ),
            chosen(self._relations[link.child], ids, "c"),
        )

    def _read_once(self, child: str) -> None:
        """Hold the values of a large table by which its rows point at tables to come: it is read once for all."""
        size = self._relations[child].bytes
        if (size is not None and size <= SMALL_BYTES) or self._has_none(child):
            return
        # grouping might take values for equal that the operators of a foreign key tell apart
        links = [link for link in self._links if link.child == child and not link.equalities]
        for batch in _batches([link for link in links if link.parent not in self._done]):
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
                taken=chosen(self._relations[child], self._ids(child), "c"),
                sets=sql.SQL(", ").join(sql.SQL("({})").format(_listed(names)) for names in sets),
            )
            pointed = self._workspace.keep("pointed", query)
            for link in batch:
                names = [f"k{columns.index(name)}" for name in link.columns]
                which = sum(1 << place for place, name in enumerate(reversed(columns)) if name not in link.columns)
                self._pointed[link] = sql.SQL("SELECT {} FROM {} c WHERE c.which = {}").format(
                    sql.SQL(", ").join(
                        sql.SQL("c.{} AS {}").format(sql.Identifier(name), sql.Identifier(f"k{number}"))
                        for number, name in enumerate(names)
                    ),
                    pointed,
                    sql.Literal(which),
                )


def _joined(link: ReferenceLink) -> Sql:
    """The condition that the values `v` of a link lead to row `t`."""
    return points_at(link, "v", "t", names=[f"k{position}" for position in range(len(link.columns))])


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
