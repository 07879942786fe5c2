"""Generated columns: from what they are computed, and how."""

from __future__ import annotations

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import DatabaseSchema
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection, full_names

# before version 15 it is the column that depends on others, since then its expression does
READ_BY_GENERATED = sql.SQL("""
    pg_attrdef e JOIN pg_attribute g ON g.attrelid = e.adrelid AND g.attnum = e.adnum AND g.attgenerated <> ''
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = e.adrelid AND d.refobjsubid <> e.adnum
         AND (d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
              OR d.classid = 'pg_class'::regclass AND d.objid = e.adrelid AND d.objsubid = e.adnum)
""")
"""What stands behind FROM for generated columns `g` of any table `e.adrelid`, and columns `d.refobjsubid` they read."""

_COMPUTED = sql.SQL("""
SELECT g.attname::text, format_type(g.atttypid, g.atttypmod), g.attnotnull, pg_get_expr(e.adbin, e.adrelid),
       array_agg(DISTINCT a.attname::text)
FROM {NAMED} c JOIN ({READ} JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = d.refobjsubid)
  ON e.adrelid = c.oid
WHERE c.named = %(table)s
GROUP BY g.attnum, g.attname, g.atttypid, g.atttypmod, g.attnotnull, e.adbin, e.adrelid
""").format(NAMED=NAMED, READ=READ_BY_GENERATED)


class ComputedColumn(Struct, frozen=True):
    """A generated column that reads others.

    Attributes:
        type: as the server prints it, qualified.
        required: it is NOT NULL.
        expression: SQL over the columns, named plainly.
        columns: those that it reads.
    """

    name: str
    type: str
    required: bool
    expression: str
    columns: tuple[str, ...]


def computed_columns(connection: Connection, schema: DatabaseSchema, table: str) -> list[ComputedColumn]:
    """Give the generated columns of a table that read other columns."""
    with full_names(connection):
        rows = connection.execute(_COMPUTED, {"schemas": parameter(schema.schemas), "table": table}).fetchall()
    return [
        ComputedColumn(name=name, type=kind, required=required, expression=expression, columns=tuple(columns))
        for name, kind, required, expression, columns in rows
    ]
