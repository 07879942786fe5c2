"""Reads a schema's facts from the system catalogs, in a handful of queries whatever its size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from typing import Any

import msgspec

from toolkit.errors import RefusedError
from toolkit.model.schema import Column, DatabaseSchema, Equality, ForeignKey, OnChange, Table, UniqueKey
from toolkit.postgres.schema.equality import read_equalities
from toolkit.postgres.session.connection import Connection

NATIVE = frozenset("int2 int4 int8 float4 float8 numeric money date time timetz timestamp timestamptz interval".split())
"""Types that sort natively in the repository (numbers and times)."""

OID_TYPES = frozenset(
    "oid xid cid regproc regprocedure regoper regoperator regclass regtype regrole regnamespace regconfig"
    " regdictionary regcollation".split()
)
"""Types whose value is an OID, which means something else in another database."""

_COLUMNS = """
WITH RECURSIVE base AS (
    SELECT t.oid, t.oid AS base FROM pg_type t WHERE t.typtype <> 'd'
    UNION ALL
    SELECT t.oid, b.base FROM pg_type t JOIN base b ON t.typtype = 'd' AND t.typbasetype = b.oid
)
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, a.atthasdef,
       a.attgenerated::text, a.attidentity::text, b.typname
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN base ON base.oid = a.atttypid
JOIN pg_type b ON b.oid = base.base
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname COLLATE "C", a.attname COLLATE "C"
"""

_PARTS = """
WITH RECURSIVE used AS (
    SELECT c.relname, a.attname, a.atttypid AS part
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION
    SELECT u.relname, u.attname, p.oid
    FROM used u
    JOIN pg_type t ON t.oid = u.part
    CROSS JOIN LATERAL (
        SELECT t.typbasetype AS oid
        UNION ALL SELECT t.typelem WHERE t.typlen = -1
        UNION ALL
        SELECT a.atttypid FROM pg_attribute a WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0
        UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
    ) p
    WHERE p.oid <> 0
)
SELECT u.relname::text, u.attname::text,
       bool_or(t.typname = ANY (%(oid_types)s) AND t.typnamespace = 'pg_catalog'::regnamespace),
       bool_or(t.typtype = 'd'
               AND (t.typnotnull OR EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contypid = t.oid)))
FROM used u JOIN pg_type t ON t.oid = u.part
GROUP BY u.relname, u.attname
"""
"""The columns that are made of types of OIDs, and of domains with constraints: by themselves, or by their arrays,
composite types and ranges."""

_INDEXES = """
SELECT c.relname, i.relname, x.indisprimary, x.indpred IS NOT NULL,
       CASE WHEN x.indexprs IS NULL THEN
           (SELECT array_agg(a.attname::text ORDER BY k.ord)
            FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, ord)
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
            WHERE k.ord <= x.indnkeyatts)
       END,
       coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false), NOT x.indimmediate
FROM pg_class c
JOIN pg_index x ON x.indrelid = c.oid AND x.indisunique AND x.indisvalid
JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname COLLATE "C", i.relname COLLATE "C"
"""

_FOREIGN_KEYS = """
SELECT c.relname, f.conname, p.relname,
       (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, ord)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum),
       (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, ord)
        JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum),
       f.confdeltype::text, f.confupdtype::text,
       ARRAY(SELECT a.attname::text
             FROM jsonb_array_elements_text(nullif(to_jsonb(f) -> 'confdelsetcols', 'null')) AS k(attnum)
             JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum::int2
             ORDER BY a.attname COLLATE "C"),
       f.confmatchtype = 'f', f.condeferrable, f.convalidated,
       coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true),
       coalesce((to_jsonb(f) ->> 'conperiod')::boolean, false)
FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid
JOIN pg_class p ON p.oid = f.confrelid
WHERE f.contype = 'f' AND f.conparentid = 0 AND c.relnamespace = %(schema)s::regnamespace
      AND p.relnamespace = c.relnamespace AND NOT c.relispartition AND NOT p.relispartition
ORDER BY c.relname COLLATE "C", f.conname COLLATE "C"
"""

_TABLES = """
SELECT c.relname, row_security_active(c.oid),
       (SELECT array_agg(t.tgname::text ORDER BY t.tgname COLLATE "C") FROM pg_trigger t
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')),
       (SELECT array_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname COLLATE "C") FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype IN ('c', 'x')),
       c.relkind = 'p'
FROM pg_class c
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname COLLATE "C"
"""

_ENUMS = """
SELECT t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
WHERE t.typnamespace = %(schema)s::regnamespace
GROUP BY t.typname ORDER BY t.typname COLLATE "C"
"""

_NOT_COVERED = """
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END
       || ' ' || c.relname
