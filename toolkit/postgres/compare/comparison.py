"""Comparing a backup's rows with a database's: two rows are equal exactly if their COPY text is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.manifest import TableEntry
from toolkit.model.schema import DatabaseSchema, Table
from toolkit.planning.as_stored import AsStored
from toolkit.planning.row_order import sort_key
from toolkit.postgres.compare.same_rows import copies, same_key
from toolkit.postgres.compare.source import Source
from toolkit.postgres.compare.staged import Staged
from toolkit.postgres.schema.order import order_by
from toolkit.postgres.schema.relation import Relation, Sql, columns, differing, row_text, scalar, text_of
from toolkit.postgres.schema.row_sources import Rows, Temporary, fetched
from toolkit.postgres.schema.rows import read_copies, rows_query
from toolkit.postgres.schema.workspace import Workspace, shared
from toolkit.postgres.session.connection import Connection


class Action(StrEnum):
    """What becomes of a staged row.

    Attributes:
        MISSING: the database lacks it; it is inserted.
        CHANGED: the database has it with other values; it is updated.
        KEPT: it differs, and stays as it is in the database.
        REFUSED: the database cannot take it; it is put aside.
    """

    MISSING = "i"
    CHANGED = "u"
    KEPT = "k"
    REFUSED = "q"


SAMPLES = 3

LOOKED_UP = 50
"""A table is read by its key when it has at least this many times as many rows as are looked for."""


class Differences(Struct, frozen=True):
    """The staged rows of one table that the database does not have exactly so.

    Attributes:
        lines: a table of (stage_id, row_id[, part_id], action, why); row_id is NULL for missing rows, and why says for
            what reason a row is kept.
        counts: rows by action.
    """

    lines: Rows
    counts: Mapping[str, int]

    def count(self, action: str) -> int:
        """Rows with that action."""
        return self.counts.get(action, 0)

    def turned(self, rows: int, before: str, after: str) -> Differences:
        """Give the same lines, so many of which have another action now."""
        counts = {**self.counts, before: self.count(before) - rows, after: self.count(after) + rows}
        return replace(self, counts=counts)


class Comparison(Struct, frozen=True, kw_only=True):
    """A backup beside a database.

    Attributes:
        relations: the tables of the database.
        differences: per table whose rows are compared one by one; brought up to date as rows are judged.
    """

    workspace: Workspace
    source: Source
    relations: Mapping[str, Relation]
    differences: dict[str, Differences]

    @property
    def connection(self) -> Connection:
        """The session."""
        return self.workspace.connection

    @property
    def schema(self) -> DatabaseSchema:
        """The schema of the database."""
        return self.workspace.schema

    def writes(self, name: str) -> int:
        """Say how many staged rows of a table are to be inserted or updated."""
        found = self.differences.get(name)
        return found.count(Action.MISSING) + found.count(Action.CHANGED) if found else 0

    def written(self, name: str) -> Sql:
        """`stage s JOIN lines d`: the staged rows of a table that are to be inserted or updated."""
        return sql.SQL('{} s JOIN {} d ON d.stage_id = s.ctid AND d.action = ANY (ARRAY[{}, {}]::"char"[])').format(
            self.source.staged(name).table,
            self.differences[name].lines,
            sql.Literal(Action.MISSING),
            sql.Literal(Action.CHANGED),
        )

    def bytes_of(self, *names: str) -> int | None:
        """Say how much is read to look at tables of the database, and at what is staged of them; None: nobody knows."""
        sizes = [self.relations[name].bytes for name in names]
        staged = sum(self.source.staged(name).bytes for name in names if name in self.differences)
        return None if None in sizes else staged + sum(size or 0 for size in sizes)


def written_lines(comparison: Comparison, name: str) -> Sql:
    """Query the `stage_id`s of lines `d` of rows to be inserted or updated; conditions may follow."""
    return sql.SQL('SELECT d.stage_id FROM {} d WHERE d.action = ANY (ARRAY[{}, {}]::"char"[])').format(
        comparison.differences[name].lines, sql.Literal(Action.MISSING), sql.Literal(Action.CHANGED)
    )


def compare(
    workspace: Workspace, relations: Mapping[str, Relation], staged: Mapping[str, Staged]
) -> dict[str, Differences]:
    """Find the staged rows of tables that are missing or differ, in one pass over both sides of each.

    Rows without a unique key are a multiset: of equal rows as many are missing as there are fewer.

    Args:
        staged: the tables to be compared.
    """
    queries = {
        name: _differing(workspace.schema.tables[name], relations[name], stage) for name, stage in staged.items()
    }

    def bytes_of(name: str) -> int | None:
        size = relations[name].bytes
        return None if size is None else size + staged[name].bytes

    lines = workspace.keep_found("differences", queries, bytes_of)
    counts = _count_actions(workspace, lines)
    workspace.analyze()
    nothing = sql.SQL('(SELECT q.* FROM (SELECT NULL::tid AS stage_id, {}, {}, NULL::"char" AS why) q WHERE false)')
    return {
        name: Differences(lines[name], counts[name])
        if name in lines
        else Differences(
            Rows(nothing.format(nobody(relations[name]), sql.SQL('NULL::"char" AS action')), 0), dict[str, int]()
        )
        for name in staged
    }


def _differing(table: Table, target: Relation, staged: Staged) -> Sql:
    if not sort_key(table).unique:
        return _missing_copies(target, staged) if staged.whole else _all_missing(target, staged)
    return sql.SQL(
        'SELECT s.ctid AS stage_id, {ids}, CASE WHEN t.ctid IS NULL THEN {missing} ELSE {changed} END::"char" AS action'
        ', NULL::"char" AS why'
        " FROM {stage} s LEFT JOIN {looked_up} ON {key}"
        " WHERE t.ctid IS NULL OR {differs}"
    ).format(
        ids=target.ids("t"),
        missing=sql.Literal(Action.MISSING),
        changed=sql.Literal(Action.CHANGED),
        stage=staged.table,
        looked_up=_looked_up(table, target, staged),
        key=same_key(table, "t", "s"),
        differs=differing("t", "s", staged.names),
    )


def _looked_up(table: Table, target: Relation, staged: Staged) -> Sql:
    """The target's rows `t`, to be joined with staged rows `s` of the same key.

    Of few rows each is looked up by the key's own index. The planner would rather read the whole table, because it
    takes every look for a jump.
    """
    if target.partitioned or sort_key(table).equalities or staged.table.rows * LOOKED_UP > target.rows:
        return sql.SQL("{} t").format(target.source)
    return sql.SQL("LATERAL (SELECT t.ctid, {} FROM {} t WHERE {} OFFSET 0) t").format(
        columns("t", {column.name: None for column in table.columns}), target.source, same_key(table, "t", "s")
    )


def _count_actions(workspace: Workspace, lines: Mapping[str, Temporary]) -> Mapping[str, Mapping[str, int]]:
    """Rows by action, per table."""
    counts: dict[str, dict[str, int]] = {name: {} for name in lines}
    for group in shared(lines, lambda _: 0):
        query = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, action::text, count(*) FROM {} GROUP BY action").format(sql.Literal(name), lines[name])
            for name in group
        )
        for name, action, rows in workspace.connection.execute(query):
            counts[name][str(action)] = int(rows)
    return counts


def equal_chunks(
    connection: Connection,
    table: Table,
    target: Relation,
    taken: Rows | None,
    entry: TableEntry,
    *,
    rows: int | None = None,
) -> bool:
    """Tell whether the taken rows of a table are exactly those of the backup, by its chunks; nothing is staged for it.

    Args:
        rows: how many rows the table has, where that is known.
    """
    if [column.name for column in table.stored_columns] != [column.name for column in entry.columns]:
        return False
    if entry.rows and not entry.chunks:  # its rows were changed on stage
        return False
    there = taken.rows if taken is not None else rows
    if there is None:
        there = scalar(connection, sql.SQL("SELECT count(*) FROM {} q").format(taken or target.source))
    if there != entry.rows or not entry.rows:
        return there == entry.rows
    return _gives(connection, rows_query(table, target, taken), entry)


def lies_as_loaded(connection: Connection, table: Table, target: Relation, entry: TableEntry) -> bool:
    """Tell whether a table holds exactly the rows of the backup, in the very order of the backup.

    That is how a table lies that was loaded while it was empty, to be read within `in_one_process`. It needs no
    sorting; False proves nothing.
    """
    return _gives(connection, rows_query(table, target, None, ordered=False), entry)


def _gives(connection: Connection, query: Sql, entry: TableEntry) -> bool:
    """Whether a query gives the chunks of an entry; what it gives is read to the end."""
    found = AsStored(entry.chunks)
    with closing(read_copies(connection, [query])) as batches:
        for _, rows in batches:
            found.add(rows)
    return found.all


def count_absent(connection: Connection, target: Relation, staged: Staged) -> int:
    """Say how many rows of the backup, all of them staged, a table without a key lacks; of equal rows each counts."""
    less = sql.SQL("SELECT count(*) FROM (SELECT {} FROM {} s EXCEPT ALL SELECT {} FROM {} t) q")
    query = less.format(row_text("s", staged.names), staged.table, row_text("t", staged.names), target.source)
    return scalar(connection, query)


def _missing_copies(target: Relation, staged: Staged) -> Sql:
    return sql.SQL(
        'SELECT s.row_id AS stage_id, {nobody}, {missing}::"char" AS action, NULL::"char" AS why FROM {ours} s'
        " WHERE NOT EXISTS (SELECT 1 FROM {theirs} t WHERE t.line = s.line AND t.copy = s.copy)"
    ).format(
        nobody=nobody(target),
        missing=sql.Literal(Action.MISSING),
        ours=copies(staged.relation, staged.names),
        theirs=copies(target, staged.names),
    )


def _all_missing(target: Relation, staged: Staged) -> Sql:
    return sql.SQL('SELECT s.ctid AS stage_id, {}, {}::"char" AS action, NULL::"char" AS why FROM {} s').format(
        nobody(target), sql.Literal(Action.MISSING), staged.table
    )


def nobody(target: Relation) -> Sql:
    """Give the id of no row, as columns."""
    return sql.SQL("NULL::tid AS row_id, NULL::oid AS part_id" if target.partitioned else "NULL::tid AS row_id")


def absent_from_stage(
    table: Table, target: Relation, staged: Staged | None, taken: Rows | None, found: Rows | None = None
) -> Sql:
    """Give a query of the ids of taken rows whose key is not staged.

    Args:
        staged: None when the backup has no row of the table.
        taken: a table of ids; None when every row is taken.
        found: lines of rows whose key is.
    """
    if taken is not None and found is not None and not found.empty:
        others = sql.SQL("(SELECT w.* FROM {} w WHERE NOT EXISTS (SELECT 1 FROM {} d WHERE {}))")
        taken = Rows(others.format(taken, found, target.same_ids("d", "w")), taken.rows)
    query, few = sql.SQL("SELECT {} FROM {} t").format(target.ids("t"), target.source), None
    if staged is not None and staged.beyond is not None:
        query = sql.SQL("{} JOIN {} b ON {}").format(query, staged.beyond, target.same("t", "b"))
        few = fetched(target, staged.beyond, "t")
    if taken is not None:
        query = sql.SQL("{} JOIN {} w ON {}").format(query, taken, target.same("t", "w"))
        few = few or fetched(target, taken, "t")
    if few is not None:
        query = sql.SQL("{} AND {}").format(query, few)
    keyed = sort_key(table).unique
    if staged is None or not (keyed or staged.whole):
        return sql.SQL("{} WHERE true").format(query)
    if not keyed:
        return sql.SQL(
            "{} JOIN {} m ON {} WHERE NOT EXISTS (SELECT 1 FROM {} s WHERE s.line = m.line AND s.copy = m.copy)"
        ).format(query, copies(target, staged.names), target.same("t", "m"), copies(staged.relation, staged.names))
    return sql.SQL("{} WHERE NOT EXISTS (SELECT 1 FROM {} s WHERE {})").format(
        query, staged.table, same_key(table, "t", "s")
    )


def sample_keys(connection: Connection, table: Table, alias: str, source: Sql) -> tuple[str, ...]:
    """Give the first few keys, in key order, of the rows that a FROM clause gives under an alias."""
    key = sort_key(table)
    query = sql.SQL("SELECT {keys} FROM {source} ORDER BY {order} LIMIT {limit}").format(
        keys=text_of(alias, key.names), source=source, order=order_by(key, alias), limit=sql.Literal(SAMPLES)
    )
    return tuple(str(text) for (text,) in connection.execute(query))


def staged_samples(
    connection: Connection, table: Table, staged: Staged, lines: Sql, actions: Iterable[str]
) -> tuple[str, ...]:
    """Give the first few keys of staged rows with one of these actions."""
    source = sql.SQL("{} s JOIN {} d ON d.stage_id = s.ctid AND d.action::text = ANY ({})").format(
        staged.table, lines, sql.Literal(list(actions))
    )
    return sample_keys(connection, table, "s", source)
