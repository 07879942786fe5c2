"""Reads a schema's facts from the system catalogs, in a handful of queries whatever its size."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from typing import Any

from psycopg import sql

from toolkit.errors import RefusedError
from toolkit.model.schema import Column, DatabaseSchema, Equality, Table, UniqueKey
from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.equality import read_equalities
from toolkit.postgres.schema.exclusive_keys import DEFINITION
from toolkit.postgres.schema.foreign_keys import read_foreign_keys
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.schema.uncovered import NOT_COVERED
from toolkit.postgres.session.connection import Connection, full_names

NATIVE = frozenset("int2 int4 int8 float4 float8 numeric money date time timetz timestamp timestamptz interval".split())
"""Types that sort natively in the repository (numbers and times)."""

OID_TYPES = frozenset(
    "oid xid cid regproc regprocedure regoper regoperator regclass regtype regrole regnamespace regconfig"
    " regdictionary regcollation".split()
)
"""Types whose value is an OID, which means something else in another database."""

_SCHEMAS = """
SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY nspname COLLATE "C"
"""

# a table of another schema counts where foreign keys, those of partitions included, tie it to a covered one
_FOUND = sql.SQL("""
WITH RECURSIVE whole AS (
    SELECT c.oid, n.nspname, c.relname, n.nspname = ANY (%(covered)s) AS covered
    FROM {NAMED} c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
), key AS (
    SELECT coalesce(pg_partition_root(f.conrelid), f.conrelid) AS child,
           coalesce(pg_partition_root(f.confrelid), f.confrelid) AS parent
    FROM pg_constraint f WHERE f.contype = 'f'
), reached AS (
    SELECT w.oid FROM whole w WHERE w.covered
    UNION
    SELECT k.child FROM reached r JOIN key k ON k.parent = r.oid
)
SELECT w.nspname::text, w.relname::text, w.oid::bigint,
       w.oid IN (SELECT r.oid FROM reached r)
       OR w.oid IN (SELECT k.parent FROM key k JOIN whole c ON c.oid = k.child AND c.covered),
       EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = w.oid
               AND d.deptype = 'e')
FROM whole w
ORDER BY w.nspname COLLATE "C", w.relname COLLATE "C"
""").format(NAMED=NAMED)
"""Every table of the database with whether it is to be read, and whether it is an extension's."""

_TABLE = sql.SQL("unnest(%(oids)s::oid[], %(tables)s::text[]) AS c (oid, named)")
"""The tables to be read. Statements of few tables each are planned sooner than they are run; larger ones are not."""

_COLUMNS = sql.SQL("""
SELECT c.named, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, a.atthasdef,
       a.attgenerated::text, a.attidentity::text,
       CASE WHEN t.typtype <> 'd' THEN t.typname ELSE (
           WITH RECURSIVE base AS (
               SELECT t.typbasetype AS oid
               UNION ALL
               SELECT d.typbasetype FROM base JOIN pg_type d ON d.oid = base.oid AND d.typtype = 'd'
           )
           SELECT b.typname FROM base JOIN pg_type b ON b.oid = base.oid AND b.typtype <> 'd'
       ) END
FROM {TABLE}
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
ORDER BY c.named COLLATE "C", a.attname COLLATE "C"
""").format(TABLE=_TABLE)

_PARTS = sql.SQL("""
WITH RECURSIVE used AS (
    SELECT a.atttypid AS whole, a.atttypid AS part
    FROM pg_attribute a WHERE a.attrelid = ANY (%(oids)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT u.whole, p.oid
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
), made AS (
    SELECT u.whole,
           bool_or(t.typname = ANY (%(oid_types)s) AND t.typnamespace = 'pg_catalog'::regnamespace) AS of_oids,
           bool_or(t.typtype = 'd'
                   AND (t.typnotnull OR EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contypid = t.oid))) AS constrained
    FROM used u JOIN pg_type t ON t.oid = u.part
    GROUP BY u.whole
)
SELECT c.named, a.attname, m.of_oids, m.constrained
FROM {TABLE}
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN made m ON m.whole = a.atttypid AND (m.of_oids OR m.constrained)
""").format(TABLE=_TABLE)
"""The columns that are made of types of OIDs, and of domains with constraints: by themselves, or by their arrays,
composite types and ranges."""

