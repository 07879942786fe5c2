"""The proof at the end of a restore, in its own transaction: foreign keys hold and every row is what it should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

from psycopg import sql

from toolkit.model.manifest import TableEntry
from toolkit.model.plan import Load, Mode
from toolkit.model.schema import DatabaseSchema, ForeignKey, Table
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Sql, equal, relation_of, scalar
from toolkit.postgres.restore.comparison import compare, equal_chunks, lies_as_loaded
from toolkit.postgres.restore.planner import Prepared
from toolkit.postgres.restore.staging import Staging
from toolkit.postgres.selection import Selected


def dangling(connection: Connection, schema: DatabaseSchema, touched: Iterable[str]) -> list[str]:
    """Every foreign key from or to a touched table that leads nowhere, as sentences with counts."""
    tables = set(touched)
    reasons = []
    for child in schema.tables.values():
        for key in child.foreign_keys:
            if child.name in tables or key.parent in tables:
                rows = scalar(connection, _dangling_query(schema, child, key))
                if rows:
                    columns = ", ".join(key.columns)
                    reasons.append(f"{rows} rows of {child.name} ({columns}) point at no row of {key.parent}")
    return reasons


def _dangling_query(schema: DatabaseSchema, child: Table, key: ForeignKey) -> Sql:
    parent = schema.tables[key.parent]
    filled = sql.SQL(" AND ").join(sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(name)) for name in key.columns)
    return sql.SQL("SELECT count(*) FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})").format(
        relation_of(schema.name, child).source,
        filled,
        relation_of(schema.name, parent).source,
        equal("c", key.columns, "p", key.parent_columns),
    )


class Proof:
    """Compares the target after the restore with the backup."""

    def __init__(
        self,
        connection: Connection,
        *,
        schema: DatabaseSchema,
        entries: Mapping[str, TableEntry],
        prepared: Prepared,
        staging: Staging,
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._entries = entries
        self._prepared = prepared
        self._staging = staging
        self._numbers = count()

    def failures(self, after: Selected | None) -> list[str]:
        """What is not as the plan promised, as sentences; empty when the restore is proven.

        Args:
            after: the scope evaluated again on the restored target, for mirror.
        """
        failures = []
        for name, plan in self._prepared.plan.tables.items():
            if name not in self._entries or not plan.changes:
                continue
            entry = self._entries[name]
            table = self._schema.tables[name]
            relation = relation_of(self._schema.name, table)
            if plan.load is Load.COPY and lies_as_loaded(self._connection, table, relation, entry):
                continue
            if plan.load is Load.COPY or (self._prepared.plan.mode is Mode.MIRROR and not sum(plan.kept.values())):
                ids = after.taken[name].ids if after is not None and name in after.taken else None
                if not equal_chunks(self._connection, table, relation, ids, entry):
                    failures.append(f"{name}: the digest of its rows is not the backup's")
            elif plan.load is Load.STAGED:
                failures.extend(self._inexact(name))
        return failures

    def _inexact(self, name: str) -> list[str]:
        """Staged rows that are not on the target exactly, beyond those the plan keeps."""
        table = self._schema.tables[name]
        planned = self._prepared.differences[name].counts
        after = compare(
            self._connection,
            table,
            relation_of(self._schema.name, table),
            self._staging.staged(name),
            name=f"proof_{next(self._numbers)}",
        )
        expected = (
            sum(planned.values()) - self._prepared.plan.tables[name].inserts - self._prepared.plan.tables[name].updates
        )
        found = sum(after.counts.values())
        return [] if found == expected else [f"{name}: {found - expected} rows are not what the backup has"]
