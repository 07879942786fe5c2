"""A table as SQL: where its rows are read from and how one row is told from another within a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.schema import Table
from toolkit.postgres.connection import Connection

Sql = sql.SQL | sql.Composed

FEW = 4
"""A table is read by row ids when it has more than this many times as many rows."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table of the database, or a staged copy of one.

    Rows are told apart by ctid, and by tableoid where the table has partitions: both are fixed within a snapshot.

    Attributes:
        source: what stands behind FROM.
    """

    source: Sql
    partitioned: bool = False

    def ids(self, alias: str) -> Sql:
        """The row's id as a select list: `alias.ctid AS row_id[, alias.tableoid AS part_id]`."""
        template = "{a}.ctid AS row_id, {a}.tableoid AS part_id" if self.partitioned else "{a}.ctid AS row_id"
        return sql.SQL(template).format(a=sql.Identifier(alias))

    def id_columns(self, alias: str) -> Sql:
        """The same id's columns in a table of ids."""
        template = "{a}.row_id, {a}.part_id" if self.partitioned else "{a}.row_id"
        return sql.SQL(template).format(a=sql.Identifier(alias))

    def same(self, alias: str, ids: str) -> Sql:
        """The condition that row `alias` is the one in the table of ids `ids`."""
        template = (
            "{a}.ctid = {b}.row_id AND {a}.tableoid = {b}.part_id" if self.partitioned else "{a}.ctid = {b}.row_id"
        )
        return sql.SQL(template).format(a=sql.Identifier(alias), b=sql.Identifier(ids))

    def same_ids(self, left: str, right: str) -> Sql:
        """The condition that two tables of ids mean the same row."""
        template = (
            "{a}.row_id = {b}.row_id AND {a}.part_id = {b}.part_id" if self.partitioned else "{a}.row_id = {b}.row_id"
        )
        return sql.SQL(template).format(a=sql.Identifier(left), b=sql.Identifier(right))


def relation_of(schema: str, table: Table) -> Relation:
    """A table itself; rows of tables that inherit from it are not its own, those of its partitions are."""
    template = "{}" if table.partitioned else "ONLY {}"
    return Relation(sql.SQL(template).format(sql.Identifier(schema, table.name)), table.partitioned)


def columns(alias: str, names: Iterable[str]) -> Sql:
    """`alias.a, alias.b`."""
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)


def text_of(alias: str, names: Iterable[str]) -> Sql:
    """The output texts of a row's columns as one text, `a, b`, NULLs left out; of any number of columns."""
    texts = (
        sql.SQL("CASE WHEN {0} IS NOT NULL THEN concat({0}) END").format(sql.Identifier(alias, name)) for name in names
    )
    # a function takes at most 100 arguments, a table has up to 1600 columns
    return sql.SQL("array_to_string(ARRAY[{}]::text[], ', ')").format(sql.SQL(", ").join(texts))


def equal(left: str, left_names: Iterable[str], right: str, right_names: Iterable[str]) -> Sql:
    """`left.a = right.x AND left.b = right.y`."""
    pairs = zip(left_names, right_names, strict=True)
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, a), sql.Identifier(right, b)) for a, b in pairs
    )


def create_temporary(connection: Connection, name: str, query: Sql) -> Sql:
    """Make a temporary table from a query, gone with the transaction's rollback or the session; gives its name.

    It gets statistics unless it is empty: without them the planner takes a small one for a large one.
    """
    table = sql.SQL("{}").format(sql.Identifier("pg_temp", name))
    template = sql.SQL("CREATE TEMPORARY TABLE {} AS {}")
    made = connection.execute(template.format(sql.Identifier(name), query))
    if made.rowcount:
        connection.execute(sql.SQL("ANALYZE {}").format(table))
    return table


def chosen(connection: Connection, relation: Relation, ids: Sql | None, alias: str) -> Sql:
    """`FROM …` the rows of a table that a table of ids names, or all of them for None.

    A few of many rows are fetched by their ids, in the order in which they lie; the planner would read the whole
    table, because it takes every fetch for a jump.
    """
    source = sql.SQL("FROM {} {}").format(relation.source, sql.Identifier(alias))
    if ids is None:
        return source
    if not relation.partitioned:
        sizes = sql.SQL(
            "SELECT (SELECT count(*) FROM {}), reltuples FROM pg_class WHERE oid = (SELECT tableoid FROM {} LIMIT 1)"
        ).format(ids, relation.source)
        row = connection.execute(sizes).fetchone()
        if row is not None and row[0] * FEW < row[1]:
            fetched = sql.SQL("{} WHERE {}.ctid = ANY (ARRAY(SELECT row_id FROM {}))")
            return fetched.format(source, sql.Identifier(alias), ids)
    return sql.SQL("{} JOIN {} i ON {}").format(source, ids, relation.same(alias, "i"))


class Workspace:
    """Where a selection holds what it has worked out: temporary tables, or, where there can be none, the queries.

    A standby, and a role without the TEMPORARY privilege, can still take whole scopes that need no table of ids.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        row = connection.execute(
            "SELECT pg_is_in_recovery(), has_database_privilege(current_database(), 'TEMPORARY')"
        ).fetchone()
        assert row is not None
        self._obstacle = (
            "the server is a standby" if row[0] else "" if row[1] else "the role has no TEMPORARY privilege"
        )

    def hold(self, name: str, query: Sql) -> Sql:
        """What a query gives, as something to select from: a temporary table where possible, else the query itself."""
        if self._obstacle:
            return sql.SQL("({})").format(query)
        return create_temporary(self._connection, name, query)

    def keep(self, name: str, query: Sql) -> Sql:
        """A temporary table, which can be added to.

        Raises:
            RefusedError: there can be none.
        """
        if self._obstacle:
            raise RefusedError(
                f"this scope needs temporary tables, and {self._obstacle}",
                hint="GRANT TEMPORARY on the database and run on the primary; without it only whole scopes with"
                " `demo: include`, no conditions and no references to device rows can be read",
            )
        return create_temporary(self._connection, name, query)


def scalar(connection: Connection, query: Sql) -> int:
    """The one number that a query gives."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
