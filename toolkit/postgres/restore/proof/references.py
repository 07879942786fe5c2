"""Proof that a restore leaves nothing pointing at nothing: the rows that it writes, and those whose parents it takes.

Other rows may have led nowhere for long, under a key that is NOT VALID or because somebody wrote past it: they are
nobody's concern here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from psycopg import sql

from toolkit.model.plan import Load
from toolkit.model.schema import ForeignKey
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import Action
from toolkit.postgres.restore.plan.foreign_keys import adrift
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.relation import (
    Sql,
    columns,
    equal,
    lacks_parent,
    needs_parent,
    points_at,
)


class AdriftError(Exception):
    """Rows that were updated point at nothing, and nobody knows whether they did so before."""


class References:
    """The foreign keys that a plan touches, each looked at by query once it is carried out.

    Those that were built after the rows are left out: the server has just looked at every row for them.

    What has to be known of the rows as they were is noted when this is made, before the plan is applied.

    Args:
        noting: note of every key which rows to be updated point at nothing as it is; else of those that are not valid.
    """

    def __init__(self, ready: Ready, *, noting: bool) -> None:
        self._connection = ready.connection
        self._schema = ready.survey.schema
        self._ready = ready
        self._noting = noting
        self._comparison = ready.prepared.comparison
        built = ready.rebuilding.keys
        self._keys = [
            (table.name, key)
            for table in self._schema.tables.values()
            for key in table.foreign_keys
            if key.enforced and {table.name, key.parent} & set(ready.touched) and (table.name, key.name) not in built
        ]
        self._relations = ready.survey.workspace.relations
        self._noted = self._hold(self._all_adrift())
        self._vacated = self._hold(self._all_vacated())
        ready.survey.workspace.analyze()

    def dangling(self) -> list[str]:
        """Say of which rows that were written, or that lost their parent, a foreign key leads nowhere.

        Raises:
            AdriftError: it has to be noted beforehand which rows did so as they were.
        """
        queries, sizes, reasons = dict[tuple[int, int], Sql](), dict[tuple[int, int], int | None](), list[str]()
        for number, (child, key) in enumerate(self._keys):
            for place, suspects in enumerate(self._suspects(child, key)):
                query = sql.SQL("SELECT count(*) FROM {} AND {}").format(suspects, self._nowhere(key))
                queries[number, place] = query
                sizes[number, place] = self._bytes_afterwards(child, key.parent)
        found = self._ready.survey.workspace.numbers(queries, sizes.__getitem__)
        unknown = [key for key in self._keys if self._is_updated(key[0]) and not self._notes(*key)]
        if any(rows and self._keys[number] in unknown for (number, _), rows in found.items()):
            raise AdriftError
        for number, (child, key) in enumerate(self._keys):
            if rows := sum(found[each] for each in found if each[0] == number):
                pointing = ", ".join(key.columns)
                reasons.append(f"{child}: {key.name}: {rows} rows ({pointing}) point at no row of {key.parent}")
        return reasons

    # before

    def _all_adrift(self) -> Iterator[tuple[str, ForeignKey, Sql]]:
        """Rows to be updated that point at nothing as it is, and go on doing so: their `stage_id`.

        Of a table whose rows are not all in the plan, the values that point at nothing.
        """
        for child, key in self._keys:
            if self._is_seen_afterwards(child, key):
                query = sql.SQL("SELECT DISTINCT {} FROM {} c WHERE {}").format(
                    columns("c", key.columns), self._relations[child].source, self._nowhere(key)
                )
                yield child, key, query
            elif self._notes(child, key):
                rows = sql.SQL("SELECT s.ctid AS stage_id FROM {} WHERE {}").format(
                    self._comparison.written(child), adrift(self._comparison, child, key)
                )
                yield child, key, rows

    def _all_vacated(self) -> Iterator[tuple[str, ForeignKey, Sql]]:
        """The values of rows that are deleted or updated, by which others may have found them."""
        deleted = self._ready.prepared.deletions.ids
        for child, key in self._keys:
            relation, going = self._relations[key.parent], list[Sql]()
            if key.parent in deleted and deleted[key.parent].rows:
                going.append(sql.SQL("SELECT {} FROM {} d").format(relation.id_columns("d"), deleted[key.parent]))
            differences = self._comparison.differences.get(key.parent)
            identifying = set(sort_key(self._schema.tables[key.parent]).names)
            if differences and differences.count(Action.CHANGED) and set(key.parent_columns) != identifying:
                rows = sql.SQL('SELECT {} FROM {} d WHERE d.action = {}::"char"')
                going.append(rows.format(relation.id_columns("d"), differences.lines, sql.Literal(Action.CHANGED)))
            if self._is_settled_apart(key.parent):
                going = [sql.SQL("SELECT {} FROM {} t").format(relation.ids("t"), relation.source)]
            if going:
                values = sql.SQL("SELECT DISTINCT {} FROM {} p JOIN ({}) d ON {}").format(
                    columns("p", key.parent_columns),
                    relation.source,
                    sql.SQL(" UNION ALL ").join(going),
                    relation.same("p", "d"),
                )
                yield child, key, values

    def _notes(self, child: str, key: ForeignKey) -> bool:
        """Whether it is noted which rows to be updated point at nothing: where a key is valid that is most unlikely."""
        return (self._noting or not key.validated) and self._is_updated(child)

    def _is_updated(self, name: str) -> bool:
        differences = self._comparison.differences.get(name)
        return differences is not None and differences.count(Action.CHANGED) > 0

    def _is_settled_apart(self, name: str) -> bool:
        """Whether rows of a table change beside what the plan compared: sync state of the device."""
        return self._ready.plan.tables.get(name) != self._ready.prepared.plan.tables.get(name)

    def _is_seen_afterwards(self, child: str, key: ForeignKey) -> bool:
        """Whether the values by which rows of a table point are not all on stage."""
        entry = self._ready.source.entries.get(child)
        names = {column.name for column in entry.columns} if entry else set()
        return self._is_settled_apart(child) or (child in self._ready.touched and not set(key.columns) <= names)

    def _hold(self, found: Iterable[tuple[str, ForeignKey, Sql]]) -> Mapping[tuple[str, str], Sql]:
        """What queries give, by table and foreign key; those that give nothing are left out."""
        queries, sizes = dict[tuple[str, str], Sql](), dict[tuple[str, str], int | None]()
        for child, key, query in found:
            queries[child, key.name] = query
            sizes[child, key.name] = self._comparison.bytes_of(child, key.parent)
        return self._ready.survey.workspace.keep_found("reference", queries, sizes.__getitem__)

    # afterwards

    def _suspects(self, child: str, key: ForeignKey) -> Iterator[Sql]:
        """What stands behind FROM, with a condition: rows `c` that were written, or pointed at what is no more."""
        planned, relation = self._ready.prepared.plan.tables.get(child), self._relations[child]
        if self._is_seen_afterwards(child, key):
            known: Sql = sql.SQL("false")
            if (noted := self._noted.get((child, key.name))) is not None:
                alike = equal("v", key.columns, "c", key.columns, self._schema.reference_equalities(child, key))
                known = sql.SQL("EXISTS (SELECT 1 FROM {} v WHERE {})").format(noted, alike)
            yield sql.SQL("{} c WHERE NOT {}").format(relation.source, known)
            return
        if planned is not None and planned.load is Load.COPY:
            yield sql.SQL("{} c WHERE true").format(relation.source)
            return
        if self._comparison.writes(child):
            condition: Sql = sql.SQL("true")
            if (excused := self._noted.get((child, key.name))) is not None:
                condition = sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE x.stage_id = s.ctid)").format(excused)
            written = self._comparison.written(child)
            yield sql.SQL("(SELECT s.* FROM {} WHERE {}) c WHERE true").format(written, condition)
        if (vacated := self._vacated.get((child, key.name))) is not None:
            yield sql.SQL("{} c WHERE EXISTS (SELECT 1 FROM {} v WHERE {})").format(
                relation.source, vacated, points_at(key, "c", "v")
            )

    def _bytes_afterwards(self, *names: str) -> int | None:
        """How much is read to look at tables now that their rows are there."""
        plans, size = self._ready.prepared.plan.tables, self._comparison.bytes_of(*names)
        copied = (name for name in names if name in plans and plans[name].load is Load.COPY)
        return None if size is None else size + sum(self._ready.source.entries[name].bytes for name in copied)

    def _nowhere(self, key: ForeignKey) -> Sql:
        """The condition that the reference of `c` is filled and leads nowhere."""
        parents = sql.SQL("{} p WHERE true").format(self._relations[key.parent].source)
        return sql.SQL("{} AND {}").format(needs_parent(key, "c"), lacks_parent(key, "c", [parents]))