FROM pg_class c
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('v', 'm', 'f')
UNION ALL
SELECT 'large objects of the database: ' || count(*) FROM pg_largeobject_metadata HAVING count(*) > 0
ORDER BY 1
"""

_ON_CHANGE: dict[str, OnChange] = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}
_GENERATED = {"": "", "s": "stored", "v": "virtual"}
_IDENTITY = {"": "", "a": "always", "d": "by default"}


def read_schema(connection: Connection, name: str) -> DatabaseSchema:
    """Give all tables of one schema with their keys, references and triggers.

    Raises:
        RefusedError: there is no such schema.
    """
    if connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name]).fetchone() is None:
        raise RefusedError(
            f"database {connection.info.dbname} has no schema {name!r}", hint="see `schema:` in the catalog"
        )
    identifier = quoted(connection, name)
    parameters = {"schema": identifier, "oid_types": sorted(OID_TYPES)}

    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query, parameters).fetchall()

    columns = _columns(rows(_COLUMNS), {(table, column) for table, column, of_oids, _ in rows(_PARTS) if of_oids})
    equalities = read_equalities(connection, identifier)
    primary: dict[str, tuple[tuple[str, ...], tuple[Equality, ...]]] = {}
    unique: dict[str, list[UniqueKey]] = defaultdict(list)
    for table, index, is_primary, partial, names, not_distinct, deferrable in rows(_INDEXES):
        if is_primary:
            primary[table] = tuple(names), equalities.keys.get((table, index), ())
        else:
            unique[table].append(
                UniqueKey(
                    name=index,
                    columns=tuple(names or ()),
                    partial=partial,
                    nulls_not_distinct=not_distinct,
                    deferrable=deferrable,
                    equalities=equalities.keys.get((table, index), ()),
                )
            )
    foreign: dict[str, list[ForeignKey]] = defaultdict(list)
    for table, *facts in rows(_FOREIGN_KEYS):
        key = _foreign_key(facts)
        by = equalities.foreign_keys.get((table, key.name), ())
        foreign[table].append(msgspec.structs.replace(key, equalities=by))
    tables = {
        table: Table(
            name=table,
            columns=tuple(columns[table]),
            primary_key=primary.get(table, ((), ()))[0],
            primary_equalities=primary.get(table, ((), ()))[1],
            unique_keys=tuple(unique[table]),
            foreign_keys=tuple(foreign[table]),
            user_triggers=tuple(triggers or ()),
            checks=tuple(checks or ()),
            row_security=row_security,
            partitioned=partitioned,
        )
        for table, row_security, triggers, checks, partitioned in rows(_TABLES)
    }
    return DatabaseSchema(
        name=name,
        tables=tables,
        enums={enum: tuple(labels) for enum, labels in rows(_ENUMS)},
        equalities=dict(equalities.types),
        not_covered=tuple(text for (text,) in rows(_NOT_COVERED)),
    )


def constrained_columns(connection: Connection, name: str) -> frozenset[tuple[str, str]]:
    """Give the columns of a schema, as table and column, whose types are or contain domains with constraints."""
    parameters = {"schema": quoted(connection, name), "oid_types": sorted(OID_TYPES)}
    rows = connection.execute(_PARTS, parameters)
    return frozenset((table, column) for table, column, _, constrained in rows if constrained)


def quoted(connection: Connection, name: str) -> str:
    """Give a name as a quoted identifier, for casts to regnamespace and the like."""
    row = connection.execute("SELECT quote_ident(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def _foreign_key(facts: list[Any]) -> ForeignKey:
    """What one row of the query says, the child's name left out."""
    name, parent, columns, parent_columns, on_delete, on_update, limited_to, *flags = facts
    match_full, deferrable, validated, enforced, period = flags
    return ForeignKey(
        name=name,
        columns=tuple(columns),
        parent=parent,
        parent_columns=tuple(parent_columns),
        on_delete=_ON_CHANGE[on_delete],
        on_update=_ON_CHANGE[on_update],
        set_columns=tuple(limited_to),
        match_full=match_full,
        deferrable=deferrable,
        validated=validated,
        enforced=enforced,
        period=period,
    )


def _columns(rows: list[tuple[Any, ...]], object_ids: Set[tuple[str, str]]) -> dict[str, list[Column]]:
    columns: dict[str, list[Column]] = defaultdict(list)
    for table, name, kind, nullable, has_default, generated, identity, base in rows:
        columns[table].append(
            Column(
                name=name,
                type=kind,
                nullable=nullable,
                has_default=has_default,
                sort="native" if base in NATIVE else "text",
                generated=_GENERATED[generated],  # type: ignore[arg-type]  # the closed set of pg_attribute
                identity=_IDENTITY[identity],  # type: ignore[arg-type]
                object_ids=(table, name) in object_ids,
            )
        )
    return columns
