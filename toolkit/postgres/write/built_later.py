"""Indexes and foreign keys that are dropped before the rows of an empty table come, and built anew after them.

The server itself prints what makes each of them. Where something hangs on one that a statement could not bring back,
it stays in place, which is always right, only slower: keys that others point at by what stays, what partitions share,
replica identities, what an extension owns, what is not valid, columns of indexes with names of their own.

Foreign keys are made in the order in which they act, and where one stays in place, those before it stay whose order to
it matters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.firing_order import acting_keys, pairs_that_matter
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection, full_names

MEMORY = 128 << 10
"""Kilobytes that the building of one index may sort in, at least."""

_TABLES = sql.SQL("""
wanted AS (
    SELECT c.*, pg_catalog.format('%%I.%%I', n.nspname, c.relname) AS quoted
    FROM {NAMED} c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.named = ANY (%(tables)s) AND c.relkind = 'r' AND NOT c.relispartition
)
""").format(NAMED=NAMED)

_INDEXES = sql.SQL("""
SELECT t.named, coalesce(k.conname, x.relname)::text AS name, NULL::text AS parent, i.indisprimary AS is_primary,
    x.oid::bigint AS number,
    ARRAY(SELECT f.oid::bigint FROM pg_constraint f WHERE f.conindid = x.oid AND f.contype = 'f') AS needs,
    CASE WHEN k.oid IS NULL THEN format('DROP INDEX %%s', i.quoted)
         ELSE format('ALTER TABLE ONLY %%s DROP CONSTRAINT %%I', t.quoted, k.conname) END AS drops,
    array_remove(ARRAY[
        format('SET LOCAL default_tablespace = %%L', coalesce(s.spcname::text, '')),
        CASE WHEN k.oid IS NULL THEN pg_get_indexdef(x.oid) ELSE format(
            'ALTER TABLE ONLY %%s ADD CONSTRAINT %%I %%s', t.quoted, k.conname, pg_get_constraintdef(k.oid)) END,
        CASE WHEN k.oid IS NOT NULL AND x.reloptions IS NOT NULL THEN format('ALTER INDEX %%s SET (%%s)', i.quoted, (
            SELECT string_agg(format('%%I = %%L', o.option_name, o.option_value), ', ')
            FROM pg_options_to_table(x.reloptions) o)) END,
        CASE WHEN i.indisclustered THEN format('ALTER TABLE %%s CLUSTER ON %%I', t.quoted, x.relname) END,
        format('COMMENT ON INDEX %%s IS %%L', i.quoted, obj_description(x.oid, 'pg_class')),
        CASE WHEN k.oid IS NOT NULL THEN format('COMMENT ON CONSTRAINT %%I ON %%s IS %%L', k.conname, t.quoted,
            obj_description(k.oid, 'pg_constraint')) END
    ] || ARRAY(
        SELECT format('ALTER INDEX %%s ALTER COLUMN %%s SET STATISTICS %%s', i.quoted, a.attnum, a.attstattarget)
        FROM pg_attribute a WHERE a.attrelid = x.oid AND a.attstattarget >= 0 ORDER BY a.attnum
    ), NULL) AS builds
FROM wanted t
JOIN LATERAL (
    SELECT j.*, format('%%I.%%I', n.nspname, y.relname) AS quoted
    FROM pg_index j JOIN pg_class y ON y.oid = j.indexrelid JOIN pg_namespace n ON n.oid = y.relnamespace
    WHERE j.indrelid = t.oid
) i ON true
JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace
LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.conrelid = t.oid
    AND k.contype = ANY (ARRAY['p', 'u', 'x']::"char"[])
WHERE NOT i.indisreplident AND i.indisvalid AND i.indisready AND i.indislive
AND (s.oid IS NULL OR has_tablespace_privilege(s.oid, 'CREATE'))
AND NOT EXISTS (
    SELECT FROM pg_depend d
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid AND NOT (
        d.classid = 'pg_constraint'::regclass
        AND EXISTS (SELECT FROM pg_constraint f WHERE f.oid = d.objid AND f.conindid = x.oid AND f.contype = 'f'))
    OR d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.oid AND d.objid <> x.oid
    AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (
        SELECT FROM pg_trigger g WHERE g.oid = d.objid AND g.tgisinternal AND g.tgenabled = 'O')))
AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.deptype = ANY (ARRAY['e', 'x']::"char"[])
    AND (d.classid = 'pg_class'::regclass AND d.objid = x.oid
         OR d.classid = 'pg_constraint'::regclass AND d.objid = k.oid))
AND NOT EXISTS (
    SELECT FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS u(number, place)
    JOIN pg_attribute a ON a.attrelid = x.oid AND a.attnum = u.place
    JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = u.number
    WHERE u.number > 0 AND a.attname <> c.attname)
""")

_KEYS = sql.SQL("""
SELECT t.named, k.conname::text, p.named, false, k.oid::bigint, ARRAY[]::bigint[],
    format('ALTER TABLE ONLY %%s DROP CONSTRAINT %%I', t.quoted, k.conname),
    array_remove(ARRAY[
        format('ALTER TABLE ONLY %%s ADD CONSTRAINT %%I %%s', t.quoted, k.conname, pg_get_constraintdef(k.oid)),
        format('COMMENT ON CONSTRAINT %%I ON %%s IS %%L', k.conname, t.quoted, obj_description(k.oid, 'pg_constraint'))
    ], NULL)
FROM wanted t
JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
JOIN {NAMED} p ON p.oid = k.confrelid
WHERE k.conparentid = 0 AND k.convalidated AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
AND p.relkind = 'r' AND NOT p.relispartition AND has_schema_privilege(p.relnamespace, 'USAGE')
AND (has_table_privilege(p.oid, 'REFERENCES') OR (
    SELECT bool_and(has_column_privilege(p.oid, u.number, 'REFERENCES')) FROM unnest(k.confkey) AS u(number)))
AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O')
AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.deptype = ANY (ARRAY['e', 'x']::"char"[])
    AND d.classid = 'pg_constraint'::regclass AND d.objid = k.oid)
""").format(NAMED=NAMED)

_LACKING = sql.SQL("""
WITH {TABLES}
SELECT t.named, pg_has_role(t.relowner, 'USAGE'), t.relnamespace::regnamespace::text
FROM wanted t
WHERE NOT pg_has_role(t.relowner, 'USAGE') OR NOT has_schema_privilege(t.relnamespace, 'CREATE')
ORDER BY t.named COLLATE "C"
""").format(TABLES=_TABLES)

# a subscriber would empty its own table, which may hold rows; a key that leads here lets no table be emptied alone
_EMPTIED = sql.SQL("""
WITH {TABLES}
SELECT t.oid::bigint, t.quoted,
    has_table_privilege(t.oid, 'TRUNCATE') AND NOT EXISTS (SELECT FROM pg_publication WHERE pubtruncate)
    AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = t.oid AND (g.tgtype & 32) <> 0),
    ARRAY(SELECT k.conrelid::bigint FROM pg_constraint k WHERE k.confrelid = t.oid AND k.contype = 'f')
FROM wanted t
""").format(TABLES=_TABLES)

_LISTENING = """
SELECT evtname::text FROM pg_event_trigger
WHERE evtenabled::text = ANY (%s) AND evtevent <> 'login' ORDER BY evtname
"""


_BEFORE_BUILDING = """
SELECT q.path, set_config('search_path', concat_ws(', ', 'pg_catalog', CASE WHEN q.path <> '' THEN q.path END), true),
       set_config('maintenance_work_mem', greatest(q.memory, %s)::text, true)
FROM (SELECT current_setting('search_path') AS path, setting::bigint AS memory
      FROM pg_settings WHERE name = 'maintenance_work_mem' OFFSET 0) q
