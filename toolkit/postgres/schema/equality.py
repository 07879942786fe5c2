"""By which operators the server finds values equal: those of keys, of foreign keys, and of types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from msgspec import Struct
from psycopg import sql

from toolkit.model.schema import PLAIN, Equality
from toolkit.model.schemas import Schemas
from toolkit.postgres.schema.naming import NAMED, parameter
from toolkit.postgres.session.connection import Connection

# To plan one large statement takes longer than to run these small ones. This one finds, per column of a key, the
# operator, the types that it compares and the collations. A unique index compares by its operator class, or, under
# WITHOUT OVERLAPS, by the constraint behind it, whose last column is a range
_COMPARED = """
SELECT 'key', x.indrelid::bigint, (SELECT i.relname::text FROM pg_class i WHERE i.oid = x.indexrelid), k.ord,
       coalesce((SELECT m.amopopr FROM pg_opclass o JOIN pg_amop m ON m.amopfamily = o.opcfamily
                 AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype AND m.amopstrategy = 3
                 WHERE o.oid = k.class AND o.opcmethod = (SELECT a.oid FROM pg_am a WHERE a.amname = 'btree')),
                (SELECT f.conexclop[k.ord] FROM pg_constraint f
                 WHERE f.conindid = x.indexrelid AND f.conrelid = x.indrelid AND k.ord < x.indnkeyatts),
                'pg_catalog.=(pg_catalog.anyrange,pg_catalog.anyrange)'::regoperator)::oid::bigint,
       a.atttypid::bigint, a.atttypid::bigint, a.attcollation::bigint, (x.indcollation::oid[])[k.ord - 1]::bigint
FROM pg_index x
CROSS JOIN LATERAL unnest(x.indkey::int2[], x.indclass::oid[]) WITH ORDINALITY AS k(attnum, class, ord)
JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
WHERE x.indrelid = ANY (%(tables)s::oid[]) AND x.indisunique AND x.indisvalid AND x.indexprs IS NULL
      AND k.ord <= x.indnkeyatts
UNION ALL
SELECT 'foreign key', f.conrelid::bigint, f.conname::text, k.ord, k.operator::bigint, q.atttypid::bigint,
       a.atttypid::bigint, a.attcollation::bigint, q.attcollation::bigint
