"""Domains with constraints that are NOT VALID: rows may hold what they forbid, as long as nobody writes it anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection, full_names

_OPEN = sql.SQL("""
WITH RECURSIVE chain(named, attname, domain, type, typmod, open) AS (
    SELECT c.named, a.attname::text, a.atttypid, a.atttypid, a.atttypmod, false
    FROM {NAMED} c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
    WHERE c.relkind = ANY ('{{r,p}}'::"char"[]) AND a.attgenerated = '' AND NOT EXISTS (
        SELECT FROM pg_attrdef e JOIN pg_attribute g ON g.attrelid = e.adrelid AND g.attnum = e.adnum
        JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
        WHERE e.adrelid = c.oid AND g.attgenerated <> '' AND d.refobjid = c.oid AND d.refobjsubid = a.attnum)
    UNION ALL
    SELECT h.named, h.attname, h.domain, t.typbasetype, t.typtypmod, h.open OR EXISTS (
        SELECT FROM pg_constraint f WHERE f.contypid = t.oid AND NOT f.convalidated)
    FROM chain h JOIN pg_type t ON t.oid = h.type AND t.typtype = 'd'
)
SELECT h.named, h.attname, format_type(h.domain, NULL), format_type(h.type, h.typmod)
FROM chain h JOIN pg_type t ON t.oid = h.type AND t.typtype <> 'd' WHERE h.open
""").format(NAMED=NAMED)


class OpenDomain(Struct, frozen=True):
    """A type of a column, with names as `format_type` prints them where only pg_catalog is in the search path.

    Attributes:
        base: the type that the domain is of, which any row of the column has a value of.
    """

    name: str
    base: str


def open_domains(connection: Connection, schemas: Schemas) -> Mapping[str, Mapping[str, OpenDomain]]:
    """Give, by table and column, the domains in use that have constraints which are NOT VALID.

    Columns that others are computed from are left out: their types are fixed by that.
    """
    unvalidated = "SELECT 1 FROM pg_constraint f WHERE f.contypid <> 0 AND NOT f.convalidated LIMIT 1"
    if connection.execute(unvalidated).fetchone() is None:
        return {}
    with full_names(connection):
        rows = connection.execute(_OPEN, {"schemas": parameter(schemas)}).fetchall()
    found: dict[str, dict[str, OpenDomain]] = defaultdict(dict)
    for table, column, name, base in rows:
        found[table][column] = OpenDomain(name, base)
    return found
