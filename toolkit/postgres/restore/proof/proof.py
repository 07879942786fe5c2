"""The proof at the end of a restore, in its own transaction: every row is what it should be."""

from __future__ import annotations

from itertools import count

from toolkit.model.plan import Load
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.comparison import KEPT, REFUSED, compare, count_absent, equal_chunks, lies_as_loaded
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.relation import relation_of
from toolkit.postgres.selection.evaluation import Selected


class Proof:
    """Compares the target after the restore with the backup."""

    def __init__(self, ready: Ready) -> None:
        self._connection = ready.connection
        self._schema = ready.survey.schema
        self._prepared = ready.prepared
        self._source = ready.source
        self._numbers = count()

    def failures(self, after: Selected | None) -> list[str]:
        """What is not as the plan promised, as sentences; empty when the restore is proven.

        Args:
            after: the scope evaluated again on the restored target, for mirror.
        """
        failures = []
        for name, plan in self._prepared.plan.tables.items():
            if name not in self._source.entries or not plan.changes:
                continue
            entry = self._source.entries[name]
            table = self._schema.tables[name]
            relation = relation_of(self._schema.name, table)
            if plan.load is Load.COPY and lies_as_loaded(self._connection, table, relation, entry):
                continue
            ids = after.taken[name].ids if after is not None and name in after.taken else None
            # rows that stay, in any table, may own or point at others, and so change what the scope takes: then the
            # digest differs although every row of the backup is there
            if entry.rows and not (after and equal_chunks(self._connection, table, relation, ids, entry)):
                failures.extend(self._inexact(name))
        return failures

    def _inexact(self, name: str) -> list[str]:
        """Rows of the backup that are not on the target exactly, beyond those the plan keeps or puts aside."""
        table, staged = self._schema.tables[name], self._source.staged(name)
        relation = relation_of(self._schema.name, table)
        planned = self._prepared.differences.get(name)
        left = planned.count(KEPT) + planned.count(REFUSED) if planned else 0
        if sort_key(table).unique:
            after = compare(self._connection, table, relation, staged, name=f"proof_{next(self._numbers)}")
            wrong = sum(after.counts.values()) - left
        else:
            wrong = count_absent(self._connection, relation, staged) - left
        return [f"{name}: {wrong} rows are not what the backup has"] if wrong > 0 else []
