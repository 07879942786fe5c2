"""Comparing a backup's rows with a database's: two rows are equal exactly if their COPY text is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql

from toolkit.model.manifest import TableEntry, chunk_id
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.chunking import chunks
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.source import Source, Staged
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, columns, create_temporary, equal, scalar, text_of
from toolkit.postgres.schema.rows import read_rows
from toolkit.postgres.session.connection import Connection

MISSING, CHANGED, KEPT, REFUSED = "i", "u", "k", "q"
"""A staged row that the database lacks; that differs; that differs but stays; that the database cannot take, so that it
is put aside."""

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Differences:
    """The staged rows of one table that the database does not have exactly so.

    Attributes:
        lines: a table of (stage_id, row_id[, part_id], action, why); row_id is NULL for missing rows, and why says for
            what reason a row is kept.
        counts: rows by action.
    """

    lines: Sql
    counts: dict[str, int]

    def count(self, action: str) -> int:
        """Rows with that action."""
        return self.counts.get(action, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A backup beside a database.

    Attributes:
        relations: the tables of the database.
        differences: per table whose rows are compared one by one; brought up to date as rows are judged.
    """

    connection: Connection
    schema: DatabaseSchema
    source: Source
    relations: Mapping[str, Relation]
    differences: dict[str, Differences]

    def writes(self, name: str) -> int:
        """How many staged rows of a table are to be inserted or updated."""
        found = self.differences.get(name)
        return found.count(MISSING) + found.count(CHANGED) if found else 0

    def written(self, name: str) -> Sql:
        """`stage s JOIN lines d`: the staged rows of a table that are to be inserted or updated."""
        return sql.SQL('{} s JOIN {} d ON d.stage_id = s.ctid AND d.action IN ({}::"char", {}::"char")').format(
            self.source.staged(name).table, self.differences[name].lines, sql.Literal(MISSING), sql.Literal(CHANGED)
        )


def written_lines(comparison: Comparison, name: str) -> Sql:
    """A query of the `stage_id`s of lines `d` of rows that are to be inserted or updated; conditions may follow."""
    return sql.SQL('SELECT d.stage_id FROM {} d WHERE d.action IN ({}::"char", {}::"char")').format(
        comparison.differences[name].lines, sql.Literal(MISSING), sql.Literal(CHANGED)
    )


def compare(
    connection: Connection,
    table: Table,
    target: Relation,
    staged: Staged,
    *,
    name: str,
) -> Differences:
    """Find the staged rows that are missing or differ, in one pass over both.

    Rows without a unique key are a multiset: of equal rows as many are missing as there are fewer.

    Args:
        name: of the temporary table to make.
    """
    if not sort_key(table).unique:
        lines = create_temporary(connection, name, _missing_copies(target, staged))
        return Differences(lines, count_actions(connection, lines))
    query = sql.SQL(
        'SELECT s.ctid AS stage_id, {ids}, CASE WHEN t.ctid IS NULL THEN {missing} ELSE {changed} END::"char" AS action'
        ', NULL::"char" AS why'
        " FROM {stage} s LEFT JOIN {source} t ON {key}"
        " WHERE t.ctid IS NULL OR ROW({theirs})::text <> ROW({ours})::text"
    ).format(
        ids=target.ids("t"),
        missing=sql.Literal(MISSING),
        changed=sql.Literal(CHANGED),
        stage=staged.table,
        source=target.source,
        key=same_key(table, "t", "s"),
        theirs=columns("t", staged.names),
        ours=columns("s", staged.names),
    )
    lines = create_temporary(connection, name, query)
    return Differences(lines, count_actions(connection, lines))


def equal_chunks(connection: Connection, table: Table, target: Relation, taken: Sql | None, entry: TableEntry) -> bool:
    """Whether the taken rows of a table are exactly those of the backup, chunk for chunk; nothing is staged for it."""
    if [column.name for column in table.stored_columns] != [column.name for column in entry.columns]:
        return False
    if scalar(connection, sql.SQL("SELECT count(*) FROM {}").format(taken or target.source)) != entry.rows:
        return False
    return _gives(read_rows(connection, table, target, taken), entry)


def lies_as_loaded(connection: Connection, table: Table, target: Relation, entry: TableEntry) -> bool:
    """Whether a table holds exactly the rows of the backup, in the very order of the backup.

    That is how a table lies that was loaded while it was empty. It needs no sorting; False proves nothing.
    """
    # parallel workers would mix the order
    connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
    same = _gives(read_rows(connection, table, target, None, ordered=False), entry)
    connection.execute("SET LOCAL max_parallel_workers_per_gather TO DEFAULT")
    return same