_OIDS = sql.SQL("SELECT c.oid::bigint, c.named FROM {NAMED} c WHERE c.named = ANY (%(tables)s)").format(NAMED=NAMED)

_INDEXES = sql.SQL("""
SELECT c.named, i.relname, x.indisprimary, x.indpred IS NOT NULL,
       CASE WHEN x.indexprs IS NULL THEN
           (SELECT array_agg(a.attname::text ORDER BY k.ord)
            FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, ord)
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
            WHERE k.ord <= x.indnkeyatts)
       END,
       coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false), NOT x.indimmediate
FROM {TABLE}
JOIN pg_index x ON x.indrelid = c.oid AND x.indisunique AND x.indisvalid
JOIN pg_class i ON i.oid = x.indexrelid
ORDER BY c.named COLLATE "C", i.relname COLLATE "C"
""").format(TABLE=_TABLE)

USER_TRIGGER = sql.SQL("""NOT EXISTS (
    SELECT FROM pg_constraint internal WHERE internal.oid = t.tgconstraint AND internal.contype <> 't'
)""")
"""The condition that a person made trigger `t`. Before PostgreSQL 15, those that a partition has of its partitioned
table are called internal, too."""

# what a partition has beside its table's
_TABLES = sql.SQL("""
SELECT c.named, row_security_active(c.oid),
       (SELECT array_agg(DISTINCT t.tgname::text COLLATE "C") FROM pg_trigger t
        WHERE t.tgrelid = ANY (p.parts) AND {USER_TRIGGER} AND t.tgenabled IN ('O', 'A')),
       (SELECT array_agg({DEFINITION} ORDER BY k.conname COLLATE "C", k.conrelid) FROM pg_constraint k
        WHERE k.conrelid = ANY (p.parts)
              AND (k.contype IN ('c', 'x') OR (k.contype IN ('p', 'u') AND EXISTS (
                   SELECT FROM pg_index x WHERE x.indexrelid = k.conindid AND x.indisexclusion)))
              AND (k.conrelid = c.oid OR k.conparentid = 0 AND k.coninhcount = 0)),
       r.relkind = 'p'
FROM {TABLE}
JOIN pg_class r ON r.oid = c.oid
CROSS JOIN LATERAL (SELECT CASE WHEN r.relkind = 'p' THEN ARRAY(SELECT relid::oid FROM pg_partition_tree(c.oid))
                                ELSE ARRAY[c.oid] END) AS p (parts)
ORDER BY c.named COLLATE "C"
""").format(TABLE=_TABLE, USER_TRIGGER=USER_TRIGGER, DEFINITION=DEFINITION)

_ENUMS = """
SELECT n.nspname, t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = ANY (%(covered)s)
GROUP BY n.nspname, t.typname ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"
"""

_GENERATED = {"": "", "s": "stored", "v": "virtual"}
_IDENTITY = {"": "", "a": "always", "d": "by default"}


def read_schema(connection: Connection, covered: Sequence[str]) -> DatabaseSchema:
    """Give all tables of some schemas with their keys, references and triggers.

    Tables of other schemas are among them where foreign keys tie them to those: as parents, or as children whose rows
    a delete or an update would reach.

    Args:
        covered: the schemas; names without a schema are of the first, which has to be there.

    Raises:
        RefusedError: there is no first schema, or two tables would have one name.
    """
    with full_names(connection):
        return _read_schema(connection, covered)


