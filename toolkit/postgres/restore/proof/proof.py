"""The proof at the end of a restore, in its own transaction: every row is what it should be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from psycopg import sql

from toolkit.model.plan import Load
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import (
    Action,
    compare,
    count_absent,
    equal_chunks,
    lies_as_loaded,
)
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.relation import alike, scalar
from toolkit.postgres.selection.selected import Selected
from toolkit.postgres.session.readers import in_one_process


class Proof:
    """Compares the target after the restore with the backup.

    Args:
        counted: the tables of which exactly as many rows were written as the plan says. Rows that were equal when they
            were compared are so still, and those that the server said to be as staged when they were written.
        unseen: the tables of which other rows were written.
    """

    def __init__(self, ready: Ready, *, counted: Collection[str], unseen: Collection[str]) -> None:
        self._workspace = ready.survey.workspace
        self._connection = ready.connection
        self._prepared = ready.prepared
        self._source = ready.source
        self._counted = counted
        self._unseen = unseen

    def failures(self, select: Callable[[], Selected] | None) -> list[str]:
        """Give what is not as the plan promised, as sentences; empty when the restore is proven.

        Args:
            select: evaluates the scope again on the restored target, for mirror.
        """
        changed = [
            name
            for name, plan in self._prepared.plan.tables.items()
            if plan.changes and name in self._source.entries and self._source.entries[name].rows
        ]
        left = sorted(set(changed) - self._as_loaded(changed) - {name for name in changed if self._is_seen(name)})
        ranges = [name for name in left if name in self._counted and self._is_staged_in_part(name)]
        left = [name for name in left if name not in ranges]
        # rows that stay, in any table, may own or point at others, and so change what the scope takes: then the
        # digest differs although every row of the backup is there
        known = [name for name in left if self._source.entries[name].chunks] if select is not None else []
        exact = self._exact(known, select()) if select is not None and known else set()
        return list(self._inexact([*ranges, *(name for name in left if name not in exact)], ranges))

    def _is_seen(self, name: str) -> bool:
        """Whether every row was found to be as staged, when it was compared or when it was written."""
        plan = self._prepared.plan.tables[name]
        staged = plan.load is Load.STAGED and not plan.set_null and self._is_keyed(name)
        return staged and name in self._counted and name not in self._unseen

    def _is_staged_in_part(self, name: str) -> bool:
        staged = self._prepared.plan.tables[name].load is Load.STAGED and not self._source.staged(name).whole
        return staged and self._is_keyed(name)

    def _as_loaded(self, names: Sequence[str]) -> set[str]:
        """Those of the tables that were loaded while they were empty and hold exactly the rows of the backup."""
        loaded = [name for name in names if self._prepared.plan.tables[name].load is Load.COPY]
        with in_one_process(self._connection):
            return {
                name
                for name in loaded
                if lies_as_loaded(
                    self._connection,
                    self._workspace.schema.tables[name],
                    self._workspace.relations[name],
                    self._source.entries[name],
                )
            }

    def _exact(self, names: Sequence[str], after: Selected) -> set[str]:
        """Those of the tables of which the scope takes exactly the rows of the backup."""
        workspace, taken = self._workspace, {name: after.taken[name].ids for name in names if name in after.taken}
        count = sql.SQL("SELECT count(*) FROM {}")
        counts = workspace.numbers(
            {name: count.format(workspace.relations[name].source) for name in names if taken.get(name) is None},
            lambda name: workspace.relations[name].bytes,
        )
        return {
            name
            for name in names
            if equal_chunks(
                self._connection,
                workspace.schema.tables[name],
                workspace.relations[name],
                taken.get(name),
                self._source.entries[name],
                rows=counts.get(name),
            )
        }

    def _inexact(self, names: Sequence[str], ranges: Collection[str]) -> Iterator[str]:
        """Rows of the backup that are not on the target exactly, beyond those the plan keeps or puts aside.

        Args:
            ranges: the tables of which those rows are looked at that differed before.
        """
        source = self._source
        along = {each.table for each in self._prepared.plan.along}
        yield from self._not_come_along(along.intersection(names))
        names = [name for name in names if name not in along]
        keyed = {
            name: source.staged(name) if name in ranges else source.loaded(name)
            for name in names
            if self._is_keyed(name)
        }
        compared = compare(self._workspace, self._workspace.relations, keyed)
        for name in names:
            planned = self._prepared.differences.get(name)
            left = planned.count(Action.KEPT) + planned.count(Action.REFUSED) if planned else 0
            if name in compared:
                differing = sum(compared[name].counts.values())
            else:
                relation, staged = self._workspace.relations[name], self._source.loaded(name)
                differing = count_absent(self._connection, relation, staged)
            if differing > left:
                yield f"{name}: {differing - left} rows are not what the backup has"

    def _not_come_along(self, names: Collection[str]) -> Iterator[str]:
        """Rows that were to come along, of tables whose other rows are none of the restore's business."""
        for name in sorted(names):
            table, staged = self._workspace.schema.tables[name], self._source.staged(name)
            query = sql.SQL(
                "SELECT count(*) FROM {written} WHERE NOT EXISTS (SELECT 1 FROM {target} t WHERE {same} AND {alike})"
            ).format(
                written=self._prepared.comparison.written(name),
                target=self._workspace.relations[name].source,
                same=same_key(table, "t", "s"),
                alike=alike("t", "s", staged.names),
            )
            if rows := scalar(self._connection, query):
                yield f"{name}: {rows} rows that were to come along are not what the backup has"

    def _is_keyed(self, name: str) -> bool:
        return sort_key(self._workspace.schema.tables[name]).unique
