"""From one row along links to all rows that can be reached, each by a shortest way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from psycopg import sql

from toolkit.model.explanation import RowKey
from toolkit.model.schema import Equality
from toolkit.planning.links import OwnerLink
from toolkit.planning.references import ReferenceLink
from toolkit.planning.row_order import sort_key
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Sql, equal, relation_of
from toolkit.postgres.schema.workspace import Workspace
from toolkit.postgres.selection.row_lookup import RowId, key_columns


class Step(Struct, frozen=True, kw_only=True):
    """A way from rows of one table to the rows of another (or the same) with equal columns.

    Attributes:
        equalities: how they are compared, those of the end on the left; empty for the plain way.
    """

    start: str
    columns: tuple[str, ...]
    end: str
    end_columns: tuple[str, ...]
    equalities: tuple[Equality, ...] = ()


def to_owners(links: Iterable[OwnerLink]) -> list[Step]:
    """Give the steps from rows to those that own them."""
    return [
        Step(
            start=link.table,
            columns=link.columns,
            end=link.source,
            end_columns=link.source_columns,
            equalities=link.equalities,
        )
        for link in links
    ]


def to_parents(links: Iterable[ReferenceLink]) -> list[Step]:
    """Give the steps from rows to those that they point at."""
    return [
        Step(
            start=link.child,
            columns=link.columns,
            end=link.parent,
            end_columns=link.parent_columns,
            equalities=link.equalities,
        )
        for link in links
    ]


class Visited(Struct, frozen=True):
    """A row on a way: its number, its table, and the step and the row that led to it (None at the start)."""

    number: int
    table: str
    step: Step | None
    previous: int | None


class Walk:
    """Rows reached, each once, numbered from the nearest on.

    Rows equally far away are numbered by step and key, so that the same data give the same ways.
    """

    def __init__(self, workspace: Workspace, steps: Sequence[Step]) -> None:
        self._workspace = workspace
        self._connection = workspace.connection
        self._schema = workspace.schema
        self._steps = sorted(dict.fromkeys(steps), key=lambda step: (step.start, step.columns, step.end))
        self._places = {table: place for place, table in enumerate(sorted(self._schema.tables))}
        self._tables = sorted(self._schema.tables)
        nobody = sql.SQL(
            "SELECT NULL::bigint AS number, NULL::integer AS place, NULL::tid AS row_id, NULL::oid AS part_id,"
            " NULL::integer AS level, NULL::integer AS step, NULL::bigint AS previous WHERE false"
        )
        self.source = workspace.keep("walk", sql.SQL("{}").format(nobody))

    def run(self, row: RowId) -> None:
        """Walk from this row until nothing new is reached."""
        first = sql.SQL("SELECT 1::bigint, {}::integer, {}::tid, {}::oid, 0, NULL::integer, NULL::bigint").format(
            sql.Literal(self._places[row.table]), sql.Literal(row.ctid), sql.Literal(row.tableoid)
        )
        self._workspace.insert(self.source, first)
        frontier, level = {row.table}, 0
        while frontier:
            level += 1
            frontier = {
                step.end
                for number, step in enumerate(self._steps)
                if step.start in frontier and self._follow(number, step, level)
            }

    def _follow(self, number: int, step: Step, level: int) -> int:
        """Take one step from all rows of the level before; gives how many rows were new."""
        key = sort_key(self._schema.tables[step.end])
        query = sql.SQL(
            "SELECT {reached}::bigint + row_number() OVER (ORDER BY {order}), {end_place}::integer, n.row_id,"
            " n.part_id, {level}::integer, {number}::integer, n.previous FROM ("
            "  SELECT DISTINCT ON (e.ctid, e.tableoid) e.ctid AS row_id, e.tableoid AS part_id, w.number AS previous"
            "  FROM {walk} w JOIN {start} a ON a.ctid = w.row_id AND a.tableoid = w.part_id JOIN {end} e ON {joined}"
            "  WHERE w.place = {start_place} AND w.level = ({level} - 1) AND NOT EXISTS (SELECT 1 FROM {walk} o"
            "   WHERE o.place = {end_place} AND o.row_id = e.ctid AND o.part_id = e.tableoid)"
            "  ORDER BY e.ctid, e.tableoid, w.number"
            " ) n JOIN {end} t ON t.ctid = n.row_id AND t.tableoid = n.part_id"
        ).format(
            walk=self.source,
            reached=sql.Literal(self.source.rows),
            start=relation_of(self._schema.schemas, self._schema.tables[step.start]).source,
            end=relation_of(self._schema.schemas, self._schema.tables[step.end]).source,
            joined=equal("e", step.end_columns, "a", step.columns, step.equalities),
            start_place=sql.Literal(self._places[step.start]),
            end_place=sql.Literal(self._places[step.end]),
            level=sql.Literal(level),
            number=sql.Literal(number),
            order=order_by(key, "t"),
        )
        return self._workspace.insert(self.source, query)

    def counts(self) -> dict[str, int]:
        """By table, in name order: rows reached, the first one not counted."""
        query = sql.SQL("SELECT place, count(*) FROM {} w WHERE level > 0 GROUP BY place ORDER BY place").format(
            self.source
        )
        return {self._tables[place]: int(count) for place, count in self._connection.execute(query)}

    def ways(self, table: str) -> Iterator[list[Visited]]:
        """For every row of a table that was reached: the rows on the way to it, the first one first."""
        query = sql.SQL(
            "WITH RECURSIVE way AS ("
            "SELECT number AS goal, number, place, step, previous FROM {walk} w WHERE place = {goal}"
            " UNION ALL SELECT y.goal, w.number, w.place, w.step, w.previous FROM way y"
            " JOIN {walk} w ON w.number = y.previous)"
            " SELECT goal, number, place, step, previous FROM way ORDER BY goal, number"
        ).format(walk=self.source, goal=sql.Literal(self._places[table]))
        ways: dict[int, list[Visited]] = defaultdict(list)
        for goal, number, place, step, previous in self._connection.execute(query):
            taken = None if step is None else self._steps[step]
            ways[goal].append(Visited(number, self._tables[place], taken, previous))
        yield from ways.values()

    def keys(self, table: str, numbers: Sequence[int]) -> Mapping[int, RowKey]:
        """Give the keys of rows of a table by their numbers."""
        query = sql.SQL("SELECT w.number, {keys} FROM {walk} w JOIN {source} t ON {same} WHERE w.number = ANY({n})")
        return self._keyed(query, table, n=sql.Literal(list(numbers)))

    def nearest(self, table: str, limit: int) -> tuple[RowKey, ...]:
        """Give the keys of the nearest rows of a table, the first row of the walk not among them."""
        query = sql.SQL(
            "SELECT w.number, {keys} FROM {walk} w JOIN {source} t ON {same}"
            " WHERE w.place = {n} AND w.level > 0 ORDER BY w.number LIMIT {limit}"
        )
        found = self._keyed(query, table, n=sql.Literal(self._places[table]), limit=sql.Literal(limit))
        return tuple(found.values())

    def among(self, table: str, condition: Sql, *, ids: Sql | None = None) -> int:
        """Say how many rows `t` of a table that were reached fulfil a condition.

        Args:
            ids: a table of ids, `i`, in which they have to be.
        """
        relation = relation_of(self._schema.schemas, self._schema.tables[table])
        query = sql.SQL(
            "SELECT count(*) FROM {walk} w JOIN {source} t ON {same}{among}"
            " WHERE w.place = {place} AND w.level > 0 AND {condition}"
        ).format(
            walk=self.source,
            source=relation.source,
            same=_SAME,
            among=sql.SQL(" JOIN {} i ON {}").format(ids, relation.same("t", "i")) if ids else sql.SQL(""),
            place=sql.Literal(self._places[table]),
            condition=condition,
        )
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def _keyed(self, query: sql.SQL, table: str, **parts: sql.Composable) -> dict[int, RowKey]:
        found = self._schema.tables[table]
        statement = query.format(
            keys=key_columns(found, "t"),
            walk=self.source,
            source=relation_of(self._schema.schemas, found).source,
            same=_SAME,
            **parts,
        )
        rows = self._connection.execute(statement)
        return {row[0]: RowKey(table=table, values=tuple(row[1])) for row in rows}


_SAME = sql.SQL("t.ctid = w.row_id AND t.tableoid = w.part_id")