def _read_schema(connection: Connection, covered: Sequence[str]) -> DatabaseSchema:
    names = [name for (name,) in connection.execute(_SCHEMAS).fetchall()]
    if covered[0] not in names:
        raise RefusedError(
            f"database {connection.info.dbname} has no schema {covered[0]!r}", hint="see `schema:` in the catalog"
        )
    others = [name for name in names if name not in covered]
    named = {"schemas": [*covered, *others], "covered": list(covered)}
    found = connection.execute(_FOUND, named).fetchall()
    tables_of = _own_tables(found)
    schemas = Schemas(covered=tuple(covered), others={name: tables_of.get(name, ()) for name in others})
    _refuse_ambiguous(schemas, [(schema, relation) for schema, relation, *_ in found])
    named_tables = {oid: schemas.name(schema, relation) for schema, relation, oid, tied, _ in found if tied}
    parameters = {
        **named,
        "oids": list(named_tables),
        "tables": list(named_tables.values()),
        "oid_types": sorted(OID_TYPES),
    }

    def rows(query: str | sql.Composed) -> list[tuple[Any, ...]]:
        return connection.execute(query, parameters).fetchall()

    columns = _columns(rows(_COLUMNS), {(table, column) for table, column, of_oids, _ in rows(_PARTS) if of_oids})
    equalities = read_equalities(connection, named_tables)
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
    foreign = read_foreign_keys(connection, parameters, equalities.foreign_keys)
    tables = {
        table: Table(
            name=table,
            columns=tuple(columns[table]),
            primary_key=primary.get(table, ((), ()))[0],
            primary_equalities=primary.get(table, ((), ()))[1],
            unique_keys=tuple(unique[table]),
            foreign_keys=tuple(foreign.get(table, ())),
            user_triggers=tuple(triggers or ()),
            checks=tuple(checks or ()),
            row_security=row_security,
            partitioned=partitioned,
        )
        for table, row_security, triggers, checks, partitioned in rows(_TABLES)
    }
    return DatabaseSchema(
        schemas=schemas,
        tables=tables,
        enums={schemas.name(schema, enum): tuple(labels) for schema, enum, labels in rows(_ENUMS)},
        equalities=dict(equalities.types),
        not_covered=tuple(text for (text,) in rows(NOT_COVERED)),
    )


def schemas_with_tables(connection: Connection) -> list[str]:
    """Give the schemas that hold tables of somebody's, not only an extension's; `public` comes first."""
    schemas = Schemas(covered=tuple(name for (name,) in connection.execute(_SCHEMAS).fetchall()))
    found = connection.execute(_FOUND, {"schemas": parameter(schemas), "covered": []}).fetchall()
    names = {schema for schema, _, _, _, of_extension in found if not of_extension}
    return sorted(names, key=lambda name: (name != "public", name))


def constrained_columns(connection: Connection, schema: DatabaseSchema) -> frozenset[tuple[str, str]]:
    """Give the columns of a schema, as table and column, whose types are or contain domains with constraints."""
    found = connection.execute(_OIDS, {"schemas": parameter(schema.schemas), "tables": list(schema.tables)}).fetchall()
    parameters = {
        "oids": [oid for oid, _ in found],
        "tables": [table for _, table in found],
        "oid_types": sorted(OID_TYPES),
    }
    rows = connection.execute(_PARTS, parameters)
    return frozenset((table, column) for table, column, _, constrained in rows if constrained)


def _refuse_ambiguous(schemas: Schemas, found: Iterable[tuple[str, str]]) -> None:
    """Raise RefusedError where a name with a dot in it would mean something of another schema."""
    for place in found:
        if schemas.place(schemas.name(*place)) != place:
            raise RefusedError(
                f"table {'.'.join(map(json.dumps, place))} cannot be told from a table of another schema by its name",
                hint="rename the table or the schema: of these one has a dot in its name",
            )


def _own_tables(found: Iterable[tuple[str, str, int, bool, bool]]) -> dict[str, tuple[str, ...]]:
    """The tables of each schema that are not an extension's."""
    tables: dict[str, list[str]] = defaultdict(list)
    for schema, relation, _, _, of_extension in found:
        if not of_extension:
            tables[schema].append(relation)
    return {schema: tuple(relations) for schema, relations in tables.items()}


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