"""


class Part(Struct, frozen=True):
    """An index, a constraint that has one, or a foreign key.

    Attributes:
        parent: the table that a foreign key leads to; None for an index.
        primary: whether it is a primary key.
        number: the server's. Indexes are made in that order again: of several that serve a foreign key it takes the
            first.
        needs: the numbers of the foreign keys that have to be built after it: those that lead to an index, and those
            that act after a foreign key, where that matters.
        drops: the statement that drops it.
        builds: the statements that make it again, as it was.
    """

    table: str
    name: str
    parent: str | None
    primary: bool
    number: int
    needs: Collection[int]
    drops: str
    builds: Sequence[str]


def parts_of(connection: Connection, schemas: Schemas, tables: Collection[str], *, keys: bool) -> list[Part]:
    """Give what of these tables may be built after their rows, in the order in which it is built.

    Args:
        keys: give foreign keys too.
    """
    parts = sql.SQL("{} UNION ALL {}").format(_INDEXES, _KEYS) if keys else _INDEXES
    query = sql.SQL('WITH {} SELECT * FROM ({}) q ORDER BY parent IS NOT NULL, named COLLATE "C", number')
    parameters = {"schemas": parameter(schemas), "tables": sorted(tables)}
    with full_names(connection):
        found = [Part(*row) for row in connection.execute(query.format(_TABLES, parts), parameters)]
    return _acting_as_before(connection, found) if keys else found


def _acting_as_before(connection: Connection, parts: Sequence[Part]) -> list[Part]:
    """Give the parts with the foreign keys last, as they act, each with those that have to come after it."""
    keys = acting_keys(connection)
    places = {key.number: place for place, key in enumerate(keys)}
    later = defaultdict[int, set[int]](set)
    for first, second in pairs_that_matter(keys, {key.to for key in keys}):
        later[first.number].add(second.number)
    mine = sorted((part for part in parts if part.parent), key=lambda part: places[part.number])
    return [*(part for part in parts if not part.parent), *(replace(part, needs=later[part.number]) for part in mine)]


def free(parts: Sequence[Part]) -> Sequence[Part]:
    """Give those of the parts that can be built later where nothing else is."""
    while True:
        keys = {part.number for part in parts if part.parent}
        left = [part for part in parts if keys.issuperset(part.needs)]
        if len(left) == len(parts):
            return left
        parts = left


def lacking(connection: Connection, schemas: Schemas, tables: Collection[str]) -> list[str]:
    """Say what this role lacks to build anew what belongs to these tables."""
    rows = connection.execute(_LACKING, {"schemas": parameter(schemas), "tables": sorted(tables)}).fetchall()
    said = (
        f"no CREATE on schema {schema}" if owned else f"indexes of table {schemas.full(table)} are its owner's to build"
        for table, owned, schema in rows
    )
    return list(dict.fromkeys(said))


def listening(connection: Connection, *, bypass: bool) -> list[str]:
    """Give the event triggers that would hear of it.

    Args:
        bypass: it is done under the replica role.
    """
    states = ["R", "A"] if bypass else ["O", "A"]
    return [name for (name,) in connection.execute(_LISTENING, [states])]


def drop(connection: Connection, parts: Sequence[Part]) -> None:
    """Drop them; foreign keys first."""
    for part in reversed(parts):
        connection.execute(part.drops.encode())


def empty_anew(connection: Connection, schemas: Schemas, tables: Collection[str]) -> None:
    """Give empty tables that the session has for itself new files, where nobody would hear of it.

    To such a file the server only appends, so that rows lie in the order in which they come.
    """
    found = connection.execute(_EMPTIED, {"schemas": parameter(schemas), "tables": sorted(tables)}).fetchall()
    left = {table: (quoted, set(pointing)) for table, quoted, may, pointing in found if may}
    while others := [table for table, (_, pointing) in left.items() if pointing - left.keys()]:
        for table in others:
            del left[table]
    if left:
        names = ", ".join(f"ONLY {quoted}" for quoted, _ in left.values())
        connection.execute(f"TRUNCATE {names}".encode())


def build(connection: Connection, parts: Sequence[Part]) -> None:
    """Make them again; what they call finds names where the sessions of the database do, after those of the server."""
    row = connection.execute(_BEFORE_BUILDING, [MEMORY]).fetchone()
    assert row is not None
    for part in parts:
        for statement in part.builds:
            connection.execute(statement.encode())
    connection.execute("SELECT set_config('search_path', %s, true)", row[:1])
