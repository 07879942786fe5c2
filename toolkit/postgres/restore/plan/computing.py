"""Expressions of constraints and indexes that the server cannot compute for some rows: division by zero, say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import psycopg
from psycopg import sql

from toolkit.postgres.compare.comparison import Comparison, written_lines
from toolkit.postgres.restore.plan.obstacles import Obstacle, Obstacles
from toolkit.postgres.schema.relation import Sql
from toolkit.postgres.session.connection import first_line
from toolkit.postgres.write.batches import REFUSALS, refused_rows


def find_uncomputable(
    comparison: Comparison, obstacles: Obstacles, table: str, expression: Sql, *, constraint: str, what: str = ""
) -> list[str]:
    """Note the rows to be written for which an expression over the table ends in an error; gives their stage ids.

    Args:
        what: what is said of them; that the constraint cannot be computed without it.
    """
    connection, lines = comparison.connection, written_lines(comparison, table)

    def compute(condition: Sql) -> None:
        query = sql.SQL("SELECT max(length(concat({}))) FROM {} s WHERE s.ctid = ANY ({} AND {})")
        connection.execute(query.format(expression, comparison.source.staged(table).table, lines, condition))

    try:
        with connection.transaction():
            compute(sql.SQL("true"))
            return []
    except REFUSALS:
        ids = [str(stage_id) for (stage_id,) in connection.execute(lines)]
    lost = refused_rows(connection, ids, compute)
    return note_refused(
        comparison, obstacles, table, lost, what or f"{constraint} cannot be computed", constraint=constraint
    )


def note_refused(
    comparison: Comparison,
    obstacles: Obstacles,
    table: str,
    refused: Iterable[tuple[str, psycopg.Error]],
    what: str,
    *,
    constraint: str,
) -> list[str]:
    """Note rows that the server refuses, each with its words behind ours; gives their stage ids."""
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for stage_id, error in refused:
        rows[error.sqlstate or "", first_line(error)].append(stage_id)
    query = sql.SQL("SELECT s.ctid AS stage_id, NULL::text AS waits_for FROM {} WHERE s.ctid = ANY ({}::tid[])")
    for (sqlstate, message), found in rows.items():
        obstacle = Obstacle(
            table=table,
            rows=query.format(comparison.written(table), sql.Literal(found)),
            reason=f"{what}: {message}",
            sqlstate=sqlstate,
            constraint=constraint,
        )
        obstacles.add(obstacle)
    return [stage_id for found in rows.values() for stage_id in found]
