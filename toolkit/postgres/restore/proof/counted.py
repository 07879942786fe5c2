"""What the server itself counts of a transaction: how many rows of each table it has inserted, updated and deleted.

Where that is what the plan says, and the planned rows are there as planned, no other row was touched: whatever writes
is counted, be it a statement, a trigger, a rule or a foreign key that acts. What a savepoint took back is counted too,
so that other numbers prove nothing by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.postgres.restore.plan.prepared import Prepared
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection

# a table that was emptied or written anew in the transaction has another file, and its counts begin again
_COUNTS = sql.SQL("""
SELECT t.named, sum(pg_stat_get_xact_tuples_inserted(r.oid))::bigint,
       sum(pg_stat_get_xact_tuples_updated(r.oid))::bigint, sum(pg_stat_get_xact_tuples_deleted(r.oid))::bigint,
       string_agg(pg_relation_filenode(r.oid)::text, ' ' ORDER BY r.oid)
FROM {NAMED} t
JOIN pg_class r ON r.oid = t.oid OR (t.relkind = 'p' AND r.oid IN (SELECT relid FROM pg_partition_tree(t.oid)))
WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition
GROUP BY t.named
""").format(NAMED=NAMED)


class OtherCountsError(Exception):
    """The server has counted other numbers of rows than the plan has: rows have to be looked at to know more."""


class Counts(Struct, frozen=True):
    """Rows of a table that a transaction has inserted, updated and deleted, and the files in which the table is."""

    inserted: int
    updated: int
    deleted: int
    files: str | None

    def since(self, before: Counts) -> tuple[int, int, int]:
        """Give how many rows were inserted, updated and deleted since then."""
        return self.inserted - before.inserted, self.updated - before.updated, self.deleted - before.deleted


class Counted:
    """The counts of one transaction, from when this is made on."""

    def __init__(self, connection: Connection, schemas: Schemas) -> None:
        self._connection = connection
        self._schemas = schemas
        self._before = self._read()

    def as_planned(self, prepared: Prepared) -> frozenset[str]:
        """Give the tables of which exactly as many rows were written as the plan says; those with no plan included."""
        row = self._connection.execute("SELECT current_setting('track_counts')::boolean").fetchone()
        if row != (True,):
            return frozenset()
        after = self._read()
        return frozenset(
            name
            for name, before in self._before.items()
            if name in after
            and after[name].files == before.files
            and after[name].since(before) == _planned(prepared, name)
        )

    def _read(self) -> Mapping[str, Counts]:
        rows = self._connection.execute(_COUNTS, {"schemas": parameter(self._schemas)}).fetchall()
        return {str(name): Counts(*counts) for name, *counts in rows}


def _planned(prepared: Prepared, name: str) -> tuple[int, int, int]:
    """How many rows a plan inserts, updates and deletes; a row that is rewritten is deleted and inserted."""
    parked = sum(parking.count for parking in prepared.release.parkings if parking.table == name)
    plan = prepared.plan.tables.get(name)
    if plan is None:
        return 0, parked, 0
    again = plan.rewritten
    return plan.inserts + again, plan.updates - again + plan.set_null + parked, plan.deletes + again