FROM pg_constraint f
CROSS JOIN LATERAL unnest(f.conkey, f.confkey, f.conpfeqop) WITH ORDINALITY AS k(attnum, theirs, operator, ord)
JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum
JOIN pg_attribute q ON q.attrelid = f.confrelid AND q.attnum = k.theirs
WHERE f.conrelid = ANY (%(tables)s::oid[]) AND f.contype = 'f'
UNION ALL
SELECT DISTINCT 'type', 0, format_type(a.atttypid, NULL), 1, 0, a.atttypid::bigint, a.atttypid::bigint, 0, 0
FROM pg_attribute a
WHERE a.attrelid = ANY (%(tables)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, 3, 4
"""

# what each of these ways to compare is called where it is not plain: where the operator is not the server's own, or
# not the one that it would choose for these types (for character(n) and text it is not that of the key), or the
# collation is not the columns' own or takes other texts for equal. A domain is what it is made of; varchar and cidr
# have no operators of their own; and the operator 0 stands for that of the type's default operator class
_DESCRIBED = """
WITH RECURSIVE kind (oid, made_of) AS (
    SELECT t.oid, coalesce(w.text_or_inet::oid, CASE WHEN t.typtype = 'd' THEN t.typbasetype END)
    FROM pg_type t
    LEFT JOIN (VALUES ('varchar'::regtype, 'text'::regtype), ('cidr', 'inet')) AS w (own, text_or_inet) ON w.own = t.oid
), base (asked, oid, made_of) AS (
    SELECT k.oid, k.oid, k.made_of FROM kind k
    WHERE k.oid = ANY (%(left)s::oid[]) OR k.oid = ANY (%(right)s::oid[])
    UNION ALL
    SELECT b.asked, k.oid, k.made_of
    FROM base b JOIN kind k ON k.oid = b.made_of
), way AS (
    SELECT w.number, w.own_collation, w.key_collation, l.oid AS left_type, r.oid AS right_type,
           CASE WHEN w.operator <> 0 THEN w.operator ELSE
               (SELECT m.amopopr FROM pg_opclass o JOIN pg_amop m ON m.amopfamily = o.opcfamily
                AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype AND m.amopstrategy = 3
                WHERE o.opcintype = l.oid AND o.opcdefault
                      AND o.opcmethod = (SELECT a.oid FROM pg_am a WHERE a.amname = 'btree'))
           END AS operator
    FROM ROWS FROM (
        unnest(%(operators)s::oid[]), unnest(%(left)s::oid[]), unnest(%(right)s::oid[]),
        unnest(%(own_collations)s::oid[]), unnest(%(collations)s::oid[])
    ) WITH ORDINALITY AS w(operator, left_type, right_type, own_collation, key_collation, number)
    JOIN base l ON l.asked = w.left_type AND l.made_of IS NULL
    JOIN base r ON r.asked = w.right_type AND r.made_of IS NULL
)
SELECT w.number,
       CASE WHEN o.oprname = '=' AND o.oprnamespace = 'pg_catalog'::regnamespace AND special.name IS NULL
                 AND (l.typtype = 'p' OR l.oid = w.left_type AND r.oid = w.right_type)
            THEN NULL
            ELSE ARRAY[
                format('%%s.%%s', o.oprnamespace::regnamespace, o.oprname),
                CASE WHEN l.typtype <> 'p' THEN format('%%s.%%I', l.typnamespace::regnamespace, l.typname) ELSE '' END,
                CASE WHEN r.typtype <> 'p' THEN format('%%s.%%I', r.typnamespace::regnamespace, r.typname) ELSE '' END,
                coalesce(special.name, '')]
       END
FROM way w
JOIN pg_operator o ON o.oid = w.operator
JOIN pg_type l ON l.oid = o.oprleft
JOIN pg_type r ON r.oid = o.oprright
LEFT JOIN LATERAL (SELECT format('%%s.%%I', c.collnamespace::regnamespace, c.collname) AS name FROM pg_collation c
                   WHERE c.oid = w.key_collation AND (w.key_collation <> w.own_collation OR NOT c.collisdeterministic)
                  ) special ON true
"""

_LOOSE = sql.SQL("""
SELECT c.named, a.attname
FROM {NAMED} c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_collation l ON l.oid = a.attcollation AND NOT l.collisdeterministic
WHERE c.relkind IN ('r', 'p')
""").format(NAMED=NAMED)


_Way = tuple[int, ...]
"""The operator, the left and the right type, the column's own collation and that of the key, by their object ids."""


class Equalities(Struct, frozen=True, kw_only=True):
    """What is not compared the plain way.

    Attributes:
        keys: by table and unique index, column by column.
        foreign_keys: by table and constraint, column by column.
        types: by the name of the type.
    """

    keys: Mapping[tuple[str, str], tuple[Equality, ...]]
    foreign_keys: Mapping[tuple[str, str], tuple[Equality, ...]]
    types: Mapping[str, Equality]


def read_equalities(connection: Connection, tables: Mapping[int, str]) -> Equalities:
    """Give the operators of every key, foreign key and type of some tables.

    Args:
        tables: their object ids, each with the text that names the table.
    """
    found: dict[str, dict[tuple[str, str], list[_Way]]] = defaultdict(lambda: defaultdict(list))
    for kind, table, name, _, *way in connection.execute(_COMPARED, {"tables": list(tables)}):
        found[kind][tables.get(table, ""), name].append(tuple(way))
    described = _described(connection, {way for each in found.values() for ways in each.values() for way in ways})

    def special(kind: str) -> dict[tuple[str, str], tuple[Equality, ...]]:
        known = {place: [described.get(way, PLAIN) for way in ways] for place, ways in found[kind].items()}
        return {place: tuple(each) for place, each in known.items() if any(one != PLAIN for one in each)}

    return Equalities(
        keys=special("key"),
        foreign_keys=special("foreign key"),
        types={name: found for (_, name), (found,) in special("type").items()},
    )


def loosely_collated(connection: Connection, schemas: Schemas) -> frozenset[tuple[str, str]]:
    """Give the columns, as table and column, whose collation takes different texts for equal."""
    rows = connection.execute(_LOOSE, {"schemas": parameter(schemas)}).fetchall()
    return frozenset((str(table), str(column)) for table, column in rows)


def _described(connection: Connection, ways: Collection[_Way]) -> dict[_Way, Equality]:
    """Those of these ways to compare that are not plain."""
    if not ways:
        return {}
    listed = list(ways)
    names = ("operators", "left", "right", "own_collations", "collations")
    columns = dict(zip(names, map(list, zip(*listed, strict=True)), strict=True))
    rows = connection.execute(_DESCRIBED, columns).fetchall()
    return {listed[number - 1]: _equality(*parts) for number, parts in rows if parts}


def _equality(operator: str, left: str, right: str, collation: str) -> Equality:
    return Equality(operator=operator, left=left, right=right, collation=collation)
