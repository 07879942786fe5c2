"""A table as SQL: where its rows are read from and how one row is told from another within a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import LiteralString, Protocol

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import PLAIN, DatabaseSchema, Equality, ForeignKey, Table
from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.naming import identifier
from toolkit.postgres.session.connection import Connection
from toolkit.postgres.session.qualifying import Verbatim, printed, type_name

Sql = sql.SQL | sql.Composed


class Relation(Struct, frozen=True):
    """A table of the database, or a staged copy of one.

    Rows are told apart by ctid, and by tableoid where the table has partitions: both are fixed within a snapshot.

    Attributes:
        source: what stands behind FROM.
        rows: how many the server thinks it has; less than 0 where it does not know.
        bytes: its size; None where it was not looked at.
    """

    source: Sql
    partitioned: bool = False
    rows: float = -1.0
    bytes: int | None = None

    def ids(self, alias: str) -> Sql:
        """Give the row's id as a select list: `alias.ctid AS row_id[, alias.tableoid AS part_id]`."""
        template = "{a}.ctid AS row_id, {a}.tableoid AS part_id" if self.partitioned else "{a}.ctid AS row_id"
        return _of(template, alias)

    def id_columns(self, alias: str) -> Sql:
        """Give the same id's columns in a table of ids."""
        template = "{a}.row_id, {a}.part_id" if self.partitioned else "{a}.row_id"
        return _of(template, alias)

    def same(self, alias: str, ids: str) -> Sql:
        """Give the condition that row `alias` is the one in the table of ids `ids`."""
        template = (
            "{a}.ctid = {b}.row_id AND {a}.tableoid = {b}.part_id" if self.partitioned else "{a}.ctid = {b}.row_id"
        )
        return _of(template, alias, ids)

    def same_ids(self, left: str, right: str) -> Sql:
        """Give the condition that two tables of ids mean the same row."""
        template = (
            "{a}.row_id = {b}.row_id AND {a}.part_id = {b}.part_id" if self.partitioned else "{a}.row_id = {b}.row_id"
        )
        return _of(template, left, right)


@cache
def _of(template: LiteralString, a: str, b: str = "") -> Sql:
    """Put aliases in; many tables have the same."""
    return sql.SQL(template).format(a=sql.Identifier(a), b=sql.Identifier(b))


def relation_of(schemas: Schemas, table: Table, rows: float = -1.0, size: int | None = None) -> Relation:
    """Give a table itself; rows of tables that inherit from it are not its own, those of its partitions are."""
    template = "{}" if table.partitioned else "ONLY {}"
    return Relation(sql.SQL(template).format(identifier(schemas, table.name)), table.partitioned, rows, size)


def columns(alias: str, names: Iterable[str]) -> Sql:
    """`alias.a, alias.b`."""
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)


def text_of(alias: str, names: Iterable[str]) -> Sql:
    """Give the output texts of a row's columns as one text, `a, b`, NULLs left out; of any number of columns."""
    texts = (
        sql.SQL("CASE WHEN {0} IS DISTINCT FROM NULL THEN concat({0}) END").format(sql.Identifier(alias, name))
        for name in names
    )
    # a function takes at most 100 arguments, a table has up to 1600 columns
    return sql.SQL("array_to_string(ARRAY[{}]::text[], ', ')").format(sql.SQL(", ").join(texts))


def row_text(alias: str, names: Iterable[str]) -> Sql:
    """Give the text of a ROW of some columns: equal exactly if their output texts are, NULLs included."""
    return sql.SQL('ROW({})::text COLLATE "C"').format(columns(alias, names))


def alike(left: str, right: str, names: Sequence[str], theirs: Sequence[str] = ()) -> Sql:
    """Give the condition that two rows are equal in some columns: exactly if their output texts are.

    That is what a restore and a verification mean by equal. By `equal` rows find each other, as keys have it.

    Args:
        theirs: what the columns are called on the right, where not the same.
    """
    return sql.SQL("{} = {}").format(row_text(left, names), row_text(right, theirs or names))


def differing(left: str, right: str, names: Sequence[str]) -> Sql:
    """Give the condition that two rows are not equal in some columns; see `alike`."""
    return sql.SQL("{} <> {}").format(row_text(left, names), row_text(right, names))


def equal(
    left: str,
    left_names: Iterable[str],
    right: str,
    right_names: Iterable[str],
    equalities: Sequence[Equality] = (),
) -> Sql:
    """`left.a = right.x AND left.b = right.y`, by the server's own operators and rules.

    Args:
        equalities: how the values are compared, column by column; empty for the plain way.
    """
    pairs = list(zip(left_names, right_names, strict=True))
    return sql.SQL(" AND ").join(
        compared(sql.Identifier(left, a), sql.Identifier(right, b), equality)
        for (a, b), equality in zip(pairs, equalities or [PLAIN] * len(pairs), strict=True)
    )


