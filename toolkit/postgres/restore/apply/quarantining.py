"""The rows that a plan puts aside, as they were backed up and with what stands in their way."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from toolkit.model.quarantine import QuarantinedRow
from toolkit.planning.copy_text import values
from toolkit.planning.row_order import sort_key
from toolkit.postgres.restore.plan.obstacles import Obstacle
from toolkit.postgres.restore.ready import Ready
from toolkit.postgres.schema.relation import columns, text_of
from toolkit.postgres.schema.rows import read_copy
from toolkit.postgres.session.connection import Connection


def quarantined_rows(ready: Ready) -> Iterator[QuarantinedRow]:
    """Give every row that a plan puts aside, with the first thing that stands in its way."""
    for obstacle in ready.prepared.obstacles:
        yield from _rows(ready.connection, ready, obstacle)


def _rows(connection: Connection, ready: Ready, obstacle: Obstacle) -> Iterator[QuarantinedRow]:
    staged = ready.source.staged(obstacle.table)
    names = (*staged.names, *staged.added)
    query = sql.SQL("SELECT {keys}, f.waits_for, {names} FROM {stage} s JOIN {rows} f ON f.stage_id = s.ctid").format(
        keys=text_of("s", sort_key(ready.survey.schema.tables[obstacle.table]).names),
        names=columns("s", names),
        stage=staged.table,
        rows=obstacle.rows,
    )
    for line in read_copy(connection, query):
        key, waits_for, *texts = values(bytes(line))
        yield QuarantinedRow(
            table=obstacle.table,
            key=key or "",
            sqlstate=obstacle.sqlstate,
            constraint=obstacle.constraint,
            reason=obstacle.reason,
            waits_for=waits_for,
            columns=dict(zip(names, texts, strict=True)),
        )