def _gives(rows: Iterable[memoryview], entry: TableEntry) -> bool:
    """Whether rows make the chunks of an entry; reads them to the end, because the server is amid a COPY."""
    expected = iter(entry.chunks)
    same = True
    for raw in chunks(rows):
        chunk = next(expected, None)
        same = same and chunk is not None and chunk_id(raw.data) == chunk.id
    return same and next(expected, None) is None


def count_absent(connection: Connection, target: Relation, staged: Staged) -> int:
    """How many staged rows a table without a unique key lacks; of equal rows each counts."""
    less = sql.SQL("SELECT count(*) FROM (SELECT ROW({})::text FROM {} s EXCEPT ALL SELECT ROW({})::text FROM {} t) q")
    query = less.format(columns("s", staged.names), staged.table, columns("t", staged.names), target.source)
    return scalar(connection, query)


def _missing_copies(target: Relation, staged: Staged) -> Sql:
    nobody = "NULL::tid AS row_id, NULL::oid AS part_id" if target.partitioned else "NULL::tid AS row_id"
    return sql.SQL(
        'SELECT s.row_id AS stage_id, {nobody}, {missing}::"char" AS action, NULL::"char" AS why FROM {ours} s'
        " WHERE NOT EXISTS (SELECT 1 FROM {theirs} t WHERE t.line = s.line AND t.copy = s.copy)"
    ).format(
        nobody=sql.SQL(nobody),
        missing=sql.Literal(MISSING),
        ours=_copies(staged.relation, staged),
        theirs=_copies(target, staged),
    )


def _copies(relation: Relation, staged: Staged) -> Sql:
    """A subquery of rows as (row_id[, part_id], line, copy): their text, and a number among those of equal text."""
    line = sql.SQL('ROW({})::text COLLATE "C"').format(columns("r", staged.names))
    return sql.SQL("(SELECT {}, {line} AS line, row_number() OVER (PARTITION BY {line}) AS copy FROM {} r)").format(
        relation.ids("r"), relation.source, line=line
    )


def count_actions(connection: Connection, lines: Sql) -> dict[str, int]:
    """Rows by action."""
    query = sql.SQL("SELECT action::text, count(*) FROM {} GROUP BY action").format(lines)
    return {str(action): int(rows) for action, rows in connection.execute(query)}


def same_key(table: Table, left: str, right: str) -> Sql:
    """The condition that two rows have the same key; without a unique key NULLs count as equal."""
    key = sort_key(table)
    if key.unique:
        return equal(left, key.names, right, key.names, key.equalities)
    return sql.SQL("ROW({})::text = ROW({})::text").format(columns(left, key.names), columns(right, key.names))


def absent_from_stage(table: Table, target: Relation, staged: Staged | None, taken: Sql | None) -> Sql:
    """A query of the ids of taken rows whose key is not staged.

    Args:
        staged: None when the backup has no row of the table.
        taken: a table of ids; None when every row is taken.
    """
    query = sql.SQL("SELECT {} FROM {} t").format(target.ids("t"), target.source)
    if taken is not None:
        query = sql.SQL("{} JOIN {} w ON {}").format(query, taken, target.same("t", "w"))
    if staged is None:
        return sql.SQL("{} WHERE true").format(query)
    if not sort_key(table).unique:
        return sql.SQL(
            "{} JOIN {} m ON {} WHERE NOT EXISTS (SELECT 1 FROM {} s WHERE s.line = m.line AND s.copy = m.copy)"
        ).format(query, _copies(target, staged), target.same("t", "m"), _copies(staged.relation, staged))
    return sql.SQL("{} WHERE NOT EXISTS (SELECT 1 FROM {} s WHERE {})").format(
        query, staged.table, same_key(table, "t", "s")
    )


def sample_keys(connection: Connection, table: Table, alias: str, source: Sql) -> tuple[str, ...]:
    """The first few keys, in key order, of the rows that a FROM clause gives under an alias."""
    key = sort_key(table)
    query = sql.SQL("SELECT {keys} FROM {source} ORDER BY {order} LIMIT {limit}").format(
        keys=text_of(alias, key.names), source=source, order=order_by(key, alias), limit=sql.Literal(SAMPLES)
    )
    return tuple(str(text) for (text,) in connection.execute(query))


def staged_samples(
    connection: Connection, table: Table, staged: Staged, lines: Sql, actions: Iterable[str]
) -> tuple[str, ...]:
    """The first few keys of staged rows with one of these actions."""
    source = sql.SQL("{} s JOIN {} d ON d.stage_id = s.ctid AND d.action::text = ANY ({})").format(
        staged.table, lines, sql.Literal(list(actions))
    )
    return sample_keys(connection, table, "s", source)
