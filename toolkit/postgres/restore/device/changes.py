"""What the changes of a device decision stand on, and the list of them: counted first, run later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field
from psycopg import sql

from toolkit.errors import DatabaseError
from toolkit.model.identity import DeviceDecision, IdentityRules
from toolkit.model.plan import Conflict
from toolkit.model.schema import Table
from toolkit.postgres.compare.comparison import Action
from toolkit.postgres.compare.same_rows import same_key
from toolkit.postgres.compare.source import Source
from toolkit.postgres.restore.device.declared import DeclaredRow, count_rows
from toolkit.postgres.restore.plan.prepared import Prepared
from toolkit.postgres.schema.relation import Relation, Sql, relation_of
from toolkit.postgres.selection.snapshot import Survey
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.stage.decision import Device


class DeviceWork(Struct, frozen=True, kw_only=True):
    """The target in the restore's transaction, with what the restore itself is going to do to it.

    Attributes:
        declared: the rows that the catalog file declares for this device's node id.
    """

    connection: Connection
    source: Source
    survey: Survey
    device: Device
    prepared: Prepared
    declared: tuple[DeclaredRow, ...]

    @property
    def rules(self) -> IdentityRules:
        """The catalog file's `identity`."""
        return self.survey.catalog.identity

    @property
    def decision(self) -> DeviceDecision:
        """The device decision."""
        return self.device.decision

    def table(self, name: str) -> Table:
        """Give a table of the target."""
        return self.survey.schema.tables[name]

    def relation(self, name: str) -> Relation:
        """Give the same as SQL."""
        return relation_of(self.survey.schema.schemas, self.table(name))

    def count(self, name: str, condition: Sql) -> int:
        """Say how many rows `t` of a table a condition holds for."""
        return count_rows(self.connection, self.survey.schema, self.table(name), condition)

    def delete(self, name: str, condition: Sql) -> int:
        """Delete the rows `t` of a table for which a condition holds; gives how many."""
        statement = sql.SQL("DELETE FROM {} t WHERE {}").format(self.relation(name).source, condition)
        return self.connection.execute(statement).rowcount

    def is_node(self, alias: str = "t") -> Sql:
        """Give the condition that a row of the node table has the id of the decision."""
        assert self.rules.node is not None
        return sql.SQL("{}::text = {}").format(
            sql.Identifier(alias, self.rules.node.key), sql.Literal(self.decision.node_id)
        )

    def restored(self, name: str) -> Sql:
        """Give the condition that the backup has a row with the key of row `t`."""
        entry = self.source.entries.get(name)
        if entry is None or not entry.rows:
            return sql.SQL("false")
        staged = self.source.whole(name).table
        return sql.SQL("EXISTS (SELECT 1 FROM {} s WHERE {})").format(staged, same_key(self.table(name), "t", "s"))

    def stays(self, name: str) -> Sql:
        """Give the condition that the restore itself neither deletes nor updates row `t`."""
        relation = self.relation(name)
        conditions: list[Sql] = [sql.SQL("true")]
        if (deleted := self.prepared.deletions.ids.get(name)) is not None:
            gone = sql.SQL("NOT EXISTS (SELECT 1 FROM {} x WHERE {})")
            conditions.append(gone.format(deleted, relation.same("t", "x")))
        if (found := self.prepared.differences.get(name)) is not None:
            changed = sql.SQL("NOT EXISTS (SELECT 1 FROM {} u WHERE {} AND u.action = {})")
            conditions.append(changed.format(found.lines, relation.same("t", "u"), sql.Literal(Action.CHANGED)))
        return sql.SQL("({})").format(sql.SQL(" AND ").join(conditions))


class Change(Struct, frozen=True):
    """One change: rows of a table, and what becomes of them (`cleared`, `created`, `adopted` or `moved`).

    Attributes:
        going: the condition that row `t` of the table is one of those that are cleared.
    """

    table: str
    what: str
    rows: int
    run: Callable[[], int]
    going: Sql | None = None

    @property
    def number(self) -> str:
        """Which number of a table's plan it adds to."""
        return {"cleared": "deletes", "created": "inserts"}.get(self.what, "updates")


class Changes(Struct):
    """The changes before and after the backup's rows are written, and what forbids them."""

    before: list[Change] = field(default_factory=list)
    after: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def refuse(self, table: str, rows: int, reason: str) -> None:
        """Add a conflict, if there are rows to speak of."""
        if rows:
            self.conflicts.append(Conflict(table=table, reason=reason, rows=rows))

    def counted(self, *what: str) -> Mapping[str, int]:
        """Rows by table of the changes of some kinds."""
        counts: dict[str, int] = {}
        for change in (*self.before, *self.after):
            if change.what in what and change.rows:
                counts[change.table] = counts.get(change.table, 0) + change.rows
        return counts


def run_changes(changes: Iterable[Change]) -> None:
    """Make changes as they were counted.

    Raises:
        DatabaseError: one touched another number of rows; the transaction must end.
    """
    for change in changes:
        if change.rows and (found := change.run()) != change.rows:
            raise DatabaseError(
                f"table {change.table}: {found} rows of sync state were {change.what} where the plan has {change.rows};"
                " everything is rolled back",
                hint="if the application was writing them, pause its sync and run again",
            )