class Link(Protocol):
    """Columns that hold the values by which a parent is found: a foreign key, or a reference of the catalog file."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def parent_columns(self) -> tuple[str, ...]: ...

    @property
    def equalities(self) -> tuple[Equality, ...]: ...


def points_at(link: Link, child: str, parent: str, *, names: Sequence[str] = ()) -> Sql:
    """Give the condition that row `child` points at row `parent`, as the foreign key itself finds it.

    Args:
        names: what the child's columns are called, where not as in the table.
    """
    return equal(parent, link.parent_columns, child, names or link.columns, link.equalities)


def needs_parent(key: ForeignKey, child: str) -> Sql:
    """Give the condition that row `child` has to find a parent: no column, or under MATCH FULL not all, are NULL."""
    needed = filled(child, key.columns)
    if key.match_full:
        needed = sql.SQL("({})").format(sql.SQL(" OR ").join(filled(child, [name]) for name in key.columns))
    return sql.SQL("{} AND {}").format(needed, _in_partition(key.within, child)) if key.within else needed


def _in_partition(condition: str, alias: str) -> Sql:
    """The condition of partitions on a row; columns of others have no part in it."""
    return sql.SQL("(SELECT {} FROM (SELECT {}.*) AS row_of)").format(printed(condition), sql.Identifier(alias))


def lacks_parent(key: ForeignKey, child: str, parents: Sequence[Sql]) -> Sql:
    """Give the condition that row `child` finds no parent by the rules of its foreign key.

    Args:
        parents: where rows of the parent are looked for, each as what stands behind FROM, alias `p`, and a further
            condition: `table p WHERE true`.
    """
    joined = points_at(key, child, "p")
    if key.parent_within:
        joined = sql.SQL("{} AND {}").format(joined, _in_partition(key.parent_within, "p"))
    if not key.period:
        return sql.SQL(" AND ").join(
            sql.SQL("NOT EXISTS (SELECT 1 FROM {} AND {})").format(parent, joined) for parent in parents
        )
    # together they have to cover the period of the child
    theirs, ours = sql.Identifier("p", key.parent_columns[-1]), sql.Identifier(child, key.columns[-1])
    periods = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} AS period FROM {} AND {}").format(theirs, parent, joined) for parent in parents
    )
    return sql.SQL("(SELECT {} OPERATOR(pg_catalog.<@) range_agg(x.period) FROM ({}) x) IS NOT TRUE").format(
        ours, periods
    )


def compared(left: sql.Composable, right: sql.Composable, equality: Equality) -> Sql:
    """Give the condition that two values are equal (for a period: that they overlap)."""
    if equality.flipped:
        left, right = right, left
    # names come from the server's catalog, quoted by itself
    ours, theirs = (
        sql.SQL("{}::{}").format(value, Verbatim(kind)) if kind else value
        for value, kind in ((left, equality.left), (right, equality.right))
    )
    if equality.collation:
        theirs = sql.SQL("{} COLLATE {}").format(theirs, Verbatim(equality.collation))
    return sql.SQL("{} OPERATOR({}) {}").format(ours, Verbatim(equality.operator), theirs)


def equals_text(schema: DatabaseSchema, table: str, alias: str, name: str, text: str) -> Sql:
    """Give the condition that a column has the value which a person wrote, in whatever spelling."""
    kind = schema.tables[table].column(name).type
    # a literal takes the type of what it is compared with, but not that of a record; a cast to numeric(5,2) would round
    value = sql.Literal(text) if "(" in kind else sql.SQL("{}::{}").format(sql.Literal(text), type_name(kind))
    return compared(sql.Identifier(alias, name), value, schema.key_equality(table, name))


def is_null(value: sql.Composable) -> Sql:
    """Give the condition that a value is NULL; a composite one whose fields all are NULL is a value, and is not."""
    return sql.SQL("{} IS NOT DISTINCT FROM NULL").format(value)


def assigned(name: str, value: sql.Composable) -> Sql:
    """Give `name = value`, as it stands behind SET."""
    return sql.SQL("{}{}{}").format(sql.Identifier(name), Verbatim(" = "), value)


def filled(alias: str, names: Iterable[str]) -> Sql:
    """Give the condition that none of these columns is NULL."""
    return sql.SQL(" AND ").join(
        sql.SQL("{} IS DISTINCT FROM NULL").format(sql.Identifier(alias, name)) for name in names
    )


def scalar(connection: Connection, query: Sql) -> int:
    """Give the one number that a query gives."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
