"""Second unique keys: whether the values of rows to be written are free on the target."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from toolkit.model.plan import Conflict
from toolkit.model.schema import Table, UniqueKey
from toolkit.planning.row_order import sort_key
from toolkit.postgres.connection import Connection
from toolkit.postgres.relation import Relation, Sql, equal
from toolkit.postgres.restore.comparison import CHANGED, MISSING, Differences, same_key, sample_keys
from toolkit.postgres.restore.source import Staged


@dataclass(frozen=True, slots=True)
class Held:
    """What a unique key says of the rows to be written.

    Attributes:
        freed: how many of their values are held by rows that this restore deletes.
        conflict: the values that other rows hold, if any.
    """

    freed: int
    conflict: Conflict | None


def other_keys(table: Table) -> list[UniqueKey]:
    """The unique keys of plain stored columns besides the one that identifies rows.

    The others (partial ones, expressions, generated columns) are left to the server, which refuses their violation.
    """
    identity, stored = set(sort_key(table).names), {column.name for column in table.stored_columns}
    keys = [
        key
        for key in table.unique_keys
        if key.columns and not key.partial and set(key.columns) <= stored and set(key.columns) != identity
    ]
    if table.primary_key and set(table.primary_key) != identity:
        keys.append(UniqueKey(name="the primary key", columns=table.primary_key))
    return keys


def held_values(
    connection: Connection,
    table: Table,
    key: UniqueKey,
    *,
    target: Relation,
    staged: Staged,
    differences: Differences,
    deleted: Sql | None,
) -> Held:
    """Look for target rows with another identity that hold the values which staged rows are to bring.

    Args:
        deleted: a table of ids of rows that will be deleted.
    """
    freed: Sql = sql.SQL("false")
    if deleted is not None:
        freed = sql.SQL("EXISTS (SELECT 1 FROM {} x WHERE {})").format(deleted, target.same("t", "x"))
    held = sql.SQL(
        "SELECT s.ctid AS stage_id, {freed} AS freed FROM {stage} s"
        " JOIN {lines} d ON d.stage_id = s.ctid AND d.action::text = ANY ({actions})"
        " JOIN {target} t ON {same_values} WHERE NOT ({same_key})"
    ).format(
        freed=freed,
        stage=staged.table,
        lines=differences.lines,
        actions=sql.Literal([MISSING, CHANGED]),
        target=target.source,
        same_values=_same_values(key),
        same_key=same_key(table, "t", "s"),
    )
    counts = sql.SQL("SELECT count(*) FILTER (WHERE freed), count(*) FILTER (WHERE NOT freed) FROM ({}) q")
    row = connection.execute(counts.format(held)).fetchone()
    assert row is not None
    if not row[1]:
        return Held(row[0], None)
    source = sql.SQL("{} s WHERE s.ctid IN (SELECT stage_id FROM ({}) q WHERE NOT freed)").format(staged.table, held)
    reason = f"values of unique key {key.name} ({', '.join(key.columns)}) are held by other rows"
    samples = sample_keys(connection, table, "s", source)
    return Held(row[0], Conflict(table=table.name, reason=reason, rows=row[1], samples=samples))


def _same_values(key: UniqueKey) -> Sql:
    if not key.nulls_not_distinct:
        return equal("t", key.columns, "s", key.columns)
    return sql.SQL(" AND ").join(
        sql.SQL("{} IS NOT DISTINCT FROM {}").format(sql.Identifier("t", name), sql.Identifier("s", name))
        for name in key.columns
    )
